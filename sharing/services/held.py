"""Hold a version that is marked looser than the one before it until somebody confirms it.

Sharing policy §5, "Held downgrades": a slip of the hand that lowers a marking must not be what
tells the world.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from sharing.queries.contributions import Stored
from sharing.rules.downgrade import gives_more, is_looser
from sharing.services.admission import Admitted
from sharing.services.decisions import Decisions

_Copy = tuple[int, str]
"""(originator, STIX id), in one collection."""


def hold_downgrades(
    decisions: Decisions, copies: Iterable[Stored], contributed: Sequence[tuple[Admitted, Stored]]
) -> list[tuple[Admitted, Stored]]:
    """The same contributions, those marked that have to be held; `copies` came before them.

    What answers another contribution reaches those who see that one, however it is marked.
    """
    versions: defaultdict[_Copy, dict[int, Stored]] = defaultdict(dict)
    for stored in copies:
        versions[(stored.originator_id, stored.stix_id)][stored.version_us] = stored
    held: dict[int, Stored] = {}
    in_order = sorted(contributed, key=lambda pair: pair[1].version_us)
    for admitted, given in in_order:
        stored = given
        same = versions[(stored.originator_id, stored.stix_id)]
        others = [v for v in same.values() if v.version_us != stored.version_us and not v.is_held]
        # What a feed delivered before under the same version is one to compare with, too.
        if admitted.replaces is not None and not admitted.replaces.is_held:
            others.append(admitted.replaces)
        is_free = not stored.is_held and stored.bound_id is None
        if others and is_free and _is_downgrade(decisions, stored, others):
            stored = replace(stored, is_held=True, state="held")
        held[admitted.index] = same[stored.version_us] = stored
    return [(admitted, held[admitted.index]) for admitted, _ in contributed]


def _is_downgrade(decisions: Decisions, stored: Stored, others: Iterable[Stored]) -> bool:
    newest = max(others, key=lambda v: v.version_us)
    facts, before = decisions.facts_of(stored), decisions.facts_of(newest)
    if not is_looser(facts, before):
        return False
    own = decisions.own_of(stored.originator_id)
    # Embargoes ignored, and once more with reciprocity met by all: what opens later is given
    # all the same.
    return any(
        gives_more(given, gave, facts, before, own)
        for given, gave in zip(
            decisions.opened_for(stored, facts), decisions.opened_for(newest, before), strict=True
        )
    )
