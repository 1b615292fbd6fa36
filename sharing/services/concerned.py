"""Which contributions a change is about: those that it decides otherwise, and no others.

A change of rules, of who receives, or of what somebody accepts. Contributions that no rule tells
apart are compared once. What does not live here: what follows for what names them, and which copy
stands (`releasing`, which loads whatever depends on these).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable

from sqlalchemy import Connection

from sharing.queries.contributions import Stored
from sharing.queries.references import Group, list_naming, list_own_references
from sharing.queries.ruled import list_ruled
from sharing.services.decisions import Decisions


def list_concerned(
    connection: Connection,
    forum_id: int,
    before: Decisions,
    after: Decisions,
    *,
    originator_id: int | None = None,
) -> dict[int, list[str]]:
    """The ids, by collection, of whose contributions some are decided otherwise `after`.

    By all but what they name, now or at the next instant at which that changes by itself; of
    all contributions of the forum, or of one member's. `before` must be what was decided last.
    """
    otherwise: dict[Hashable, bool] = {}
    nobody = ~after.electorate.everyone
    found: dict[Group, None] = {}
    for one in list_ruled(connection, forum_id, originator_id):
        if one.group in found:
            continue
        key = one.likeness
        if before.is_timed(one.originator_id) or after.is_timed(one.originator_id):
            key = (key, one.contributed_us)
        if one.is_bound or one.seen & nobody:
            # Whom it is for no rule says; when rules about it start and end is still kept.
            # And whoever is active no more loses what it had, whatever was the reason for that.
            found[one.group] = None
            continue
        if key not in otherwise:
            otherwise[key] = _are_different(before, after, one.load())
        if otherwise[key]:
            found[one.group] = None
    by_collection: defaultdict[int, list[str]] = defaultdict(list)
    for collection_id, stix_id in sorted(found):
        by_collection[collection_id].append(stix_id)
    return by_collection


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
