"""The decision for all at once: what set algebra adds to the decision for one."""

from __future__ import annotations

from typing import Any

import pytest

from sharing.rules.audiences import CompiledPolicy, Electorate, audience_of, compile_policy
from sharing.rules.model import element, list_elements
from sharing.rules.rule import Policy
from sharing.rules.tlp import Tlp
from tests.sharing.rules.makers import (
    EVERYBODY,
    NOBODY,
    make_facts,
    make_member,
    make_partner,
    make_place,
    make_policy,
    share,
    withhold,
)

XAA = make_member("XAA", bit=0)
XAB = make_member("XAB", bit=1, role="observer")
XAC = make_member("XAC", bit=2, blocs=frozenset({"north"}))
XAD = make_member("XAD", bit=3, is_active=False)
RELAY = make_partner("relay", bit=4)
FORUM = Electorate([XAA, XAB, XAC, XAD, RELAY])


def reached(policy: Policy | CompiledPolicy, **changed: Any) -> set[str]:
    """Who sees XAA's object, written `XAB/machine`."""
    who = {recipient.bit: recipient.name for recipient in FORUM.recipients}
    forum_policy = changed.pop("forum_policy", NOBODY)
    mask = audience_of(make_facts(**changed), make_place(), FORUM, policy, forum_policy)
    return {f"{who[bit]}/{kind}" for bit, kind in list_elements(mask)}


OWN = {"XAA/machine", "XAA/individual"}


def test_a_policy_without_rules_leaves_the_originator_alone() -> None:
    assert reached(NOBODY) == OWN


def test_everybody_active_sees_what_is_shared_with_everybody() -> None:
    members = {f"{code}/{kind}" for code in ("XAB", "XAC") for kind in ("machine", "individual")}
    assert reached(EVERYBODY) == OWN | members | {"relay/machine"}


def test_red_reaches_only_persons_of_members_named_one_by_one() -> None:
    policy = make_policy(share("forum", "member:XAB", "member:XAD"))
    assert reached(policy, tlp=Tlp.RED) == OWN | {"XAB/individual"}


def test_an_exception_takes_members_out_of_their_rule() -> None:
    policy = make_policy(share("forum", excepted=("bloc:north",)))
    assert reached(policy) == OWN | {"XAB/machine", "XAB/individual"}


def test_every_exception_counts() -> None:
    policy = make_policy(share("forum", "partners", excepted=("bloc:north", "partners")))
    assert reached(policy) == OWN | {"XAB/machine", "XAB/individual"}


def test_red_does_not_reach_a_member_named_and_excepted() -> None:
    policy = make_policy(share("member:XAB", "member:XAC", excepted=("role:observer",)))
    assert reached(policy, tlp=Tlp.RED) == OWN | {"XAC/individual"}


def test_those_excepted_from_a_withholding_keep_the_object() -> None:
    policy = make_policy(share("forum"), withhold("forum", excepted=("member:XAC",)))
    assert reached(policy) == OWN | {"XAC/machine", "XAC/individual"}


def test_withholdings_of_originator_and_forum_add_up() -> None:
    policy = make_policy(share("forum", "partners"), withhold("partners"))
    forum_policy = make_policy(withhold("bloc:north"))
    assert reached(policy, forum_policy=forum_policy) == OWN | {"XAB/machine", "XAB/individual"}


def test_a_suspended_originator_does_not_see_its_own() -> None:
    assert reached(NOBODY, originator="XAD") == set()


def test_an_originator_without_a_seat_leaves_its_objects_to_the_rules() -> None:
    assert reached(make_policy(share("member:XAA")), originator="XZZ") == OWN


def test_a_compiled_policy_decides_as_the_policy_does() -> None:
    policy = make_policy(share("role:observer", "bloc:north", excepted=("member:XAC",)))
    assert reached(compile_policy(policy, FORUM)) == reached(policy)


def test_rules_that_concern_nobody_here_are_not_asked_again() -> None:
    policy = make_policy(share("member:XZZ"), share("forum", delay_us=1), withhold("bloc:void"))
    compiled = compile_policy(policy, FORUM)
    assert (compiled.shares, compiled.withholds) == ((), ())


def test_two_recipients_on_one_bit_are_refused() -> None:
    with pytest.raises(ValueError, match="share a bit or a name"):
        Electorate([XAA, make_member("XAB", bit=0)])


def test_two_members_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="share a bit or a name"):
        Electorate([XAA, make_member("XAA", bit=9)])


def test_a_partner_may_be_called_like_a_member() -> None:
    electorate = Electorate([XAA, make_partner("XAA", bit=9)])
    mask = audience_of(make_facts(), make_place(), electorate, NOBODY, NOBODY)
    assert list(list_elements(mask)) == [(0, "machine"), (0, "individual")]


def test_an_exception_leaves_the_originator_alone_and_is_told() -> None:
    told: list[Exception] = []
    broken: Any = object()
    mask = audience_of(make_facts(), make_place(), FORUM, broken, NOBODY, on_fault=told.append)
    assert list(list_elements(mask)) == [(0, "machine"), (0, "individual")]
    assert [type(fault) for fault in told] == [AttributeError]


def test_an_exception_hides_even_when_nobody_listens() -> None:
    broken: Any = object()
    mask = audience_of(make_facts(), make_place(), FORUM, EVERYBODY, broken)
    assert mask == FORUM.owner_of(make_facts())


def test_facts_that_name_no_originator_reach_nobody() -> None:
    broken: Any = object()
    assert audience_of(broken, make_place(), FORUM, EVERYBODY, NOBODY) == 0


def test_a_policy_compiled_for_another_forum_shows_nothing() -> None:
    stranger = Electorate([make_member("XZZ", bit=1), XAA])
    told: list[Exception] = []
    compiled = compile_policy(make_policy(share("member:XZZ")), stranger)
    mask = audience_of(make_facts(), make_place(), FORUM, compiled, NOBODY, on_fault=told.append)
    assert list(list_elements(mask)) == [(0, "machine"), (0, "individual")]
    assert str(told[0]) == "the policy was compiled for another electorate"


def test_facts_and_places_can_be_remembered() -> None:
    remembered = {(make_facts(), make_place()): "decided"}
    assert remembered[make_facts(), make_place()] == "decided"
    assert (make_facts(tlp=Tlp.RED), make_place()) not in remembered


def test_everyone_is_all_active_recipients() -> None:
    expected = {0, 1, 2, 4}
    assert {bit for bit, _ in list_elements(FORUM.everyone)} == expected
    assert FORUM.everyone >> element(3, "machine") & 3 == 0
