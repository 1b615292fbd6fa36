"""Hold a version that is marked looser than the one before it until somebody confirms it.

Sharing policy §5, "Held downgrades": a slip of the hand that lowers a marking must not be what
tells the world.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sharing.queries.contributions import Stored
from sharing.rules.audiences import Grant
from sharing.rules.copies import Named, Version, less_references
from sharing.rules.downgrade import gives_more, is_looser
from sharing.rules.model import Facts
from sharing.services.admission import Admitted
from sharing.services.decisions import Decisions
from sharing.services.graph import Graph

_EVERYBODY: Final = -1
_NOBODY: Final = 0

_Copy = tuple[int, str]
"""(originator, STIX id), in one collection."""


@dataclass(frozen=True, slots=True)
class Before:
    """Who sees what before an envelope has come.

    `stored` knows what contributions name by what is stored, `arriving` also what those of the
    envelope name, in the place of what they replace.
    """

    stored: Graph
    arriving: Graph


def hold_downgrades(
    before: Before,
    decisions: Decisions,
    copies: Iterable[Stored],
    contributed: Sequence[tuple[Admitted, Stored]],
) -> list[tuple[Admitted, Stored]]:
    """The same contributions, those marked that have to be held; `copies` came before them.

    Compared by what the originator may know (decision 25).
    """
    versions: defaultdict[_Copy, dict[int, Stored]] = defaultdict(dict)
    for stored in copies:
        versions[(stored.originator_id, stored.stix_id)][stored.version_us] = stored
    # What comes in the same envelope guards as well.
    coming = frozenset(stored.stix_id for _, stored in contributed)
    held: dict[int, Stored] = {}
    in_order = sorted(contributed, key=lambda pair: pair[1].version_us)
    for admitted, given in in_order:
        stored = given
        same = versions[(stored.originator_id, stored.stix_id)]
        others = [v for v in same.values() if v.version_us != stored.version_us and not v.is_held]
        # What a feed delivered before under the same version is one to compare with, too.
        if admitted.replaces is not None and not admitted.replaces.is_held:
            others.append(admitted.replaces)
        if others and not stored.is_held:
            newest = max(others, key=lambda v: v.version_us)
            known = before.stored if newest is admitted.replaces else before.arriving
            if _is_downgrade(known, decisions, stored, newest, coming):
                stored = replace(stored, is_held=True, state="held")
        held[admitted.index] = same[stored.version_us] = stored
    return [(admitted, held[admitted.index]) for admitted, _ in contributed]


def _is_downgrade(
    before: Graph, decisions: Decisions, stored: Stored, newest: Stored, coming: frozenset[str]
) -> bool:
    facts, facts_before = decisions.facts_of(stored), decisions.facts_of(newest)
    if not is_looser(facts, facts_before):
        return False
    # The very same see both.
    if stored.bound_id is not None and stored.bound_id == newest.bound_id:
        return False
    own = decisions.own_of(stored.originator_id)
    # Who sees what a version answers is not the member's to know, nor who meets reciprocity: this
    # one is given to as many, the other to as few as can be. Embargoes ignored: what opens later
    # is given all the same.
    given = decisions.opened_at_most(stored, facts, _of(stored, _EVERYBODY))
    gave = decisions.opened_at_least(newest, facts_before, _of(newest, _NOBODY))
    hidden = _hidden_by_dropped(before, decisions, stored, newest, coming)
    return gives_more(
        given, _less(gave, newest, hidden, own, facts_before), facts, facts_before, own
    )


def _of(stored: Stored, mask: int) -> int | None:
    """Those who see what a version answers; None where it answers nothing."""
    return None if stored.bound_id is None else mask


def _hidden_by_dropped(
    before: Graph,
    decisions: Decisions,
    stored: Stored,
    newest: Stored,
    coming: frozenset[str],
) -> dict[str, int]:
    """The guarded ids that the newest other version names and this one does not, as if hidden
    from everybody: from whom they are is for others to keep to themselves (sharing policy §8).

    What both name stands in the way of both.
    """
    dropped = set(newest.facts.references).difference(stored.facts.references)
    if not dropped:
        return {}
    everyone = decisions.electorate.everyone
    return dict.fromkeys(sorted(dropped & (coming | before.guarded_in(newest))), everyone)


def _less(gave: Grant, newest: Stored, hidden: dict[str, int], own: int, facts: Facts) -> Grant:
    """What a version gives, less what it names that is hidden (sharing policy §4, step 8)."""
    if not hidden:
        return gave
    named = Named(newest.facts.hard_references, newest.facts.vanishing)
    version = Version(newest.id, newest.version_us, facts, named, own, gave, gave, hidden=hidden)
    return less_references(version, gave)
