"""Policies, simulations, what falls due, confirmations, recalls, seats and the forum's rules:
a database that fails at any step of a change leaves all of it or nothing.

Each attempt begins from the same rows. What a fault leaves is, row by row in every table, what
was there before, or what the unbroken change leaves after one of its commits.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event

from tests.reliability.changes import CHANGES, Change, Picture, picture, prepare, put_back
from tests.reliability.consistency import find_faults, find_wrong_views
from tests.reliability.steps import Step, watch
from tests.reliability.test_failing_statements import ANSWERED, FAULTS, Failing
from tests.sharing.taxii.snapshots import Snapshot, number_again, take
from tests.sharing.taxii.world import World


class Ids:
    """Ids that are drawn alike in each attempt."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begin()
        monkeypatch.setattr(uuid, "uuid4", self._draw)

    def begin(self) -> None:
        self._numbers = itertools.count(1 << 64)

    def _draw(self) -> uuid.UUID:
        return uuid.UUID(int=next(self._numbers), version=4)


@pytest.fixture
def ids(monkeypatch: pytest.MonkeyPatch) -> Ids:
    return Ids(monkeypatch)


def list_stages(world: World, change: Change, snapshot: Snapshot) -> list[Picture]:
    """What the database holds before the change and after each of its commits, if that differs.

    Each of them holds together, and shows what the rules say.
    """
    stages = [picture(world.database)]
    is_looking = False

    def look(step: Step) -> None:
        # A delivery's statement commits by itself.
        nonlocal is_looking
        if is_looking or step.when == "before" or not (step.is_commit or step.is_of_delivery):
            return
        is_looking = True
        now = picture(world.database)
        if now != stages[-1]:
            stages.append(now)
            assert find_faults(world.database) == []
        is_looking = False

    stop = watch(world.database, look)
    assert change.act() == 200
    stop()
    assert find_wrong_views(world.database) == []
    put_back(snapshot, world)
    number_again(snapshot, world.database)
    assert picture(world.database) == stages[0]
    return stages


def fail_every_step(world: World, ids: Ids, change: Change, kind: str) -> Iterator[str]:
    """What is wrong when the first step of the change fails, the second, and so on to the end."""
    make_fault = FAULTS[world.database.content.dialect.name, kind]
    snapshot = take(world.database)
    ids.begin()
    stages = list_stages(world, change, snapshot)
    assert len(stages) == 1 + change.commits
    for number in itertools.count(1):
        failing = Failing(number, make_fault())
        stop = watch(world.database, failing)
        ids.begin()
        status = change.act()
        stop()
        left = picture(world.database)
        if not failing.has_failed:
            assert (status, find_changed(stages[-1], left)) == (200, [])
            assert number > 10
            return
        if status == 200:
            yield f"step {number} failed and was answered as if it had not"
        elif status != (503 if failing.is_of_delivery else ANSWERED[kind]):
            yield f"step {number} failed and was answered {status}"
        if left not in stages:
            yield f"step {number} failed and left " + ", ".join(find_changed(stages[0], left))
        if left != stages[0]:
            put_back(snapshot, world)
        number_again(snapshot, world.database)


def find_changed(before: Picture, after: Picture) -> list[str]:
    """The tables that differ."""
    return [name for name in before if before[name] != after[name]]


def test_a_fault_at_any_step_of_settling_leaves_all_of_it_or_nothing(
    small_world: World, ids: Ids
) -> None:
    change = prepare(small_world, "what is due")
    assert list(fail_every_step(small_world, ids, change, "unavailable")) == []


def test_control_a_change_that_is_committed_in_pieces_is_caught(
    small_world: World, ids: Ids
) -> None:
    change = prepare(small_world, "a confirmation")

    @event.listens_for(small_world.database.content, "before_cursor_execute")
    def commit_so_far(_connection: Any, cursor: Any, statement: str, *_rest: Any) -> None:
        # What is left to be written is where the forum's ledger has come to.
        if statement.startswith("UPDATE forum_head"):
            other = cursor.connection.cursor()
            other.execute("COMMIT")
            other.execute("BEGIN")

    faults = list(fail_every_step(small_world, ids, change, "unavailable"))
    assert any("left" in fault and "contribution" in fault for fault in faults)


# A change that fails while it reads row by row leaves the rest of them to the rollback.
@pytest.mark.filterwarnings("ignore:.*ServerCursor.*deleted while still open:ResourceWarning")
@pytest.mark.audit
@pytest.mark.parametrize("kind", ANSWERED)
@pytest.mark.parametrize("name", CHANGES)
def test_every_fault_at_any_step_of_any_change_leaves_all_of_it_or_nothing(
    world: World, ids: Ids, name: str, kind: str
) -> None:
    assert list(fail_every_step(world, ids, prepare(world, name), kind)) == []
