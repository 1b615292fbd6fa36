"""The decision for all recipients of a forum at once, by set algebra over int masks.

`decide` is the specification of what is computed here; a property-based test holds the two
equal, bit by bit. Step 8 and views are not decided here (the services).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Protocol

from sharing.rules.accepts import Accepts
from sharing.rules.compiled import CompiledPolicy, InForce, compile_policy, raised_units
from sharing.rules.electorate import Electorate
from sharing.rules.model import Facts, Place
from sharing.rules.moment import Moment
from sharing.rules.tlp import Tlp

__all__ = [
    "NOTHING",
    "CompiledPolicy",
    "Electorate",
    "Grant",
    "compile_policy",
    "follow_ties",
    "grant_of",
    "hold_together",
    "lacking",
    "refused_by",
    "signature",
]

_NO_LOSS: Final[Mapping[str, int]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Grant:
    """Who sees the object, whole or in part; and for each unit, who sees it without that unit.

    Each mask of `lost` is a part of `visible`, never empty, and never holds the originator.
    """

    visible: int
    lost: Mapping[str, int] = field(default_factory=lambda: _NO_LOSS)

    def keeping(self, unit: str) -> int:
        """Who sees the object with this unit, if it has it."""
        return self.visible & ~self.lost.get(unit, 0)


NOTHING: Final = Grant(0)


def grant_of(  # noqa: PLR0913 - the inputs of the decision, all of them
    facts: Facts,
    place: Place,
    electorate: Electorate,
    policy: CompiledPolicy,
    forum_policy: CompiledPolicy,
    moment: Moment,
    *,
    bound: int | None = None,
    ignoring_embargo: bool = False,
    on_fault: Callable[[Exception], None] | None = None,
) -> Grant:
    """What steps 0 to 6 and 9 give to whom; the active originator always sees it whole.

    `bound` is who sees the earlier contribution that this one is bound to (step 9). Never
    raises: when deciding fails only the originator is left, and `on_fault` is told, so that
    it can raise an alert.
    """
    own = 0
    try:
        own = electorate.owner_of(facts)
        reach = _Reach(facts, place, electorate)
        if bound is not None:
            return _grant(facts, _Bound(reach, bound), own)
        rules, forum_rules = (
            _compiled_for(electorate, one).rules_in_force(
                facts, place, moment, ignoring_embargo=ignoring_embargo
            )
            for one in (policy, forum_policy)
        )
        return _grant(facts, _ByRules(reach, rules, forum_rules), own)
    except Exception as fault:  # noqa: BLE001 - whatever goes wrong must hide, not show
        if on_fault is not None:
            on_fault(fault)
        return Grant(own)


def follow_ties(facts: Facts, lost: Mapping[str, int]) -> dict[str, int]:
    """Step 6: `lost` with what goes because what it needs has gone (longitude with latitude).

    Hiding the object instead would let a withhold rule give, by taking the second half too.
    """
    followed = dict(lost)
    waiting = bool(facts.ties)
    while waiting:
        waiting = False
        for unit, needed in facts.ties:
            gone = followed.get(needed, 0) & ~followed.get(unit, 0)
            if gone and unit in facts.properties:
                followed[unit] = followed.get(unit, 0) | gone
                waiting = True
    return followed


def lacking(facts: Facts, lost: Mapping[str, int]) -> int:
    """Step 6: who lost something without which the object would not be valid, ties followed."""
    if not lost:
        return 0
    if facts.ties:
        lost = follow_ties(facts, lost)
    mask = 0
    for clause in facts.clauses:
        mask |= _lost_by_all_of(clause, lost)
    return mask


def hold_together(facts: Facts, visible: int, lost: Mapping[str, int]) -> Grant:
    """Step 6 in full: what is left of the object for whom, once `lost` has been lost."""
    if not lost:
        return Grant(visible)
    followed = follow_ties(facts, lost)
    remaining = visible & ~lacking(facts, followed)
    kept = {unit: mask & remaining for unit, mask in followed.items() if mask & remaining}
    return Grant(remaining, kept)


def signature(
    facts: Facts,
    place: Place,
    policy: CompiledPolicy,
    forum_policy: CompiledPolicy,
    now_us: int,
    *,
    ignoring_embargo: bool = False,
) -> Hashable:
    """What to remember a grant by: at one place, equal signatures have equal grants.

    For as long as the counts of the moment stay what they are; `bound` is the caller's to add.
    """
    raised = raised_units(facts)
    return (
        facts.originator,
        facts.tlp,
        bool(facts.blockers),
        None if facts.releasable_to is None else frozenset(facts.releasable_to),
        frozenset(raised.items()) if raised else None,
        *(
            one.what_decides(facts, place, now_us, raised, ignoring_embargo=ignoring_embargo)
            for one in (policy, forum_policy)
        ),
    )


def refused_by(accepts: Mapping[str, Accepts], facts: Facts, electorate: Electorate) -> int:
    """Step 7: the members, by code, whose `accepts` refuses the object; never its originator."""
    return electorate.members_of(
        code
        for code, accepted in accepts.items()
        if code != facts.originator and accepted.refuses(facts)
    )


@dataclass(frozen=True, slots=True)
class _Reach:
    """Step 1 for one object, at any level."""

    facts: Facts
    place: Place
    electorate: Electorate

    def at(self, level: Tlp) -> int:
        return self.electorate.within_reach(self.facts, self.place, level)


class _Steps(Protocol):
    """Steps 1 to 4 for one object."""

    def list_units(self) -> frozenset[str]:
        """The units that a rule may take."""
        ...

    def granted(self, level: Tlp, unit: str | None = None) -> int:
        """Who would get the object at this level, or this unit of it."""
        ...


@dataclass(frozen=True, slots=True)
class _ByRules:
    """Steps 1 to 4 by the rules in force."""

    reach: _Reach
    rules: InForce
    forum_rules: InForce

    def list_units(self) -> frozenset[str]:
        return self.rules.units | self.forum_rules.units

    def granted(self, level: Tlp, unit: str | None = None) -> int:
        mask = self.reach.at(level) & self.rules.granted(level, unit)
        if mask:
            mask &= ~(self.rules.withheld(level, unit) | self.forum_rules.withheld(level, unit))
            mask &= self.reach.electorate.releasable_to(self.reach.facts.releasable_to)
        return mask


@dataclass(frozen=True, slots=True)
class _Bound:
    """Step 1, and step 9 in place of steps 2 to 4: whoever sees the earlier contribution."""

    reach: _Reach
    bound: int

    def list_units(self) -> frozenset[str]:
        return frozenset()

    def granted(self, level: Tlp, unit: str | None = None) -> int:  # noqa: ARG002
        return self.reach.at(level) & self.bound


def _compiled_for(electorate: Electorate, policy: CompiledPolicy) -> CompiledPolicy:
    if policy.electorate is not electorate:
        raise ValueError("the policy was compiled for another electorate")
    return policy


def _grant(facts: Facts, steps: _Steps, own: int) -> Grant:
    visible = steps.granted(facts.tlp) & ~own
    if not visible:
        return Grant(own)
    lost = _lost(facts, steps, visible)
    if not lost:
        return Grant(own | visible)
    held = hold_together(facts, visible, lost)
    return Grant(own | held.visible, held.lost)


def _lost(facts: Facts, steps: _Steps, visible: int) -> dict[str, int]:
    """Of those who see the object, who does not get which unit by steps 2 to 5."""
    raised = raised_units(facts)
    lost = {}
    for unit in steps.list_units() & facts.properties.keys() | raised.keys():
        kept = steps.granted(facts.tlp, unit)
        if unit in raised:
            kept &= steps.granted(raised[unit], unit)
        if gone := visible & ~kept:
            lost[unit] = gone
    return lost


def _lost_by_all_of(clause: frozenset[str], lost: Mapping[str, int]) -> int:
    mask = -1
    for unit in clause:
        mask &= lost.get(unit, 0)
        if not mask:
            break
    return mask if clause else 0
