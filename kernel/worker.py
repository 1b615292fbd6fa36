"""Does what is due: threads that look for ready work, take its lease, and do it.

huey keeps the threads, replaces those that die and lets them finish at the end; what is due and
who does it is in the records (kernel.tasks, kernel.leases), so huey's own queue stays empty.
What does not live here: what the tasks are, and which process this runs in.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from huey.api import Huey
from huey.consumer import Consumer
from huey.storage import BlackHoleStorage

from kernel import clock
from kernel.db import Database
from kernel.errors import ComityError
from kernel.leases import LEASE_SECONDS, Leases, make_holder
from kernel.logs import get_logger
from kernel.tasks import Task

log = get_logger(__name__)

THREADS: Final = 9
"""Pieces of work at once: long ones, and those that wait for others, leave a thread over."""
LOOK_SECONDS: Final = 0.5
_BETWEEN_LOOKS_SECONDS: Final = 0.25
"""All threads together look no more often for a kind of work of which there was none."""
_TURN_SECONDS: Final = 0.2
_HEALTH_SECONDS: Final = 10.0
_GRACE_SECONDS: Final = 25.0
_REMINDER_SECONDS: Final = 60.0


def run_worker(
    database: Database,
    tasks: Sequence[Task],
    *,
    go_on: Callable[[], bool],
    lease_seconds: float = LEASE_SECONDS,
    now_us: Callable[[], int] = clock.now_us,
) -> None:
    """Do what is due until `go_on` (asked several times a second) says no; ends what it began."""
    _tell_of_huey()
    leases = Leases(database, make_holder(), seconds=lease_seconds, now_us=now_us)
    consumer = _Consumer(
        _DueWork(database, tasks, leases, now_us),
        workers=THREADS,
        periodic=False,
        initial_delay=LOOK_SECONDS,
        max_delay=LOOK_SECONDS,
        backoff=1.0,
        scheduler_interval=60,
    )
    consumer.start()
    log.info("worker-started", holder=leases.holder, tasks=[task.name for task in tasks])
    try:
        _watch(consumer, leases, go_on)
    finally:
        _end(consumer, leases)
        log.info("worker-stopped", holder=leases.holder)


class _Consumer(Consumer):  # type: ignore[misc]  # huey ships no types
    """huey's threads without its signal handlers: who runs a worker says when it ends."""

    def _set_signal_handlers(self) -> None:
        pass


class _DueWork(Huey):  # type: ignore[misc]  # huey ships no types
    """What huey's threads ask for the next piece of work, and how each is done."""

    def __init__(
        self,
        database: Database,
        tasks: Sequence[Task],
        leases: Leases,
        now_us: Callable[[], int],
    ) -> None:
        super().__init__("comity", results=False, storage_class=BlackHoleStorage)
        self._database = database
        self._tasks = {task.name: task for task in tasks}
        self._leases = leases
        self._now_us = now_us
        self._looks = _Looks(tasks)
        self._going = _Going()
        self._troubles = _Troubles()
        self._perform = self.task(name="perform")(self._do)

    def dequeue(self) -> Any:  # noqa: ANN401 - huey's own
        """A piece of work that is ready and whose lease is ours now; None when there is none."""
        found = None
        try:
            found = self._take_next()
        except ComityError as fault:
            self._troubles.tell(fault.code, fault.message)
        except Exception as fault:  # noqa: BLE001 - the next look may succeed
            self._troubles.tell("unforeseen", "see the fault", fault)
        else:
            self._troubles.end()
        return None if found is None else self._perform.s(*found)

    def _take_next(self) -> tuple[str, str] | None:
        for task in self._looks.list_waiting():
            if self._going.is_full(task):
                continue
            ready = task.list_ready(self._database, now_us=self._now_us())
            taken = self._leases.list_taken() if ready else set()
            for key in ready:
                if lease_name(task, key) not in taken and self._take(task, key):
                    if self._going.begin(task):
                        return task.name, key
                    self._leases.give_back(lease_name(task, key))
                    break
            self._looks.postpone(task)
        return None

    def _take(self, task: Task, key: str) -> bool:
        name = lease_name(task, key)
        if not self._leases.take(name):
            return False
        # Another may have done it, and given the lease back, since we looked.
        if key in task.list_ready(self._database, now_us=self._now_us()):
            return True
        self._leases.give_back(name)
        return False

    def _do(self, task_name: str, key: str) -> None:
        task = self._tasks[task_name]
        try:
            self._perform_one(task, key)
        finally:
            self._going.end(task)

    def _perform_one(self, task: Task, key: str) -> None:
        told = log.bind(task=task.name, key=key, holder=self._leases.holder)
        started = time.monotonic()
        try:
            details = task.run(self._database, key, now_us=self._now_us())
            ms = round((time.monotonic() - started) * 1000, 1)
            told.info("task-done", ms=ms, **details)
            self._leases.give_back(lease_name(task, key))
        except ComityError as refusal:
            self._leases.leave(lease_name(task, key))
            told.warning("task-failed", code=refusal.code, reason=refusal.message)
        except Exception as fault:  # noqa: BLE001 - one piece of work must not end the others
            self._leases.leave(lease_name(task, key))
            told.error("task-failed", incident=secrets.token_hex(8), exc_info=fault)


def lease_name(task: Task, key: str) -> str:
    """The name of the lease of one piece of work."""
    return f"{task.name}/{key}"


class _Going:
    """How many pieces of each task this process is at."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}

    def is_full(self, task: Task) -> bool:
        """Whether as many are going on as may."""
        with self._lock:
            return 0 < task.most <= self._counts.get(task.name, 0)

    def begin(self, task: Task) -> bool:
        """Count one more, unless as many are going on as may."""
        with self._lock:
            count = self._counts.get(task.name, 0)
            if 0 < task.most <= count:
                return False
            self._counts[task.name] = count + 1
            return True

    def end(self, task: Task) -> None:
        """One less."""
        with self._lock:
            self._counts[task.name] -= 1


class _Looks:
    """When each task is to be looked for again, by this process."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._lock = threading.Lock()
        self._next = dict.fromkeys(tasks, 0.0)

    def list_waiting(self) -> list[Task]:
        """The tasks whose time to look has come, in the order in which they were declared."""
        now = time.monotonic()
        with self._lock:
            return [task for task, at in self._next.items() if at <= now]

    def postpone(self, task: Task) -> None:
        """Nothing to do was found."""
        with self._lock:
            pause = max(task.every_seconds, _BETWEEN_LOOKS_SECONDS)
            self._next[task] = time.monotonic() + pause


class _Troubles:
    """Tells of what keeps a worker from looking: when it begins, now and then, when it ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._code = ""
        self._told_at = 0.0

    def tell(self, code: str, reason: str, fault: Exception | None = None) -> None:
        """Tell of a fault, once a minute while it stays the same."""
        now = time.monotonic()
        with self._lock:
            if code == self._code and now - self._told_at < _REMINDER_SECONDS:
                return
            self._code, self._told_at = code, now
        log.warning("worker-hindered", code=code, reason=reason, exc_info=fault)

    def end(self) -> None:
        """It could look again."""
        with self._lock:
            hindered, self._code = bool(self._code), ""
        if hindered:
            log.info("worker-resumed")


def _watch(consumer: _Consumer, leases: Leases, go_on: Callable[[], bool]) -> None:
    looked_at = time.monotonic()
    while go_on():
        consumer.stop_flag.wait(_TURN_SECONDS)
        _renew(leases)
        if time.monotonic() - looked_at >= _HEALTH_SECONDS:
            looked_at = time.monotonic()
            consumer.check_worker_health()


def _end(consumer: _Consumer, leases: Leases) -> None:
    """Let the threads finish what they are at, holding on to its leases."""
    consumer.stop()
    end = time.monotonic() + _GRACE_SECONDS
    threads = [thread for _, thread in consumer.worker_threads]
    while any(thread.is_alive() for thread in threads) and time.monotonic() < end:
        threads[0].join(_TURN_SECONDS)
        _renew(leases)


def _renew(leases: Leases) -> None:
    try:
        leases.renew()
    except ComityError as fault:
        # The next turn tries again; at worst another worker finds the work done.
        log.warning("lease-not-renewed", code=fault.code, holder=leases.holder)


class _Teller(logging.Handler):
    """Lets huey's own warnings be told like everything else."""

    def emit(self, record: logging.LogRecord) -> None:
        """Tell one."""
        log.warning("huey", reason=record.getMessage(), exc_info=record.exc_info)


def _tell_of_huey() -> None:
    logger = logging.getLogger("huey")
    logger.propagate = False
    logger.handlers = [_Teller(logging.WARNING)]
