"""The sentences of a trace: what a rule or an object does, in words that a diplomat can read.

What does not live here: the decision they tell (`decide`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from kernel.clock import format_instant, format_version
from sharing.rules.model import Facts
from sharing.rules.moment import find_span
from sharing.rules.rule import Reciprocity, Rule

UNKNOWN_COMMITMENTS: Final = "No register says who is committed to what"

_MOST_NAMED: Final = 5

_BLOCKERS: Final[dict[str, str]] = {
    "marking-scheme": "it carries a marking of a scheme that Comity does not understand",
}


def tell_each_blocker(blockers: Iterable[str]) -> str:
    """What hides an object from all but its originator, in words."""
    return "; ".join(_BLOCKERS.get(blocker, blocker) for blocker in blockers)


def tell_blockers(blockers: Iterable[str]) -> str:
    """Why only the originator sees the object."""
    return f"Only its originator sees the object: {tell_each_blocker(blockers)}."


def tell_share(rule: Rule, who: str, facts: Facts) -> str:
    """That a rule shares the object, without what of it, until when and on what it depends."""
    less = _enumerate(rule.omit & facts.properties.keys(), "and")
    sentence = f"The rule shares the object with {who}{', less ' + less if less else ''}"
    sentence += f"{_tell_end(rule, facts)}."
    asked = rule.conditions.reciprocity if rule.conditions is not None else None
    if asked is not None:
        sentence += f" It asks {_tell_asked(who, facts.originator, asked)}."
    return sentence


def tell_withholding(rule: Rule, owner: str, who: str, facts: Facts) -> str:
    """What a rule that holds takes from whom, and until when."""
    taken = _enumerate(rule.only & facts.properties.keys(), "and") if rule.only else "the object"
    # It may name others too: whom else a forum decides about is not told.
    about = "" if rule.when.originators is None else f" about what {facts.originator} contributes"
    if not taken:
        return f"A rule of {owner}{about} withholds what the object does not have."
    return f"A rule of {owner}{about} withholds {taken} from {who}{_tell_end(rule, facts)}."


def tell_tie(unit: str, needed: str) -> str:
    """That a unit goes with another one."""
    return f"{unit} goes too: it means nothing without {needed}."


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
        f"The rule asks {_tell_asked(who, originator, asked)}; at the last count there were fewer."
    )


def tell_target(stix_id: str, who: str) -> str:
    """That an object says nothing without what it names, which its originator hides."""
    return f"It names {stix_id}, of which {who} sees no version, so it is hidden."


def tell_vanishing(unit: str, ids: Iterable[str], who: str) -> str:
    """That a unit holds nothing but what is hidden."""
    return f"{unit} is left out: it names {_enumerate(ids, 'and')}, which {who} does not see."


def tell_dropped(stix_id: str, units: Iterable[str], who: str) -> str:
    """That one id is dropped from what holds others too."""
    return f"{stix_id} is dropped from {_enumerate(units, 'and')}: {who} does not see it."


def tell_held(originator: str) -> str:
    """That a version is a downgrade which nobody has confirmed."""
    return (
        "It is marked looser than another version, so it is held: only "
        f"{originator} sees it until one of its release-approvers confirms it."
    )


def tell_withdrawn(originator: str) -> str:
    """That a version was deleted."""
    return f"{originator} has withdrawn this version, so nobody is given it."


def tell_newer(newer_us: int, who: str, *, is_deleted: bool) -> str:
    """That a newer version keeps an older one from somebody."""
    which = ", since withdrawn," if is_deleted else ""
    return (
        f"The newer version {format_version(newer_us)}{which} does not reach {who}, "
        "and an older one stays only where every newer one does."
    )


def tell_inherited(unit: str, newest_us: int) -> str:
    """That a unit is left out of an older version as it is of the newest."""
    return f"{unit} is left out, as it is of the newest version, {format_version(newest_us)}."


def tell_bound() -> str:
    """That a contribution goes with an earlier one."""
    return "It answers an earlier contribution, and goes to exactly those who see that one."


def tell_carriers(carriers: Iterable[str], who: str) -> str:
    """Which objects take a statement marking along."""
    ids = sorted(set(carriers))
    if not ids:
        return f"A statement goes with what carries it, and nothing that does goes to {who}."
    shown = _enumerate(ids[:_MOST_NAMED], "and")
    more = f" and {len(ids) - _MOST_NAMED} more" if len(ids) > _MOST_NAMED else ""
    return f"A statement goes with what carries it, and {shown}{more} may go to {who}."


def tell_secrets(who: str) -> str:
    """The same words whatever others keep to themselves: none of it changes a byte of them."""
    return (
        "What others keep to themselves is not told, nor whether it stands in the way. Where it "
        f"does, the object, or a part of it, is not deliverable to {who}."
    )


def tell_requirement(clause: Iterable[str]) -> str:
    """That the object is not valid without what is lost."""
    units = sorted(clause)
    if len(units) == 1:
        return f"The object cannot be without {units[0]}, so it is hidden."
    return f"The object needs one of {_enumerate(units, 'and')} at least, so it is hidden."


def _tell_asked(who: str, originator: str, asked: Reciprocity) -> str:
    many = "contributions" if asked.min_contributions > 1 else "contribution"
    return (
        f"{who} for {asked.min_contributions} {many} that {originator} may see within "
        f"{asked.window_days} {'days' if asked.window_days > 1 else 'day'}"
    )


def _tell_end(rule: Rule, facts: Facts) -> str:
    _, end_us = find_span(rule, facts)
    return "" if end_us is None else f", until {format_instant(end_us)}"


def _enumerate(names: Iterable[str], conjunction: str) -> str:
    ordered = sorted(names)
    if len(ordered) < 2:
        return "".join(ordered)
    return f"{', '.join(ordered[:-1])} {conjunction} {ordered[-1]}"
