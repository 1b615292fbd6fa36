"""Long work goes on when the worker at it is killed: nothing is lost, nothing is done twice."""

from __future__ import annotations

import io
import os
import signal
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from sqlalchemy import func, select

from kernel import clock
from kernel.leases import list_held
from sharing.services.jobs import ask_import
from sharing.tables import contribution, delivery, job, job_refusal, policy
from tests.browsing import add_person
from tests.reliability.children import die, run
from tests.reliability.consistency import find_faults
from tests.reliability.test_due_work import commands, until
from tests.sharing.jobs.asking import (
    ask_to_apply,
    ask_to_export,
    ask_to_simulate,
    file_of,
    look,
    place_of,
    seat_of,
)
from tests.sharing.jobs.asking import run as run_here
from tests.sharing.taxii.world import World

OBJECTS = 3000
WRONG = 7
PERSON = "all@xaa.example"


@pytest.fixture
def peopled(world: World) -> World:
    world.clock.now_us = clock.now_us()
    roles = ("reader", "contributor", "policy-officer")
    for code in ("XAA", "XBB"):
        add_person(world, f"all@{code.lower()}.example", code, *roles)
    return world


def ask(world: World, count: int) -> str:
    """Indicators, and among them some that are wrong."""
    wrong = [world.indicator(created="yesterday") for _ in range(WRONG)]
    objects = [*world.indicators(count // 2), *wrong, *world.indicators(count - count // 2)]
    seated = seat_of(world, PERSON)
    content = io.BytesIO(b"\n".join(map(orjson.dumps, objects)))
    return ask_import(
        world.database,
        seated,
        place_of(world, seated),
        content,
        "many.jsonl",
        most_object_bytes=1_000_000,
        now_us=clock.now_us(),
    )


def holder_of(world: World, job_id: str) -> int | None:
    """The process that is at it."""
    with world.database.read() as connection:
        held = list_held(connection, now_us=clock.now_us())
    found = [one.holder for one in held if one.name == f"job/{job_id}"]
    return int(found[0].split(":")[-2]) if found else None


def count(world: World, table: Any) -> int:
    log = table is delivery
    with (world.database.read_deliveries if log else world.database.read)() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def test_an_import_whose_worker_is_killed_is_ended_by_another(peopled: World) -> None:
    world = peopled
    with commands(world, 2):
        job_id = ask(world, OBJECTS)
        until(lambda: look(world, job_id).done > 0)
        first = holder_of(world, job_id)
        assert first is not None
        os.kill(first, signal.SIGKILL)
        left = look(world, job_id)
        assert left.state == "running"
        assert left.done < OBJECTS
        until(lambda: look(world, job_id).is_ended, seconds=120)
    done = look(world, job_id)
    assert (done.state, done.done) == ("done", OBJECTS + WRONG)
    assert done.result["contributed"] == OBJECTS
    assert (done.result["known"], done.result["refused"]) == (0, WRONG)
    assert count(world, contribution) == OBJECTS
    assert count(world, job_refusal) == WRONG
    with world.database.read() as connection:
        assert connection.execute(select(job.c.attempt)).scalar_one() == 2
    assert find_faults(world.database) == []


def dying_after(world: World, job_id: str, statements: int) -> Callable[[Any], None]:
    """Does the work in a process of its own, which ends itself before a statement."""

    def work(_say: Any) -> None:
        from sqlalchemy import event  # noqa: PLC0415 - in the child alone

        from kernel.db import Database  # noqa: PLC0415 - likewise

        database = Database.open(world.settings)
        left = [statements]

        def count_down(*_about: Any) -> None:
            left[0] -= 1
            if left[0] == 0:
                die()

        for engine in {database.content, database.deliveries}:
            event.listen(engine, "before_cursor_execute", count_down)
        world.database = database
        run_here(world, job_id)

    return work


@pytest.mark.parametrize("kind", ["import", "export", "simulation", "policy"])
def test_work_that_dies_at_any_statement_is_done_in_the_end(
    peopled: World, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Again and again, each time a little later, until it comes through."""
    world = peopled
    monkeypatch.setattr("sharing.services.working.MOST_STARTS", 1000)
    monkeypatch.setattr("sharing.services.sources.SLICE_OBJECTS", 2)
    monkeypatch.setattr("sharing.services.jobs.PART_BYTES", 300)
    monkeypatch.setattr("sharing.services.working.PART_BYTES", 300)
    given = world.indicators(3)
    world.contribute(*given)
    asker = PERSON
    if kind == "import":
        job_id = ask(world, 5)
    elif kind == "export":
        asker = "all@xbb.example"
        job_id = ask_to_export(world, asker)
    else:
        job_id = ask_to_simulate(world, {"rules": []})
    if kind == "policy":
        run_here(world, job_id)
        tried = str(look(world, job_id).simulation_id)
        job_id = ask_to_apply(world, {"rules": []}, tried)
        versions = count(world, policy)
    before = count(world, contribution)
    deaths = 0
    for statements in range(2, 1000, 9):
        world.database.close()
        ended = run(dying_after(world, job_id, statements))
        assert ended.died or ended.code == 0
        if not ended.died:
            break
        deaths += 1
    assert deaths >= 2
    done = look(world, job_id, asker)
    assert done.state == "done"
    if kind == "import":
        assert (done.result["contributed"], done.result["refused"]) == (5, WRONG)
        assert count(world, contribution) == before + 5
        assert count(world, job_refusal) == WRONG
    elif kind == "export":
        told = orjson.loads(file_of(world, job_id))["objects"]
        assert sorted(one["id"] for one in told) == sorted(one["id"] for one in given)
        assert done.result["bytes"] == len(file_of(world, job_id))
        # What was put on record and then broke off is on record all the same.
        assert count(world, delivery) >= 1
    elif kind == "policy":
        # Set once, whatever died.
        assert count(world, policy) == versions + 1
    else:
        assert done.simulation_id is not None
    assert find_faults(world.database) == []
