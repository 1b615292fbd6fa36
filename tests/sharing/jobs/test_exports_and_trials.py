"""Views made into files and policies tried out as long work, with the rights of the moment."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from auth.queries import find_person
from auth.services.persons import change_roles
from kernel.errors import Conflict, Forbidden, StorageFull
from sharing.queries.jobs import find_tried, has_left_view
from sharing.services import attempts, working
from sharing.services.exporting import export_view
from sharing.services.jobs import cancel_job
from sharing.tables import delivery, simulation
from tests.sharing.jobs.asking import (
    ask_to_export,
    ask_to_import,
    ask_to_simulate,
    bundle,
    file_of,
    look,
    place_of,
    ready,
    run,
    seat_of,
    sides,
)
from tests.sharing.taxii.world import World

XBB = "all@xbb.example"
XAA = "all@xaa.example"
OPEN = {"rules": [{"id": "all", "effect": "share", "audience": {"any": ["forum"]}}]}


def change(world: World, email: str, *roles: str) -> None:
    with world.database.write() as connection:
        found = find_person(connection, email)
        assert found is not None
        change_roles(connection, found, roles, actor="operator", now_us=world.clock())


def count_served(world: World) -> int:
    with world.database.read_deliveries() as log:
        return int(log.execute(select(func.count()).select_from(delivery)).scalar_one())


def test_the_file_is_what_the_command_would_write(world: World, tmp_path: Any) -> None:
    world.contribute(*world.indicators(5))
    job_id = ask_to_export(world)
    run(world, job_id)
    seated = seat_of(world, XBB)
    file = tmp_path / "view.json"
    export_view(
        world.database,
        seated,
        place_of(world, seated),
        file,
        bundle_id="bundle--1",
        now_us=world.clock(),
    )
    expected, made = json.loads(file.read_bytes()), json.loads(file_of(world, job_id))
    assert made["objects"] == expected["objects"]
    done = look(world, job_id, XBB)
    assert (done.done, done.total, done.result["count"]) == (5, 5, 5)


def test_a_file_of_many_pieces_is_whole(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "PART_BYTES", 100)
    world.contribute(*world.indicators(5))
    job_id = ask_to_export(world)
    run(world, job_id)
    made = file_of(world, job_id)
    assert len(json.loads(made)["objects"]) == 5
    assert look(world, job_id, XBB).result["bytes"] == len(made)


def test_a_view_of_nothing_is_a_bundle_of_nothing_and_serves_nothing(world: World) -> None:
    job_id = ask_to_export(world)
    before = count_served(world)
    run(world, job_id)
    assert "objects" not in json.loads(file_of(world, job_id))
    assert count_served(world) == before


def test_who_may_not_read_any_more_when_it_is_done_is_served_nothing(world: World) -> None:
    world.contribute(world.indicator())
    job_id = ask_to_export(world)
    change(world, XBB, "policy-officer")
    before = count_served(world)
    assert run(world, job_id)["code"] == "sharing.rights-lost"
    assert (sides(world, job_id), count_served(world)) == (set(), before)


def test_who_loses_the_right_while_it_is_made_gets_no_file(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.contribute(world.indicator())
    job_id = ask_to_export(world)
    export = working.export_view

    def lose(*given: Any, **said: Any) -> Any:
        exported = export(*given, **said)
        change(world, XBB, "policy-officer")
        return exported

    monkeypatch.setattr(working, "export_view", lose)
    assert run(world, job_id)["state"] == "failed"
    assert look(world, job_id, XBB).result == {}


def test_what_a_worker_has_no_room_for_is_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    world.contribute(world.indicator())
    exported = ask_to_export(world)
    imported = ask_to_import(world, bundle(world.indicator()))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    for job_id in (exported, imported):
        with pytest.raises(StorageFull) as refused:
            run(world, job_id)
        assert "gone" not in refused.value.message
    assert set(ready(world)) == {exported, imported}
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for job_id in (exported, imported):
        assert run(world, job_id)["state"] == "done"
    assert list(tmp_path.glob("comity-*")) == []


def test_who_may_not_read_asks_for_no_file(world: World) -> None:
    change(world, XBB, "policy-officer")
    with pytest.raises(AssertionError):
        ask_to_export(world)
    with pytest.raises(Forbidden):
        ask_to_export(world, XAA, of="drop")


def test_what_is_cancelled_while_it_is_made_leaves_no_file_to_fetch(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.contribute(world.indicator())
    job_id = ask_to_export(world)
    export = working.export_view

    def cancel(*given: Any, **said: Any) -> Any:
        exported = export(*given, **said)
        cancel_job(world.database, seat_of(world, XBB).reader, job_id, now_us=world.clock())
        return exported

    monkeypatch.setattr(working, "export_view", cancel)
    assert run(world, job_id) == {"kind": "export", "state": "left"}
    assert look(world, job_id, XBB).state == "cancelled"
    assert sides(world, job_id) == set()


def test_a_slower_worker_does_not_mix_its_file_with_that_of_another(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.contribute(*world.indicators(3))
    job_id = ask_to_export(world)
    export = working.export_view

    def overtake(*given: Any, **said: Any) -> Any:
        exported = export(*given, **said)
        monkeypatch.setattr(working, "export_view", export)
        assert run(world, job_id)["state"] == "done"
        return exported

    monkeypatch.setattr(working, "export_view", overtake)
    assert run(world, job_id) == {"kind": "export", "state": "left"}
    assert look(world, job_id, XBB).state == "done"
    assert len(json.loads(file_of(world, job_id))["objects"]) == 3


def test_what_leaves_a_view_is_found_out_and_nothing_else_is(world: World) -> None:
    world.set_policy(OPEN)
    one, other = world.indicators(2)
    world.contribute(one, other)
    job_id = ask_to_export(world)
    run(world, job_id)
    seated, head = seat_of(world, XBB), look(world, job_id, XBB).result["head"]

    def left() -> bool:
        with world.database.read() as connection:
            return has_left_view(connection, seated, place_of(world, seated).id, head)

    assert not left()
    newer = one | {"modified": "2026-03-01T00:00:00.000Z"}
    world.contribute(newer, world.indicator())
    assert not left()
    # Seen through another release now, for others see less.
    rule = {"id": "not", "effect": "withhold", "audience": {"any": ["member:XCC"]}}
    world.set_policy({"rules": [*OPEN["rules"], rule]})
    assert not left()
    only = {"id": "not", "effect": "withhold", "audience": {"any": ["member:XBB"]}}
    world.set_policy({"rules": [*OPEN["rules"], only | {"only": ["pattern_version", "name"]}]})
    assert left()


def test_a_trial_is_kept_for_the_members_officers(world: World) -> None:
    world.set_policy({"rules": []})
    world.contribute(*world.indicators(3))
    job_id = ask_to_simulate(world, OPEN)
    assert run(world, job_id) == {"kind": "simulation", "state": "done", "attempt": 1}
    done = look(world, job_id)
    assert done.simulation_id is not None
    with world.database.read() as connection:
        tried = find_tried(connection, seat_of(world), done.simulation_id)
        assert tried is not None
        assert json.loads(tried) == OPEN
        assert find_tried(connection, seat_of(world, XBB), done.simulation_id) is None
        assert find_tried(connection, seat_of(world), "\0") is None


def test_who_is_no_officer_any_more_tries_nothing_out(world: World) -> None:
    job_id = ask_to_simulate(world, OPEN)
    change(world, XAA, "reader")
    assert run(world, job_id)["code"] == "sharing.rights-lost"
    with world.database.read() as connection:
        assert connection.execute(select(simulation)).all() == []


def test_a_policy_that_cannot_hold_fails_with_its_reason(world: World) -> None:
    job_id = ask_to_simulate(world, {"rules": [{"id": "x"}]})
    run(world, job_id)
    failed = look(world, job_id)
    assert (failed.state, failed.code) == ("failed", "sharing.policy-refused")
    assert failed.reason


def test_a_trial_that_was_cancelled_is_told_to_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "_TELL_SECONDS", 0.0)
    world.contribute(*world.indicators(3))
    job_id = ask_to_simulate(world, OPEN)
    reader = seat_of(world).reader
    try_out = working.try_out

    def cancel(*given: Any, **said: Any) -> Any:
        cancel_job(world.database, reader, job_id, now_us=world.clock())
        return try_out(*given, **said)

    monkeypatch.setattr(working, "try_out", cancel)
    assert run(world, job_id) == {"kind": "simulation", "state": "left"}
    with world.database.read() as connection:
        assert connection.execute(select(simulation)).all() == []
    with pytest.raises(Conflict):
        cancel_job(world.database, reader, job_id, now_us=world.clock())
