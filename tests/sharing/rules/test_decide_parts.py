"""The decision for one recipient: conditions, parts of objects, what releases and what binds."""

from __future__ import annotations

from typing import Any

import pytest

from sharing.rules.model import CredentialKind
from sharing.rules.moment import Moment
from sharing.rules.rule import Conditions, Reciprocity, Rule, When
from sharing.rules.tlp import Tlp
from tests.sharing.rules.deciding import RELAY, XAA, XAB, ask, last_reason
from tests.sharing.rules.makers import (
    EVERYBODY,
    NOBODY,
    make_member,
    make_partner,
    make_policy,
    share,
    withhold,
)

# Step 2: conditions and omissions


@pytest.mark.parametrize(("residency", "outcome"), [("XAC", "whole"), ("XAD", "hidden")])
def test_a_rule_may_ask_where_data_is_stored(residency: str, outcome: str) -> None:
    asked = Conditions(residency=frozenset({"XAB", "XAC"}))
    policy = make_policy(share("forum", conditions=asked))
    decision = ask(make_member("XAB", residency=residency), policy)
    assert decision.outcome == outcome
    reason = "The rule asks that data be stored in XAB or XAC; XAB's is not."
    assert (decision.trace[2].sentence == reason) == (outcome == "hidden")
    assert ask(make_member("XAB", residency=None), policy).outcome == "hidden"


def test_a_rule_may_ask_for_reciprocity_to_its_originator() -> None:
    wanted = Reciprocity(3, 30)

    def count(originator: str, asked: Reciprocity) -> frozenset[str]:
        assert asked == wanted
        return frozenset({"XAB"} if originator == "XAA" else ())

    policy = make_policy(share("forum", conditions=Conditions(reciprocity=wanted)))
    assert ask(XAB, policy, moment=Moment(0, count)).outcome == "whole"
    assert ask(XAB, policy, moment=Moment(0, count), originator="XAC").outcome == "hidden"
    reason = ask(XAB, policy).trace[2].sentence
    assert reason == (
        "The rule asks XAB for 3 contributions that XAA may see within 30 days; "
        "at the last count there were fewer."
    )


@pytest.mark.parametrize(
    "asked",
    [
        Conditions(residency=frozenset({"XAB"})),
        Conditions(reciprocity=Reciprocity(1, 1)),
        Conditions(),
    ],
)
def test_a_partner_meets_no_condition(asked: Conditions) -> None:
    relay = make_partner("relay", residency="XAB")
    moment = Moment(0, lambda *_: frozenset({"relay"}))
    decision = ask(relay, make_policy(share("partners", conditions=asked)), moment=moment)
    assert decision.outcome == "hidden"
    assert decision.trace[2].sentence == "The rule has conditions, and a partner meets none."


def test_a_rule_grants_the_object_less_what_it_omits() -> None:
    rule = share("forum", omit=frozenset({"description", "x_victim", "x_absent"}))
    decision = ask(XAB, make_policy(rule))
    assert decision.outcome == "less"
    assert decision.omitted == {"description", "x_victim"}
    assert decision.trace[2].sentence == (
        "The rule shares the object with XAB, less description and x_victim."
    )


def test_what_every_rule_omits_is_left_out_and_nothing_more() -> None:
    policy = make_policy(
        share("forum", omit=frozenset({"description", "x_victim"})),
        share("member:XAB", omit=frozenset({"description", "created_by_ref"})),
        share("member:XAC"),
    )
    assert ask(XAB, policy).omitted == {"description"}
    assert ask(make_member("XAC"), policy).outcome == "whole"


def test_leaving_out_what_the_object_does_not_have_leaves_it_whole() -> None:
    policy = make_policy(share("forum", omit=frozenset({"x_absent"})))
    assert ask(XAB, policy).outcome == "whole"


# Step 4: releasable_to


@pytest.mark.parametrize(
    ("releasable_to", "outcome"),
    [
        (None, "whole"),
        ((), "hidden"),
        (("member:XAB",), "whole"),
        (("member:XAC",), "hidden"),
        (("jurisdiction:XAC",), "whole"),
        (("jurisdiction:XAB",), "hidden"),
        (("member:XAD", "jurisdiction:XAC"), "whole"),
        (("bloc:north", "forum"), "hidden"),
    ],
)
def test_an_object_is_released_to_those_it_names(
    releasable_to: tuple[str, ...] | None, outcome: str
) -> None:
    recipient = make_member("XAB", jurisdiction="XAC", blocs=frozenset({"north"}))
    decision = ask(recipient, releasable_to=releasable_to)
    assert decision.outcome == outcome
    if outcome == "hidden":
        assert decision.step == 4
        assert last_reason(decision) == "The object's `releasable_to` does not name XAB."


def test_releasable_to_gives_nothing_that_the_rules_do_not_give() -> None:
    assert ask(XAB, NOBODY, releasable_to=("member:XAB",)).step == 2


def test_an_object_is_never_released_to_a_partner_by_name() -> None:
    for term in ("member:relay", "jurisdiction:XAB"):
        relay = make_partner("relay", jurisdiction="XAB")
        assert ask(relay, releasable_to=(term,)).step == 4


# Step 5: properties above the object's level


def test_a_property_stays_when_an_object_of_its_level_would_give_it() -> None:
    decision = ask(XAB, properties={"description": Tlp.AMBER, "name": Tlp.CLEAR})
    assert decision.outcome == "whole"
    assert last_reason(decision) == "description is TLP:amber, and XAB may have it."


def test_a_property_above_a_partner_s_level_goes() -> None:
    decision = ask(RELAY, properties={"description": Tlp.AMBER, "name": Tlp.GREEN})
    assert decision.omitted == {"description"}
    assert last_reason(decision) == (
        "description is TLP:amber: an object of that level would not give it. "
        "A partner receives at most TLP:green, through a machine credential."
    )


@pytest.mark.parametrize(
    ("kind", "rule", "omitted"),
    [
        ("individual", share("member:XAB"), set()),
        ("machine", share("member:XAB"), {"description"}),
        ("individual", share("forum"), {"description"}),
        ("individual", share("member:XAB", omit=frozenset({"description"})), {"description"}),
        ("individual", share("member:XAB", when=When(tlp_at_most=Tlp.AMBER)), {"description"}),
    ],
)
def test_a_red_property_needs_a_person_and_a_rule_that_names_the_member(
    kind: CredentialKind, rule: Rule, omitted: set[str]
) -> None:
    properties = {"description": Tlp.RED, "name": Tlp.CLEAR}
    policies = make_policy(share("forum", when=When(tlp_at_most=Tlp.GREEN)), rule)
    decision = ask(XAB, policies, kind, properties=properties)
    assert decision.omitted == omitted


@pytest.mark.parametrize(
    "obstacle",
    [
        {"place": {"forum_ceiling": Tlp.GREEN}},
        {"place": {"collection_ceiling": Tlp.GREEN}},
        {"recipient": make_member("XAB", accredited_to=Tlp.GREEN)},
        {"policy": make_policy(share("forum", when=When(tlp_at_most=Tlp.GREEN)))},
        {"forum": make_policy(withhold("forum", when=When(tlp_at_least=Tlp.AMBER)))},
        {
            "forum": make_policy(
                withhold(
                    "forum", only=frozenset({"description"}), when=When(tlp_at_least=Tlp.AMBER)
                )
            )
        },
    ],
)
def test_whatever_would_keep_an_object_of_that_level_back_keeps_the_property_back(
    obstacle: dict[str, Any],
) -> None:
    properties = {"description": Tlp.AMBER, "name": Tlp.CLEAR}
    assert ask(**obstacle, properties=properties).omitted == {"description"}


# Step 6: what the object requires


@pytest.mark.parametrize("lost", ["pattern", "type"])
def test_an_object_without_what_it_requires_is_hidden(lost: str) -> None:
    policy = make_policy(share("forum"), withhold("forum", only=frozenset({lost})))
    decision = ask(XAB, policy)
    assert (decision.outcome, decision.omitted, decision.step) == ("hidden", frozenset(), 6)
    assert last_reason(decision) == f"The object cannot be without {lost}, so it is hidden."


def test_of_several_one_is_enough() -> None:
    clauses: Any = (frozenset({"description", "x_victim"}), frozenset())
    one = make_policy(share("forum", omit=frozenset({"x_victim"})))
    both = make_policy(share("forum", omit=frozenset({"x_victim", "description"})))
    assert ask(XAB, one, clauses=clauses).omitted == {"x_victim"}
    decision = ask(XAB, both, clauses=clauses)
    assert decision.outcome == "hidden"
    assert last_reason(decision) == (
        "The object needs one of description and x_victim at least, so it is hidden."
    )


def test_what_needs_what_is_lost_goes_with_it() -> None:
    policy = make_policy(share("forum", omit=frozenset({"longitude"})))
    decision = ask(
        XAB,
        policy,
        properties=("latitude", "longitude", "precision", "region"),
        clauses=(frozenset({"region", "latitude"}),),
        ties=(("precision", "latitude"), ("latitude", "longitude"), ("longitude", "latitude")),
    )
    assert decision.omitted == {"longitude", "latitude", "precision"}
    assert [step.sentence for step in decision.trace if step.step == 6] == [
        "latitude goes too: it means nothing without longitude.",
        "precision goes too: it means nothing without latitude.",
    ]


def test_what_is_not_there_takes_nothing_with_it() -> None:
    policy = make_policy(share("forum", omit=frozenset({"x_absent"})))
    assert ask(XAB, policy, ties=(("description", "x_absent"),)).outcome == "whole"


# Step 9: bound to an earlier contribution


def test_the_bound_is_granted_whole_to_whoever_sees_the_other() -> None:
    policy = make_policy(withhold("forum"), withhold("forum", only=frozenset({"description"})))
    decision = ask(XAB, policy, bound=True, releasable_to=())
    assert (decision.outcome, decision.step) == ("whole", 6)
    assert last_reason(decision) == "It is bound to an earlier contribution, which XAB sees."


def test_the_bound_is_hidden_from_whoever_does_not_see_the_other() -> None:
    decision = ask(XAB, EVERYBODY, bound=False)
    assert (decision.outcome, decision.step) == ("hidden", 9)
    assert ask(XAA, NOBODY, bound=False).outcome == "whole"


def test_every_other_step_applies_to_the_bound() -> None:
    assert ask(XAB, bound=True, tlp=Tlp.RED).step == 1
    assert ask(XAB, NOBODY, "individual", bound=True, tlp=Tlp.RED).outcome == "whole"
    assert ask(XAB, bound=True, properties={"description": Tlp.RED}).omitted == {"description"}
    assert ask(XAB, bound=True, properties={"pattern": Tlp.RED}).step == 6
