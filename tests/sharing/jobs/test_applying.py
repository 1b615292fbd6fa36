"""A policy that is applied as long work: exactly what was tried out, once, or not at all."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from auth.queries import find_person
from auth.services.persons import change_roles
from kernel.errors import NotFound
from sharing.queries.jobs import find_tried
from sharing.services import attempts, working
from sharing.services.jobs import cancel_job
from sharing.tables import job, policy
from tests.sharing.jobs.asking import (
    ask_to_apply,
    ask_to_simulate,
    look,
    ready,
    run,
    seat_of,
    sides,
)
from tests.sharing.taxii.world import World

XAA = "all@xaa.example"
OPEN = {"rules": [{"id": "all", "effect": "share", "audience": {"any": ["forum"]}}]}
SHUT: dict[str, Any] = {"rules": []}


def try_out(world: World) -> str:
    world.set_policy(SHUT)
    world.contribute(*world.indicators(3))
    job_id = ask_to_simulate(world, OPEN)
    run(world, job_id)
    return str(look(world, job_id).simulation_id)


def seen(world: World) -> int:
    return len(world.get("xbb", world.address()).get_json().get("objects", []))


def versions(world: World) -> int:
    with world.database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(policy)).scalar_one())


def test_it_sets_what_was_tried_out_once_and_tells_how_far_it_is(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "_TELL_SECONDS", 0.0)
    tried = try_out(world)
    before = versions(world)
    job_id = ask_to_apply(world, OPEN, tried)
    assert seen(world) == 0
    assert run(world, job_id) == {"kind": "policy", "state": "done", "attempt": 1}
    done = look(world, job_id)
    assert (done.done, done.total) == (3, 3)
    assert list(done.result) == ["version"]
    assert (seen(world), versions(world)) == (3, before + 1)
    assert run(world, job_id) == {"state": "ended"}
    assert (sides(world, job_id), ready(world)) == (set(), [])
    # The trial's own document is what its page shows, and no other.
    with world.database.read() as connection:
        assert find_tried(connection, seat_of(world), tried) is not None


def test_what_would_do_something_else_by_now_is_told_and_changes_nothing(world: World) -> None:
    tried = try_out(world)
    job_id, unknown = ask_to_apply(world, OPEN, tried), ask_to_apply(world, OPEN, "never")
    other = ask_to_apply(world, SHUT, tried)
    with pytest.raises(NotFound):
        ask_to_apply(world, OPEN, "\0")
    world.contribute(world.indicator())
    before = versions(world)
    assert run(world, job_id)["code"] == "sharing.world-moved"
    assert run(world, unknown)["code"] == "sharing.unknown-simulation"
    assert run(world, other)["code"] == "sharing.other-document"
    assert (seen(world), versions(world)) == (0, before)


def test_what_moves_while_it_is_looked_at_is_found_out_under_the_lock(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = try_out(world)
    job_id = ask_to_apply(world, OPEN, tried)
    foresee = working.foresee_applying

    def move(*given: Any, **said: Any) -> None:
        foresee(*given, **said)
        world.contribute(world.indicator())

    monkeypatch.setattr(working, "foresee_applying", move)
    assert run(world, job_id)["code"] == "sharing.world-moved"
    assert seen(world) == 0


@pytest.mark.parametrize("how", ["cancelled", "taken over", "without the role"])
def test_whoever_may_not_end_it_has_set_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Found out when all is written, so that all of it is undone."""
    tried = try_out(world)
    job_id = ask_to_apply(world, OPEN, tried)
    foresee, before = working.foresee_applying, versions(world)

    def meddle(*given: Any, **said: Any) -> None:
        foresee(*given, **said)
        if how == "cancelled":
            cancel_job(world.database, seat_of(world).reader, job_id, now_us=world.clock())
            return
        with world.database.write() as connection:
            if how == "taken over":
                connection.execute(job.update().values(attempt=job.c.attempt + 1))
                return
            found = find_person(connection, XAA)
            assert found is not None
            change_roles(connection, found, ["reader"], actor="operator", now_us=world.clock())

    monkeypatch.setattr(working, "foresee_applying", meddle)
    told = run(world, job_id)
    assert told["state"] == ("failed" if how == "without the role" else "left")
    assert (seen(world), versions(world)) == (0, before)


def test_what_was_not_tried_out_is_set_as_it_is(world: World) -> None:
    world.set_policy(SHUT)
    world.contribute(world.indicator())
    job_id = ask_to_apply(world, OPEN, "")
    assert run(world, job_id)["state"] == "done"
    assert seen(world) == 1
    bad = ask_to_apply(world, {"rules": [{"id": "x"}]}, "")
    assert run(world, bad)["code"] == "sharing.policy-refused"
