"""The decision for one recipient, step by step, with the reason it gives."""

from __future__ import annotations

from typing import Any

import pytest

from sharing.rules.decide import decide
from sharing.rules.model import CredentialKind, Recipient
from sharing.rules.moment import Moment
from sharing.rules.rule import Rule, When
from sharing.rules.tlp import Tlp
from tests.sharing.rules.deciding import RELAY, XAA, XAB, ask, last_reason
from tests.sharing.rules.makers import (
    ALPHA,
    AT_ZERO,
    BETA,
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

# Step 0: activity and ownership


@pytest.mark.parametrize("recipient", [XAA, XAB, RELAY])
def test_a_suspended_recipient_sees_nothing_not_even_its_own(recipient: Recipient) -> None:
    suspended = make_member(recipient.name, is_active=False)
    decision = ask(suspended)
    assert (decision.outcome, decision.step) == ("hidden", 0)
    assert "is not active, so it sees nothing" in last_reason(decision)


@pytest.mark.parametrize("kind", ["machine", "individual"])
@pytest.mark.parametrize("tlp", Tlp)
def test_an_originator_sees_its_own_whole_through_any_credential(
    tlp: Tlp, kind: CredentialKind
) -> None:
    decision = ask(XAA, NOBODY, kind, tlp=tlp)
    assert (decision.outcome, decision.step) == ("whole", 0)
    assert "XAA contributed the object" in last_reason(decision)


def test_nothing_takes_an_originator_s_own_away() -> None:
    own = make_member("XAA", role="observer", accredited_to=Tlp.CLEAR)
    closed = {"read_roles": frozenset(), "forum_ceiling": Tlp.CLEAR}
    never = make_policy(withhold("forum"))
    decision = ask(own, never, forum=never, place=closed, blockers=("marking-scheme",))
    assert decision.outcome == "whole"


def test_a_partner_called_like_the_originator_is_not_the_originator() -> None:
    assert ask(make_partner("XAA"), NOBODY).outcome == "hidden"


# Step 1: what may reach whom


def test_a_member_whose_role_may_not_read_the_collection_sees_nothing() -> None:
    decision = ask(place={"read_roles": frozenset({"observer"})})
    assert (decision.outcome, decision.step) == ("hidden", 1)
    assert last_reason(decision) == "The collection is not open to the role member."


@pytest.mark.parametrize(
    ("blocker", "reason"),
    [
        ("marking-scheme", "a scheme that Comity does not understand"),
        ("something-new", "something-new"),
    ],
)
def test_a_blocker_hides_from_all_but_the_originator(blocker: str, reason: str) -> None:
    decision = ask(blockers=(blocker,))
    assert (decision.outcome, decision.step) == ("hidden", 1)
    assert reason in last_reason(decision)


def test_all_blockers_are_told() -> None:
    reason = last_reason(ask(blockers=("marking-scheme", "something-new")))
    assert "a scheme that Comity does not understand; something-new" in reason


@pytest.mark.parametrize("ceiling", ["forum_ceiling", "collection_ceiling"])
def test_an_object_above_a_ceiling_of_its_place_is_hidden(ceiling: str) -> None:
    assert ask(place={ceiling: Tlp.GREEN}, tlp=Tlp.GREEN).outcome == "whole"
    decision = ask(place={ceiling: Tlp.GREEN}, tlp=Tlp.AMBER)
    assert (decision.outcome, decision.step) == ("hidden", 1)
    assert "TLP:amber is above the ceiling" in last_reason(decision)


def test_an_object_above_the_recipient_s_accreditation_is_hidden() -> None:
    decision = ask(make_member("XAB", accredited_to=Tlp.GREEN), tlp=Tlp.AMBER_STRICT)
    assert (decision.outcome, decision.step) == ("hidden", 1)
    assert "TLP:amber+strict is above what XAB is accredited to" in last_reason(decision)


def test_a_machine_never_receives_red() -> None:
    named = make_policy(share("member:XAB"))
    assert ask(XAB, named, "individual", tlp=Tlp.RED).outcome == "whole"
    decision = ask(XAB, named, "machine", tlp=Tlp.RED)
    assert (decision.outcome, decision.step) == ("hidden", 1)
    assert "persons only" in last_reason(decision)


@pytest.mark.parametrize("tlp", [Tlp.AMBER, Tlp.AMBER_STRICT, Tlp.RED])
def test_a_partner_never_receives_amber_or_above(tlp: Tlp) -> None:
    decision = ask(RELAY, make_policy(share("partner:relay")), tlp=tlp)
    assert (decision.outcome, decision.step) == ("hidden", 1)
    assert "A partner receives at most TLP:green" in last_reason(decision)


# Step 2: grants


@pytest.mark.parametrize("tlp", [Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER, Tlp.AMBER_STRICT])
def test_members_see_what_a_rule_grants(tlp: Tlp) -> None:
    decision = ask(tlp=tlp)
    assert (decision.outcome, decision.step) == ("whole", 6)


@pytest.mark.parametrize("tlp", Tlp)
@pytest.mark.parametrize("kind", ["machine", "individual"])
def test_nobody_sees_what_no_rule_grants(tlp: Tlp, kind: CredentialKind) -> None:
    policy = make_policy(share(), share("member:XAC"), share("forum", excepted=("member:XAB",)))
    assert ask(XAB, policy, kind, tlp=tlp).outcome == "hidden"


@pytest.mark.parametrize("tlp", [Tlp.CLEAR, Tlp.GREEN])
@pytest.mark.parametrize("term", ["partners", "partner:relay"])
def test_partners_see_what_a_rule_grants_to_partners(tlp: Tlp, term: str) -> None:
    assert ask(RELAY, make_policy(share(term)), tlp=tlp).outcome == "whole"


def test_a_rule_for_the_forum_s_seats_grants_partners_nothing() -> None:
    decision = ask(RELAY, make_policy(share("forum")))
    assert (decision.outcome, decision.step) == ("hidden", 2)
    assert last_reason(decision) == "No share rule grants the object to partner relay."


def test_red_needs_a_rule_that_names_the_member_itself() -> None:
    by_group = make_policy(share("forum", "role:member", id="by-group"))
    decision = ask(XAB, by_group, "individual", tlp=Tlp.RED)
    assert (decision.outcome, decision.step) == ("hidden", 2)
    assert decision.trace[-2].rule == "by-group"
    assert "needs a rule that names member:XAB itself" in decision.trace[-2].sentence


def test_red_reaches_a_member_named_beside_a_group() -> None:
    policy = make_policy(share("forum", "member:XAB"))
    assert ask(XAB, policy, "individual", tlp=Tlp.RED).outcome == "whole"
    assert ask(make_member("XAC"), policy, "individual", tlp=Tlp.RED).outcome == "hidden"


def test_red_does_not_reach_a_member_named_and_excepted() -> None:
    policy = make_policy(share("member:XAB", excepted=("role:member",)))
    assert ask(XAB, policy, "individual", tlp=Tlp.RED).outcome == "hidden"


def test_grants_add_up() -> None:
    policy = make_policy(share("member:XAC", id="1"), share("bloc:north", id="2"))
    assert ask(make_member("XAB", blocs=frozenset({"north"})), policy).outcome == "whole"


def test_an_exception_is_local_to_its_rule() -> None:
    policy = make_policy(share("forum", excepted=("member:XAB",)), share("member:XAB"))
    assert ask(XAB, policy).outcome == "whole"


def test_the_forum_s_own_share_rules_grant_nothing() -> None:
    assert ask(XAB, NOBODY, forum=EVERYBODY).outcome == "hidden"


@pytest.mark.parametrize(
    ("when", "is_whole"),
    [
        (When(types=frozenset({"indicator", "malware"})), True),
        (When(types=frozenset({"malware"})), False),
        (When(types=frozenset()), False),
        (When(labels=frozenset({"phishing", "other"})), True),
        (When(labels=frozenset({"other"})), False),
        (When(collections=frozenset({ALPHA, BETA})), True),
        (When(collections=frozenset({BETA})), False),
        (When(tlp_at_most=Tlp.AMBER), True),
        (When(tlp_at_most=Tlp.GREEN), False),
        (When(types=frozenset({"indicator"}), labels=frozenset({"other"})), False),
        (When(types=frozenset({"indicator"}), tlp_at_most=Tlp.AMBER), True),
    ],
)
def test_a_share_rule_grants_only_the_objects_it_is_about(when: When, is_whole: bool) -> None:
    decision = ask(
        XAB,
        make_policy(share("forum", when=when)),
        tlp=Tlp.AMBER,
        labels=frozenset({"phishing"}),
    )
    assert decision.outcome == ("whole" if is_whole else "hidden")


COMMITTED = Moment(0, committed=lambda provision: frozenset({"XAB", "relay"}))
"""XAB is committed to everything; so is a State that is called as the partner is."""


def test_a_share_rule_reaches_who_is_committed() -> None:
    policy = make_policy(share("committed:norm-1"))
    assert ask(XAB, policy, moment=COMMITTED).outcome == "whole"
    assert ask(make_member("XAC"), policy, moment=COMMITTED).outcome == "hidden"


def test_a_commitment_never_names_a_partner() -> None:
    assert ask(RELAY, make_policy(share("committed:norm-1")), moment=COMMITTED).outcome == "hidden"
    policy = make_policy(share("partners", excepted=("committed:norm-1",)))
    assert ask(RELAY, policy, moment=COMMITTED).outcome == "whole"


def test_a_rule_excepts_who_is_committed() -> None:
    policy = make_policy(share("forum", excepted=("committed:norm-1",)))
    assert ask(XAB, policy, moment=COMMITTED).outcome == "hidden"
    assert ask(make_member("XAC"), policy, moment=COMMITTED).outcome == "whole"


def test_a_withhold_rule_takes_from_who_is_committed() -> None:
    policy = make_policy(share("forum"), withhold("committed:norm-1"))
    assert ask(XAB, policy, moment=COMMITTED).outcome == "hidden"
    assert ask(make_member("XAC"), policy, moment=COMMITTED).outcome == "whole"


def test_a_commitment_does_not_open_red() -> None:
    policy = make_policy(share("committed:norm-1"))
    assert ask(XAB, policy, "individual", moment=COMMITTED, tlp=Tlp.RED).outcome == "hidden"
    named = make_policy(share("member:XAB", excepted=("committed:norm-1",)))
    assert ask(XAB, named, "individual", moment=COMMITTED, tlp=Tlp.RED).outcome == "hidden"


def test_without_a_register_a_share_rule_with_a_commitment_grants_nothing() -> None:
    policy = make_policy(share("member:XAB", "committed:norm-1"))
    decision = ask(XAB, policy)
    assert decision.outcome == "hidden"
    assert "No register says who is committed" in decision.trace[-2].sentence


def test_without_a_register_a_share_rule_that_excepts_the_committed_grants_nothing() -> None:
    assert ask(XAB, make_policy(share("forum", excepted=("committed:norm-1",)))).outcome == "hidden"


def test_terms_are_recorded_and_do_not_keep_a_rule_from_granting() -> None:
    assert ask(XAB, make_policy(share("forum", terms=(("attribution", "must-not"),)))).outcome == (
        "whole"
    )


@pytest.mark.parametrize("order", [("later", "now"), ("now", "later")])
def test_a_rule_grants_what_another_does_not_grant_yet(order: tuple[str, str]) -> None:
    rules = {"later": share("forum", id="later", delay_us=1), "now": share("forum", id="now")}
    decision = ask(XAB, make_policy(*(rules[name] for name in order)))
    assert decision.outcome == "whole"
    assert [step.rule for step in decision.trace] == [None, None, *order, None]


DAY_US = 86_400_000_000


@pytest.mark.parametrize(
    ("times", "reason"),
    [
        ({"from_us": DAY_US}, "The rule does not hold before 1970-01-02T00:00:00.000000Z."),
        ({"delay_us": DAY_US}, "The rule does not hold before 1970-01-02T00:00:00.000000Z."),
        ({"until_us": 0}, "The rule held until 1970-01-01T00:00:00.000000Z only."),
        ({"expire_after_us": 0}, "The rule held until 1970-01-01T00:00:00.000000Z only."),
        ({"from_us": DAY_US, "expire_after_us": 9}, "The rule never holds for this object."),
    ],
)
@pytest.mark.parametrize("make", [share, withhold])
def test_a_rule_that_does_not_hold_now_says_why_and_does_nothing(
    make: Any, times: dict[str, int], reason: str
) -> None:
    lapsed: Rule = make("forum", id="lapsed", **times)
    decision = ask(XAB, make_policy(lapsed, share("member:XAC", "member:XAB")))
    assert decision.outcome == "whole"
    assert [step.sentence for step in decision.trace if step.rule == "lapsed"] == [reason]
    if lapsed.effect == "share":
        assert ask(XAB, make_policy(lapsed)).outcome == "hidden"


def test_an_embargo_ignored_is_none() -> None:
    policy = make_policy(share("forum", from_us=DAY_US, delay_us=DAY_US))
    assert ask(XAB, policy).outcome == "hidden"
    assert ask(XAB, policy, ignoring_embargo=True).outcome == "whole"


# Step 3: withholdings


def test_a_withholding_always_wins() -> None:
    policy = make_policy(share("forum", "member:XAB"), withhold("member:XAB", id="never"))
    decision = ask(XAB, policy)
    assert (decision.outcome, decision.step) == ("hidden", 3)
    assert decision.trace[-1].rule == "never"
    assert last_reason(decision) == "A rule of XAA withholds the object from XAB."


def test_the_forum_may_withhold_too() -> None:
    decision = ask(XAB, EVERYBODY, forum=make_policy(withhold("role:member", id="embargoed")))
    assert (decision.outcome, decision.step) == ("hidden", 3)
    assert last_reason(decision) == "A rule of the forum withholds the object from XAB."


@pytest.mark.parametrize(
    ("originators", "is_whole"), [({"XAA"}, False), ({"XAC", "XAA"}, False), ({"XAC"}, True)]
)
def test_a_forum_s_rule_may_be_about_what_some_members_contribute(
    originators: set[str], is_whole: bool
) -> None:
    about = When(originators=frozenset(originators))
    decision = ask(XAB, EVERYBODY, forum=make_policy(withhold("forum", when=about)))
    assert decision.outcome == ("whole" if is_whole else "hidden")
    if not is_whole:
        assert last_reason(decision) == (
            "A rule of the forum about what XAA contributes withholds the object from XAB."
        )


def test_withholding_from_the_forum_s_seats_leaves_partners_alone() -> None:
    policy = make_policy(share("partners"), withhold("forum"))
    assert ask(RELAY, policy).outcome == "whole"


def test_those_excepted_from_a_withholding_keep_the_object() -> None:
    policy = make_policy(share("forum"), withhold("forum", excepted=("member:XAB",)))
    assert ask(XAB, policy).outcome == "whole"
    assert ask(make_member("XAC"), policy).outcome == "hidden"


@pytest.mark.parametrize(
    ("when", "is_whole"),
    [
        (When(tlp_at_least=Tlp.GREEN), False),
        (When(tlp_at_least=Tlp.AMBER), True),
        (When(labels=frozenset({"op-frost"})), True),
        (When(types=frozenset({"indicator"})), False),
    ],
)
def test_a_withhold_rule_takes_only_the_objects_it_is_about(when: When, is_whole: bool) -> None:
    policy = make_policy(share("forum"), withhold("forum", when=when))
    assert ask(XAB, policy).outcome == ("whole" if is_whole else "hidden")


def test_a_withhold_rule_may_take_single_properties() -> None:
    rule = withhold("forum", only=frozenset({"x_victim", "extensions.archive-ext", "x_absent"}))
    decision = ask(XAB, make_policy(share("forum"), rule))
    assert decision.outcome == "less"
    assert decision.omitted == {"x_victim", "extensions.archive-ext"}
    assert decision.trace[3].sentence == (
        "A rule of XAA withholds extensions.archive-ext and x_victim from XAB."
    )


def test_what_originator_and_forum_take_adds_up() -> None:
    policy = make_policy(share("forum"), withhold("forum", only=frozenset({"x_victim"})))
    forum = make_policy(withhold("forum", only=frozenset({"description"})))
    assert ask(XAB, policy, forum=forum).omitted == {"x_victim", "description"}


def test_taking_what_the_object_does_not_have_leaves_it_whole() -> None:
    policy = make_policy(share("forum"), withhold("forum", only=frozenset({"x_absent"})))
    decision = ask(XAB, policy)
    assert decision.outcome == "whole"
    assert decision.trace[3].sentence == "A rule of XAA withholds what the object does not have."


def test_without_a_register_a_withhold_rule_with_a_commitment_takes_from_everybody() -> None:
    policy = make_policy(EVERYBODY.rules[0], withhold("committed:norm-1", excepted=("member:XAB",)))
    assert ask(XAB, policy).outcome == "hidden"
    assert ask(RELAY, policy).outcome == "hidden"


def test_without_a_register_a_withhold_rule_with_a_commitment_takes_only_what_it_names() -> None:
    rule = withhold("committed:norm-1", only=frozenset({"x_victim"}))
    decision = ask(XAB, make_policy(share("forum"), rule))
    assert decision.omitted == {"x_victim"}
    assert last_reason(decision) == (
        "A rule of XAA withholds x_victim from XAB. No register says who is committed to what, "
        "so it withholds from everybody."
    )


# The trace and the alert


def test_a_trace_tells_every_step_that_was_taken() -> None:
    decision = ask(XAB, make_policy(share("forum", id="all")))
    assert [(step.step, step.rule, step.sentence) for step in decision.trace] == [
        (0, None, "XAB is active."),
        (1, None, "XAB may read the collection, and TLP:green may reach it here."),
        (2, "all", "The rule shares the object with XAB."),
        (3, None, "No withhold rule is about XAB."),
    ]
    assert not decision.alert


@pytest.mark.parametrize("broken", ["policy", "forum_policy", "facts", "place"])
def test_whatever_goes_wrong_is_hidden_and_an_alert(broken: str) -> None:
    arguments: dict[str, Any] = {
        "facts": make_facts(),
        "place": make_place(),
        "policy": EVERYBODY,
        "forum_policy": NOBODY,
    }
    arguments |= {"moment": AT_ZERO, broken: object()}
    decision = decide(recipient=XAB, kind="machine", **arguments)
    assert (decision.outcome, decision.omitted, decision.alert) == ("hidden", frozenset(), True)
    assert last_reason(decision) == "Deciding failed (AttributeError), so the object is hidden."
