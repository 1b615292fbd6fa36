"""Step 1: what may reach whom, whatever the rules say. One test a line of the TLP table."""

from __future__ import annotations

import pytest

from sharing.rules import reach
from sharing.rules.tlp import Tlp
from tests.sharing.rules.makers import make_member, make_partner, make_place

MEMBER, PARTNER = make_member("XAB"), make_partner("relay")
UP_TO_GREEN = (Tlp.CLEAR, Tlp.GREEN)
ABOVE_GREEN = (Tlp.AMBER, Tlp.AMBER_STRICT, Tlp.RED)
BELOW_RED = (Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER, Tlp.AMBER_STRICT)


def test_red_reaches_a_person_of_a_member() -> None:
    assert reach.may_reach(Tlp.RED, MEMBER, "individual")


def test_red_never_reaches_a_machine() -> None:
    assert not reach.may_reach(Tlp.RED, MEMBER, "machine")


@pytest.mark.parametrize("kind", ["machine", "individual"])
@pytest.mark.parametrize("tlp", BELOW_RED)
def test_all_below_red_reaches_a_member_through_any_credential(tlp: Tlp, kind: str) -> None:
    assert reach.may_reach(tlp, MEMBER, kind)  # type: ignore[arg-type]


@pytest.mark.parametrize("tlp", UP_TO_GREEN)
def test_clear_and_green_reach_a_partner(tlp: Tlp) -> None:
    assert reach.may_reach(tlp, PARTNER, "machine")


@pytest.mark.parametrize("tlp", ABOVE_GREEN)
def test_amber_and_above_never_reach_a_partner(tlp: Tlp) -> None:
    assert not reach.may_reach(tlp, PARTNER, "machine")


@pytest.mark.parametrize("tlp", Tlp)
def test_a_partner_has_no_persons(tlp: Tlp) -> None:
    assert not reach.may_reach(tlp, PARTNER, "individual")


@pytest.mark.parametrize("tlp", Tlp)
def test_an_unheard_of_kind_of_credential_reaches_nothing(tlp: Tlp) -> None:
    assert not reach.may_reach(tlp, MEMBER, "quantum")  # type: ignore[arg-type]


def test_an_observer_cannot_read_a_collection_for_members() -> None:
    place = make_place(read_roles=frozenset({"member"}))
    assert reach.may_read(MEMBER, place)
    assert not reach.may_read(make_member(role="observer"), place)


def test_a_partner_reads_a_collection_only_when_it_names_partners() -> None:
    assert reach.may_read(PARTNER, make_place())
    assert not reach.may_read(PARTNER, make_place(read_roles=frozenset({"member"})))


def test_the_forum_s_ceiling_keeps_higher_levels_out() -> None:
    place = make_place(forum_ceiling=Tlp.GREEN)
    assert reach.is_within_place(Tlp.GREEN, place)
    assert not reach.is_within_place(Tlp.AMBER, place)


def test_the_collection_s_ceiling_keeps_higher_levels_out() -> None:
    place = make_place(collection_ceiling=Tlp.AMBER)
    assert reach.is_within_place(Tlp.AMBER, place)
    assert not reach.is_within_place(Tlp.AMBER_STRICT, place)


def test_a_member_receives_no_more_than_it_is_accredited_to() -> None:
    member = make_member(accredited_to=Tlp.AMBER)
    assert reach.is_accredited(member, Tlp.AMBER)
    assert not reach.is_accredited(member, Tlp.AMBER_STRICT)


@pytest.mark.parametrize("tlp", BELOW_RED)
def test_all_below_red_may_leave_in_a_file(tlp: Tlp) -> None:
    assert reach.may_be_exported([tlp, Tlp.CLEAR], tlp)
    assert reach.may_be_exported([], tlp)


def test_red_never_leaves_in_a_file() -> None:
    assert not reach.may_be_exported([], Tlp.RED)
    assert not reach.may_be_exported([Tlp.CLEAR], Tlp.RED)


def test_an_object_with_one_red_property_never_leaves_in_a_file() -> None:
    assert not reach.may_be_exported([Tlp.GREEN, Tlp.RED], Tlp.GREEN)
