"""A database that fails at any step of a request leaves all of it or nothing, and says so.

The fault is the one that a driver raises; the next request finds everything well again without
a restart.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import orjson
import psycopg
import pytest
from sqlalchemy import event

from kernel.db import Database
from kernel.settings import Settings
from sharing.taxii.media import TAXII
from tests.reliability.consistency import find_faults, find_wrong_views
from tests.reliability.scenes import SCENES, Scene, envelope, related, served_ids
from tests.reliability.steps import Step, watch
from tests.sharing.taxii.world import World

FAULTS: dict[tuple[str, str], Callable[[], Exception]] = {
    ("sqlite", "unavailable"): lambda: sqlite3.OperationalError("disk I/O error"),
    ("sqlite", "full"): lambda: sqlite3.OperationalError("database or disk is full"),
    ("sqlite", "locked"): lambda: sqlite3.OperationalError("database is locked"),
    ("postgresql", "unavailable"): lambda: psycopg.OperationalError("the server went away"),
    ("postgresql", "full"): lambda: psycopg.errors.DiskFull("No space left on device"),
    ("postgresql", "locked"): lambda: psycopg.errors.LockNotAvailable("lock timeout"),
}
ANSWERED = {"unavailable": 503, "full": 507, "locked": 503}


class Failing:
    """Raises a fault at the n-th step of what a database is asked; once."""

    def __init__(self, number: int, fault: Exception) -> None:
        self.number = number
        self.fault = fault
        self.has_failed = False
        self.is_of_delivery = False
        self.steps = 0

    def __call__(self, step: Step) -> None:
        if step.when == "after":
            return
        self.steps += 1
        if self.steps == self.number:
            self.has_failed, self.is_of_delivery = True, step.is_of_delivery
            raise self.fault


def ask_while_failing(world: World, scene: Scene, number: int, fault: Exception) -> Any:
    """The answer to the scene's first request with the n-th step failing; None past the end."""
    failing = Failing(number, fault)
    stop = watch(world.database, failing)
    asking = scene.asked[0]
    try:
        answer = world.open(
            "xaa", asking.method, asking.address, data=asking.content, content_type=TAXII
        )
    finally:
        stop()
    return answer if failing.has_failed else None


def find_half_states(world: World, before: list[str], status: int, answer: Any) -> list[str]:
    """What is wrong with the answer to a request that failed, and with what it left.

    `before` are the ids that were served before it.
    """
    faults = find_faults(world.database)
    if answer.status_code != status or answer.headers["Content-Type"] != TAXII:
        faults.append(f"answered {answer.status_code} {answer.headers['Content-Type']}")
    if answer.get_json().keys() != {"title", "description", "error_code", "http_status"}:
        faults.append(f"answered {answer.text}")
    if served_ids(world) != before:
        faults.append("what is served has changed")
    return faults


def fail_every_step(world: World, name: str, kind: str) -> int:
    """Fail the first step of such a scene, the second, and so on; how many there were.

    Asserts that none left anything behind and that the last attempt, which met no fault, did
    all of it.
    """
    make_fault = FAULTS[world.database.content.dialect.name, kind]
    world.contribute(*related(world))
    scene = SCENES[name](world)
    before, number = served_ids(world), 1
    while True:
        answer = ask_while_failing(world, scene, number, make_fault())
        if answer is None:
            break
        assert find_half_states(world, before, ANSWERED[kind], answer) == []
        number += 1
    seen = served_ids(world)
    assert all(seen.count(one) == 1 for one in scene.sent)
    assert not set(scene.withdrawn) & set(seen)
    assert find_wrong_views(world.database) == []
    return number


@pytest.mark.parametrize(
    ("name", "kind"),
    [("contributing", "full"), ("renewing", "locked"), ("withdrawing", "unavailable")],
)
def test_a_fault_at_any_step_leaves_nothing_and_is_gone_afterwards(
    world: World, name: str, kind: str
) -> None:
    assert fail_every_step(world, name, kind) > 20


@pytest.mark.audit
@pytest.mark.parametrize("kind", ANSWERED)
@pytest.mark.parametrize("name", SCENES)
def test_every_fault_at_any_step_leaves_nothing(world: World, name: str, kind: str) -> None:
    assert fail_every_step(world, name, kind) > 20


def test_a_fault_at_any_step_of_a_poll_serves_nothing_that_is_not_recorded(world: World) -> None:
    world.contribute(*world.indicators(2))
    number = 1
    while True:
        failing = Failing(number, FAULTS[world.database.content.dialect.name, "unavailable"]())
        stop = watch(world.database, failing)
        answer = world.get("xbb", world.address())
        stop()
        if not failing.has_failed:
            break
        assert answer.status_code == 503
        assert answer.headers["Content-Type"] == TAXII
        assert b"indicator" not in answer.data
        number += 1
    assert len(answer.get_json()["objects"]) == 2
    # Who asks, where, the page, and the record that it is served.
    assert number > 4


@pytest.mark.parametrize("make_settings", ["postgresql"], indirect=True)
def test_a_server_that_ends_the_connection_at_any_moment_is_met_again(
    settings: Settings, world: World
) -> None:
    """PostgreSQL itself ends every session of the application: no simulation."""
    world.contribute(*related(world))
    scene = SCENES["contributing"](world)
    before, hung_up = served_ids(world), 0
    for number in (1, 3, 5, 9, 15, 20, 25):
        stop = watch(world.database, HangingUp(settings, number))
        asking = scene.asked[0]
        answer = world.open("xaa", "POST", asking.address, data=asking.content, content_type=TAXII)
        stop()
        if answer.status_code == 503:
            hung_up += 1
            assert find_half_states(world, before, 503, answer) == []
        else:
            # Between two transactions, where the next one takes a new connection.
            assert answer.status_code == 202
            before = served_ids(world)
            scene = SCENES["contributing"](world)
    assert hung_up > 3
    world.contribute(*world.indicators(1))
    assert find_faults(world.database) == []


class HangingUp:
    """Makes PostgreSQL end every other session before the n-th step."""

    def __init__(self, settings: Settings, number: int) -> None:
        self.url = settings.database_url
        self.number = number
        self.steps = 0

    def __call__(self, step: Step) -> None:
        self.steps += step.when == "before"
        if self.steps != self.number or step.when == "after":
            return
        with psycopg.connect(self.url, autocommit=True) as operator:
            operator.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


def test_control_an_application_that_commits_in_pieces_is_caught(world: World) -> None:
    """Its bytes are committed by themselves, so that a later fault leaves them behind."""

    @event.listens_for(world.database.content, "before_cursor_execute")
    def commit_bytes(_connection: Any, cursor: Any, statement: str, *_rest: Any) -> None:
        # The lock is taken when the bytes are in.
        if statement.startswith("SELECT forum_head.forum_id"):
            other = cursor.connection.cursor()
            other.execute("COMMIT")
            other.execute("BEGIN")

    make_fault = FAULTS[world.database.content.dialect.name, "unavailable"]
    scene = SCENES["contributing"](world)
    before = served_ids(world)
    faults: list[str] = []
    for number in range(1, 100):
        answer = ask_while_failing(world, scene, number, make_fault())
        if answer is None:
            break
        faults += find_half_states(world, before, 503, answer)
    assert "bodies and contributions do not match one to one" in faults


def test_a_database_without_room_refuses_writes_goes_on_reading_and_recovers(
    small_world: World,
) -> None:
    """SQLite itself runs out of pages: no simulation."""
    world = small_world
    kept = world.indicators(2)
    world.contribute(*kept)
    room = Room(world.database)
    room.shut()
    news = world.indicators(200, description="x" * 500)
    world.clock.now_us += 1_000_000
    answer = world.post("xaa", world.address(), envelope(news))
    assert (answer.status_code, answer.headers["Content-Type"]) == (507, TAXII)
    assert orjson.loads(answer.data)["error_code"] == "kernel.storage-full"
    assert served_ids(world) == [one["id"] for one in kept]
    assert find_faults(world.database) == []
    room.open()
    world.contribute(*news)
    assert served_ids(world) == [one["id"] for one in (*kept, *news)]


class Room:
    """How many pages the content may have."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def shut(self) -> None:
        """No more than there are."""
        event.listen(self._database.content, "connect", self._limit)
        self._database.content.dispose()

    def open(self) -> None:
        """As many as there may be."""
        event.remove(self._database.content, "connect", self._limit)
        self._database.content.dispose()

    def _limit(self, connection: sqlite3.Connection, _record: object) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")
