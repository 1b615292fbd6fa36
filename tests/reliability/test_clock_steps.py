"""A wall clock that jumps, back an hour or ahead, between two requests.

Stamps go on rising, so that no poller misses a release or gets one twice; what a forum has decided
as of an instant is not decided again as of an earlier one. Tokens follow the wall clock.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

import pytest

from kernel.clock import HOUR_US, MINUTE_US, SECOND_US
from sharing.queries.contributions import Stored
from sharing.services.contribute import _Contributing
from sharing.services.lock import LockedForum
from tests.reliability.consistency import find_faults, find_wrong_views
from tests.reliability.polling import LAST
from tests.reliability.scenes import envelope, served_ids
from tests.sharing.taxii.world import World

JUMPS: Final = (0, -HOUR_US, SECOND_US, HOUR_US, -2 * HOUR_US, 1, 3 * HOUR_US, -HOUR_US, 0, 0)


def follow(world: World) -> list[str]:
    """What a poller misses or gets twice while XAA contributes and the clock jumps."""
    seen: list[str] = []
    stamps: list[str] = []
    posted: list[str] = []
    after = ""
    for jump in JUMPS:
        world.clock.now_us += jump
        objects = world.indicators(3)
        answer = world.post("xaa", world.address(), envelope(objects))
        assert (answer.status_code, answer.get_json()["failure_count"]) == (202, 0)
        posted += [one["id"] for one in objects]
        page = world.get("xbb", world.address(rest=f"manifest/?limit=100{after}"))
        records = page.get_json().get("objects", [])
        seen += [record["id"] for record in records]
        stamps += [record["date_added"] for record in records]
        if records:
            after = f"&added_after={page.headers[LAST]}"
    counts = Counter(seen)
    faults = [f"{one} was missed" for one in posted if not counts[one]]
    faults += [f"{one} was seen {count} times" for one, count in counts.items() if count > 1]
    if any(later <= earlier for earlier, later in pairwise(stamps)):
        faults.append("stamps do not rise")
    return faults


def test_a_poller_misses_nothing_and_gets_nothing_twice_however_the_clock_jumps(
    world: World,
) -> None:
    assert follow(world) == []
    assert find_faults(world.database) == []
    assert find_wrong_views(world.database) == []


def test_control_stamps_straight_from_the_clock_are_caught(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: set[int] = set()

    def stamp(_lock: LockedForum) -> int:
        now_us = small_world.clock()
        while now_us in taken:
            now_us += 1
        taken.add(now_us)
        return now_us

    monkeypatch.setattr(LockedForum, "stamp", stamp)
    faults = follow(small_world)
    assert any(fault.endswith("was missed") for fault in faults)


def timed(delay: str | None, expiry: str | None) -> dict[str, object]:
    """XAA shares with XBB, later or for a while."""
    rule = {"id": "r", "effect": "share", "audience": {"any": ["member:XBB"]}}
    rule |= {"delay": delay} if delay else {}
    rule |= {"expire_after": expiry} if expiry else {}
    return {"rules": [rule]}


def watch_one(world: World) -> list[int]:
    """How much XBB sees of one object before it opens, open, back before that, expired, back.

    Each time XCC contributes a version of the same id that nobody else sees, so that whatever
    there is of it is decided anew.
    """
    world.set_policy(timed("PT10M", "PT30M"))
    given = world.indicator()
    world.contribute(given)
    contributed_us = world.clock.now_us
    visible = []
    for number, minutes in enumerate((5, 15, 5, 35, 15, 5)):
        world.clock.now_us = contributed_us + minutes * MINUTE_US
        rival = given | {"modified": f"2026-01-02T00:00:0{number}.000Z"}
        assert world.post("xcc", world.address(), envelope([rival])).status_code == 202
        visible.append(len(served_ids(world)))
    return visible


def test_what_opened_stays_open_and_what_expired_stays_away_when_the_clock_goes_back(
    world: World,
) -> None:
    assert watch_one(world) == [0, 1, 1, 0, 0, 0]
    assert find_faults(world.database) == []


def test_control_decisions_that_go_back_with_the_clock_are_caught(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = LockedForum.__init__

    def believe(lock: LockedForum, connection: Any, head: Any, *, now_us: int) -> None:
        begin(lock, connection, head, now_us=now_us)
        lock.now_us = now_us

    monkeypatch.setattr(LockedForum, "__init__", believe)
    visible = watch_one(small_world)
    assert visible[2] == 0, "what was open is taken back"
    assert visible[4] == 1, "what had expired is shown again"


def watch_after_a_step_back(world: World) -> list[int]:
    """How much XBB sees in time of what is contributed once the clock has been put right."""
    world.set_policy(timed("PT10M", None))
    world.clock.now_us += HOUR_US
    world.contribute(world.indicator())
    world.clock.now_us += 11 * MINUTE_US
    assert len(served_ids(world)) == 1
    # The clock was an hour ahead, and is put right.
    world.clock.now_us -= HOUR_US
    world.contribute(world.indicator())
    contributed_us = world.clock.now_us
    counts = []
    for minutes in (1, 9, 80):
        world.clock.now_us = contributed_us + minutes * MINUTE_US
        counts.append(len(served_ids(world)))
    return counts


def test_an_embargo_that_begins_after_a_step_back_opens_no_earlier_than_it_says(
    world: World,
) -> None:
    assert watch_after_a_step_back(world) == [1, 1, 2]


def test_control_an_embargo_that_is_counted_from_the_wall_clock_is_caught(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = _Contributing._stored

    def date_by_the_wall(contributing: _Contributing, *rest: Any) -> Stored:
        stored = keep(contributing, *rest)
        return replace(stored, contributed_us=contributing._now_us)

    monkeypatch.setattr(_Contributing, "_stored", date_by_the_wall)
    assert watch_after_a_step_back(small_world)[0] == 2, "it opens at once"


def test_a_token_follows_the_wall_clock(world: World) -> None:
    pair = world.authorization("xbb")
    grant = {"grant_type": "client_credentials"}
    answer = world.open(
        None,
        "POST",
        "/oauth/token",
        data=grant,
        headers={"Authorization": pair, "Accept": "application/json"},
    )
    assert answer.status_code == 200, answer.text
    bearer = {"Authorization": f"Bearer {answer.get_json()['access_token']}"}
    issued_us = world.clock.now_us
    told = []
    life_us = world.settings.token_seconds * SECOND_US
    for step in (-HOUR_US, life_us - 1, life_us, life_us + HOUR_US, 0):
        world.clock.now_us = issued_us + step
        told.append(world.get(None, world.address(), headers=bearer).status_code)
    assert told == [200, 200, 401, 401, 200]
