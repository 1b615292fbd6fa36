"""A process that ends at any step of a request loses nothing that it acknowledged.

Children are forked from this warm process, and each ends itself, with nothing flushed or closed,
at one moment of a scene: before or after a statement, a commit, a record of delivery.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kernel.db import Database
from tests.reliability.consistency import find_wrong_views
from tests.reliability.controls import AcknowledgingFirst, RecordingLater
from tests.reliability.scenes import (
    SCENES,
    Scene,
    dying_at,
    find_faults_of_repetition,
    find_losses,
    list_steps,
    play,
)
from tests.reliability.steps import Step
from tests.sharing.taxii.world import World

EXITS = {"sqlite": 20, "postgresql": 5}
"""Of each of the four scenes: a hundred in all."""


def moments(steps: list[Step], count: int) -> list[int]:
    """The steps around what a scene commits and records, then others evenly, `count` in all."""
    saved = next(s.number for s in steps if s.when == "after" and "UPDATE forum_head" in s.what)
    recorded = next(s.number for s in steps if s.is_of_delivery)
    # Before and after the commit that the acknowledgement waits for; before the delivery is
    # written down, after it is; and with everything written but the commit.
    chosen = [saved + 1, saved + 2, recorded, recorded + 1, saved]
    spread = [steps[place * len(steps) // count].number for place in range(count)]
    return list(dict.fromkeys([*chosen, *spread]))[:count]


def cut_short(
    world: World, make: Callable[[World], Scene], number: int, kind: type[Database] = Database
) -> list[str]:
    """What is wrong after such a scene ended at a step, and after its request was repeated."""
    scene = make(world)
    played = play(world, scene, dying_at(number), kind)
    assert played.ended.died, (number, played.ended)
    return find_losses(world, played) + find_faults_of_repetition(world, scene)


def test_a_process_that_ends_at_any_step_loses_nothing_acknowledged(world: World) -> None:
    exits, faults = 0, []
    for make in SCENES.values():
        steps = list_steps(world, make)
        for number in moments(steps, EXITS[world.database.content.dialect.name]):
            faults += cut_short(world, make, number)
            exits += 1
    assert faults == []
    assert find_wrong_views(world.database) == []
    assert exits == 4 * EXITS[world.database.content.dialect.name]


@pytest.mark.audit
@pytest.mark.parametrize("name", SCENES)
def test_a_process_that_ends_at_every_single_step_loses_nothing(world: World, name: str) -> None:
    make = SCENES[name]
    steps = list_steps(world, make)
    assert [fault for step in steps for fault in cut_short(world, make, step.number)] == []
    assert find_wrong_views(world.database) == []
    assert len(steps) > 50


def test_control_an_application_that_acknowledges_before_it_commits_is_caught(
    world: World,
) -> None:
    make = SCENES["contributing"]
    commit = moments(list_steps(world, make), 1)[0]
    faults = cut_short(world, make, commit, AcknowledgingFirst)
    assert [fault for fault in faults if "was acknowledged and is lost" in fault]


def test_control_an_application_that_acknowledges_a_deletion_first_is_caught(world: World) -> None:
    make = SCENES["withdrawing"]
    commit = moments(list_steps(world, make), 1)[0]
    faults = cut_short(world, make, commit, AcknowledgingFirst)
    assert [fault for fault in faults if "was deleted and is served" in fault]


def test_control_an_application_that_records_after_it_serves_is_caught(world: World) -> None:
    make = SCENES["contributing"]
    steps = list_steps(world, make, RecordingLater)
    insert = next(s.number for s in steps if s.is_of_delivery)
    faults = cut_short(world, make, insert + 2, RecordingLater)
    assert "1 pages left, 0 are on record" in faults
