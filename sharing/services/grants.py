"""What the rules grant others of one member's copies: told to that member, so nothing else.

By the rules and by the member's own versions alone. Which copy stands in somebody's view, and
what somebody declines, are not the member's to know (sharing policy §5, §6): a count of views
would tell that another member has contributed the same id.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from sharing.queries.contributions import Stored
from sharing.rules.copies import Named, Version, see
from sharing.services.decisions import Decisions
from sharing.services.foresight import Change, Foresight
from sharing.services.reconsider import Watched


def list_own(copies: Iterable[Stored], originator_id: int) -> list[list[Stored]]:
    """The copies of one originator among contributions, newest version first."""
    own: defaultdict[tuple[int, str], list[Stored]] = defaultdict(list)
    for stored in copies:
        if stored.originator_id == originator_id:
            own[stored.collection_id, stored.stix_id].append(stored)
    return [sorted(copy, key=lambda one: -one.version_us) for copy in own.values()]


def find_grants(decisions: Decisions, copy: list[Stored]) -> dict[int, int]:
    """Whom else the rules grant each version of a copy, whole or in part, by contribution.

    By the rules and by the copy's other versions alone: not by what others accept, which copy
    stands, or what is hidden of what it names. Deleted versions gate and are granted to nobody;
    a statement marking is seen with what carries it, so nothing is said of it.
    """
    others = ~decisions.own_of(copy[0].originator_id)
    sights = see(_version(decisions, stored) for stored in copy)
    return {
        stored.id: sights[stored.id].mask & others
        for stored in copy
        if not stored.is_deleted and not stored.facts.is_statement
    }


def find_reach(decisions: Decisions, copy: list[Stored], held: Stored) -> int:
    """Whom else the rules would grant a held version of a copy, were it confirmed.

    Now or later: embargoes are ignored, since they end without anybody being asked again.
    `decisions` should assume reciprocity, whose counts are not the member's to know.
    """
    versions = [_opened(decisions, stored, is_confirmed=stored.id == held.id) for stored in copy]
    return see(versions)[held.id].mask & ~decisions.own_of(held.originator_id)


def _opened(decisions: Decisions, stored: Stored, *, is_confirmed: bool) -> Version:
    version = _version(decisions, stored)
    return replace(version, now=version.open, is_held=version.is_held and not is_confirmed)


def _version(decisions: Decisions, stored: Stored) -> Version:
    facts = decisions.facts_of(stored)
    # Who sees what it answers is not the member's to know: count it for everybody.
    now, opened = decisions.grants_of(stored, facts, None if stored.bound_id is None else -1)
    return Version(
        contribution=stored.id,
        version_us=stored.version_us,
        facts=facts,
        named=Named(),
        own=decisions.own_of(stored.originator_id),
        now=now,
        open=opened,
        is_held=stored.is_held,
    )


class GrantTally:
    """How many of one member's versions somebody gains, and somebody loses, for sure.

    What is `watched` as counted already is not counted again.
    """

    def __init__(
        self, foresight: Foresight, originator_id: int, watched: Watched | None = None
    ) -> None:
        self._foresight = foresight
        self._originator_id = originator_id
        self._counted = watched.counted if watched else frozenset()
        self._gained = watched.gained if watched else 0
        self._lost = watched.lost if watched else 0

    def count(self, contributions: Iterable[Stored]) -> None:
        """Count contributions; every version of each copy must be among them."""
        own = [one for one in contributions if one.originator_id == self._originator_id]
        self._add(self._foresight.take(own))

    def finish(self) -> tuple[int, int]:
        """The counts, once everything has been counted."""
        self._add(self._foresight.rest())
        return self._gained, self._lost

    def _add(self, changes: Iterable[Change]) -> None:
        for change in changes:
            if change.at_us is None and change.stored.id not in self._counted:
                self._gained += bool(change.difference.gained.sure)
                self._lost += bool(change.difference.lost.sure)
