"""What the rules grant others of one member's copies: told to that member, so nothing else.

By the rules and by the member's own versions alone. Which copy stands in somebody's view, and
what somebody declines, are not the member's to know (sharing policy §5, §6): a count of views
would tell that another member has contributed the same id.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from sharing.queries.contributions import Stored
from sharing.services.decisions import Decisions


def list_own(copies: Iterable[Stored], originator_id: int) -> list[list[Stored]]:
    """The copies of one originator among contributions, newest version first."""
    own: defaultdict[tuple[int, str], list[Stored]] = defaultdict(list)
    for stored in copies:
        if stored.originator_id == originator_id:
            own[stored.collection_id, stored.stix_id].append(stored)
    return [sorted(copy, key=lambda one: -one.version_us) for copy in own.values()]


def find_grants(decisions: Decisions, copy: list[Stored]) -> dict[int, int]:
    """Whom else the rules grant each version of a copy, as a mask, by contribution.

    The copy comes newest first: whoever may not have a newer version loses the older too.
    Deleted versions gate and are granted to nobody; a statement marking is seen with what
    carries it, so nothing is said of it.
    """
    others = ~decisions.own_of(copy[0].originator_id)
    grants: dict[int, int] = {}
    gate = others
    for stored in copy:
        gate &= decisions.audience_of(stored)
        if not stored.is_deleted and not stored.facts.is_statement:
            grants[stored.id] = gate
    return grants
