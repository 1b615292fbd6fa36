"""Writers in processes of their own, and pollers over HTTP that miss nothing and see nothing twice.

Some post the same envelopes at the same time, some delete what they posted. The pollers follow
the collection while that goes on, by `added_after` alone or by `next` as well.
"""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection

from app import create_app
from kernel import clock
from kernel.clock import parse_instant
from kernel.db import Database
from sharing.services.lock import LockedForum
from tests.journeys.serving import serving
from tests.reliability.children import Child, Ended, Say, fork
from tests.reliability.consistency import find_faults, find_wrong_views
from tests.reliability.polling import FIRST, LAST, Client
from tests.reliability.scenes import envelope, served_ids
from tests.reliability.speaking import Asking, speak
from tests.sharing.taxii.world import World

WRITERS = {"sqlite": 2, "postgresql": 4}
ROUNDS = 15
SHARED = 10
SECRET_KEY = b"s" * 32
Prepare = Callable[[int], None]
"""Does something to a writer's process before it begins; given the writer's number."""


def indicator(writer: int, number: int) -> dict[str, Any]:
    """The writer's own object; writer 0's are everybody's."""
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--{uuid.UUID(int=writer * 1_000_000 + number, version=4)}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "pattern": f"[domain-name:value = 'host-{writer}-{number}.example']",
        "pattern_type": "stix",
        "valid_from": "2026-01-01T00:00:00Z",
    }


def asked_by(writer: int, world: World, rounds: int) -> Iterator[Asking]:
    """What one writer does, round after round: always the same for the same writer."""
    chance = random.Random(writer)
    mine: list[str] = []
    numbers = iter(range(1_000_000))
    for _ in range(rounds):
        kind = chance.random()
        if kind < 0.2:
            objects = [indicator(0, chance.randrange(SHARED)) for _ in range(2)]
        elif kind < 0.35 and mine:
            one = mine.pop(chance.randrange(len(mine)))
            address = world.address(rest=f"objects/{one}/")
            yield Asking("DELETE", address, world.secrets["xaa"])
            continue
        else:
            objects = [indicator(writer, next(numbers)) for _ in range(chance.randint(1, 3))]
            mine += [one["id"] for one in objects]
        yield Asking("POST", world.address(), world.secrets["xaa"], envelope(objects))


def start_writer(writer: int, world: World, prepare: Prepare, rounds: int) -> Child:
    """A process that does its rounds; it says each answer beside what it sent."""

    def work(say: Say) -> None:
        prepare(writer)
        database = Database.open(world.settings)
        app = create_app(world.settings, database=database, signer=world.signer)
        for asking in asked_by(writer, world, rounds):
            sent = orjson.loads(asking.content)["objects"] if asking.content else []
            ids = [one["id"] for one in sent] or [asking.address.split("/")[-2]]
            speak(app, asking, lambda answer, a=asking, i=ids: say([a.method, i, answer.status]))

    return fork(work)


@dataclass
class Follower:
    """A poller that goes on until it is told that nobody writes any more."""

    client: Client
    address: str
    uses_next: bool
    seen: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def follow(self, is_over: threading.Event) -> None:
        """Poll; the last polls are those after the end, until one brings nothing."""
        after, token, newest_us = "", "", 0
        while True:
            was_over = is_over.is_set()
            query = f"next={token}" if token else f"added_after={after}" if after else ""
            polled = self.client.get(f"{self.address}?limit=7&{query}")
            if polled.status != 200:
                self.faults.append(f"answered {polled.status}")
                return
            self.seen += polled.ids
            if polled.ids:
                if parse_instant(polled.headers[FIRST]) <= newest_us:
                    self.faults.append("a page goes back in time")
                after = polled.headers[LAST]
                newest_us = parse_instant(after)
            elif was_over:
                return
            else:
                time.sleep(0.03)  # leave the writers some of the machine
            token = polled.document.get("next", "") if self.uses_next else ""


def run_race(world: World, *, prepare: Prepare, rounds: int) -> tuple[list[Ended], list[Follower]]:
    """Writers and pollers at once; how each ended."""
    world.database.close()
    count = WRITERS[world.database.content.dialect.name]
    with serving(world.settings, SECRET_KEY) as base:
        followers = [
            Follower(Client(base, world.secrets["xbb"]), world.address(), uses_next)
            for uses_next in (False, True)
        ]
        writers = [start_writer(n, world, prepare, rounds) for n in range(1, count + 1)]
        is_over = threading.Event()
        threads = [threading.Thread(target=f.follow, args=(is_over,)) for f in followers]
        for thread in threads:
            thread.start()
        try:
            ended = [writer.wait(seconds=120) for writer in writers]
        finally:
            is_over.set()
            for thread in threads:
                thread.join(timeout=60)
    return ended, followers


def find_misses(world: World, ended: list[Ended], followers: list[Follower]) -> list[str]:
    """What a poller missed, saw twice or saw wrongly, and what is not as it was acknowledged."""
    faults = [f"a writer ended with {one.code}" for one in ended if one.code]
    posted: set[str] = set()
    deleted: set[str] = set()
    for method, ids, status in (said for one in ended for said in one.said):
        if status != (202 if method == "POST" else 200):
            faults.append(f"{method} was answered {status}")
        (posted if method == "POST" else deleted).update(ids)
    served = Counter(served_ids(world))
    if set(served) != posted - deleted or served.total() != len(served):
        faults.append("what is served is not what was acknowledged")
    for follower in followers:
        counts = Counter(follower.seen)
        faults += follower.faults
        faults += [f"{one} was missed" for one in served if not counts[one]]
        faults += [f"{one} was seen {count} times" for one, count in counts.items() if count > 1]
        faults += [f"{one} was never posted" for one in counts if one not in posted]
    return faults


def test_pollers_miss_nothing_and_see_nothing_twice_while_many_write(world: World) -> None:
    ended, followers = run_race(world, prepare=lambda _writer: None, rounds=ROUNDS)
    assert find_misses(world, ended, followers) == []
    assert find_faults(world.database) == []
    assert find_wrong_views(world.database) == []
    assert all(len(one.said) == ROUNDS for one in ended)
    assert all(len(follower.seen) > ROUNDS for follower in followers)


@pytest.mark.audit
def test_pollers_miss_nothing_while_many_write_for_long(world: World) -> None:
    ended, followers = run_race(world, prepare=lambda _writer: None, rounds=1_000)
    assert find_misses(world, ended, followers) == []
    assert find_faults(world.database) == []


def stamping_before_the_lock(writer: int) -> None:
    """Make this process stamp what it writes when the request begins; one writer is slow twice."""
    write: Callable[[Database], AbstractContextManager[Connection]] = Database.write
    stamps: Iterator[int] = iter(())
    begun = 0

    @contextmanager
    def write_late(database: Database) -> Iterator[Connection]:
        nonlocal stamps, begun
        begun += 1
        # Apart from every other writer's by the last digit.
        first = clock.now_us() // 10_000 * 10_000 + writer
        stamps = iter(range(first, first + 10_000, 10))
        time.sleep(1.0 if writer == 1 and begun in (3, 5) else 0.01)
        with write(database) as connection:
            yield connection

    Database.write = write_late  # type: ignore[method-assign]
    LockedForum.stamp = lambda _lock: next(stamps)  # type: ignore[method-assign]


def test_control_writers_that_stamp_before_they_hold_the_lock_are_caught(world: World) -> None:
    ended, followers = run_race(world, prepare=stamping_before_the_lock, rounds=12)
    assert [one for one in find_misses(world, ended, followers) if one.endswith("was missed")]
