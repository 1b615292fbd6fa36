"""The laws of the decision (sharing policy §4, last paragraph), by generated cases."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sharing.rules.audiences import Electorate, audience_of, compile_policy
from sharing.rules.decide import decide
from sharing.rules.model import KINDS, Facts, Place, Recipient, element
from sharing.rules.rule import Policy, Rule
from sharing.rules.tlp import Tlp
from tests.sharing.rules.strategies import (
    facts,
    forum_policies,
    places,
    policies,
    recipient_lists,
    rules,
    tlps,
)

# As many cases as the profile in force asks for; thrice as many where all else rests on it.
laws = settings(deadline=None)
first_law = settings(deadline=None, max_examples=3 * settings().max_examples)


def decided(
    recipients: tuple[Recipient, ...],
    about: Facts,
    place: Place,
    policy: Policy,
    forum_policy: Policy,
) -> int:
    """The audience by asking `decide` for each recipient and kind in turn."""
    mask = 0
    for recipient in recipients:
        for kind in KINDS:
            decision = decide(about, place, recipient, kind, policy, forum_policy)
            assert not decision.alert
            mask |= (decision.outcome == "whole") << element(recipient.bit, kind)
    return mask


def insert(policy: Policy, rule: Rule, at: int) -> Policy:
    at %= len(policy.rules) + 1
    return Policy((*policy.rules[:at], rule, *policy.rules[at:]))


@first_law
@given(recipient_lists, facts, places, policies, forum_policies)
def test_deciding_for_one_and_for_all_at_once_agree(
    recipients: tuple[Recipient, ...],
    about: Facts,
    place: Place,
    policy: Policy,
    forum_policy: Policy,
) -> None:
    electorate = Electorate(recipients)
    by_one = decided(recipients, about, place, policy, forum_policy)
    faults: list[Exception] = []
    assert by_one == audience_of(
        about, place, electorate, policy, forum_policy, on_fault=faults.append
    )
    assert by_one == audience_of(
        about,
        place,
        electorate,
        compile_policy(policy, electorate),
        compile_policy(forum_policy, electorate),
        on_fault=faults.append,
    )
    assert faults == []


@laws
@given(recipient_lists, facts, places, policies, forum_policies, rules("share"), st.integers(0, 9))
def test_adding_a_share_rule_never_takes_anything_from_anyone(
    recipients: tuple[Recipient, ...],
    about: Facts,
    place: Place,
    policy: Policy,
    forum_policy: Policy,
    added: Rule,
    at: int,
) -> None:
    before = decided(recipients, about, place, policy, forum_policy)
    after = decided(recipients, about, place, insert(policy, added, at), forum_policy)
    assert before & ~after == 0


@laws
@given(
    recipient_lists, facts, places, policies, forum_policies, rules("withhold"), st.integers(0, 9)
)
def test_adding_a_withhold_rule_never_gives(
    recipients: tuple[Recipient, ...],
    about: Facts,
    place: Place,
    policy: Policy,
    forum_policy: Policy,
    added: Rule,
    at: int,
) -> None:
    before = decided(recipients, about, place, policy, forum_policy)
    by_originator = decided(recipients, about, place, insert(policy, added, at), forum_policy)
    by_forum = decided(recipients, about, place, policy, insert(forum_policy, added, at))
    assert (by_originator | by_forum) & ~before == 0


@laws
@given(recipient_lists, facts, places, policies, forum_policies, tlps)
def test_raising_a_tlp_never_gives(
    recipients: tuple[Recipient, ...],
    about: Facts,
    place: Place,
    policy: Policy,
    forum_policy: Policy,
    other: Tlp,
) -> None:
    lower, higher = (
        Facts(about.originator, about.stix_type, about.labels, tlp, about.blockers)
        for tlp in sorted((about.tlp, other))
    )
    before = decided(recipients, lower, place, policy, forum_policy)
    after = decided(recipients, higher, place, policy, forum_policy)
    assert after & ~before == 0


@laws
@given(recipient_lists, facts, places, policies, forum_policies, st.randoms())
def test_rule_order_is_irrelevant(
    recipients: tuple[Recipient, ...],
    about: Facts,
    place: Place,
    policy: Policy,
    forum_policy: Policy,
    random: Any,
) -> None:
    shuffled, shuffled_forum = list(policy.rules), list(forum_policy.rules)
    random.shuffle(shuffled)
    random.shuffle(shuffled_forum)
    assert decided(recipients, about, place, policy, forum_policy) == decided(
        recipients, about, place, Policy(tuple(shuffled)), Policy(tuple(shuffled_forum))
    )


@laws
@given(recipient_lists, facts, places, policies)
def test_an_exception_is_hidden_from_all_but_the_active_originator(
    recipients: tuple[Recipient, ...], about: Facts, place: Place, policy: Policy
) -> None:
    broken: Any = Policy((None,))  # type: ignore[arg-type]
    electorate = Electorate(recipients)
    own = electorate.owner_of(about)
    assert audience_of(about, place, electorate, broken, policy) & ~own == 0
    for recipient in recipients:
        for kind in KINDS:
            decision = decide(about, place, recipient, kind, broken, policy)
            is_own = bool(own >> element(recipient.bit, kind) & 1)
            assert (decision.outcome == "whole") == is_own
            assert decision.alert == (decision.trace[-1].sentence.startswith("Deciding failed"))


@laws
@given(recipient_lists, facts, places, policies, forum_policies)
def test_what_the_inactive_see_is_nothing(
    recipients: tuple[Recipient, ...],
    about: Facts,
    place: Place,
    policy: Policy,
    forum_policy: Policy,
) -> None:
    mask = audience_of(about, place, Electorate(recipients), policy, forum_policy)
    for recipient in recipients:
        if not recipient.is_active:
            assert mask >> element(recipient.bit, "machine") & 3 == 0
