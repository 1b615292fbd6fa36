"""The decision for all recipients of a forum at once, by set algebra over int masks.

Bit `element(recipient.bit, kind)` of a mask is one recipient through one kind of
credential. `decide` is the specification of what is computed here; a property-based test
holds the two equal, bit by bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sharing.rules import reach
from sharing.rules.model import KINDS, Facts, Place, Recipient, element
from sharing.rules.rule import (
    Audience,
    Policy,
    Rule,
    When,
    applies,
    depends_on_commitments,
    list_undecided,
)
from sharing.rules.terms import Term, terms_naming
from sharing.rules.tlp import Tlp


class Electorate:
    """The recipients of one forum, as masks: by term, by role, by level. Immutable.

    Raises ValueError when two recipients share a bit, or two of a kind a name: one would be
    shown what the other may see.
    """

    def __init__(self, recipients: Iterable[Recipient]) -> None:
        self.recipients = tuple(recipients)
        self.everyone = 0
        self._by_term: dict[Term, int] = {}
        self._by_role: dict[str, int] = {}
        self._by_level = dict.fromkeys(Tlp, 0)
        _refuse_twins(self.recipients)
        for recipient in self.recipients:
            if recipient.is_active:
                self._enrol(recipient)

    def _enrol(self, recipient: Recipient) -> None:
        both = sum(1 << element(recipient.bit, kind) for kind in KINDS)
        self.everyone |= both
        self._by_role[recipient.role] = self._by_role.get(recipient.role, 0) | both
        for term in terms_naming(recipient):
            self._by_term[term] = self._by_term.get(term, 0) | both
        for level in Tlp:
            if reach.is_accredited(recipient, level):
                self._by_level[level] |= _through(recipient, level)

    def named_by(self, term: Term) -> int:
        """The active recipients that a term names, through either kind of credential."""
        return self._by_term.get(term, 0)

    def owner_of(self, facts: Facts) -> int:
        """The originator, if it is active, through either kind of credential."""
        return self.named_by(Term("member", facts.originator))

    def within_reach(self, facts: Facts, place: Place) -> int:
        """Step 1: the active recipients that nothing but the rules keeps the object from."""
        if facts.blockers or not reach.is_within_place(facts.tlp, place):
            return 0
        readers = 0
        for role in place.read_roles:
            readers |= self._by_role.get(role, 0)
        return readers & self._by_level[facts.tlp]


@dataclass(frozen=True, slots=True)
class _Mask:
    """A rule against one electorate: whom it concerns; whom of these it names one by one."""

    when: When
    concerned: int
    named: int


@dataclass(frozen=True, slots=True, eq=False)
class CompiledPolicy:
    """A policy against one electorate, its audiences computed once."""

    electorate: Electorate
    shares: tuple[_Mask, ...]
    withholds: tuple[_Mask, ...]

    def granted(self, facts: Facts, place: Place) -> int:
        """Step 2: those to whom a share rule grants the object."""
        is_red = facts.tlp == Tlp.RED
        mask = 0
        for rule in self.shares:
            if applies(rule.when, facts, place):
                mask |= rule.named if is_red else rule.concerned
        return mask

    def withheld(self, facts: Facts, place: Place) -> int:
        """Step 3: those from whom a withhold rule takes the object."""
        mask = 0
        for rule in self.withholds:
            if applies(rule.when, facts, place):
                mask |= rule.concerned
        return mask


def compile_policy(policy: Policy, electorate: Electorate) -> CompiledPolicy:
    """The policy with each rule's audience as a mask; share rules that grant nothing drop out."""
    shares = (
        _compile(rule, electorate) for rule in policy.list_shares() if not list_undecided(rule)
    )
    withholds = (_compile(rule, electorate) for rule in policy.list_withholds())
    return CompiledPolicy(
        electorate,
        tuple(mask for mask in shares if mask.concerned),
        tuple(mask for mask in withholds if mask.concerned),
    )


def audience_of(
    facts: Facts,
    place: Place,
    electorate: Electorate,
    policy: Policy | CompiledPolicy,
    forum_policy: Policy | CompiledPolicy,
    *,
    on_fault: Callable[[Exception], None] | None = None,
) -> int:
    """The mask of all who see the object whole; its active originator is always among them.

    Compile the policies once when asking about many objects. Never raises: when deciding
    fails only the originator is left, and `on_fault` is told, so that it can raise an alert.
    """
    own = 0
    try:
        own = electorate.owner_of(facts)
        return own | _granted_by_rules(facts, place, electorate, policy, forum_policy)
    except Exception as fault:  # noqa: BLE001 - whatever goes wrong must hide, not show
        if on_fault is not None:
            on_fault(fault)
        return own


def _granted_by_rules(
    facts: Facts,
    place: Place,
    electorate: Electorate,
    policy: Policy | CompiledPolicy,
    forum_policy: Policy | CompiledPolicy,
) -> int:
    within_reach = electorate.within_reach(facts, place)
    if not within_reach:
        return 0
    originator, forum = _compiled(policy, electorate), _compiled(forum_policy, electorate)
    granted = within_reach & originator.granted(facts, place)
    withheld = originator.withheld(facts, place) | forum.withheld(facts, place)
    return granted & ~withheld


def _compiled(policy: Policy | CompiledPolicy, electorate: Electorate) -> CompiledPolicy:
    if isinstance(policy, Policy):
        return compile_policy(policy, electorate)
    if policy.electorate is not electorate:
        raise ValueError("the policy was compiled for another electorate")
    return policy


def _compile(rule: Rule, electorate: Electorate) -> _Mask:
    if depends_on_commitments(rule):
        return _Mask(rule.when, electorate.everyone, 0)
    named, one_by_one = _masks(rule.audience, electorate)
    return _Mask(rule.when, named, one_by_one)


def _masks(audience: Audience, electorate: Electorate) -> tuple[int, int]:
    """Whom the audience names; whom of these it names by `member:CODE`."""
    named = one_by_one = excepted = 0
    for term in audience.any:
        named |= electorate.named_by(term)
        if term.kind == "member":
            one_by_one |= electorate.named_by(term)
    for term in audience.excepted:
        excepted |= electorate.named_by(term)
    return named & ~excepted, one_by_one & ~excepted


def _through(recipient: Recipient, level: Tlp) -> int:
    """The recipient through the kinds of credential that the level may pass."""
    return sum(
        1 << element(recipient.bit, kind)
        for kind in KINDS
        if reach.may_reach(level, recipient, kind)
    )


def _refuse_twins(recipients: tuple[Recipient, ...]) -> None:
    bits = {recipient.bit for recipient in recipients}
    names = {(recipient.is_partner, recipient.name) for recipient in recipients}
    if len(bits) < len(recipients) or len(names) < len(recipients):
        raise ValueError("two recipients of the forum share a bit or a name")
