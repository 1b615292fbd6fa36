"""The sentences of a trace: what a rule or an object does, in words that a diplomat can read.

What does not live here: the decision they tell (`decide`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from kernel.clock import format_instant
from sharing.rules.model import Facts
from sharing.rules.moment import find_span
from sharing.rules.rule import Reciprocity, Rule, depends_on_commitments

UNKNOWN_COMMITMENTS: Final = "This version of Comity does not know who is committed to what"

_BLOCKERS: Final[dict[str, str]] = {
    "marking-scheme": "it carries a marking of a scheme that Comity does not understand",
}


def tell_blockers(blockers: Iterable[str]) -> str:
    """Why only the originator sees the object."""
    reasons = [_BLOCKERS.get(blocker, blocker) for blocker in blockers]
    return f"Only its originator sees the object: {'; '.join(reasons)}."


def tell_share(who: str, omitted: Iterable[str]) -> str:
    """That a rule shares the object, and without what of it."""
    less = _enumerate(omitted, "and")
    return f"The rule shares the object with {who}{', less ' + less if less else ''}."


def tell_withholding(rule: Rule, owner: str, who: str, facts: Facts) -> str:
    """What a rule that holds takes from whom."""
    taken = _enumerate(rule.only & facts.properties.keys(), "and") if rule.only else "the object"
    if not taken:
        return f"A rule of {owner} withholds what the object does not have."
    sentence = f"A rule of {owner} withholds {taken} from {who}."
    if depends_on_commitments(rule):
        sentence += f" {UNKNOWN_COMMITMENTS}, so it withholds from everybody."
    return sentence


def tell_span(rule: Rule, facts: Facts, now_us: int) -> str:
    """Why a rule does not hold now."""
    start_us, end_us = find_span(rule, facts)
    if end_us is not None and end_us <= now_us:
        return f"The rule held until {format_instant(end_us)} only."
    if start_us is not None and (end_us is None or start_us < end_us):
        return f"The rule does not hold before {format_instant(start_us)}."
    return "The rule never holds for this object."


def tell_residency(who: str, asked: Iterable[str]) -> str:
    """That the recipient stores its data elsewhere."""
    places = _enumerate(asked, "or")
    return f"The rule asks that data be stored in {places or 'no place'}; {who}'s is not."


def tell_reciprocity(who: str, originator: str, asked: Reciprocity) -> str:
    """That the recipient had not contributed enough when it was last counted."""
    return (
        f"The rule asks {who} for {asked.min_contributions} contributions that {originator} "
        f"may see within {asked.window_days} days; at the last count there were fewer."
    )


def tell_requirement(clause: Iterable[str]) -> str:
    """That the object is not valid without what is lost."""
    units = sorted(clause)
    if len(units) == 1:
        return f"The object cannot be without {units[0]}, so it is hidden."
    return f"The object needs one of {_enumerate(units, 'and')} at least, so it is hidden."


def _enumerate(names: Iterable[str], conjunction: str) -> str:
    ordered = sorted(names)
    if len(ordered) < 2:
        return "".join(ordered)
    return f"{', '.join(ordered[:-1])} {conjunction} {ordered[-1]}"
