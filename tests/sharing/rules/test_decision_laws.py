"""The laws of the decision (sharing policy §4, last paragraph), by generated cases."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sharing.rules.audiences import compile_policy, grant_of, signature
from sharing.rules.model import KINDS, Facts, element
from sharing.rules.moment import holds, next_change
from sharing.rules.rule import Policy, Rule
from sharing.rules.tlp import Tlp
from tests.sharing.rules.deciding import (
    World,
    decide_for,
    granted_in,
    is_within,
    shown_at_once,
    shown_one_by_one,
    worlds,
)
from tests.sharing.rules.makers import BETA
from tests.sharing.rules.strategies import CODES, LABELS, TYPES, UNITS, facts, rules, subsets, tlps

# As many cases as the profile in force asks for; thrice as many where all else rests on it.
laws = settings(deadline=None)
first_law = settings(deadline=None, max_examples=3 * settings().max_examples)


def insert(policy: Policy, rule: Rule, at: int) -> Policy:
    at %= len(policy.rules) + 1
    return Policy((*policy.rules[:at], rule, *policy.rules[at:]))


@first_law
@given(worlds)
def test_deciding_for_one_and_for_all_at_once_agree(world: World) -> None:
    assert shown_one_by_one(world) == shown_at_once(world)


@laws
@given(worlds, st.integers(0, 2**12 - 1))
def test_deciding_for_one_and_for_all_at_once_agree_about_the_bound(
    world: World, bound: int
) -> None:
    world = world.changed(bound=bound)
    shown = shown_one_by_one(world)
    assert shown == shown_at_once(world)
    for recipient in world.recipients:
        is_own = not recipient.is_partner and recipient.name == world.facts.originator
        for kind in KINDS:
            sees_other = bound >> element(recipient.bit, kind) & 1
            assert shown[recipient.name, kind] is None or sees_other or is_own


@laws
@given(worlds)
def test_what_a_grant_loses_is_part_of_what_it_shows_and_never_the_originator_s(
    world: World,
) -> None:
    grant = granted_in(world)
    own = world.electorate().owner_of(world.facts)
    for unit, mask in grant.lost.items():
        assert unit in world.facts.properties
        assert mask
        assert mask & ~grant.visible == 0
        assert mask & own == 0
    assert grant.visible & own == own


@laws
@given(worlds, rules("share"), st.integers(0, 9))
def test_adding_a_share_rule_never_takes_anything_from_anyone(
    world: World, added: Rule, at: int
) -> None:
    more = world.changed(policy=insert(world.policy, added, at))
    assert is_within(shown_one_by_one(world), shown_one_by_one(more))


@laws
@given(worlds, rules("withhold"), st.integers(0, 9))
def test_adding_a_withhold_rule_never_gives(world: World, added: Rule, at: int) -> None:
    before = shown_one_by_one(world)
    by_originator = world.changed(policy=insert(world.policy, added, at))
    by_forum = world.changed(forum_policy=insert(world.forum_policy, added, at))
    assert is_within(shown_one_by_one(by_originator), before)
    assert is_within(shown_one_by_one(by_forum), before)


@laws
@given(worlds, tlps)
def test_raising_an_object_s_tlp_never_gives(world: World, other: Tlp) -> None:
    lower, higher = (
        world.changed(facts=replace(world.facts, tlp=tlp))
        for tlp in sorted((world.facts.tlp, other))
    )
    assert is_within(shown_one_by_one(higher), shown_one_by_one(lower))


@laws
@given(worlds, tlps, st.integers(0, len(UNITS)))
def test_raising_a_property_s_tlp_never_gives(world: World, other: Tlp, at: int) -> None:
    properties = world.facts.properties
    unit = sorted(properties)[at % len(properties)]
    lower, higher = (
        world.changed(facts=replace(world.facts, properties={**properties, unit: tlp}))
        for tlp in sorted((properties[unit], other))
    )
    assert is_within(shown_one_by_one(higher), shown_one_by_one(lower))


@laws
@given(worlds, st.randoms())
def test_rule_order_is_irrelevant(world: World, random: Any) -> None:
    shuffled, shuffled_forum = list(world.policy.rules), list(world.forum_policy.rules)
    random.shuffle(shuffled)
    random.shuffle(shuffled_forum)
    other = world.changed(
        policy=Policy(tuple(shuffled)), forum_policy=Policy(tuple(shuffled_forum))
    )
    assert shown_one_by_one(world) == shown_one_by_one(other)


@laws
@given(worlds, st.sampled_from(("member:XAB", "jurisdiction:XAC")))
def test_narrowing_releasable_to_never_gives(world: World, term: str) -> None:
    named = world.facts.releasable_to
    wider = None if named is None else (*named, term)
    more = world.changed(facts=replace(world.facts, releasable_to=wider))
    assert is_within(shown_one_by_one(world), shown_one_by_one(more))


@laws
@given(worlds)
def test_ignoring_embargoes_never_takes(world: World) -> None:
    embargoed = shown_one_by_one(world.changed(ignoring_embargo=False))
    assert is_within(embargoed, shown_one_by_one(world.changed(ignoring_embargo=True)))


@laws
@given(worlds)
def test_nothing_changes_before_the_next_change(world: World) -> None:
    now_us = world.moment.now_us
    change_us = next_change(world.facts, world.place, world.policy, world.forum_policy, now_us)
    later_us = 10**18 if change_us is None else change_us - 1
    later = world.changed(moment=replace(world.moment, now_us=later_us))
    assert later_us >= now_us
    assert shown_at_once(world) == shown_at_once(later)
    if change_us is not None:
        assert any(
            holds(rule, world.facts, later_us, ignoring_embargo=ignoring)
            != holds(rule, world.facts, change_us, ignoring_embargo=ignoring)
            for rule in (*world.policy.rules, *world.forum_policy.rules)
            for ignoring in (False, True)
        )


def mutations(about: Facts) -> st.SearchStrategy[Facts]:
    """The same facts but for one of them."""
    fields: dict[str, st.SearchStrategy[Any]] = {
        "originator": st.sampled_from(CODES),
        "stix_type": st.sampled_from(TYPES),
        "labels": subsets(LABELS),
        "contributed_us": st.sampled_from((0, 1, about.contributed_us + 1)),
    }
    drawn = facts.map(lambda other: other)
    one = st.sampled_from([*fields, "properties", "clauses", "ties", "tlp"])
    return one.flatmap(
        lambda name: fields.get(name, drawn.map(lambda other: getattr(other, name))).map(
            lambda value: replace(about, **{name: value})
        )
    )


@laws
@given(worlds, st.data())
def test_equal_signatures_have_equal_grants(world: World, data: st.DataObject) -> None:
    other = world.changed(facts=data.draw(mutations(world.facts)))
    electorate = world.electorate()
    policy = compile_policy(world.policy, electorate)
    forum_policy = compile_policy(world.forum_policy, electorate)
    signed, granted = [], []
    for one in (world, other):
        signed.append(
            signature(
                one.facts,
                one.place,
                policy,
                forum_policy,
                one.moment.now_us,
                ignoring_embargo=one.ignoring_embargo,
            )
        )
        granted.append(granted_in(one))
    assert hash(signed[0]) == hash(signed[0])
    assert signed[0] != signed[1] or granted[0] == granted[1]


@laws
@given(worlds)
def test_an_exception_is_hidden_from_all_but_the_active_originator(world: World) -> None:
    broken: Any = Policy((None,))  # type: ignore[arg-type]
    world = world.changed(policy=broken)
    own = world.electorate().owner_of(world.facts)
    for recipient in world.recipients:
        for kind in KINDS:
            decision = decide_for(world, recipient, kind)
            is_own = bool(own >> element(recipient.bit, kind) & 1)
            assert (decision.outcome == "whole") == is_own
            assert decision.alert == (decision.trace[-1].sentence.startswith("Deciding failed"))


@laws
@given(worlds)
def test_counts_that_fail_leave_the_originator_alone_or_are_not_asked(world: World) -> None:
    def fail(*_: object) -> frozenset[str]:
        raise LookupError

    electorate = world.electorate()
    told: list[Exception] = []
    grant = grant_of(
        world.facts,
        world.place,
        electorate,
        compile_policy(world.policy, electorate),
        compile_policy(world.forum_policy, electorate),
        replace(world.moment, counts=fail),
        ignoring_embargo=world.ignoring_embargo,
        on_fault=told.append,
    )
    if told:
        assert (grant.visible, dict(grant.lost)) == (electorate.owner_of(world.facts), {})
    else:
        assert grant == granted_in(world)


@laws
@given(worlds)
def test_what_the_inactive_see_is_nothing(world: World) -> None:
    visible = granted_in(world).visible
    for recipient in world.recipients:
        if not recipient.is_active:
            assert visible >> element(recipient.bit, "machine") & 3 == 0


@laws
@given(worlds)
def test_a_policy_about_one_place_and_originator_says_nothing_it_would_not_without_memory(
    world: World,
) -> None:
    electorate = world.electorate()
    policy = compile_policy(world.policy, electorate)
    forum_policy = compile_policy(world.forum_policy, electorate)
    places = (replace(world.place, collection=BETA), world.place)
    for place, originator in product(places, CODES):
        facts = replace(world.facts, originator=originator)
        grant = grant_of(
            facts,
            place,
            electorate,
            policy,
            forum_policy,
            world.moment,
            ignoring_embargo=world.ignoring_embargo,
        )
        assert grant == granted_in(world.changed(place=place, facts=facts))
