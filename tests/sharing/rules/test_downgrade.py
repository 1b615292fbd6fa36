"""Held downgrades: what is looser, and what gives more by it (sharing policy §5)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sharing.rules.audiences import Grant
from sharing.rules.downgrade import gives_more, is_looser
from sharing.rules.tlp import Tlp
from tests.sharing.rules.deciding import World, granted_in, worlds
from tests.sharing.rules.makers import make_facts
from tests.sharing.rules.strategies import RELEASABLE, UNITS, unit_tlps

OWN, XAB, XAC = 0b11, 0b1100, 0b110000


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"tlp": Tlp.AMBER}, {"tlp": Tlp.GREEN}, True),
        ({"tlp": Tlp.GREEN}, {"tlp": Tlp.AMBER}, False),
        ({"properties": {"a": Tlp.RED}}, {"properties": {"a": Tlp.AMBER}}, True),
        ({"properties": {"a": Tlp.AMBER}}, {"properties": {"a": Tlp.RED}}, False),
        ({"properties": {"a": Tlp.RED}}, {"properties": {"b": Tlp.AMBER}}, False),
        ({"properties": {"a": Tlp.CLEAR}}, {"properties": {"a": Tlp.GREEN}}, False),
        ({"releasable_to": ("member:XAB",)}, {}, True),
        ({"releasable_to": ()}, {"releasable_to": ("member:XAB",)}, True),
        (
            {"releasable_to": ("member:XAB", "member:XAC")},
            {"releasable_to": ("member:XAC",)},
            False,
        ),
        ({"releasable_to": ("member:XAB",)}, {"releasable_to": ("jurisdiction:XAB",)}, True),
        ({}, {"releasable_to": ("member:XAB",)}, False),
        ({}, {}, False),
    ],
)
def test_a_version_is_looser_by_tlp_property_or_releasable_to(
    old: dict[str, Any], new: dict[str, Any], expected: bool
) -> None:
    assert is_looser(make_facts(**new), make_facts(**old)) == expected


def test_a_property_s_level_is_never_below_its_object_s() -> None:
    old = make_facts(tlp=Tlp.GREEN, properties={"a": Tlp.GREEN})
    assert not is_looser(make_facts(tlp=Tlp.AMBER, properties={"a": Tlp.CLEAR}), old)


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        (Grant(OWN | XAB), Grant(OWN), True),
        (Grant(OWN | XAB), Grant(OWN | XAB | XAC), False),
        (Grant(OWN | XAB), Grant(OWN | XAB, {"description": XAB}), True),
        (Grant(OWN | XAB), Grant(OWN | XAB, {"created_by_ref": XAC}), False),
        (Grant(OWN | XAB, {"description": XAB}), Grant(OWN | XAB, {"description": XAB}), False),
        (Grant(OWN | XAB), Grant(OWN | XAB, {"x_gone": XAB}), False),
        (Grant(OWN | XAB, {"x_victim": XAB}), Grant(OWN | XAB), False),
        (Grant(OWN), Grant(0), False),
    ],
)
def test_more_is_given_to_whoever_gains_the_object_or_a_part_of_it(
    new: Grant, old: Grant, expected: bool
) -> None:
    before = make_facts(properties=("description", "created_by_ref", "x_victim", "x_gone"))
    after = make_facts(properties=("description", "created_by_ref", "x_victim"))
    assert gives_more(new, old, after, before, OWN) == expected


@settings(deadline=None)
@given(
    worlds,
    unit_tlps,
    st.fixed_dictionaries(dict.fromkeys(UNITS, unit_tlps)),
    st.one_of(st.none(), st.lists(st.sampled_from(RELEASABLE), max_size=2).map(tuple)),
)
def test_an_equal_version_that_is_not_looser_gives_nobody_more(
    world: World, tlp: Tlp, levels: dict[str, Tlp], releasable_to: tuple[str, ...] | None
) -> None:
    world = world.changed(ignoring_embargo=True)
    old = world.facts
    properties = {unit: levels[unit] for unit in old.properties}
    new = replace(old, tlp=tlp, properties=properties, releasable_to=releasable_to)
    own = world.electorate().owner_of(old)
    grants = granted_in(world.changed(facts=new)), granted_in(world)
    assert is_looser(new, old) or not gives_more(*grants, new, old, own)
