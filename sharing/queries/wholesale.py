"""What a change to much of a forum asks about all of it, few statements for thousands.

It takes the forum's lock: it serves nobody, it decides for everybody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from sharing.queries.contributions import mask_from
from sharing.queries.given import given_ids, given_texts
from sharing.queries.references import Group
from sharing.tables import audience, collection, contribution, guard, reference, release


@dataclass(frozen=True, slots=True)
class Held:
    """An open release: its audience, and whether it is of the whole object, and alone."""

    id: int
    audience_id: int
    is_plain: bool


def list_several(connection: Connection, forum_id: int) -> set[Group]:
    """The groups of which there is more than one version, or more than one copy."""
    rows = connection.execute(
        select(contribution.c.collection_id, contribution.c.stix_id)
        # By collection: all that is asked is in the index that has this order.
        .where(
            contribution.c.collection_id.in_(
                select(collection.c.id).where(collection.c.forum_id == forum_id)
            )
        )
        .group_by(contribution.c.collection_id, contribution.c.stix_id)
        .having(func.count() > 1)
    )
    return {(row.collection_id, row.stix_id) for row in rows}


def list_answered(connection: Connection, forum_id: int) -> set[int]:
    """The contributions that others are bound to."""
    rows = connection.execute(
        select(contribution.c.bound_id).where(
            contribution.c.forum_id == forum_id, contribution.c.bound_id.is_not(None)
        )
    )
    return set(rows.scalars())


def list_guarded(
    connection: Connection, forum_id: int, originator_id: int | None
) -> set[tuple[int, str]]:
    """The references that somebody's copies have guarded since they were made.

    Of all contributions of the forum, or of one member's.
    """
    statement = (
        select(guard.c.contribution_id, guard.c.stix_id)
        .join(contribution, contribution.c.id == guard.c.contribution_id)
        .where(contribution.c.forum_id == forum_id)
        .distinct()
    )
    if originator_id is not None:
        statement = statement.where(contribution.c.originator_id == originator_id)
    rows = connection.execute(statement)
    return {(row.contribution_id, row.stix_id) for row in rows}


def list_named_by(connection: Connection, stix_ids: Sequence[str]) -> list[tuple[int, str]]:
    """What names these ids now, or has a guard for them: contribution, and the id."""
    texts = given_texts(connection, stix_ids)
    found: list[tuple[int, str]] = []
    for table in (reference, guard):
        rows = connection.execute(
            select(table.c.contribution_id, table.c.stix_id).where(table.c.stix_id.in_(texts))
        )
        found += [(contribution_id, stix_id) for contribution_id, stix_id in rows]
    return found


def list_held(connection: Connection, contribution_ids: Sequence[int]) -> dict[int, list[Held]]:
    """The open releases of these contributions."""
    found: defaultdict[int, list[Held]] = defaultdict(list)
    rows = connection.execute(
        select(
            release.c.id,
            release.c.contribution_id,
            release.c.audience_id,
            release.c.omitted,
            release.c.is_first,
            release.c.is_last,
        )
        .where(
            release.c.contribution_id.in_(given_ids(connection, contribution_ids)),
            release.c.closed.is_(None),
        )
        .order_by(release.c.contribution_id, release.c.id)
    )
    for release_id, contribution_id, audience_id, omitted, is_first, is_last in rows:
        is_plain = omitted is None and is_first and is_last
        found[contribution_id].append(Held(release_id, audience_id, is_plain))
    return found


def list_masks(connection: Connection, audience_ids: Sequence[int]) -> dict[int, int]:
    """These audiences as masks."""
    rows = connection.execute(
        select(audience.c.id, audience.c.mask).where(
            audience.c.id.in_(given_ids(connection, audience_ids))
        )
    )
    return {row.id: mask_from(row.mask) for row in rows}
