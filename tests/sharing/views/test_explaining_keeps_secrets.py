"""Nothing that others keep to themselves changes a byte of what an originator is told."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from kernel.db import Database
from kernel.settings import Settings
from tests.sharing.api.asking import FORUM
from tests.sharing.taxii.test_hidden_is_absent import raw
from tests.sharing.taxii.world import World, make_world
from tests.sharing.views.asking import ask, relationship, sentences, set_accepts
from tests.sharing.views.looking import DAY_US, policy, share, walk


@dataclass
class Asked:
    """One world with an object of XAA's that is shared with XBB, in words that never vary."""

    world: World
    target: dict[str, Any]
    given: dict[str, Any]
    edge: dict[str, Any]

    def everything(self) -> list[tuple[Any, ...]]:
        """All that XAA can be told about its objects, as bytes."""
        addresses = []
        for one in (self.given, self.edge):
            below = f"{FORUM}/contributions/{one['id']}"
            addresses.append(f"{FORUM}/contributions?id={one['id']}")
            addresses += [f"{below}/explanations", f"{below}/explanations?format=csv"]
            for name, kind in itertools.product(("XBB", "XCC", "XEE"), ("machine", "individual")):
                addresses.append(f"{below}/explanation?recipient={name}&kind={kind}")
        return [raw(self.world.get("xaa", address)) for address in addresses]


def make_asked(database: Database, settings: Settings) -> Asked:
    """XAA names an object of XCC's that it sees, has another that XCC had first and shows to
    nobody, and asks XBB for reciprocity before it gives all of it."""
    world = make_world(database, settings)
    asked = {"reciprocity": {"min_contributions": 1, "window_days": 9}}
    world.set_policy(
        policy(
            share("member:XBB", omit=["name"]),
            share("member:XBB", "role:observer", conditions=asked),
        )
    )
    world.set_policy(
        policy(share("member:XAA", "member:XBB", when={"labels": ["open"]})), code="XCC"
    )
    target, given = world.indicator(labels=["open"]), world.indicator(description="words")
    world.contribute(target, given | {"name": "XCC's"}, who="xcc")
    edge = relationship(
        given["id"], target["id"], id=f"relationship--{uuid.UUID(int=7, version=4)}"
    )
    world.contribute(given, edge)
    return Asked(world, target, given, edge)


def refuse_it(asked: Asked) -> None:
    set_accepts(asked.world, "XBB", {"types": ["malware"]})


def refuse_the_originator(asked: Asked) -> None:
    set_accepts(asked.world, "XBB", {"except_originators": ["XAA"]})


def let_another_copy_stand(asked: Asked) -> None:
    """XCC's copy, which was there first, takes the place of XAA's in XBB's view."""
    asked.world.set_policy(policy(share("member:XAA", "member:XBB")), code="XCC")


def bring_another_copy(asked: Asked) -> None:
    asked.world.contribute(asked.edge | {"relationship_type": "derived-from"}, who="xcc")


def hide_the_target(asked: Asked) -> None:
    asked.world.set_policy(policy(share("member:XAA")), code="XCC")


def meet_reciprocity(asked: Asked) -> None:
    world = asked.world
    world.set_policy(policy(share("member:XAA")), code="XBB")
    world.contribute(world.indicator(), who="xbb")


SECRETS: tuple[Callable[[Asked], None], ...] = (
    refuse_it,
    refuse_the_originator,
    let_another_copy_stand,
    bring_another_copy,
    hide_the_target,
    meet_reciprocity,
)


@pytest.mark.parametrize("keep", SECRETS)
def test_no_secret_of_others_changes_a_byte_of_what_an_originator_is_told(
    database: Database, settings: Settings, keep: Callable[[Asked], None]
) -> None:
    asked = make_asked(database, settings)
    before = asked.everything()
    keep(asked)
    assert asked.everything() == before
    # Whatever falls due, reciprocity among it.
    asked.world.clock.now_us += 2 * DAY_US
    assert asked.everything() == before


def test_a_rule_that_asks_for_reciprocity_says_so_and_not_whether_it_is_met(world: World) -> None:
    wanted = {"reciprocity": {"min_contributions": 2, "window_days": 3}}
    world.set_policy(policy(share("forum", conditions=wanted)))
    world.set_policy(policy(share("member:XAA")), code="XBB")
    given = world.indicator()
    world.contribute(given)
    address = f"{FORUM}/contributions/{given['id']}/explanation?recipient=XBB"
    listed = f"{FORUM}/contributions?id={given['id']}"
    before = [raw(world.get("xaa", one)) for one in (address, listed)]
    assert walk(world, "xbb") == []
    world.contribute(*world.indicators(2), who="xbb")
    world.clock.now_us += DAY_US
    assert given in walk(world, "xbb")
    assert [raw(world.get("xaa", one)) for one in (address, listed)] == before
    told = ask(world, "xaa", given["id"])
    assert (told["decision"], told["unless"]) == ("whole", "not deliverable")
    assert "It asks XBB for 2 contributions that XAA may see within 3 days." in sentences(told)
    assert sentences(told).endswith("is not deliverable to XBB.")


def test_the_secrets_that_are_kept_are_kept_from_the_view(
    database: Database, settings: Settings
) -> None:
    """The control: what the paired worlds differ in does change what XBB is given."""
    asked = make_asked(database, settings)

    def view() -> dict[str, Any]:
        return {value["id"]: value for value in walk(asked.world, "xbb")}

    given, edge = asked.given["id"], asked.edge["id"]
    assert "name" not in view()[given]
    assert edge in view()
    meet_reciprocity(asked)
    asked.world.clock.now_us += DAY_US
    assert view()[given] == asked.given
    let_another_copy_stand(asked)
    assert view()[given]["name"] == "XCC's"
    hide_the_target(asked)
    assert view()[given] == asked.given
    assert edge not in view()
    refuse_it(asked)
    assert given not in view()
