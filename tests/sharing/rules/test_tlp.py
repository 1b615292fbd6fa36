"""Levels of the Traffic Light Protocol come from the compiled-in table alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import BadInput
from sharing.rules.tlp import PUBLISHED, WELL_KNOWN, Tlp, property_tlps

RED = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
GREEN = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
STATEMENT = "marking-definition--0b2f9c62-3b5c-4d42-8a7b-1f5f9f2f5c11"

levels = st.sampled_from(list(Tlp))
refs = st.lists(st.sampled_from([*WELL_KNOWN, STATEMENT]), max_size=4)


def test_levels_are_ordered_as_the_policy_page_has_them() -> None:
    assert [level.text for level in sorted(Tlp)] == [
        "clear", "green", "amber", "amber+strict", "red",
    ]  # fmt: skip
    assert [Tlp.parse(level.text.upper()) for level in Tlp] == list(Tlp)
    assert Tlp.parse(" White ") is Tlp.CLEAR
    with pytest.raises(BadInput, match="write clear, green") as caught:
        Tlp.parse("puce")
    assert caught.value.code == "sharing.bad-tlp"


def test_nine_markings_are_well_known_and_published_as_they_mean() -> None:
    assert len(WELL_KNOWN) == len(PUBLISHED) == 9
    for stix_id, marking in PUBLISHED.items():
        assert marking["id"] == stix_id
        assert Tlp.parse(marking["name"].removeprefix("TLP:")) is WELL_KNOWN[stix_id]


def test_property_is_raised_by_what_points_at_it_or_into_it() -> None:
    names = ["name", "labels", "extensions.a-ext", "extensions.b-ext", "x_list"]
    granular = [
        (RED, ["labels.[0]", "extensions.a-ext.deep.[2]"]),
        (GREEN, ["x_list"]),
        (STATEMENT, ["name"]),
        (None, ["name"]),
    ]
    assert property_tlps(names, granular, Tlp.CLEAR) == {
        "name": Tlp.CLEAR,
        "labels": Tlp.RED,
        "extensions.a-ext": Tlp.RED,
        "extensions.b-ext": Tlp.CLEAR,
        "x_list": Tlp.GREEN,
    }
    whole = property_tlps(names, [(RED, ["extensions"])], Tlp.CLEAR)
    assert [name for name, level in whole.items() if level is Tlp.RED] == [
        "extensions.a-ext",
        "extensions.b-ext",
    ]


@given(levels, st.lists(st.tuples(refs, st.sampled_from(["a", "a.b", "c", "extensions.x"]))))
def test_granular_markings_only_tighten(level: Tlp, granular: list[tuple[list[str], str]]) -> None:
    markings = [(ref, [selector]) for some, selector in granular for ref in some]
    raised = property_tlps(["a", "c", "extensions.x"], markings, level)
    assert raised.keys() == {"a", "c", "extensions.x"}
    assert min(raised.values()) >= level
