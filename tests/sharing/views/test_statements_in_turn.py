"""A statement marking that two States contributed: whose is shown when one of them goes."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

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
