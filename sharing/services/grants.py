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


class GrantTally:
    """How many of one member's versions its new policy grants to more, and to fewer, others."""

    def __init__(self, before: Decisions, after: Decisions, originator_id: int) -> None:
        self._before = before
        self._after = after
        self._originator_id = originator_id
        self.gained = 0
        self.lost = 0

    def count(self, copies: Iterable[Stored]) -> None:
        """Count contributions; every version of each of their ids must be among them."""
        for copy in list_own(copies, self._originator_id):
            before = find_grants(self._before, copy)
            for contribution_id, after in find_grants(self._after, copy).items():
                self.gained += bool(after & ~before[contribution_id])
                self.lost += bool(before[contribution_id] & ~after)
