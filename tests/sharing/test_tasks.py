"""The sharing room's due work, as a worker finds and does it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from app import list_tasks
from kernel.clock import DAY_US, HOUR_US
from kernel.db import Database
from kernel.settings import Settings
from kernel.tasks import Task
from sharing.services import settling
from sharing.services.lock import lock_forum
from sharing.services.settling import settle_forum
from sharing.tables import ledger, status
from sharing.tasks import TASKS
from tests.sharing.taxii.world import World, make_world
from tests.sharing.views.looking import look, policy, share

SETTLE, GATHER, FORGET = TASKS[:3]


@pytest.fixture
def world(database: Database, settings: Settings) -> World:
    """A forum of five States, on each database in turn."""
    return make_world(database, settings)


def ready(world: World, task: Task = SETTLE) -> list[str]:
    return list(task.list_ready(world.database, now_us=world.clock()))


def run(world: World, key: str, task: Task = SETTLE) -> Any:
    return task.run(world.database, key, now_us=world.clock())


def count_entries(world: World) -> int:
    with world.database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(ledger)).scalar_one())


def count_statuses(world: World) -> int:
    with world.database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(status)).scalar_one())


def test_a_forum_is_ready_from_the_instant_at_which_something_falls_due(world: World) -> None:
    world.set_policy(policy(share("member:XBB", delay="PT1H")))
    given = world.indicator()
    world.contribute(given)
    world.clock.now_us += HOUR_US - 1
    assert ready(world) == []
    world.clock.now_us += 1
    assert ready(world) == [str(world.forum_id)]


def test_a_worker_settles_as_a_reading_door_would(world: World) -> None:
    world.set_policy(policy(share("member:XBB", delay="PT1H")))
    given = world.indicator()
    world.contribute(given)
    world.clock.now_us += HOUR_US + 1_500_000
    told = run(world, str(world.forum_id))
    assert told["late_s"] == 1.5
    assert ready(world) == []
    entries = count_entries(world)
    assert look(world, "xbb") == {given["id"]: given}
    assert count_entries(world) == entries


def test_a_worker_that_comes_second_writes_nothing(world: World) -> None:
    world.set_policy(policy(share("member:XBB", delay="PT1H")))
    world.contribute(world.indicator())
    world.clock.now_us += HOUR_US
    assert look(world, "xbb") != {}
    entries = count_entries(world)
    assert run(world, str(world.forum_id)) == {"since": None}
    assert settle_forum(world.database, world.forum_id, now_us=world.clock()) is None
    assert count_entries(world) == entries


def test_what_falls_due_while_a_reader_waits_is_for_the_next_request(
    world: World,
) -> None:
    world.set_policy(policy(share("member:XBB", delay="PT1H")))
    world.contribute(world.indicator())
    world.contribute(world.indicator())  # a second later
    world.clock.now_us += HOUR_US - 1_000_000
    moved = iter([0, 1_000_000])

    def tick() -> int:
        world.clock.now_us += next(moved, 0)
        return world.clock.now_us

    world.app.extensions["comity"] = type(world.app.extensions["comity"])(
        world.settings, world.database, world.signer, tick
    )
    assert world.get("xbb", world.address()).status_code == 200


def test_a_member_that_reads_a_week_later_finds_its_status_forgotten(world: World) -> None:
    document = world.contribute(world.indicator())
    address = f"/taxii2/harbour/status/{document['id']}/"
    world.clock.now_us += 7 * DAY_US
    assert ready(world, FORGET) == []
    assert world.get("xaa", address).status_code == 200
    world.clock.now_us += 1
    assert ready(world, FORGET) == ["all"]
    before = count_statuses(world)
    assert run(world, "all", FORGET) == {"forgotten": before}
    assert world.get("xaa", address).status_code == 404
    assert ready(world, FORGET) == []


def test_every_task_has_a_name_of_its_own() -> None:
    names = [task.name for task in list_tasks(Settings())]
    assert names[0] == "settle"
    assert len(names) == len(set(names))
    assert not [name for name in names if "/" in name]


def test_a_worker_finishes_what_a_recall_began(world: World) -> None:
    given = world.indicator()
    world.contribute(given)
    assert given["id"] in look(world, "xbb")
    assert ready(world, GATHER) == []
    body = {"collection": "reports", "id": given["id"], "reason": "A mistake."}
    address = "/api/v1/forums/harbour/recalls"
    sent = world.post("xaa", address, body, headers={"Content-Type": "application/json"})
    assert sent.status_code == 201, sent.text
    assert ready(world, GATHER) == [str(world.forum_id)]
    world.clock.now_us += DAY_US
    run(world, str(world.forum_id), GATHER)
    assert ready(world, GATHER) == []


def test_a_reader_is_told_when_whoever_holds_the_forum_has_stopped(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    if world.database.is_sqlite:
        pytest.skip("the embedded database has a wait of its own, of half a minute")
    world.set_policy(policy(share("member:XBB", delay="PT1H")))
    given = world.indicator()
    world.contribute(given)
    world.clock.now_us += HOUR_US
    monkeypatch.setattr(settling, "MOST_WAIT_MS", 100)
    with world.database.write() as connection:
        lock_forum(connection, world.forum_id, now_us=world.clock())
        answer = world.get("xbb", world.address())
    assert answer.status_code == 503
    assert look(world, "xbb") == {given["id"]: given}
