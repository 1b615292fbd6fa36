"""What falls due is settled in time: by the reading door with no worker alive, by a worker where
nobody reads, by another worker where one was killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from kernel import clock
from kernel.clock import SECOND_US
from kernel.db import Database
from kernel.tasks import Details, Task
from kernel.worker import run_worker
from sharing.tables import contribution, forum_head, ledger
from tests.reliability.children import Child, Say, fork
from tests.reliability.consistency import find_faults
from tests.reliability.polling import Client
from tests.reliability.servers import RealServer, start_comity, start_command
from tests.sharing.taxii.world import World
from tests.sharing.views.looking import policy, share

PATIENCE_SECONDS = 60
LATEST_US = 2 * SECOND_US


@pytest.fixture
def present(world: World) -> World:
    """The forum, whose clock shows the time of day."""
    world.clock.now_us = clock.now_us()
    return world


@contextmanager
def served(world: World, *, embedded_worker: bool) -> Iterator[RealServer]:
    server = start_comity(world, embedded_worker=embedded_worker)
    try:
        yield server
    finally:
        server.kill()


@contextmanager
def commands(world: World, count: int) -> Iterator[list[tuple[subprocess.Popen[bytes], Path]]]:
    """That many `comity worker`, each at work."""
    started = [start_command(world, "worker", said=f"worker-{n}.log") for n in range(count)]
    try:
        for _, said in started:
            until(lambda said=said: "worker-started" in said.read_text())  # type: ignore[misc]
        yield started
    finally:
        for process, _ in started:
            process.kill()
            process.wait()


def until(done: Any, seconds: float = PATIENCE_SECONDS) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)


def contribute_now(world: World, label: str) -> tuple[str, int]:
    """An object of the present second: its id, and when it was contributed."""
    given = world.indicator(labels=[label])
    world.clock.now_us = clock.now_us() - SECOND_US
    world.contribute(given)
    return given["id"], world.clock.now_us


def settlings(database: Database) -> list[tuple[int, int]]:
    """When something was settled, and the instant that was settled, in order."""
    with database.read() as connection:
        rows = connection.execute(
            select(ledger.c.at_us, ledger.c.subject)
            .where(ledger.c.kind == "due")
            .order_by(ledger.c.seq)
        ).all()
    return [(row.at_us, int(row.subject.removeprefix("instant:"))) for row in rows]


def watch(client: Client, address: str, wanted: str, until_us: int) -> list[tuple[int, int, bool]]:
    """Polls until an instant: before and after each, and whether the object was in it."""
    seen = []
    while (before := clock.now_us()) < until_us:
        answer = client.ask("GET", address)
        assert answer.status == 200
        seen.append((before, clock.now_us(), wanted in answer.ids))
        time.sleep(0.1)
    return seen


def test_with_no_worker_alive_an_embargo_opens_and_a_release_expires_to_the_second(
    present: World,
) -> None:
    world = present
    world.set_policy(
        policy(
            share("member:XBB", when={"labels": ["later"]}, delay="PT4S"),
            share("member:XBB", when={"labels": ["briefly"]}, expire_after="PT4S"),
        )
    )
    with served(world, embedded_worker=False) as server:
        client = Client(server.base, world.secrets["xbb"])
        assert client.ask("GET", world.address()).status == 200
        later, later_us = contribute_now(world, "later")
        briefly, briefly_us = contribute_now(world, "briefly")
        opens_us, ends_us = later_us + 4 * SECOND_US, briefly_us + 4 * SECOND_US
        polls = {}

        def poll(wanted: str) -> None:
            polls[wanted] = watch(client, world.address(), wanted, ends_us + SECOND_US)

        threads = [threading.Thread(target=poll, args=(wanted,)) for wanted in (later, briefly)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    # What a poll that spans the instant tells may be either.
    assert {seen for _, after, seen in polls[later] if after < opens_us} == {False}
    assert {seen for before, _, seen in polls[later] if before >= opens_us} == {True}
    assert {seen for _, after, seen in polls[briefly] if after < ends_us} == {True}
    assert {seen for before, _, seen in polls[briefly] if before >= ends_us} == {False}
    assert find_faults(world.database) == []


def test_where_nobody_reads_the_embedded_worker_settles_within_two_seconds(
    present: World,
) -> None:
    world = present
    world.set_policy(policy(share("member:XBB", delay="PT3S")))
    with served(world, embedded_worker=True):
        _, first_us = contribute_now(world, "one")
        time.sleep(1.5)
        _, second_us = contribute_now(world, "two")
        due = [first_us + 3 * SECOND_US, second_us + 3 * SECOND_US]
        until(lambda: len(settlings(world.database)) == 2, seconds=20)
    assert is_settled(world)
    for (at_us, _), due_us in zip(settlings(world.database), due, strict=True):
        assert due_us <= at_us <= due_us + LATEST_US
    assert find_faults(world.database) == []


def test_with_neither_worker_nor_reader_nothing_settles(present: World) -> None:
    """The control: what the test before sees is the worker's doing."""
    world = present
    world.set_policy(policy(share("member:XBB", delay="PT1S")))
    with served(world, embedded_worker=False):
        contribute_now(world, "one")
        time.sleep(3.5)
    assert settlings(world.database) == []


def test_of_several_workers_one_is_killed_and_all_is_settled_once(present: World) -> None:
    world = present
    world.set_policy(policy(share("member:XBB", delay="PT2S")))
    with commands(world, 3) as workers:
        due = []
        for number in range(4):
            _, contributed_us = contribute_now(world, f"label-{number}")
            due.append(contributed_us + 2 * SECOND_US)
            time.sleep(0.7)
            if number == 1:
                workers[0][0].kill()
        until(lambda: is_settled(world), seconds=30)
        told = "".join(said.read_text() for _, said in workers)
    entries = [json.loads(line) for line in told.splitlines()]
    done = [entry for entry in entries if entry["event"] == "task-done"]
    assert not [entry for entry in entries if entry["event"] == "task-failed"], told
    settled = [instant_us for _, instant_us in settlings(world.database)]
    assert settled == sorted(set(settled))
    assert settled[-1] >= due[-1]
    # One line each, but for one that was killed before it could say so.
    assert len(settled) - 1 <= len(done) <= len(settled)
    assert find_faults(world.database) == []


def test_a_worker_told_to_stop_says_so_and_ends_with_no_fault(present: World) -> None:
    with commands(present, 1) as [(process, said)]:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
        lines = [json.loads(line)["event"] for line in said.read_text().splitlines()]
    assert lines == ["worker-started", "worker-stopped"]


def test_a_lease_passes_on_when_its_holder_is_killed_and_not_before(world: World) -> None:
    world.database.close()
    holder = fork(lambda say: _work_for_ever(world, say))
    heir = None
    try:
        assert holder.hear() == "began"
        heir = fork(lambda say: _work_for_ever(world, say))
        # Three times the length of the lease: it is held by renewing it.
        assert not _hears(heir, seconds=6)
        killed = time.monotonic()
        holder.kill()
        assert heir.hear(seconds=20) == "began"
        assert time.monotonic() - killed < 6
    finally:
        for child in (holder, heir):
            if child is not None:
                child.kill()
                os.waitpid(child.pid, 0)


# Where exactly it is stopped is chance: in the middle of a write it keeps the one writer that
# SQLite has, and nobody can settle until it goes on.
@pytest.mark.audit
def test_a_worker_that_is_stopped_loses_its_lease_and_does_no_harm_when_it_goes_on(
    present: World,
) -> None:
    world = present
    world.set_policy(policy(share("member:XBB", delay="PT2S")))
    with commands(world, 2) as workers:
        _, contributed_us = contribute_now(world, "one")
        # While it sleeps it may hold anything: a lease, or nothing.
        until(lambda: clock.now_us() >= contributed_us + 2 * SECOND_US)
        workers[0][0].send_signal(signal.SIGSTOP)
        try:
            until(lambda: is_settled(world), seconds=40)
        finally:
            workers[0][0].send_signal(signal.SIGCONT)
        time.sleep(1)
    assert len(settlings(world.database)) == 1
    assert find_faults(world.database) == []


def is_settled(world: World) -> bool:
    with world.database.read() as connection:
        due = connection.execute(
            select(forum_head.c.due_us).where(forum_head.c.forum_id == world.forum_id)
        ).scalar_one()
        waiting = connection.execute(
            select(contribution.c.id).where(contribution.c.due_us.is_not(None))
        ).first()
    return due is None and waiting is None


def _work_for_ever(world: World, say: Say) -> None:
    """A worker that finds one piece of work, says that it began it, and never ends it."""

    def list_ready(_database: Database, /, *, now_us: int) -> Sequence[str]:
        return ["one"] if now_us else []

    def run(_database: Database, _key: str, /, *, now_us: int) -> Details:
        say("began")
        time.sleep(600)
        return {"at": now_us}

    database = Database.open(world.settings)
    task = Task("long", list_ready, run)
    run_worker(database, [task], go_on=lambda: True, lease_seconds=2)


def _hears(child: Child, *, seconds: float) -> bool:
    import select as waiting  # noqa: PLC0415 - SQLAlchemy's has the name

    ready, _, _ = waiting.select([child.pipe], [], [], seconds)
    return bool(ready)
