"""A worker finds what is ready, does it once, tells of it, and lives through faults."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
import structlog

from kernel import clock
from kernel.db import Database
from kernel.errors import Unavailable
from kernel.leases import Leases
from kernel.tasks import Details, Task
from kernel.worker import run_worker

Logged = list[Any]
PATIENCE_SECONDS = 30


class Records:
    """Work that is ready until it is done; `troubles` are raised before that, one a time."""

    def __init__(self, *ready: str) -> None:
        self.ready = list(ready)
        self.began: list[tuple[str, float]] = []
        self.done: list[str] = []
        self.troubles: list[Exception] = []
        self.unreadable: list[Exception] = []
        self.may_end = threading.Event()
        self.may_end.set()

    def list_ready(self, database: Database, /, *, now_us: int) -> Sequence[str]:
        if self.unreadable:
            raise self.unreadable.pop()
        return list(self.ready)

    def run(self, database: Database, key: str, /, *, now_us: int) -> Details:
        self.began.append((key, time.monotonic()))
        assert self.may_end.wait(PATIENCE_SECONDS)
        if self.troubles:
            raise self.troubles.pop()
        self.ready.remove(key)
        self.done.append(key)
        return {"counted": len(self.done)}

    def task(self, name: str = "count") -> Task:
        return Task(name, self.list_ready, self.run)


@contextmanager
def working(database: Database, *tasks: Task, lease_seconds: float = 1.0) -> Iterator[Logged]:
    """A worker in this process while the block runs, and what it tells."""
    stop = threading.Event()
    with structlog.testing.capture_logs() as logged:
        thread = threading.Thread(
            target=run_worker,
            args=(database, tasks),
            kwargs={"go_on": lambda: not stop.is_set(), "lease_seconds": lease_seconds},
        )
        thread.start()
        try:
            yield logged
        finally:
            stop.set()
            thread.join(PATIENCE_SECONDS)
            assert not thread.is_alive()


def until(done: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not done():
        assert time.monotonic() < end
        time.sleep(0.02)


def told(logged: Logged, event: str) -> list[Any]:
    return [entry for entry in logged if entry["event"] == event]


def test_everything_that_is_ready_is_done_once_and_told_of(database: Database) -> None:
    records = Records("a", "b", "c", "d")
    with working(database, records.task()) as logged:
        until(lambda: len(told(logged, "task-done")) == 4)
    assert sorted(records.done) == ["a", "b", "c", "d"]
    first = told(logged, "task-done")[0]
    assert (first["task"], first["counted"], first["log_level"]) == ("count", 1, "info")
    assert first["ms"] >= 0
    assert {entry["holder"] for entry in logged} == {first["holder"]}
    assert Leases(database, "another").list_taken() == set()


def test_what_becomes_ready_later_is_found(database: Database) -> None:
    records = Records()
    with working(database, records.task()):
        time.sleep(0.5)
        records.ready.append("late")
        until(lambda: records.done == ["late"])
    assert records.done == ["late"]


def test_a_long_piece_of_work_delays_no_other(database: Database) -> None:
    slow, quick = Records("long"), Records("short")
    slow.may_end.clear()
    with working(database, slow.task("slow"), quick.task("quick")):
        until(lambda: quick.done)
        assert slow.done == []
        slow.may_end.set()
        until(lambda: slow.done)
    assert (slow.done, quick.done) == (["long"], ["short"])


def test_what_fails_is_told_of_and_tried_again_when_its_lease_is_over(database: Database) -> None:
    records = Records("a")
    records.troubles = [Unavailable("test.sorry", "not now")]
    with working(database, records.task(), lease_seconds=2) as logged:
        until(lambda: records.done)
    (failed,) = told(logged, "task-failed")
    assert (failed["code"], failed["log_level"]) == ("test.sorry", "warning")
    (_, first), (_, second) = records.began
    assert second - first > 1.5


def test_a_fault_that_nobody_foresaw_ends_no_other_work(database: Database) -> None:
    sick, sound = Records("a"), Records("b")
    sick.troubles = [ZeroDivisionError() for _ in range(100)]
    with working(database, sick.task("sick"), sound.task("sound"), lease_seconds=30) as logged:
        until(lambda: sound.done and told(logged, "task-failed"))
    (failed,) = told(logged, "task-failed")
    assert (failed["task"], failed["log_level"]) == ("sick", "error")
    assert len(failed["incident"]) == 16
    assert sick.done == []


def test_a_worker_goes_on_when_it_can_look_again(database: Database) -> None:
    records = Records("a")
    records.unreadable = [Unavailable("test.away", "the database is away") for _ in range(3)]
    with working(database, records.task()) as logged:
        until(lambda: records.done)
        until(lambda: told(logged, "worker-resumed"))
    assert [entry["code"] for entry in told(logged, "worker-hindered")] == ["test.away"]


def test_a_worker_that_ends_finishes_what_it_began_and_holds_on_to_it(database: Database) -> None:
    records = Records("a")
    records.may_end.clear()
    other = Leases(database, "another", seconds=1)
    with working(database, records.task()):
        until(lambda: records.began)
        threading.Timer(2.5, records.may_end.set).start()
        taken: list[bool] = []
        threading.Timer(2.0, lambda: taken.append(other.take("count/a"))).start()
    assert records.done == ["a"]
    assert taken == [False]


def test_what_another_has_done_since_the_look_is_not_done_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = Records("a")
    take = Leases.take

    def take_late(leases: Leases, name: str) -> bool:
        records.ready.clear()
        return take(leases, name)

    monkeypatch.setattr(Leases, "take", take_late)
    with working(database, records.task()):
        until(lambda: not records.ready)
        time.sleep(0.3)
    assert records.began == []
    assert Leases(database, "another").list_taken() == set()


def test_a_task_that_is_looked_for_seldom_is_not_asked_often(database: Database) -> None:
    looks: list[float] = []

    def look(database: Database, /, *, now_us: int) -> Sequence[str]:
        assert abs(now_us - clock.now_us()) < 60_000_000
        looks.append(time.monotonic())
        return []

    records = Records("a")
    seldom = Task("seldom", look, records.run, every_seconds=600)
    with working(database, seldom, records.task()):
        until(lambda: records.done)
        time.sleep(1.2)
    assert len(looks) <= 2


def test_what_warns_inside_the_library_is_told_like_everything_else(database: Database) -> None:
    with working(database) as logged:
        until(lambda: told(logged, "worker-started"))
        logging.getLogger("huey.consumer").warning("Worker %d died, restarting.", 1)
    (warning,) = told(logged, "huey")
    assert warning["reason"] == "Worker 1 died, restarting."
