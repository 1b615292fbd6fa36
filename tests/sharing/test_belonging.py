"""What is kept of a reader's audiences between requests: never more than is true by then."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, text

from kernel.db import Database
from kernel.settings import Settings
from sharing.queries import belonging
from sharing.queries.belonging import Newest, find_known
from sharing.services import seating
from sharing.tables import audience, audience_member
from sharing.visibility import Known
from tests.sharing.taxii.world import SHARES_WITH_XBB, TLP_RED, World, make_world

ONE = "objects/?limit=1"


@pytest.fixture
def world(database: Database, settings: Settings) -> World:
    return make_world(database, settings)


def shown(world: World, who: str) -> list[str]:
    """The ids that this caller is served, a page of one after the other, read in order."""
    found, address = [], ONE
    while True:
        answer = world.get(who, world.address(rest=address))
        assert answer.status_code == 200, answer.text
        page = answer.get_json()
        found += [each["id"] for each in page.get("objects", [])]
        if not page.get("more"):
            return found
        address = f"{ONE}&next={page['next']}"


def newest_of(connection: Connection) -> Newest:
    row = connection.execute(
        select(audience.c.id, audience.c.digest).order_by(audience.c.id.desc()).limit(1)
    ).one()
    return row.id, bytes(row.digest)


def known_of(world: World, code: str, kind: str = "machine") -> Known | None:
    with world.database.read() as connection:
        return find_known(connection, world.seated(code, kind), newest_of(connection))


def make_audience(connection: Connection, forum_id: int, *elements: int, like: bytes) -> int:
    made: int = connection.execute(
        insert(audience).values(forum_id=forum_id, digest=like, mask=like).returning(audience.c.id)
    ).scalar_one()
    rows = [{"audience_id": made, "element": each, "forum_id": forum_id} for each in elements]
    connection.execute(insert(audience_member), rows)
    return made


def test_what_is_known_follows_every_change_at_the_next_request(world: World) -> None:
    first, second = world.indicators(2)
    red = world.indicator(object_marking_refs=[TLP_RED])
    world.contribute(first)
    world.contribute(second)
    both = [first["id"], second["id"]]
    assert shown(world, "xbb") == shown(world, "xbb-person") == both
    assert shown(world, "xcc") == []
    # Another audience, of persons alone.
    world.contribute(red)
    assert shown(world, "xbb") == both
    assert shown(world, "xbb-person") == [*both, red["id"]]
    world.set_policy({"rules": []})
    assert shown(world, "xbb") == shown(world, "xbb-person") == []
    # Those that are known already come back.
    world.set_policy(SHARES_WITH_XBB)
    assert set(shown(world, "xbb")) == set(both)
    assert set(shown(world, "xbb-person")) == {*both, red["id"]}
    assert shown(world, "xcc") == []


def test_whoever_is_suspended_or_leaves_is_shown_nothing_at_the_next_request(world: World) -> None:
    one, two = world.indicators(2)
    world.contribute(one)
    world.contribute(two)
    assert len(shown(world, "xbb")) == 2

    def become(status: str) -> None:
        world.clock.now_us += 1_000_000
        seating.change_seat(
            world.database, "operator", "harbour", "XBB", status, now_us=world.clock()
        )

    become("suspended")
    assert world.get("xbb", world.address()).status_code == 404
    become("active")
    assert len(shown(world, "xbb")) == 2
    become("ended")
    assert world.get("xbb", world.address()).status_code == 404


def test_whoever_joins_is_shown_what_is_for_all_at_the_next_request(world: World) -> None:
    world.set_policy({"rules": [{"id": "all", "effect": "share", "audience": {"any": ["forum"]}}]})
    one, two = world.indicators(2)
    world.contribute(one)
    world.contribute(two)
    assert len(shown(world, "xbb")) == 2
    assert world.get("xdd", world.address()).status_code == 404
    world.clock.now_us += 1_000_000
    seating.seat_member(
        world.database, "operator", "harbour", "XDD", "member", now_us=world.clock()
    )
    assert len(shown(world, "xdd")) == 2
    assert len(shown(world, "xbb")) == 2


def test_each_kind_of_credential_and_each_reader_has_its_own(world: World) -> None:
    with world.database.write() as connection:
        machine, person = world.seated("XBB"), world.seated("XBB", "individual")
        forum = world.forum_id
        for number, elements in enumerate(
            ([machine.element], [person.element], [machine.element, person.element])
        ):
            make_audience(connection, forum, *elements, like=bytes([number]))
        # Of another forum: whoever has this number there is somebody else.
        make_audience(connection, forum + 1, machine.element, like=b"x")
    kinds = {kind: known_of(world, "XBB", kind) for kind in ("machine", "individual")}
    assert [known.members[-3:] for known in kinds.values() if known] == [b"\1\0\1", b"\0\1\1"]
    other = known_of(world, "XCC")
    assert other is not None
    assert other.members[-3:] == bytes(3)


def test_it_is_kept_until_an_audience_is_made_and_then_grows(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with world.database.write() as connection:
        element = world.seated("XBB").element
        first = make_audience(connection, world.forum_id, element, like=b"1")
    before = known_of(world, "XBB")
    assert before is not None
    asked: list[int] = []
    whole = belonging._list_from

    def counted(*given: Any) -> Any:
        asked.append(given[2])
        return whole(*given)

    monkeypatch.setattr(belonging, "_list_from", counted)
    assert known_of(world, "XBB") is before
    assert asked == []
    with world.database.write() as connection:
        make_audience(connection, world.forum_id, element + 1, like=b"2")
        last = make_audience(connection, world.forum_id, element, like=b"3")
    after = known_of(world, "XBB")
    assert after is not None
    assert asked == [first]
    assert (after.first, after.last) == (before.first, last)
    assert after.members == before.members + b"\0\1"


def test_in_another_database_nothing_is_believed(world: World) -> None:
    """As if an older state had been put back under a process that runs."""
    with world.database.write() as connection:
        element = world.seated("XBB").element
        for number in range(3):
            last = make_audience(connection, world.forum_id, element, like=bytes([number]))
    before = known_of(world, "XBB")
    assert before is not None
    assert before.members[-3:] == b"\1\1\1"
    with world.database.write() as connection:
        made = {"first": last - 1, "last": last}
        connection.execute(
            text("DELETE FROM audience_member WHERE audience_id IN (:first, :last)"), made
        )
        connection.execute(
            text("UPDATE audience SET digest = :it WHERE id = :last"), made | {"it": b"other"}
        )
    after = known_of(world, "XBB")
    assert after is not None
    assert after.members[-3:] == b"\1\0\0"


def test_it_is_bounded_by_ids_and_by_readers(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with world.database.write() as connection:
        element = world.seated("XBB").element
        for number in range(6):
            make_audience(connection, world.forum_id, element, like=bytes([number]))
    monkeypatch.setattr(belonging, "MOST_AUDIENCES", 4)
    monkeypatch.setattr(belonging, "MOST_READERS", 1)
    first = known_of(world, "XBB")
    assert first is not None
    assert len(first.members) == 4
    # Full, and asked for again when there is another.
    with world.database.write() as connection:
        make_audience(connection, world.forum_id, element, like=b"another")
    again = known_of(world, "XBB")
    assert again == first
    known_of(world, "XCC")
    assert known_of(world, "XBB") is not again
