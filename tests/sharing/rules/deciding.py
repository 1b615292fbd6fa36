"""Both ways of deciding, brought into one form for comparison: who is shown which units."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from sharing.rules.audiences import Electorate, Grant, compile_policy, grant_of
from sharing.rules.decide import Decision, decide
from sharing.rules.model import KINDS, CredentialKind, Facts, Place, Recipient, element
from sharing.rules.moment import Moment
from sharing.rules.rule import Policy
from tests.sharing.rules.makers import (
    AT_ZERO,
    EVERYBODY,
    NOBODY,
    make_facts,
    make_member,
    make_partner,
    make_place,
)
from tests.sharing.rules.strategies import (
    facts,
    forum_policies,
    moments,
    places,
    policies,
    recipient_lists,
)

XAA, XAB, RELAY = make_member("XAA"), make_member("XAB"), make_partner("relay")

Shown = dict[tuple[str, CredentialKind], frozenset[str] | None]
"""By recipient and kind, the units shown; None when the object is hidden."""


@dataclass(frozen=True)
class World:
    """All that a decision about one object depends on."""

    recipients: tuple[Recipient, ...]
    facts: Facts
    place: Place
    policy: Policy
    forum_policy: Policy
    moment: Moment
    ignoring_embargo: bool = False
    bound: int | None = None

    def changed(self, **fields: Any) -> World:
        """The same world but for some fields."""
        return replace(self, **fields)

    def electorate(self) -> Electorate:
        """Its recipients as masks."""
        return Electorate(self.recipients)


worlds = st.builds(
    World,
    recipients=recipient_lists,
    facts=facts,
    place=places,
    policy=policies,
    forum_policy=forum_policies,
    moment=moments,
    ignoring_embargo=st.booleans(),
)


def decide_for(world: World, recipient: Recipient, kind: CredentialKind) -> Decision:
    """The decision for one recipient through one kind of credential."""
    at = element(recipient.bit, kind)
    return decide(
        world.facts,
        world.place,
        recipient,
        kind,
        world.policy,
        world.forum_policy,
        world.moment,
        bound=None if world.bound is None else bool(world.bound >> at & 1),
        ignoring_embargo=world.ignoring_embargo,
    )


def shown_one_by_one(world: World) -> Shown:
    """What `decide` shows to each recipient and kind in turn."""
    shown: Shown = {}
    for recipient in world.recipients:
        for kind in KINDS:
            decision = decide_for(world, recipient, kind)
            assert not decision.alert
            shown[recipient.name, kind] = _units_of(decision, world.facts)
    return shown


def _units_of(decision: Decision, about: Facts) -> frozenset[str] | None:
    assert (decision.outcome == "less") == bool(decision.omitted)
    if decision.outcome == "hidden":
        return None
    return frozenset(about.properties) - decision.omitted


def granted_in(world: World) -> Grant:
    """The grant to all at once; deciding must not fail."""
    electorate = world.electorate()
    faults: list[Exception] = []
    grant = grant_of(
        world.facts,
        world.place,
        electorate,
        compile_policy(world.policy, electorate),
        compile_policy(world.forum_policy, electorate),
        world.moment,
        bound=world.bound,
        ignoring_embargo=world.ignoring_embargo,
        on_fault=faults.append,
    )
    assert faults == []
    return grant


def shown_at_once(world: World) -> Shown:
    """What a grant shows, in the form of `shown_one_by_one`."""
    grant = granted_in(world)
    shown: Shown = {}
    for recipient in world.recipients:
        for kind in KINDS:
            bit = 1 << element(recipient.bit, kind)
            kept = frozenset(unit for unit in world.facts.properties if grant.keeping(unit) & bit)
            shown[recipient.name, kind] = kept if grant.visible & bit else None
    return shown


def is_within(less: Shown, more: Shown) -> bool:
    """Whether everything shown in the one is shown in the other."""
    return all(
        units is None or ((other := more[who]) is not None and units <= other)
        for who, units in less.items()
    )


def ask(
    recipient: Recipient = XAB,
    policy: Policy = EVERYBODY,
    kind: CredentialKind = "machine",
    *,
    forum: Policy = NOBODY,
    place: dict[str, Any] | None = None,
    moment: Moment = AT_ZERO,
    bound: bool | None = None,
    ignoring_embargo: bool = False,
    **about: Any,
) -> Decision:
    """The decision for XAB or another about an object of XAA's that all is granted of."""
    return decide(
        make_facts(**about),
        make_place(**place or {}),
        recipient,
        kind,
        policy,
        forum,
        moment,
        bound=bound,
        ignoring_embargo=ignoring_embargo,
    )


def last_reason(decision: Decision) -> str:
    """The sentence that settled it."""
    return decision.trace[-1].sentence
