"""A State with seats in two forums: what it does in one is nothing to the other."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection

from auth.services import MemberChange
from sharing.rules.tlp import WELL_KNOWN, Tlp
from sharing.services import seating
from tests.reliability.consistency import find_wrong_views
from tests.sharing.taxii.world import World
from tests.sharing.views.looking import policy, share
from tests.sharing.views.operating import operate

Change = Callable[[World], None]


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


def make_green(world: World) -> None:
    change = MemberChange(accredited_to=int(Tlp.GREEN))
    seating.set_member(world.database, "operator", "XBB", change, now_us=world.clock())


def give_its_status(status: str) -> Change:
    def change(world: World) -> None:
        seating.change_member(world.database, "operator", "XBB", status, now_us=world.clock())

    return change


@pytest.mark.parametrize(
    ("before", "beside", "sees"),
    [
        ("active", make_green, 0),
        ("active", give_its_status("suspended"), 0),
        ("suspended", give_its_status("active"), 1),
    ],
)
def test_what_a_member_is_changes_in_the_forum_too_that_is_just_seating_it(
    world: World, before: str, beside: Change, sees: int
) -> None:
    """Whoever changes the member waits for the seat, of which it could not know yet."""
    elsewhere = f"/taxii2/basin/collections/{world.collections['elsewhere']}/objects/"
    operate(world, "policy", "set", "XDD", "basin", "-", given=policy(share("forum")))
    amber = next(marking for marking, tlp in WELL_KNOWN.items() if tlp is Tlp.AMBER)
    given = world.indicator(object_marking_refs=[amber])
    assert world.post("xdd", elsewhere, {"objects": [given]}).status_code == 202
    give_its_status(before)(world)
    other = threading.Thread(target=beside, args=(world,))
    waited = []

    def meanwhile(_connection: Connection, _now_us: int) -> tuple[int, int]:
        other.start()
        other.join(0.5)
        waited.append(other.is_alive())
        return 0, 0

    database, now_us = world.database, world.clock()
    seating.seat_member(
        database, "operator", "basin", "XBB", "member", now_us=now_us, confirm=meanwhile
    )
    other.join(30)
    assert (waited, other.is_alive()) == ([True], False)
    assert len(world.get("xbb", elsewhere).get_json().get("objects", [])) == sees
    assert find_wrong_views(world.database) == []
