"""What was served to whom, and what stands in whose views now: each sees its own alone."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from kernel.errors import Unavailable
from sharing.api import received as door
from sharing.tables import delivery
from tests.sharing.api.asking import (
    FORUM,
    GREEN,
    RED,
    SHARE_ALL,
    exported,
    items,
    read,
    status_of,
    walk,
)
from tests.sharing.taxii.world import World

RECEIVED = f"{FORUM}/received"
STANDING = f"{FORUM}/received/objects"


def list_deliveries(world: World) -> list[Any]:
    with world.database.read_deliveries() as connection:
        return list(connection.execute(select(delivery).order_by(delivery.c.id)).mappings())


def test_a_member_reads_what_it_was_served_and_a_feed_nothing_of_its_persons(
    world: World,
) -> None:
    world.contribute(world.indicator(object_marking_refs=[GREEN]))
    world.get("xbb", world.address())
    world.clock.now_us += 1_000_000
    world.get("xbb-person", world.address())
    feed = items(world, "xbb", RECEIVED)
    person = items(world, "xbb-person", RECEIVED)
    ids = [world.secrets[name][0] for name in ("xbb", "xbb-person")]
    assert [row["credential"] for row in feed] == ids[:1]
    assert [row["credential"] for row in person] == ids
    assert (feed[0]["count"], feed[0]["through"]) == (1, "objects")
    assert set(feed[0]) == {
        *("at", "credential", "collection", "through", "count"),
        *("date_added_first", "date_added_last"),
    }
    assert items(world, "xcc", RECEIVED) == []
    partner = world.get("mirror", world.address())
    assert len(partner.get_json()["objects"]) == 1
    assert len(items(world, "mirror", RECEIVED)) == 1


def test_answers_of_one_instant_are_paged_without_loss_or_double(world: World) -> None:
    world.contribute(*world.indicators(7))
    for limit in (1, 2, 3, 4, 5, 1, 1):
        world.get("xbb", world.address(rest=f"objects/?limit={limit}"))
    world.clock.now_us += 1
    world.get("xbb-person", world.address(rest="objects/?limit=6"))
    for size in (1, 2, 3, 7, 8):
        counts = [row["count"] for row in walk(world, "xbb-person", RECEIVED, limit=size)]
        assert counts == [1, 2, 3, 4, 5, 1, 1, 6]


def test_a_cursor_says_nothing_of_what_others_received(small_world: World) -> None:
    small_world.contribute(*small_world.indicators(2))
    for _ in range(2):
        small_world.get("xbb", small_world.address())
    before = read(small_world, "xbb", RECEIVED, limit=1)
    small_world.get("xaa", small_world.address())
    assert read(small_world, "xbb", RECEIVED, limit=1) == before


def test_a_member_filters_and_exports_what_it_received(world: World) -> None:
    world.contribute(world.indicator())
    world.contribute(world.indicator(), to="second")
    for name, who in (("reports", "xbb"), ("second", "xbb"), ("reports", "xbb-person")):
        world.clock.now_us += 1_000_000
        world.get(who, world.address(name))
    rows = items(world, "xbb-person", RECEIVED)
    instants = [row["at"] for row in rows]

    def chosen(**query: Any) -> list[str]:
        return [row["at"] for row in items(world, "xbb-person", RECEIVED, **query)]

    assert chosen(collection="reports") == [instants[0], instants[2]]
    assert chosen(collection=world.collections["second"]) == instants[1:2]
    assert chosen(credential=world.secrets["xbb-person"][0]) == instants[2:]
    assert chosen(since=instants[1]) == instants[1:]
    assert chosen(until=instants[1]) == instants[:1]
    assert chosen(since=instants[1].replace("Z", "+00:00")) == instants[1:]
    assert chosen(through="objects") == instants
    assert chosen(through="manifest") == []
    assert chosen(collection="sealed") == chosen(credential="x") == []
    lines = exported(world.get("xbb-person", f"{RECEIVED}?format=csv"))
    assert [line["at"] for line in lines] == instants
    assert status_of(world, "xbb", "GET", f"{RECEIVED}?since=yesterday") == 422


def test_a_member_lists_what_stands_in_its_views_of_all_collections_in_one_order(
    world: World,
) -> None:
    sent = world.indicators(6)
    for number, value in enumerate(sent):
        world.contribute(value, to="second" if number % 2 else "reports")
    found = walk(world, "xbb", STANDING, limit=2)
    assert [row["id"] for row in found] == [value["id"] for value in sent]
    assert [row["date_added"] for row in found] == sorted(row["date_added"] for row in found)
    assert found[1] == {
        "collection": world.collections["second"],
        "id": sent[1]["id"],
        "type": "indicator",
        "version": "2026-01-01T00:00:00.000Z",
        "tlp": "amber+strict",
        "date_added": found[1]["date_added"],
    }
    lines = exported(world.get("xbb", f"{STANDING}?format=csv"))
    assert [line["id"] for line in lines] == [row["id"] for row in found]


def test_a_member_filters_what_stands_in_its_views(world: World) -> None:
    value = world.indicator()
    newer = value | {"modified": "2026-02-01T00:00:00.000Z"}
    malware = {
        **{key: value[key] for key in ("spec_version", "created", "modified")},
        "type": "malware",
        "id": value["id"].replace("indicator", "malware"),
        "is_family": False,
    }
    world.contribute(value, newer)
    world.contribute(malware | {"object_marking_refs": [GREEN]}, to="second")

    def versions(**query: Any) -> list[tuple[str, str]]:
        return [(r["type"], r["version"]) for r in items(world, "xbb", STANDING, **query)]

    latest = [("indicator", newer["modified"]), ("malware", malware["modified"])]
    assert versions() == latest
    assert len(versions(versions="all")) == 3
    assert versions(type="malware") == versions(tlp="green") == latest[1:]
    assert versions(tlp="amber+strict") == versions(tlp="amber+strict", type="indicator")
    assert versions(tlp="amber+strict") == latest[:1]
    assert versions(tlp="clear") == []
    assert versions(collection=world.collections["second"]) == latest[1:]
    assert versions(id=value["id"]) == latest[:1]
    (stamp,) = [r["date_added"] for r in items(world, "xbb", STANDING, type="indicator")]
    assert versions(added_after=stamp) == latest[1:]
    assert versions(id="x", type="y") == versions(collection="nowhere") == []


def test_a_listing_with_rows_is_recorded_before_it_is_answered_and_an_empty_one_is_not(
    world: World,
) -> None:
    world.contribute(world.indicator())
    world.contribute(world.indicator(), to="second")
    assert items(world, "xcc", STANDING) == []
    assert items(world, "xbb", STANDING, type="malware") == []
    world.open("xbb", "HEAD", STANDING)
    assert list_deliveries(world) == []
    rows = items(world, "xbb", STANDING, limit=1)
    assert len(rows) == 1
    (entry,) = list_deliveries(world)
    assert (entry["door"], entry["count"], entry["first_us"]) == ("api", 1, entry["last_us"])
    items(world, "xbb", STANDING)
    assert len(list_deliveries(world)) == 3
    assert [row["through"] for row in items(world, "xbb", RECEIVED)] == ["api"] * 3


def test_a_listing_that_cannot_be_recorded_is_not_served(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_world.contribute(small_world.indicator())

    def refuse(*_given: object, **_named: object) -> None:
        raise Unavailable("sharing.delivery-not-recorded", "not now")

    monkeypatch.setattr(door, "record_deliveries", refuse)
    answer = small_world.get("xbb", STANDING)
    assert answer.status_code == 503
    assert b"indicator" not in answer.data


def test_a_hidden_object_is_not_among_what_stands_however_it_is_asked_for(world: World) -> None:
    hidden = world.indicator(object_marking_refs=[RED])
    world.contribute(hidden)
    unknown = world.indicator()["id"]
    for who in ("xbb", "xcc", "mirror"):
        asked = [world.get(who, f"{STANDING}?id={name}") for name in (hidden["id"], unknown)]
        assert asked[0].data == asked[1].data == b'{"items":[]}'
    assert list_deliveries(world) == []


def test_a_feed_lists_nothing_that_only_a_person_may_have(world: World) -> None:
    world.set_policy(
        {"rules": [{"id": "ally", "effect": "share", "audience": {"any": ["member:XBB"]}}]}
    )
    world.contribute(world.indicator(object_marking_refs=[RED]))
    assert items(world, "xbb", STANDING) == []
    assert len(items(world, "xbb-person", STANDING)) == 1
    assert items(world, "xbb", RECEIVED) == []
    assert items(world, "xbb-officer", STANDING) == []


def test_what_is_withdrawn_between_two_pages_is_gone_and_what_is_left_comes_once(
    world: World,
) -> None:
    sent = world.indicators(4)
    world.contribute(*sent)
    page = read(world, "xbb", STANDING, limit=2)
    world.delete("xaa", world.address(rest=f"objects/{sent[2]['id']}/"))
    rest = items(world, "xbb", STANDING, limit=2, next=page["next"])
    assert [row["id"] for row in page["items"] + rest] == [
        sent[number]["id"] for number in (0, 1, 3)
    ]


def test_a_partner_lists_what_it_may_have_and_no_more(small_world: World) -> None:
    green = small_world.indicator(object_marking_refs=[GREEN])
    small_world.contribute(green, small_world.indicator())
    assert [row["id"] for row in items(small_world, "mirror", STANDING)] == [green["id"]]


def test_no_answer_holds_a_position_of_the_ledger(small_world: World) -> None:
    small_world.set_policy(SHARE_ALL)
    small_world.contribute(*small_world.indicators(3))
    small_world.get("xbb", small_world.address())
    for address in (RECEIVED, STANDING, f"{FORUM}/policy", f"{FORUM}/policy/history"):
        text = small_world.get("xbb-person", address).text
        for word in ("epoch", "seq", "head", "element", "audience_id", "body_id"):
            assert f'"{word}"' not in text
