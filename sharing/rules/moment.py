"""When a decision is made: which rules hold then, and when that changes next.

What does not live here: what is due in a forum and who settles it (the services), and how
contributions are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from sharing.rules.model import Facts, Place
from sharing.rules.rule import Policy, Reciprocity, Rule, is_about, provisions_of
from sharing.rules.terms import Committed

Counts = Callable[[str, Reciprocity], frozenset[str]]
"""From an originator's code and what it asks for to the codes of the members that meet it."""


def count_nobody(originator: str, asked: Reciprocity) -> frozenset[str]:  # noqa: ARG001
    """The counts before the first count: nobody has contributed anything."""
    return frozenset()


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant, the counts for `reciprocity` as taken at the last 00:00Z before it, and who
    is committed to what; None where no register says so.
    """

    now_us: int
    counts: Counts = count_nobody
    committed: Committed | None = None


class Timed(Protocol):
    """A policy, compiled or not."""

    def list_timed(self) -> tuple[Rule, ...]:
        """The rules that do not hold at all times."""
        ...


def holds(rule: Rule, facts: Facts, now_us: int, *, ignoring_embargo: bool = False) -> bool:
    """Whether the rule holds for this contribution now (sharing policy §3).

    Ignoring embargoes, share rules hold as if they had neither `from` nor `delay` (§5).
    """
    start_us, end_us = find_span(rule, facts, ignoring_embargo=ignoring_embargo)
    return (start_us is None or start_us <= now_us) and (end_us is None or now_us < end_us)


def find_span(
    rule: Rule, facts: Facts, *, ignoring_embargo: bool = False
) -> tuple[int | None, int | None]:
    """From when, and until before when, the rule holds for this contribution; None: always.

    A start that is not before the end means never.
    """
    starts = [rule.from_us, _after(facts, rule.delay_us)]
    ends = [rule.until_us, _after(facts, rule.expire_after_us)]
    if ignoring_embargo and rule.effect == "share":
        starts = []
    return (
        max((start for start in starts if start is not None), default=None),
        min((end for end in ends if end is not None), default=None),
    )


def next_change(
    facts: Facts, place: Place, policy: Timed, forum_policy: Timed, now_us: int
) -> int | None:
    """The earliest instant after now at which a rule about this object starts or ends to hold.

    Embargoes counted and ignored, since both decide about older versions (§5). Rules count
    whomever they name; None when nothing will change.
    """
    changes = (
        change_us
        for one in (policy, forum_policy)
        for rule in one.list_timed()
        if _may_apply(rule, facts, place)
        for change_us in _list_changes(rule, facts)
        if change_us > now_us
    )
    return min(changes, default=None)


def list_provisions(
    facts: Facts, place: Place, policy: Policy, forum_policy: Policy
) -> frozenset[str]:
    """The provisions on commitments to which it depends who sees this object."""
    return frozenset(
        provision
        for one in (policy, forum_policy)
        for rule in one.rules
        for provision in provisions_of(rule)
        if _may_apply(rule, facts, place)
    )


def _list_changes(rule: Rule, facts: Facts) -> Iterator[int]:
    start_us, end_us = find_span(rule, facts)
    is_ever_in_force = start_us is None or end_us is None or start_us < end_us
    if start_us is not None and is_ever_in_force:
        yield start_us
    # A share rule that ends before its embargo does still ends where embargoes are ignored.
    if end_us is not None and (is_ever_in_force or rule.effect == "share"):
        yield end_us


def _may_apply(rule: Rule, facts: Facts, place: Place) -> bool:
    """Whether the rule is about the object at its own level or at that of one of its units."""
    when = rule.when
    if not is_about(when, facts, place):
        return False
    if when.tlp_at_most is not None and facts.tlp > when.tlp_at_most:
        return False
    if when.tlp_at_least is None or facts.tlp >= when.tlp_at_least:
        return True
    return max(facts.properties.values(), default=facts.tlp) >= when.tlp_at_least


def _after(facts: Facts, duration_us: int | None) -> int | None:
    return None if duration_us is None else facts.contributed_us + duration_us
