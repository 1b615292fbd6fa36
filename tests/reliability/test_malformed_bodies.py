"""Malformed bodies through the real door: each is answered, none breaks a read that follows."""

from __future__ import annotations

import random
import re
import signal
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import orjson
import pytest

from sharing.gate.verdicts import Checked
from sharing.services import contribute
from sharing.taxii.media import TAXII
from tests.reliability.consistency import find_faults, find_wrong_views
from tests.reliability.scenes import envelope
from tests.sharing.gate.makers import NOW_US
from tests.sharing.gate.test_malformed import malformed_body
from tests.sharing.taxii.world import World

BATCH = 250
PATIENCE_SECONDS = 5.0
OWN_ID = re.compile(rb'"id": ?"(?!marking)[a-z0-9-]{1,40}--([0-9a-f-]{36})"')


class HungError(BaseException):
    """An answer did not come; not an Exception, so that no application answers it."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raise where it stands when the block takes longer."""

    def stop(_number: int, _frame: object) -> None:
        raise HungError(f"no answer within {seconds} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class Pelted:
    """A collection that is sent bodies, and read in between."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.answers: Counter[str] = Counter()
        self.faults: list[str] = []
        self.slowest = 0.0
        self._last = ""

    def throw(self, bodies: list[bytes]) -> None:
        """Send a batch, then read what is new."""
        for body in bodies:
            start = time.monotonic()
            with within(PATIENCE_SECONDS):
                answer = self.world.post("xaa", self.world.address(), body)
            self.slowest = max(self.slowest, time.monotonic() - start)
            self._note(body, answer)
        self.read(self._last)

    def _note(self, body: bytes, answer: Any) -> None:
        document = orjson.loads(answer.data)
        if answer.headers["Content-Type"] != TAXII or answer.status_code not in {202, 422}:
            self.faults.append(f"{answer.status_code} to {body[:300]!r}")
        elif answer.status_code == 202:
            counts = [document[f"{kind}_count"] for kind in ("success", "failure", "pending")]
            if sum(counts) != document["total_count"] or counts[2]:
                self.faults.append(f"{document} to {body[:300]!r}")
            self.answers.update({"taken": counts[0], "refused": counts[1]})
        self.answers[str(answer.status_code)] += 1

    def read(self, after: str = "") -> list[dict[str, Any]]:
        """Every object added after an instant; each page must be JSON of objects with ids."""
        found: list[dict[str, Any]] = []
        query = f"limit=1000&added_after={after}" if after else "limit=1000"
        while query:
            with within(PATIENCE_SECONDS):
                answer = self.world.get("xaa", self.world.address(rest=f"objects/?{query}"))
            try:
                page = orjson.loads(answer.data)
                found += page.get("objects", [])
                assert answer.status_code == 200
                assert all("id" in one for one in page.get("objects", []))
            except (orjson.JSONDecodeError, AssertionError):
                self.faults.append(f"a read is answered {answer.status_code} {answer.data[:300]!r}")
                break
            self._last = answer.headers.get("X-TAXII-Date-Added-Last", self._last)
            query = f"next={page['next']}" if page.get("more") else ""
        return found


def body_of(chance: random.Random) -> bytes:
    """A malformed body; mostly of objects that nobody has contributed yet."""
    body = malformed_body(chance)
    if chance.random() < 0.2:
        return body
    for old in set(OWN_ID.findall(body)):
        new = uuid.UUID(int=chance.getrandbits(128), version=4)
        body = body.replace(old, str(new).encode())
    return body


def pelt(world: World, seed: int, count: int) -> Pelted:
    """The collection after so many bodies made from this seed."""
    world.clock.now_us = max(world.clock.now_us, NOW_US)
    pelted, chance = Pelted(world), random.Random(seed)
    for _ in range(count // BATCH):
        pelted.throw([body_of(chance) for _ in range(BATCH)])
    return pelted


def test_malformed_bodies_are_answered_and_break_no_read(small_world: World) -> None:
    pelted = pelt(small_world, seed=3, count=1_000)
    check(pelted, taken=50)


@pytest.mark.audit
def test_10_000_malformed_bodies_are_answered_and_break_no_read(world: World) -> None:
    pelted = pelt(world, seed=4, count=10_000)
    check(pelted, taken=500)


def check(pelted: Pelted, *, taken: int) -> None:
    """Nothing went wrong, and enough of it was taken, refused and unreadable to say so."""
    everything = pelted.read()
    assert pelted.faults == []
    assert pelted.slowest < PATIENCE_SECONDS
    assert pelted.answers["taken"] > taken
    assert pelted.answers["refused"] > taken
    assert pelted.answers["422"] > taken
    assert len(everything) > 20
    assert find_faults(pelted.world.database) == []
    assert find_wrong_views(pelted.world.database) == []


Check = Callable[..., Any]


def accepting_unchecked(check_object: Check) -> Check:
    """A gate that keeps the bytes of whatever it takes cut short, as if nobody had read them."""

    def accept(raw: Any, *, now_us: int) -> Any:
        verdict = check_object(raw, now_us=now_us)
        return replace(verdict, raw=verdict.raw[:-1]) if isinstance(verdict, Checked) else verdict

    return accept


def test_control_an_application_that_keeps_what_cannot_be_read_is_caught(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contribute, "check_object", accepting_unchecked(contribute.check_object))
    pelted = pelt(small_world, seed=3, count=BATCH)
    assert [fault for fault in pelted.faults if fault.startswith("a read is answered")]


def test_control_an_application_that_fails_on_odd_bodies_is_caught(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        contribute, "check_object", lambda raw, *, now_us: raw.value["spec_version"][now_us]
    )
    pelted = pelt(small_world, seed=3, count=BATCH)
    assert [fault for fault in pelted.faults if fault.startswith("500 to ")]


def test_control_an_application_that_hangs_is_caught(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contribute, "check_object", lambda raw, *, now_us: time.sleep(60))
    monkeypatch.setattr("tests.reliability.test_malformed_bodies.PATIENCE_SECONDS", 0.2)
    pelted = Pelted(small_world)
    with pytest.raises(HungError, match="no answer within"):
        pelted.throw([envelope([small_world.indicator()])])
    assert pelted.answers == {}
