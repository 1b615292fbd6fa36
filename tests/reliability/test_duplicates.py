"""The same envelope again: at the same time on several connections, as another's, in another
forum. What is there once is there once, and each sender is told that it is there.
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import Connection, select

from sharing.services import contribute, seating
from sharing.services.admission import Admission, Door, admit
from sharing.tables import contribution, ledger, release
from tests.reliability.consistency import find_faults, find_wrong_views
from tests.reliability.scenes import envelope, related, served_ids
from tests.sharing.taxii.world import World

SENDERS = 6


def send_at_once(world: World, senders: list[str], content: bytes) -> list[Any]:
    """The answer to each of these, who all send the same when the last of them is ready."""
    ready, answers = threading.Barrier(len(senders)), {}

    def send(number: int, who: str) -> None:
        ready.wait()
        answers[number] = world.post(who, world.address(), content)

    threads = [threading.Thread(target=send, args=each) for each in enumerate(senders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [answers[number] for number in range(len(senders))]


def find_doubles(world: World, objects: list[dict[str, Any]], copies: int = 1) -> list[str]:
    """What is there more or less often than `copies` times, or is released twice."""
    wanted = [one["id"] for one in objects]
    with world.database.read() as connection:
        stored = Counter(
            connection.execute(
                select(contribution.c.stix_id).where(contribution.c.stix_id.in_(wanted))
            ).scalars()
        )
        releases = Counter(
            connection.execute(
                select(release.c.contribution_id, release.c.audience_id).where(
                    release.c.stix_id.in_(wanted), release.c.closed.is_(None)
                )
            ).all()
        )
    found = [f"{one} is stored {stored[one]} times" for one in wanted if stored[one] != copies]
    found += [f"{one} is released twice" for one, count in releases.items() if count > 1]
    seen = Counter(served_ids(world))
    return found + [f"{one} is served {count} times" for one, count in seen.items() if count > 1]


def count_versions(world: World) -> int:
    """How many versions the ledger says are new."""
    with world.database.read() as connection:
        rows = connection.execute(select(ledger.c.seq).where(ledger.c.kind == "version"))
        return len(rows.all())


def test_the_same_envelope_from_many_connections_at_once_is_there_once(world: World) -> None:
    before = count_versions(world)
    objects = related(world)
    answers = send_at_once(world, ["xaa"] * SENDERS, envelope(objects))
    for answer in answers:
        assert answer.status_code == 202
        document = answer.get_json()
        assert (document["success_count"], document["failure_count"]) == (len(objects), 0)
    assert find_doubles(world, objects) == []
    assert count_versions(world) == before + len(objects)
    assert len({answer.get_json()["id"] for answer in answers}) == SENDERS
    assert find_faults(world.database) == []
    assert find_wrong_views(world.database) == []


def test_two_members_that_send_the_same_at_once_have_a_copy_each_and_one_stands(
    world: World,
) -> None:
    objects = world.indicators(3)
    answers = send_at_once(world, ["xaa", "xbb"] * 3, envelope(objects))
    assert [answer.status_code for answer in answers] == [202] * 6
    assert find_doubles(world, objects, copies=2) == []
    assert find_faults(world.database) == []
    assert find_wrong_views(world.database) == []


def test_the_same_bytes_in_another_forum_are_another_contribution(world: World) -> None:
    seating.seat_member(world.database, "operator", "basin", "XAA", "member", now_us=world.clock())
    elsewhere = f"/taxii2/basin/collections/{world.collections['elsewhere']}/objects/"
    objects = world.indicators(2)
    content = envelope(objects)
    world.contribute(*objects)
    before = world.get("xbb", world.address()).data
    answers = [world.post("xaa", elsewhere, content) for _ in range(2)]
    assert [answer.get_json()["success_count"] for answer in answers] == [2, 2]
    # Its own policy decides there: none is set, so XDD has nothing of it, and nobody here more.
    assert world.get("xdd", elsewhere).data == b"{}"
    assert world.get("xbb", world.address()).data == before
    assert find_doubles(world, objects, copies=2) == []
    assert world.delete("xaa", f"{elsewhere}{objects[0]['id']}/").status_code == 200
    assert world.get("xbb", world.address()).data == before
    assert find_faults(world.database) == []


def test_control_an_object_that_is_there_twice_is_found(small_world: World) -> None:
    objects = small_world.indicators(1)
    small_world.contribute(*objects)
    assert find_doubles(small_world, objects) == []
    # As an exchange would keep it that knows an object by its sender's request.
    small_world.contribute(objects[0], to="second")
    assert f"{objects[0]['id']} is stored 2 times" in find_doubles(small_world, objects)


@pytest.mark.parametrize("make_settings", ["postgresql"], indirect=True)
def test_control_senders_that_look_once_and_not_again_under_the_lock_are_caught(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: dict[int, Admission] = {}

    def admit_once(connection: Connection, door: Door, checked: Any) -> Admission:
        if id(checked) not in kept:
            kept[id(checked)] = admit(connection, door, checked)
        return kept[id(checked)]

    monkeypatch.setattr(contribute, "admit", admit_once)
    statuses: set[int] = set()
    for _ in range(10):
        answers = send_at_once(world, ["xaa"] * SENDERS, envelope(related(world)))
        statuses |= {answer.status_code for answer in answers}
        kept.clear()
        if statuses != {202}:
            break
    assert statuses == {202, 500}
