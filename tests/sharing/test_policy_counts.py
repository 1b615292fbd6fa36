"""What a policy's change is said to gain and lose: the member's own, and nothing of another's."""

from __future__ import annotations

import json

import pytest

from kernel.db import Database
from kernel.settings import Settings
from sharing.services.policies import Saved, Setter, set_policy
from tests.sharing.taxii.world import World, make_world

NOTHING: dict[str, object] = {"rules": []}
WITH_XEE = {
    "rules": [{"id": "observer", "effect": "share", "audience": {"any": ["member:XEE"]}}],
}


@pytest.fixture
def world(database: Database, settings: Settings) -> World:
    return make_world(database, settings)


def put(world: World, code: str, document: object) -> Saved:
    world.clock.now_us += 1_000_000
    return set_policy(
        world.database,
        Setter("operator"),
        world.forum_id,
        world.member_id(code),
        json.dumps(document).encode(),
        now_us=world.clock(),
    )


def counts_of(world: World, *, hidden_copy: bool) -> list[tuple[int, int]]:
    """What XBB is told of widening and tightening, with or without a copy it may not see.

    XCC shares its copy with XEE alone and came first, so that it stands in XEE's view.
    """
    value = world.indicator()
    if hidden_copy:
        put(world, "XCC", WITH_XEE)
        world.contribute(value, who="xcc")
    world.contribute(value | {"name": "another"}, who="xbb")
    saved = [put(world, "XBB", document) for document in (WITH_XEE, WITH_XEE, NOTHING)]
    return [(one.change.gained, one.change.lost) for one in saved]


@pytest.mark.parametrize("hidden_copy", [False, True], ids=["alone", "beside-a-hidden-copy"])
def test_a_policy_officer_cannot_count_copies_that_stand_before_its_own(
    world: World, hidden_copy: bool
) -> None:
    assert counts_of(world, hidden_copy=hidden_copy) == [(1, 0), (0, 0), (0, 1)]


def test_a_policy_officer_is_told_of_older_versions_that_newer_ones_held_back(
    world: World,
) -> None:
    value = world.indicator()
    newer = value | {"modified": "2026-02-01T00:00:00.000Z", "labels": ["frost"]}
    world.contribute(value, newer, who="xbb")
    sharing = dict(WITH_XEE["rules"][0])
    plain = {"rules": [sharing | {"when": {"types": ["indicator"]}}]}
    frost_kept = {
        "rules": [
            *plain["rules"],
            {
                "id": "frost",
                "effect": "withhold",
                "audience": {"any": ["forum"]},
                "when": {"labels": ["frost"]},
            },
        ]
    }
    told = [put(world, "XBB", document) for document in (frost_kept, plain, frost_kept)]
    assert [(one.change.gained, one.change.lost) for one in told] == [(0, 0), (2, 0), (0, 2)]


def test_a_withdrawn_version_is_counted_by_nobody(world: World) -> None:
    value = world.indicator()
    world.contribute(value, who="xbb")
    assert world.delete("xbb", world.address(rest=f"objects/{value['id']}/")).status_code == 200
    saved = put(world, "XBB", WITH_XEE)
    assert (saved.change.gained, saved.change.lost) == (0, 0)
