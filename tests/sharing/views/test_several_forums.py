"""A State with seats in two forums: what it does in one is nothing to the other."""

from __future__ import annotations

import uuid
from typing import Any

from sharing.services import seating
from tests.sharing.taxii.world import World


def statement() -> dict[str, Any]:
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": f"marking-definition--{uuid.uuid4()}",
        "created": "2026-01-01T00:00:00.000Z",
        "definition_type": "statement",
        "definition": {"statement": "Ask before you pass it on."},
    }


def test_a_marking_that_is_carried_in_another_forum_alone_can_be_deleted(world: World) -> None:
    seating.seat_member(world.database, "operator", "basin", "XAA", "member", now_us=world.clock())
    elsewhere = f"/taxii2/basin/collections/{world.collections['elsewhere']}/objects/"
    marking = statement()
    carrier = world.indicator(object_marking_refs=[marking["id"]])
    world.contribute(marking)
    answer = world.post("xaa", elsewhere, {"objects": [marking, carrier]})
    assert answer.get_json()["success_count"] == 2
    assert world.delete("xaa", world.address(rest=f"objects/{marking['id']}/")).status_code == 200
    assert world.delete("xaa", f"{elsewhere}{marking['id']}/").status_code == 409
