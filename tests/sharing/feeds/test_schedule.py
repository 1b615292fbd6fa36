"""Feeds on the worker's time: each as often as asked, a sick one rarely, none in another's way."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest
from sqlalchemy import update

from kernel.clock import now_us
from kernel.db import Database
from kernel.leases import Leases
from kernel.outbound.errors import ConnectFailed
from kernel.outbound.transport import Answer
from kernel.worker import run_worker
from sharing.queries.feeds import TROUBLED_AFTER, list_due, list_operated
from sharing.services.feeds.keeping import NewFeed, replay_feed
from sharing.services.feeds.runs import Ending, next_try
from sharing.tables import feed
from sharing.tasks import feed_tasks
from tests.sharing.feeds.nodes import Node
from tests.sharing.feeds.odd import COLLECTION, Odd
from tests.sharing.taxii.world import START_US

SECOND = 1_000_000
PATIENCE_SECONDS = 120


@pytest.fixture
def odd(home: Node) -> Odd:
    server = Odd(now_us=START_US)
    home.network.others["odd.example"] = server
    return server


def add(home: Node, name: str, host: str = "odd.example", **more: object) -> int:
    made = home.add_new(NewFeed(name, f"https://{host}/", COLLECTION, **more))  # type: ignore[arg-type]
    return made.id


@contextmanager
def working(home: Node, holder_count: int = 1, lease_seconds: float = 10.0) -> Iterator[None]:
    """Workers that run what is due, by the clock of this machine."""
    home.world.clock = now_us  # type: ignore[assignment]
    stop = threading.Event()
    tasks = feed_tasks(lambda database: replace(home.runner(), database=database))
    threads = [
        threading.Thread(
            target=run_worker,
            args=(home.world.database, tasks),
            kwargs={"go_on": lambda: not stop.is_set(), "lease_seconds": lease_seconds},
        )
        for _ in range(holder_count)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(PATIENCE_SECONDS)
            assert not thread.is_alive()


def until(done: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)


def count_runs(home: Node, name: str, state: str = "done") -> int:
    return sum(run.state == state for run in home.runs(name))


def test_workers_run_what_is_due_once_each(home: Node, odd: Odd) -> None:
    odd.add(*home.world.indicators(3))
    for number in range(6):
        add(home, f"feed {number}", every_s=3600)
    with working(home, 2):
        until(lambda: all(count_runs(home, f"feed {number}") for number in range(6)))
        time.sleep(1.5)
    assert [len(home.runs(f"feed {number}")) for number in range(6)] == [1] * 6


@dataclass
class Sick:
    """Answers nobody until it is released."""

    released: threading.Event = field(default_factory=threading.Event)
    waiting: int = 0

    def __call__(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> Answer:
        self.waiting += 1
        assert self.released.wait(PATIENCE_SECONDS)
        raise ConnectFailed("it never answered")


def test_sick_partners_keep_no_other_waiting(home: Node, odd: Odd) -> None:
    sick = Sick()
    home.network.others["sick.example"] = sick
    odd.add(*home.world.indicators(2))
    for number in range(3):
        add(home, f"sick {number}", "sick.example")
    with working(home):
        try:
            until(lambda: sick.waiting >= 3)
            for number in range(10):
                add(home, f"well {number}")
            until(lambda: all(count_runs(home, f"well {number}") for number in range(10)))
            assert not sick.released.is_set()
        finally:
            sick.released.set()
        until(lambda: all(count_runs(home, f"sick {number}", "failed") for number in range(3)))


def test_a_feed_whose_worker_died_is_taken_over(home: Node, odd: Odd) -> None:
    odd.add(*home.world.indicators(2))
    feed_id = add(home, "north")
    dead = Leases(home.world.database, "dead", seconds=2.0, now_us=now_us)
    assert dead.take(f"feeds/{feed_id}")
    # It had begun a run, and died in the middle of it.
    from sharing.services.feeds.runs import begin_run  # noqa: PLC0415 - one use

    found = home.feed("north")
    with home.world.database.write() as connection:
        begin_run(connection, found, found.position, now_us=home.world.clock())
    with working(home):
        until(lambda: count_runs(home, "north"))
    assert [run.state for run in home.runs("north")] == ["done", "cut-off"]
    assert len(list(home.walk("xaa"))) == 2


def test_of_two_runs_of_one_feed_one_goes_on(home: Node, odd: Odd) -> None:
    """A worker that was only slow finds out, and writes nothing over the other's work."""
    for one in home.world.indicators(6):
        odd.now_us += SECOND
        odd.add(one)
    add(home, "north")
    overtaken: list[bool] = []

    def overtake(_method: str, url: str) -> None:
        if "/objects/" in url and "next=" in url and not overtaken:
            overtaken.append(True)
            assert home.run("north").state == "done"

    home.network.before = overtake
    found = home.feed("north")
    ending = home.runner().run(found.id)
    assert ending is not None
    assert (ending.state, ending.code) == ("failed", "sharing.feed-elsewhere")
    assert len(list(home.walk("xaa"))) == 6


def store(home: Node, position: str) -> None:
    with home.world.database.write() as connection:
        connection.execute(update(feed).values(position=position))


def test_a_feed_goes_on_from_where_an_earlier_release_left_it(home: Node, odd: Odd) -> None:
    for one in home.world.indicators(6):
        odd.now_us += SECOND
        odd.add(one)
    add(home, "north")
    # Two fields fewer than this release writes.
    walk = {"after_us": None, "begun_us": odd.now_us, "next": None, "last_us": None, "empty": 0}
    store(home, json.dumps({"after_us": None, "walk": walk}))
    assert home.run("north").state == "done"
    assert len(list(home.walk("xaa"))) == 6


def test_a_feed_that_is_lost_says_so_and_can_be_replayed(home: Node, odd: Odd) -> None:
    odd.add(*home.world.indicators(2))
    add(home, "north")
    store(home, '{"of": "a later release"}')
    run = home.run("north")
    assert (run.state, run.code) == ("failed", "sharing.feed-lost")
    assert home.feed("north").document()["cursor"]["added_after"] is None
    with home.world.database.write() as connection:
        reader = home.world.seated("XAA").reader
        replay_feed(connection, reader, home.feed("north"), None, now_us=home.world.clock())
    assert home.run("north").state == "done"
    assert len(list(home.walk("xaa"))) == 2


def test_a_feed_is_due_as_often_as_asked_and_never_while_it_is_paused(home: Node, odd: Odd) -> None:
    feed_id = add(home, "north", every_s=600)

    def due(database: Database = home.world.database) -> bool:
        with database.read() as connection:
            found = list_due(connection, are_failing=False, now_us=home.world.clock())
        return feed_id in found

    assert due()
    home.run("north")
    assert not due()
    home.world.clock.now_us += 599 * SECOND
    assert not due()
    home.world.clock.now_us += 2 * SECOND
    assert due()


def test_a_partner_that_fails_is_tried_later_and_later_and_at_once_when_it_is_well(
    home: Node, odd: Odd
) -> None:
    add(home, "north", "gone.example", every_s=60)
    waits = []
    for _ in range(TROUBLED_AFTER + 3):
        assert home.run("north").state == "failed"
        found = home.feed("north")
        assert found.next_us is not None
        waits.append((found.next_us - home.world.clock.now_us) / SECOND)
        home.world.clock.now_us = found.next_us
    assert waits == sorted(waits)
    assert waits[0] <= 60
    assert waits[-1] > 300
    assert home.feed("north").is_troubled
    home.network.others["gone.example"] = replace(odd, host="gone.example")
    assert home.run("north").state == "done"
    assert (home.feed("north").failures, home.feed("north").is_troubled) == (0, False)


def test_a_retry_after_is_waited_for(home: Node, odd: Odd) -> None:
    add(home, "north", every_s=60)
    found = home.feed("north")
    ending = Ending("failed", "status", "c", "r", retry_after_s=7200.0)
    assert next_try(found, ending, now_us=0, chance=lambda: 0.0) == 7200 * SECOND


def test_an_unforeseen_fault_ends_one_run_and_says_so(home: Node, odd: Odd) -> None:
    add(home, "north")

    def break_down(_method: str, _url: str) -> None:
        raise ZeroDivisionError

    home.network.before = break_down
    run = home.run("north")
    assert (run.state, run.code) == ("failed", "sharing.feed-unforeseen")
    assert "incident" in (run.reason or "")
    with home.world.database.read() as connection:
        assert list_operated(connection)[0].failures == 1


def test_a_slow_partner_that_failed_once_is_well_again(home: Node, odd: Odd) -> None:
    """It takes longer than the short turn that a partner has which fails."""
    odd.add(*home.world.indicators(2))
    add(home, "north")

    def fail(_method: str, _url: str) -> None:
        raise ConnectFailed("nobody answers")

    def wait(_method: str, _url: str) -> None:
        home.world.clock.now_us += 8 * SECOND

    home.network.before = fail
    assert home.run("north").state == "failed"
    home.network.before, home.network.after = lambda _method, _url: None, wait
    states = [home.run("north").state for _ in range(3)]
    assert states[-1] == "done", states
