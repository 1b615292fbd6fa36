"""What may be the case about others' reciprocity, which nobody is told (sharing policy §8).

A supposition is the set of what a policy asks that a recipient meets. Recipients are decided
each alone, so supposing the same of all of them at once tries every case for each.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import Final

from sharing.rules.moment import Counts
from sharing.rules.rule import Policy, Reciprocity

MOST: Final = 16
"""So many suppositions are tried one by one."""

Supposition = frozenset[Reciprocity]


def list_asked(policies: Iterable[Policy]) -> frozenset[Reciprocity]:
    """Every reciprocity that one of the policies asks for."""
    return frozenset(
        rule.conditions.reciprocity
        for policy in policies
        for rule in policy.rules
        if rule.conditions is not None and rule.conditions.reciprocity is not None
    )


def list_suppositions(asked: frozenset[Reciprocity]) -> tuple[list[Supposition], bool]:
    """What a recipient may meet, and whether that is every case there is.

    Whoever meets more within a shorter time meets less within a longer one too. Where there
    are more than MOST cases: nothing, each request with what it implies, and everything.
    """
    implied = {each: frozenset(one for one in asked if _implies(each, one)) for each in asked}
    ordered = sorted(asked, key=_order)
    if 2 ** len(ordered) <= MOST:
        cases = {
            _closed(chosen, implied)
            for size in range(len(ordered) + 1)
            for chosen in combinations(ordered, size)
        }
        return sorted(cases, key=_by_size), True
    cases = {frozenset(), asked, *implied.values()}
    return sorted(cases, key=_by_size), False


def supposing(supposition: Supposition, codes: frozenset[str]) -> Counts:
    """Counts by which each member meets exactly what is supposed."""

    def count(_originator: str, asked: Reciprocity) -> frozenset[str]:
        return codes if asked in supposition else frozenset()

    return count


def _implies(more: Reciprocity, less: Reciprocity) -> bool:
    return more.min_contributions >= less.min_contributions and more.window_days <= less.window_days


def _closed(chosen: Iterable[Reciprocity], implied: dict[Reciprocity, Supposition]) -> Supposition:
    return frozenset(one for each in chosen for one in implied[each])


def _order(asked: Reciprocity) -> tuple[int, int]:
    return (asked.min_contributions, asked.window_days)


def _by_size(supposition: Supposition) -> tuple[int, list[tuple[int, int]]]:
    return (len(supposition), sorted(map(_order, supposition)))
