"""The decision for all at once: what set algebra adds to the decision for one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sharing.rules.accepts import Accepts
from sharing.rules.audiences import (
    NOTHING,
    CompiledPolicy,
    Electorate,
    Grant,
    compile_policy,
    follow_ties,
    grant_of,
    hold_together,
    lacking,
    refused_by,
    signature,
)
from sharing.rules.model import element, list_elements
from sharing.rules.moment import Moment
from sharing.rules.rule import Conditions, Policy, Reciprocity, When
from sharing.rules.tlp import Tlp
from tests.sharing.rules.makers import (
    AT_ZERO,
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


def granted(policy: Policy | CompiledPolicy, **changed: Any) -> Grant:
    """What is granted of XAA's object to all; `forum_policy`, `moment` and the like apart."""
    asked = {
        key: changed.pop(key) for key in ("bound", "ignoring_embargo", "on_fault") if key in changed
    }
    compiled = [
        compile_policy(one, FORUM) if isinstance(one, Policy) else one
        for one in (policy, changed.pop("forum_policy", NOBODY))
    ]
    moment = changed.pop("moment", AT_ZERO)
    return grant_of(
        make_facts(**changed), make_place(), FORUM, compiled[0], compiled[1], moment, **asked
    )


def spell(mask: int) -> set[str]:
    """Who is in a mask, written `XAB/machine`."""
    who = {recipient.bit: recipient.name for recipient in FORUM.recipients}
    return {f"{who[bit]}/{kind}" for bit, kind in list_elements(mask)}


def reached(policy: Policy | CompiledPolicy, **changed: Any) -> set[str]:
    """Who sees XAA's object, whole or in part."""
    return spell(granted(policy, **changed).visible)


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
    policy = make_policy(
        share("member:XZZ"),
        share("partners", conditions=Conditions(residency=frozenset({"XAB"}))),
        withhold("bloc:void"),
    )
    assert compile_policy(policy, FORUM).rules == ()


def test_a_compiled_rule_about_some_members_contributions_leaves_others_alone() -> None:
    about = When(originators=frozenset({"XAC"}), types=frozenset({"indicator"}))
    forum = compile_policy(make_policy(withhold("role:observer", when=about)), FORUM)
    assert forum.asks_originator
    assert not compile_policy(EVERYBODY, FORUM).asks_originator
    for originator in ("XAA", "XAC", "XAA", "XAC"):  # what is remembered of one is not the other's
        shown = reached(EVERYBODY, forum_policy=forum, originator=originator)
        assert ("XAB/machine" in shown) == (originator == "XAA")


def test_a_rule_about_the_committed_is_kept_while_it_concerns_nobody() -> None:
    policy = make_policy(share("committed:norm-1"))
    compiled = compile_policy(policy, FORUM)
    assert reached(compiled) == OWN
    known = Moment(0, committed=lambda provision: frozenset({"XAC"}))
    assert reached(compiled, moment=known) == OWN | {"XAC/machine", "XAC/individual"}


def test_a_rule_excepts_all_at_once_who_is_committed() -> None:
    compiled = compile_policy(make_policy(share("forum", excepted=("committed:norm-1",))), FORUM)
    known = Moment(0, committed=lambda provision: frozenset({"XAC"}))
    without = Moment(0, committed=lambda provision: frozenset())
    excepted = reached(compiled, moment=without) - reached(compiled, moment=known)
    assert excepted == {"XAC/machine", "XAC/individual"}


def test_a_rule_that_concerns_nobody_yet_still_falls_due() -> None:
    policy = make_policy(share("member:XZZ", delay_us=5), share("forum"))
    assert compile_policy(policy, FORUM).list_timed() == policy.rules[:1]


def test_two_recipients_on_one_bit_are_refused() -> None:
    with pytest.raises(ValueError, match="share a bit or a name"):
        Electorate([XAA, make_member("XAB", bit=0)])


def test_two_members_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="share a bit or a name"):
        Electorate([XAA, make_member("XAA", bit=9)])


def test_a_partner_may_be_called_like_a_member() -> None:
    electorate = Electorate([XAA, make_partner("XAA", bit=9)])
    nobody = compile_policy(NOBODY, electorate)
    grant = grant_of(make_facts(), make_place(), electorate, nobody, nobody, AT_ZERO)
    assert list(list_elements(grant.visible)) == [(0, "machine"), (0, "individual")]


def test_an_exception_leaves_the_originator_alone_and_is_told() -> None:
    told: list[Exception] = []
    broken: Any = object()
    grant = granted(broken, on_fault=told.append)
    assert grant == Grant(FORUM.owner_of(make_facts()))
    assert [type(fault) for fault in told] == [AttributeError]


def test_an_exception_hides_even_when_nobody_listens() -> None:
    broken: Any = object()
    assert reached(EVERYBODY, forum_policy=broken) == OWN


def test_facts_that_name_no_originator_reach_nobody() -> None:
    broken: Any = object()
    everybody = compile_policy(EVERYBODY, FORUM)
    assert grant_of(broken, make_place(), FORUM, everybody, everybody, AT_ZERO) == NOTHING


@pytest.mark.parametrize("is_forum_policy", [False, True])
def test_a_policy_compiled_for_another_forum_shows_nothing(is_forum_policy: bool) -> None:
    stranger = Electorate([make_member("XZZ", bit=1), XAA])
    told: list[Exception] = []
    foreign = compile_policy(make_policy(share("member:XZZ")), stranger)
    policies = (EVERYBODY, foreign) if is_forum_policy else (foreign, NOBODY)
    found = reached(policies[0], forum_policy=policies[1], on_fault=told.append)
    assert found == OWN
    assert str(told[0]) == "the policy was compiled for another electorate"


def test_everyone_is_all_active_recipients() -> None:
    expected = {0, 1, 2, 4}
    assert {bit for bit, _ in list_elements(FORUM.everyone)} == expected
    assert FORUM.everyone >> element(3, "machine") & 3 == 0


# Parts of the object


def test_what_one_rule_omits_another_may_grant() -> None:
    policy = make_policy(
        share("forum", omit=frozenset({"description", "x_victim"})),
        share("member:XAB", omit=frozenset({"x_victim", "x_absent"})),
    )
    grant = granted(policy)
    assert {unit: spell(mask) for unit, mask in grant.lost.items()} == {
        "description": {"XAC/machine", "XAC/individual"},
        "x_victim": {"XAB/machine", "XAB/individual", "XAC/machine", "XAC/individual"},
    }
    assert spell(grant.keeping("description")) == OWN | {"XAB/machine", "XAB/individual"}


def test_a_red_property_stays_with_persons_named_one_by_one() -> None:
    policy = make_policy(share("forum", "member:XAB"))
    grant = granted(policy, properties={"description": Tlp.RED, "name": Tlp.CLEAR})
    assert spell(grant.keeping("description")) == OWN | {"XAB/individual"}
    assert set(grant.lost) == {"description"}


def test_whoever_loses_what_the_object_requires_does_not_see_it() -> None:
    policy = make_policy(share("forum"), withhold("member:XAB", only=frozenset({"pattern"})))
    grant = granted(policy)
    assert spell(grant.visible) == OWN | {"XAC/machine", "XAC/individual"}
    assert grant.lost == {}


def test_the_bound_go_to_those_who_see_the_other_whatever_the_rules_say() -> None:
    other = 3 << element(2, "machine")
    policy = make_policy(share("member:XAB"), withhold("forum", only=frozenset({"description"})))
    grant = granted(policy, bound=other, releasable_to=())
    assert spell(grant.visible) == OWN | {"XAC/machine", "XAC/individual"}
    assert grant.lost == {}


def test_the_bound_are_held_to_their_level_all_the_same() -> None:
    assert reached(EVERYBODY, bound=-1, tlp=Tlp.AMBER) == OWN | {
        *("XAB/machine", "XAB/individual", "XAC/machine", "XAC/individual")
    }


def test_only_members_whose_count_suffices_get_what_asks_for_reciprocity() -> None:
    def count(originator: str, asked: Reciprocity) -> frozenset[str]:
        return frozenset({"XAC", "relay"} if (originator, asked.window_days) == ("XAA", 30) else ())

    rule = share("forum", "partners", conditions=Conditions(reciprocity=Reciprocity(2, 30)))
    assert reached(make_policy(rule)) == OWN
    assert reached(make_policy(rule), moment=Moment(0, count)) == OWN | {
        *("XAC/machine", "XAC/individual")
    }


def test_an_embargo_may_be_ignored() -> None:
    policy = make_policy(share("member:XAB", delay_us=1))
    assert reached(policy) == OWN
    assert reached(policy, ignoring_embargo=True) == OWN | {"XAB/machine", "XAB/individual"}


def test_red_asks_for_a_name_and_for_the_count() -> None:
    conditions = Conditions(reciprocity=Reciprocity(1, 30))
    policy = make_policy(share("member:XAB", "member:XAC", conditions=conditions))
    moment = Moment(0, lambda *_: frozenset({"XAC"}))
    assert reached(policy, tlp=Tlp.RED, moment=moment) == OWN | {"XAC/individual"}


def test_a_condition_that_asks_for_nothing_still_keeps_partners_out() -> None:
    policy = make_policy(share("partners", "member:XAB", conditions=Conditions()))
    assert reached(policy) == OWN | {"XAB/machine", "XAB/individual"}


def test_where_a_partner_stores_data_meets_no_condition() -> None:
    conditions = Conditions(residency=frozenset({"XAB"}))
    electorate = Electorate([XAA, make_partner("relay", bit=1, residency="XAB")])
    policy = compile_policy(make_policy(share("partners", conditions=conditions)), electorate)
    nobody = compile_policy(NOBODY, electorate)
    grant = grant_of(make_facts(), make_place(), electorate, policy, nobody, AT_ZERO)
    assert grant == Grant(electorate.owner_of(make_facts()))


def test_the_forum_may_take_a_part_from_a_level_on() -> None:
    rule = withhold("forum", only=frozenset({"x_victim"}), when=When(tlp_at_least=Tlp.AMBER))
    policy, forum_policy = make_policy(share("member:XAB")), make_policy(rule)
    assert granted(policy, forum_policy=forum_policy, tlp=Tlp.GREEN).lost == {}
    lost = granted(policy, forum_policy=forum_policy, tlp=Tlp.AMBER).lost
    assert {unit: spell(mask) for unit, mask in lost.items()} == {
        "x_victim": {"XAB/machine", "XAB/individual"}
    }


# Step 6, by itself

LOCATION = make_facts(
    properties=("latitude", "longitude", "precision", "region", "name"),
    clauses=(frozenset({"name"}), frozenset({"region", "latitude"})),
    ties=(("precision", "latitude"), ("latitude", "longitude"), ("x_absent", "name")),
)


def test_what_needs_what_is_lost_is_lost_too() -> None:
    assert follow_ties(LOCATION, {"longitude": 6, "precision": 1}) == {
        "longitude": 6,
        "latitude": 6,
        "precision": 7,
    }
    assert follow_ties(LOCATION, {"name": 1}) == {"name": 1}
    assert follow_ties(LOCATION, {}) == {}


def test_a_clause_asks_for_one_of_its_units() -> None:
    assert lacking(LOCATION, {}) == 0
    assert lacking(LOCATION, {"region": 7}) == 0
    assert lacking(LOCATION, {"region": 7, "longitude": 6}) == 6
    assert lacking(LOCATION, {"name": 8, "region": 7}) == 8


def test_what_is_left_holds_together() -> None:
    assert hold_together(LOCATION, 15, {}) == Grant(15)
    held = hold_together(LOCATION, 15, {"region": 4, "longitude": 6, "name": 24})
    assert held == Grant(3, {"longitude": 2, "latitude": 2, "precision": 2})


def test_a_clause_of_nothing_asks_for_nothing() -> None:
    assert lacking(make_facts(clauses=(frozenset(),)), {"description": 1}) == 0


# Step 7


def test_members_who_decline_an_object_are_found_and_its_originator_never() -> None:
    nothing = Accepts(types=frozenset())
    accepts = {"XAA": nothing, "XAB": nothing, "XAC": Accepts(), "XAD": nothing, "XZZ": nothing}
    assert spell(refused_by(accepts, make_facts(), FORUM)) == {"XAB/machine", "XAB/individual"}


# What a grant is remembered by


def signed(policy: Policy, now_us: int = 0, **changed: Any) -> object:
    compiled = compile_policy(policy, FORUM)
    nobody = compile_policy(NOBODY, FORUM)
    return signature(make_facts(**changed), make_place(), compiled, nobody, now_us)


def test_what_no_rule_asks_for_does_not_tell_objects_apart() -> None:
    policy = make_policy(share("forum", omit=frozenset({"description"}), delay_us=5))
    first = signed(policy, 9)
    assert first == signed(policy, 8, labels=frozenset({"phishing"}), contributed_us=1)
    assert first == signed(policy, 9, properties=("type", "description", "x_more"))
    assert first == signed(policy, 9, stix_type="malware", ties=(("x_victim", "pattern"),))


@pytest.mark.parametrize(
    "changed",
    [
        {"originator": "XAB"},
        {"tlp": Tlp.CLEAR},
        {"blockers": ("marking-scheme",)},
        {"properties": {"description": Tlp.RED}},
        {"properties": ("type",)},
        {"releasable_to": ()},
        {"contributed_us": 8},
        {"ties": (("x_victim", "description"),)},
        {"clauses": (frozenset({"description"}),)},
        {"clauses": (frozenset({"description", "x_victim"}),)},
    ],
)
def test_what_decides_tells_objects_apart(changed: dict[str, Any]) -> None:
    policy = make_policy(
        share("forum", omit=frozenset({"description"})), share("member:XAB", delay_us=5)
    )
    assert signed(policy, 9) != signed(policy, 9, **changed)


def test_what_is_remembered_is_forgotten_before_it_grows_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sharing.rules.compiled._MOST_KINDS", 2)
    policy = make_policy(share("forum", when=When(labels=frozenset({"1"}))))
    compiled = compile_policy(policy, FORUM)
    for label in ("1", "2", "3", "1"):
        expected = reached(policy, labels=frozenset({label}))
        assert reached(compiled, labels=frozenset({label})) == expected
    assert len(compiled._kinds) <= 2


def test_who_is_asked_where_data_is_stored_is_found_by_that() -> None:
    conditions = Conditions(residency=frozenset({"XAB"}))
    here, there = (make_member(f"XA{code}", bit=bit) for code, bit in (("B", 1), ("C", 2)))
    electorate = Electorate([XAA, replace(here, residency="XAB"), replace(there, residency="XAC")])
    policy = compile_policy(make_policy(share("forum", conditions=conditions)), electorate)
    nobody = compile_policy(NOBODY, electorate)
    grant = grant_of(make_facts(), make_place(), electorate, policy, nobody, AT_ZERO)
    assert grant.visible == electorate.members_of(["XAA", "XAB"])


def test_an_object_that_says_to_whom_it_is_releasable_reaches_no_other() -> None:
    assert reached(EVERYBODY, releasable_to=("member:XAB", "group:north")) == OWN | {
        "XAB/machine",
        "XAB/individual",
    }


def test_a_rule_that_excepts_the_committed_excepts_whom_it_names_too() -> None:
    policy = make_policy(share("forum", excepted=("committed:norm-1", "member:XAB")))
    compiled = compile_policy(policy, FORUM)
    known = Moment(0, committed=lambda provision: frozenset({"XAC"}))
    assert reached(compiled, moment=known) == OWN
    without = Moment(0, committed=lambda provision: frozenset())
    assert reached(compiled, moment=without) == OWN | {"XAC/machine", "XAC/individual"}


@pytest.mark.parametrize("changed", [{"blockers": ("marking-scheme",)}, {"tlp": Tlp.RED}])
def test_what_is_blocked_or_above_a_ceiling_reaches_its_originator_alone(
    changed: dict[str, Any],
) -> None:
    facts, place = make_facts(**changed), make_place(forum_ceiling=Tlp.AMBER)
    compiled = compile_policy(EVERYBODY, FORUM), compile_policy(NOBODY, FORUM)
    assert grant_of(facts, place, FORUM, *compiled, AT_ZERO) == Grant(FORUM.owner_of(facts))
