"""A policy against one electorate: its audiences as masks, and the rules in force for an object.

What does not live here: the decision (`audiences`).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from sharing.rules.electorate import Electorate
from sharing.rules.model import Facts, Place
from sharing.rules.moment import Moment, holds
from sharing.rules.rule import (
    COMMITTED,
    Policy,
    Rule,
    depends_on_commitments,
    is_about,
    is_timed,
)
from sharing.rules.tlp import Tlp

# Kinds of object (type, labels, collection, originator) remembered with the rules about them.
_MOST_KINDS: Final = 4096


@dataclass(frozen=True, slots=True, eq=False)
class CompiledRule:
    """One rule: whom it concerns; whom of these it names one by one (`member:CODE`).

    `number` is its place in its policy. `residency` is in the masks already, as it depends
    on nothing but the electorate; `reciprocity` is not, nor is who is committed: `able` are
    those whom a `committed:` of the rule may add.
    """

    number: int
    rule: Rule
    is_timed: bool
    concerned: int
    named: int
    able: int = 0
    depends_on_commitments: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class _Kind:
    """The rules about objects of one type, with the same labels, in one collection; of one
    originator where a rule asks whose they are."""

    rules: tuple[CompiledRule, ...]
    numbers: tuple[int, ...]
    is_timed: bool
    units: frozenset[str]


@dataclass(frozen=True, slots=True)
class Sharing:
    """A share rule in force: to whom it grants an object of at most a level, less what."""

    at_most: Tlp
    omit: frozenset[str]
    concerned: int
    named: int


@dataclass(frozen=True, slots=True)
class Withholding:
    """A withhold rule in force: from whom it takes an object of at least a level, or what of it."""

    at_least: Tlp
    only: frozenset[str]
    concerned: int


@dataclass(frozen=True, slots=True)
class InForce:
    """The rules of a policy that hold for one object, and the units that they name."""

    shares: tuple[Sharing, ...]
    withholds: tuple[Withholding, ...]
    units: frozenset[str]

    def granted(self, level: Tlp, unit: str | None = None) -> int:
        """Step 2: to whom a share rule grants the object of this level, or this unit of it."""
        is_red = level == Tlp.RED
        mask = 0
        for share in self.shares:
            if level <= share.at_most and unit not in share.omit:
                mask |= share.named if is_red else share.concerned
        return mask

    def withheld(self, level: Tlp, unit: str | None = None) -> int:
        """Step 3: from whom a rule takes the object of this level, or this unit of it."""
        mask = 0
        for withhold in self.withholds:
            if level >= withhold.at_least and (not withhold.only or unit in withhold.only):
                mask |= withhold.concerned
        return mask


@dataclass(frozen=True, slots=True, eq=False)
class CompiledPolicy:
    """A policy against one electorate. Immutable but for remembering which rules are about what."""

    electorate: Electorate
    rules: tuple[CompiledRule, ...]
    timed: tuple[Rule, ...]
    asks_originator: bool
    _kinds: dict[tuple[str, frozenset[str], str, str], _Kind] = field(default_factory=dict)

    def list_timed(self) -> tuple[Rule, ...]:
        """The policy's rules that do not hold at all times, whomever they concern."""
        return self.timed

    def rules_in_force(
        self, facts: Facts, place: Place, moment: Moment, *, ignoring_embargo: bool = False
    ) -> InForce:
        """The rules about this object that hold at this moment."""
        kind = self._kind_of(facts, place)
        in_force = _holding(kind, facts, moment.now_us, ignoring_embargo=ignoring_embargo)
        shares, withholds = [], []
        for one in in_force:
            if one.rule.effect == "share":
                shares.append(_sharing(one, self.electorate, facts, moment))
            else:
                least = one.rule.when.tlp_at_least
                at_least = Tlp.CLEAR if least is None else least
                concerned, _ = _whom(one, self.electorate, moment)
                withholds.append(Withholding(at_least, one.rule.only, concerned))
        return InForce(tuple(shares), tuple(withholds), kind.units)

    def what_decides(
        self,
        facts: Facts,
        place: Place,
        now_us: int,
        raised: Mapping[str, Tlp],
        *,
        ignoring_embargo: bool = False,
    ) -> Hashable:
        """What of the object this policy asks about: part of what a grant is remembered by.

        `raised` is `raised_units(facts)`.
        """
        kind = self._kind_of(facts, place)
        in_force = _holding(kind, facts, now_us, ignoring_embargo=ignoring_embargo)
        named = kind.units.intersection(facts.properties) if kind.units else kind.units
        losable = named.union(raised) if raised else named
        return (
            tuple(one.number for one in in_force) if kind.is_timed else kind.numbers,
            named,
            _needs(facts, losable) if losable else None,
        )

    def _kind_of(self, facts: Facts, place: Place) -> _Kind:
        originator = facts.originator if self.asks_originator else ""
        key = (facts.stix_type, facts.labels, place.collection, originator)
        kind = self._kinds.get(key)
        if kind is None:
            if len(self._kinds) >= _MOST_KINDS:
                self._kinds.clear()
            kind = self._kinds[key] = _find_kind(self.rules, facts, place)
        return kind


def compile_policy(policy: Policy, electorate: Electorate) -> CompiledPolicy:
    """The policy with its audiences as masks; rules that concern nobody here drop out."""
    compiled = (_compile(number, rule, electorate) for number, rule in enumerate(policy.rules))
    return CompiledPolicy(
        electorate,
        tuple(one for one in compiled if one.concerned or one.depends_on_commitments),
        policy.list_timed(),
        any(rule.when.originators is not None for rule in policy.rules),
    )


def raised_units(facts: Facts) -> dict[str, Tlp]:
    """The units whose TLP is above the object's, which step 5 is about."""
    tlp, levels = facts.tlp, facts.properties.values()
    if not levels or max(levels) <= tlp:  # as nearly always: nothing more to do
        return {}
    return {unit: level for unit, level in facts.properties.items() if level > tlp}


def _compile(number: int, rule: Rule, electorate: Electorate) -> CompiledRule:
    timed = is_timed(rule)
    named = one_by_one = excepted = 0
    for term in rule.audience.any:
        named |= electorate.named_by(term)
        if term.kind == "member":
            one_by_one |= electorate.named_by(term)
    for term in rule.audience.excepted:
        excepted |= electorate.named_by(term)
    able = _able(rule, electorate) & ~excepted
    return CompiledRule(
        number,
        rule,
        timed,
        named & able,
        one_by_one & able,
        able,
        depends_on_commitments(rule),
    )


def _able(rule: Rule, electorate: Electorate) -> int:
    """Those for whom the rule's conditions can hold, as far as the electorate knows."""
    conditions = rule.conditions
    if conditions is None:
        return electorate.everyone
    if conditions.residency is None:
        return electorate.members
    return electorate.residents_of(conditions.residency)


def _find_kind(rules: tuple[CompiledRule, ...], facts: Facts, place: Place) -> _Kind:
    about = tuple(one for one in rules if is_about(one.rule.when, facts, place))
    units: frozenset[str] = frozenset()
    return _Kind(
        about,
        tuple(one.number for one in about),
        any(one.is_timed for one in about),
        units.union(*(one.rule.omit | one.rule.only for one in about)),
    )


def _holding(
    kind: _Kind, facts: Facts, now_us: int, *, ignoring_embargo: bool
) -> tuple[CompiledRule, ...]:
    if not kind.is_timed:
        return kind.rules
    return tuple(
        one
        for one in kind.rules
        if not one.is_timed or holds(one.rule, facts, now_us, ignoring_embargo=ignoring_embargo)
    )


def _sharing(one: CompiledRule, electorate: Electorate, facts: Facts, moment: Moment) -> Sharing:
    most = one.rule.when.tlp_at_most
    at_most = Tlp.RED if most is None else most
    conditions = one.rule.conditions
    concerned, named = _whom(one, electorate, moment)
    if conditions is None or conditions.reciprocity is None:
        return Sharing(at_most, one.rule.omit, concerned, named)
    giving = electorate.members_of(moment.counts(facts.originator, conditions.reciprocity))
    return Sharing(at_most, one.rule.omit, concerned & giving, named & giving)


def _whom(one: CompiledRule, electorate: Electorate, moment: Moment) -> tuple[int, int]:
    """Whom the rule concerns at this moment, and whom of these it names one by one."""
    if not one.depends_on_commitments:
        return one.concerned, one.named
    if moment.committed is None:
        return (0 if one.rule.effect == "share" else electorate.everyone), 0
    added = excepted = 0
    for term in one.rule.audience.any:
        if term.kind == COMMITTED:
            added |= electorate.members_of(moment.committed(term.value))
    for term in one.rule.audience.excepted:
        if term.kind == COMMITTED:
            excepted |= electorate.members_of(moment.committed(term.value))
    return (one.concerned | (added & one.able)) & ~excepted, one.named & ~excepted


def _needs(facts: Facts, losable: frozenset[str]) -> tuple[frozenset[object], frozenset[object]]:
    """The clauses and ties that matter when some of the `losable` units are lost."""
    reached = set(losable)
    ties: set[object] = set()
    for tie in _spreading(facts, reached):
        ties.add(tie)
    clauses = frozenset(clause for clause in facts.clauses if not reached.isdisjoint(clause))
    return clauses, frozenset(ties)


def _spreading(facts: Facts, reached: set[str]) -> Iterator[tuple[str, str]]:
    """The ties by which units of `reached` take others with them, which are added to it."""
    waiting = list(facts.ties)
    while True:
        followed = [tie for tie in waiting if tie[1] in reached]
        if not followed:
            return
        yield from followed
        reached.update(unit for unit, _ in followed)
        waiting = [tie for tie in waiting if tie not in followed]
