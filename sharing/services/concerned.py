"""Which contributions a change is about: those that it decides otherwise, and no others.

A change of rules, of who receives, or of what somebody accepts. Contributions that no rule tells
apart are compared once. What does not live here: what follows for what names them, and which copy
stands (`releasing`, which loads whatever depends on these).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from sqlalchemy import Connection

from sharing.queries.contributions import Stored
from sharing.queries.references import Group, list_naming, list_own_references
from sharing.queries.ruled import Ruled, list_ruled
from sharing.services.decisions import Decisions


@dataclass(frozen=True, slots=True)
class Concerned:
    """Groups of which something is decided otherwise, by collection, of so many looked at."""

    changed: dict[int, list[str]]
    looked_at: int

    def __len__(self) -> int:
        return sum(map(len, self.changed.values()))

    @property
    def ids(self) -> set[str]:
        """Their ids, wherever they are."""
        return {stix_id for stix_ids in self.changed.values() for stix_id in stix_ids}

    @property
    def is_wide(self) -> bool:
        """Whether looking at everything once more costs less than deciding these one by one."""
        return len(self) * _WIDE > self.looked_at


_WIDE = 16


def list_concerned(
    connection: Connection,
    forum_id: int,
    before: Decisions,
    after: Decisions,
    *,
    originator_id: int | None = None,
) -> Concerned:
    """The groups of whose contributions some are decided otherwise `after`.

    By all but what they name, now or at the next instant at which that changes by itself; of
    all contributions of the forum, or of one member's. `before` must be what was decided last.
    """
    otherwise: dict[Hashable, bool] = {}
    nobody = ~after.electorate.everyone
    found: dict[Group, None] = {}
    looked_at = 0
    for one in list_ruled(connection, forum_id, originator_id):
        looked_at += 1
        if one.group in found:
            continue
        key = likeness_of(one, before, after)
        if one.is_bound or one.seen & nobody:
            # Whom it is for no rule says; when rules about it start and end is still kept.
            # And whoever is active no more loses what it had, whatever was the reason for that.
            found[one.group] = None
            continue
        if key not in otherwise:
            otherwise[key] = _are_different(before, after, one.load())
        if otherwise[key]:
            found[one.group] = None
    return Concerned(by_collection(found), looked_at)


def by_collection(groups: Iterable[Group]) -> dict[int, list[str]]:
    """These groups' ids, in order."""
    found: defaultdict[int, list[str]] = defaultdict(list)
    for collection_id, stix_id in sorted(groups):
        found[collection_id].append(stix_id)
    return found


def likeness_of(one: Ruled, before: Decisions, after: Decisions) -> Hashable:
    """Equal for contributions that no rule tells apart, before a change or after it."""
    if before.is_timed(one.originator_id) or after.is_timed(one.originator_id):
        return (one.likeness, one.contributed_us)
    return one.likeness


def _are_different(before: Decisions, after: Decisions, stored: Stored) -> bool:
    facts = before.facts_of(stored)
    granted, _ = grants = before.grants_of(stored, facts)
    # Whoever refuses what it is not granted changes nothing by that.
    refusing = before.refused_by(stored, facts) ^ after.refused_by(stored, facts)
    return (
        grants != after.grants_of(stored, facts)
        or bool(refusing & granted.visible)
        or before.own_of(stored.originator_id) != after.own_of(stored.originator_id)
        or before.next_change(stored, facts) != after.next_change(stored, facts)
    )


def list_around(
    connection: Connection, forum_id: int, originator_id: int, stix_ids: set[str]
) -> set[str]:
    """These ids, what of the member's own names them, and what all that names of its own."""
    found = set(stix_ids)
    fresh = found
    while fresh:
        naming = list_naming(connection, forum_id, {(originator_id, each) for each in fresh})
        fresh = {key[2] for key in naming} - found
        found = found | fresh
    fresh = found
    while fresh:
        fresh = list_own_references(connection, forum_id, originator_id, fresh) - found
        found = found | fresh
    return found
