"""An object's level, by the markings that it carries, as its originator reads it."""

from __future__ import annotations

from typing import Any

from sharing.rules.tlp import WELL_KNOWN, Tlp
from tests.sharing.api.asking import FORUM, GREEN, RED, SHARE_ALL, items
from tests.sharing.taxii.world import World


def marking(number: int, **members: Any) -> dict[str, Any]:
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": f"marking-definition--00000000-0000-4000-8000-00000000000{number}",
        "created": "2026-01-01T00:00:00.000Z",
        "definition_type": "statement",
        "definition": {"statement": "Ask us first."},
        **members,
    }


def test_an_object_takes_its_highest_marking_else_the_default_of_the_collection(
    world: World,
) -> None:
    world.set_policy(SHARE_ALL)
    plain, red = marking(1), marking(2, object_marking_refs=[RED])
    foreign = marking(3, definition_type="house", definition={"house": "rules"})
    clear = next(ref for ref, level in WELL_KNOWN.items() if level is Tlp.CLEAR)
    carried = {
        (GREEN, RED, clear): "red",
        (clear,): "clear",
        (): "amber+strict",
        (plain["id"],): "amber+strict",
        (plain["id"], GREEN): "green",
        # A marking means what it carries itself.
        (GREEN, red["id"]): "red",
        (GREEN, foreign["id"]): "green",
    }
    given = {refs: world.indicator(object_marking_refs=list(refs)) for refs in carried if refs}
    given[()] = world.indicator()
    world.contribute(plain, red, foreign, *given.values())
    found = {row["id"]: row for row in items(world, "xaa", f"{FORUM}/contributions")}
    assert {refs: found[one["id"]]["tlp"] for refs, one in given.items()} == carried
    hidden = found[given[GREEN, foreign["id"]]["id"]]["hidden_because"]
    assert hidden == ["marking-scheme"]
