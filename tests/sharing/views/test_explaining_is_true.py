"""Where nobody keeps a secret, what an originator is told is what its recipients are given."""

from __future__ import annotations

import random
import uuid
from typing import Any

import pytest

from sharing.rules.properties import RELEASE_EXTENSION
from sharing.rules.tlp import Tlp
from tests.conftest import POSTGRESQL_AT_LENGTH
from tests.sharing.taxii.world import World
from tests.sharing.views.asking import LATER, TLP, ask, relationship
from tests.sharing.views.looking import DAY_US, policy, share, walk, withhold

pytestmark = POSTGRESQL_AT_LENGTH


def _draw_policy(chance: random.Random) -> dict[str, Any]:
    rules = []
    for _ in range(chance.randint(1, 4)):
        kind = share if chance.random() < 0.7 else withhold
        terms = chance.sample(["forum", "member:XBB", "member:XCC", "role:observer"], 2)
        keys: dict[str, Any] = {}
        if chance.random() < 0.5:
            keys["when"] = {"labels": [chance.choice(["frost", "thaw"])]}
        if kind is share:
            if chance.random() < 0.4:
                keys["omit"] = chance.sample(["description", "name", "x_seen", "pattern"], 1)
            if chance.random() < 0.3:
                keys["delay"] = "P1D"
        elif chance.random() < 0.7:
            keys["only"] = chance.sample(["description", "x_seen", "labels"], 2)
        rules.append(kind(*terms, **keys))
    return policy(*rules)


def _draw_objects(world: World, chance: random.Random) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for number in range(8):
        level = chance.choice([Tlp.GREEN, Tlp.AMBER, Tlp.RED])
        members: dict[str, Any] = {"labels": [chance.choice(["frost", "thaw"])]}
        members["object_marking_refs"] = [TLP[level]]
        if chance.random() < 0.5:
            members["description"] = "words"
        if chance.random() < 0.2:
            members["extensions"] = {
                RELEASE_EXTENSION: {
                    "extension_type": "property-extension",
                    "releasable_to": ["member:XBB"],
                }
            }
        if made and chance.random() < 0.6:
            members["x_seen"] = [one["id"] for one in chance.sample(made, min(2, len(made)))]
        if number > 3 and chance.random() < 0.5:
            ends = [one["id"] for one in chance.sample(made[:4], 2)]
            value = relationship(*ends, **members)
            value["id"] = f"relationship--{uuid.UUID(int=chance.getrandbits(128), version=4)}"
            made.append(value)
        else:
            made.append(world.indicator(**members))
    for old in chance.sample(made, 4):
        newer = {"modified": LATER, "labels": [chance.choice(["frost", "thaw"])]}
        made.append(old | newer)
    return made


@pytest.mark.parametrize("seed", range(6))
def test_where_nobody_keeps_a_secret_what_is_told_is_what_is_given(world: World, seed: int) -> None:
    chance = random.Random(seed)
    world.set_policy(_draw_policy(chance))
    objects = _draw_objects(world, chance)
    for value in objects:
        world.contribute(value)
    world.set_policy(_draw_policy(chance))
    if chance.random() < 0.5:
        world.clock.now_us += DAY_US
    for who, code, kind in (
        ("xbb", "XBB", "machine"),
        ("xbb-person", "XBB", "individual"),
        ("xcc", "XCC", "machine"),
        ("xee", "XEE", "machine"),
    ):
        given = {(one["id"], one["modified"]): one for one in walk(world, who)}
        for value in objects:
            told = ask(world, "xaa", value["id"], code, kind=kind, version=value["modified"])
            seen = given.get((value["id"], value["modified"]))
            assert (told["decision"] == "hidden") == (seen is None), (value, told)
            if seen is not None:
                missing = sorted(value.keys() - seen.keys())
                assert told["omitted_properties"] == missing, (value, seen, told)
                assert (told["decision"] == "whole") == (seen == value), (value, seen, told)
                assert all(one["because"] for one in told["omitted"]), told
