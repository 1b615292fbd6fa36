"""Who names whom: the references of contributions, and the copies that guard them.

Sharing policy §4, step 8. Each query takes the forum's lock: it serves nobody, it decides for
everybody.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, select

from sharing.queries.among import AT_ONCE, among
from sharing.queries.contributions import in_batches, mask_from
from sharing.tables import contribution, guard, reference

CopyKey = tuple[int, int, str]
"""(collection, originator, STIX id): all versions of one id by one originator in one place."""

Group = tuple[int, str]
"""(collection, STIX id): the copies among which one stands."""


@dataclass(frozen=True, slots=True)
class CopySeen:
    """A copy as it was last decided: the union of its versions' masks.

    `is_decided` is False while none of its versions has ever been decided.
    """

    key: CopyKey
    seen: int
    is_decided: bool


def list_copies_seen(
    connection: Connection, forum_id: int, stix_ids: Iterable[str]
) -> list[CopySeen]:
    """Every copy of these ids in the forum."""
    seen: dict[CopyKey, int] = {}
    decided: set[CopyKey] = set()
    for batch in in_batches(stix_ids, AT_ONCE):
        rows = connection.execute(
            select(
                contribution.c.collection_id,
                contribution.c.originator_id,
                contribution.c.stix_id,
                contribution.c.seen,
                contribution.c.seen_since_us,
            ).where(
                contribution.c.forum_id == forum_id,
                among(connection, contribution.c.stix_id, batch),
            )
        ).all()
        for collection_id, originator_id, stix_id, mask, since_us in rows:
            key = (collection_id, originator_id, stix_id)
            seen[key] = seen.get(key, 0) | mask_from(mask)
            if since_us is not None:
                decided.add(key)
    return [CopySeen(key, mask, key in decided) for key, mask in seen.items()]


def list_guards(
    connection: Connection, contribution_ids: Iterable[int]
) -> dict[int, dict[str, list[CopyKey]]]:
    """The copies that guarded a contribution's references when it was made, by contribution."""
    found: dict[int, dict[str, list[CopyKey]]] = {}
    for batch in in_batches(contribution_ids, AT_ONCE):
        rows = connection.execute(
            select(guard).where(among(connection, guard.c.contribution_id, batch))
        ).all()
        for row in rows:
            by_id = found.setdefault(row.contribution_id, {})
            by_id.setdefault(row.stix_id, []).append(
                (row.collection_id, row.originator_id, row.stix_id)
            )
    return found


def list_dependents(connection: Connection, forum_id: int, copies: Iterable[CopyKey]) -> set[Group]:
    """The groups of the contributions whose decision these copies guard or may guard.

    An originator's own copy guards whatever of its own names the id; another's copy guards
    what says so.
    """
    wanted = set(copies)
    found: set[Group] = set()
    for batch in in_batches(sorted({key[2] for key in wanted}), AT_ONCE):
        own = connection.execute(
            select(
                contribution.c.collection_id,
                contribution.c.originator_id,
                contribution.c.stix_id,
                reference.c.stix_id.label("named"),
            )
            .join(contribution, contribution.c.id == reference.c.contribution_id)
            .where(among(connection, reference.c.stix_id, batch), _in_forum(forum_id))
        )
        owners = {(key[1], key[2]) for key in wanted}
        found.update(
            (row.collection_id, row.stix_id)
            for row in own
            if (row.originator_id, row.named) in owners
        )
        guarded = connection.execute(
            select(
                contribution.c.collection_id,
                contribution.c.stix_id,
                guard.c.collection_id.label("place"),
                guard.c.originator_id,
                guard.c.stix_id.label("named"),
            )
            .join(contribution, contribution.c.id == guard.c.contribution_id)
            .where(among(connection, guard.c.stix_id, batch), _in_forum(forum_id))
        )
        found.update(
            (row.collection_id, row.stix_id)
            for row in guarded
            if (row.place, row.originator_id, row.named) in wanted
        )
    return found


def _in_forum(forum_id: int) -> ColumnElement[bool]:
    # Not the bare column: SQLite would look through all of the forum for the few that name an id.
    return contribution.c.forum_id + 0 == forum_id


def list_bound(connection: Connection, contribution_ids: Iterable[int]) -> set[Group]:
    """The groups of what is bound to these contributions (sharing policy §4, step 9)."""
    found: set[Group] = set()
    for batch in in_batches(contribution_ids, AT_ONCE):
        rows = connection.execute(
            select(contribution.c.collection_id, contribution.c.stix_id).where(
                among(connection, contribution.c.bound_id, batch)
            )
        )
        found.update((row.collection_id, row.stix_id) for row in rows)
    return found


def list_seen(connection: Connection, contribution_ids: Iterable[int]) -> dict[int, int]:
    """Who was last decided to see these contributions, by contribution."""
    found: dict[int, int] = {}
    for batch in in_batches(contribution_ids, AT_ONCE):
        rows = connection.execute(
            select(contribution.c.id, contribution.c.seen).where(
                among(connection, contribution.c.id, batch)
            )
        )
        found.update({row.id: mask_from(row.seen) for row in rows})
    return found


def list_own_named(
    connection: Connection, forum_id: int, stix_ids: Iterable[str]
) -> set[tuple[int, str]]:
    """Who has contributed which of these ids in the forum, marking-definitions apart."""
    found: set[tuple[int, str]] = set()
    for batch in in_batches(sorted(set(stix_ids))):
        rows = connection.execute(
            select(contribution.c.originator_id, contribution.c.stix_id)
            .where(
                contribution.c.forum_id == forum_id,
                contribution.c.stix_id.in_(batch),
                contribution.c.stix_type != "marking-definition",
            )
            .distinct()
        )
        found.update((row.originator_id, row.stix_id) for row in rows)
    return found


def list_naming(
    connection: Connection, forum_id: int, named: Iterable[tuple[int, str]]
) -> set[CopyKey]:
    """The copies of whoever is named with an id (member, id) that name this id."""
    wanted = set(named)
    found: set[CopyKey] = set()
    for batch in in_batches(sorted({stix_id for _, stix_id in wanted})):
        rows = connection.execute(
            select(
                contribution.c.collection_id,
                contribution.c.originator_id,
                contribution.c.stix_id,
                reference.c.stix_id.label("named"),
            )
            .join(contribution, contribution.c.id == reference.c.contribution_id)
            .where(reference.c.stix_id.in_(batch), _in_forum(forum_id))
        )
        found.update(
            (row.collection_id, row.originator_id, row.stix_id)
            for row in rows
            if (row.originator_id, row.named) in wanted
        )
    return found


def list_own_references(
    connection: Connection, forum_id: int, originator_id: int, stix_ids: Iterable[str]
) -> set[str]:
    """The ids that a member's contributions of these ids name."""
    found: set[str] = set()
    for batch in in_batches(sorted(set(stix_ids))):
        rows = connection.execute(
            select(reference.c.stix_id)
            .join(contribution, contribution.c.id == reference.c.contribution_id)
            .where(
                contribution.c.forum_id == forum_id,
                contribution.c.originator_id + 0 == originator_id,
                contribution.c.stix_id.in_(batch),
            )
            .distinct()
        )
        found.update(rows.scalars())
    return found
