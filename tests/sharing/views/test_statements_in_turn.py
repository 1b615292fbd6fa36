"""A statement marking that two States contributed: whose is shown when one of them goes."""

from __future__ import annotations

import uuid
from itertools import pairwise
from typing import Any

import pytest

from sharing.services.releasing import _MOST_ROUNDS
from tests.sharing.taxii.world import World
from tests.sharing.views.looking import look, policy, share


def statement() -> dict[str, Any]:
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": f"marking-definition--{uuid.uuid4()}",
        "created": "2026-01-01T00:00:00.000Z",
        "definition_type": "statement",
        "definition": {"statement": "Ask before you pass it on."},
    }


@pytest.mark.parametrize("place", ["reports", "second"])
def test_who_deletes_its_marking_sees_that_of_whoever_else_carries_it(
    world: World, place: str
) -> None:
    world.set_policy(policy(share("forum")), code="XBB")
    marking = statement()
    carrier = world.indicator(object_marking_refs=[marking["id"]])
    world.contribute(marking)
    world.contribute(marking, who="xbb", to=place)
    world.contribute(carrier, who="xbb")
    assert look(world, "xaa").keys() == {marking["id"], carrier["id"]}
    assert world.delete("xaa", world.address(rest=f"objects/{marking['id']}/")).status_code == 200
    assert look(world, "xaa").keys() == {marking["id"], carrier["id"]}


def chain_of(world: World, length: int) -> tuple[str, list[str]]:
    """Notes that each name a marking which what comes before carries: what it hangs on, the ids."""
    markings = [statement() for _ in range(length)]
    root = world.indicator(object_marking_refs=[markings[0]["id"]])
    notes = [
        {
            "type": "note",
            "spec_version": "2.1",
            "id": f"note--{uuid.uuid4()}",
            "created": "2026-01-01T00:00:00.000Z",
            "modified": "2026-01-01T00:00:00.000Z",
            "content": "On how to handle what comes.",
            "object_refs": [named["id"]],
            "object_marking_refs": [carried["id"]],
        }
        for named, carried in pairwise(markings)
    ]
    world.contribute(*markings, root, *notes)
    return root["id"], [one["id"] for one in (root, *notes, *markings)]


def test_markings_that_hang_on_each_other_go_together(world: World) -> None:
    root, ids = chain_of(world, 8)
    assert look(world, "xbb").keys() == set(ids)
    assert world.delete("xaa", world.address(rest=f"objects/{root}/")).status_code == 200
    assert look(world, "xbb") == {}


def test_a_chain_of_markings_too_long_to_settle_changes_nothing_at_all(world: World) -> None:
    root, ids = chain_of(world, _MOST_ROUNDS + 4)
    assert look(world, "xbb").keys() == set(ids)
    answer = world.delete("xaa", world.address(rest=f"objects/{root}/"))
    assert (answer.status_code, "could not be settled" in answer.text) == (503, True)
    assert look(world, "xbb").keys() == set(ids)
