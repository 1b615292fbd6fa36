"""Put other content in the place of a version, and destroy the bytes of what is gone.

Sharing policy §5: a feed's redelivery replaces what that feed delivered before. What does not
live here: whether it may (admission) and who sees the new content (releasing).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Select, delete, select, update

from sharing.queries.contributions import Stored, in_batches
from sharing.tables import body, contribution, guard, marking_use, reference, release, variant

_DERIVED = (marking_use, reference, guard)


def replace_versions(connection: Connection, renewed: Sequence[Stored]) -> None:
    """Write versions anew that stand already; what was derived from their content is forgotten.

    The caller writes down what follows from the new content, and shows it.
    """
    for stored in renewed:
        connection.execute(
            update(contribution)
            .where(contribution.c.id == stored.id)
            .values(
                version_us=stored.version_us,
                digest=stored.digest,
                tlp=int(stored.tlp),
                facts=stored.facts.dump(),
                body_id=stored.body_id,
                state=stored.state,
                is_held=stored.is_held,
                contributed_by=stored.contributed_by,
            )
        )
    for batch in in_batches(stored.id for stored in renewed):
        for table in _DERIVED:
            connection.execute(delete(table).where(table.c.contribution_id.in_(batch)))
        # The forms' bytes go with the bytes that they were made of.
        connection.execute(delete(variant).where(variant.c.contribution_id.in_(batch)))


def destroy_deleted(connection: Connection, deleted: Iterable[Stored]) -> None:
    """Destroy the bytes of deleted versions: as received, and every form that lacks something."""
    deleted = list(deleted)
    body_ids = {stored.body_id for stored in deleted if stored.body_id is not None}
    for batch in in_batches(stored.id for stored in deleted):
        forms = variant.c.contribution_id.in_(batch)
        body_ids |= _ids(connection, select(variant.c.body_id).where(forms))
        # Forms that an older release knew and this one has forgotten.
        body_ids |= _served(connection, batch)
        connection.execute(delete(variant).where(forms))
    _destroy(connection, body_ids)


def destroy_replaced(connection: Connection, replaced: Iterable[Stored]) -> None:
    """Destroy the bytes that other content has taken the place of, once that is shown."""
    replaced = list(replaced)
    body_ids = {stored.body_id for stored in replaced if stored.body_id is not None}
    standing: set[int] = set()
    for batch in in_batches(stored.id for stored in replaced):
        body_ids |= _served(connection, batch)
        standing |= _ids(
            connection, select(contribution.c.body_id).where(contribution.c.id.in_(batch))
        )
        standing |= _ids(
            connection, select(variant.c.body_id).where(variant.c.contribution_id.in_(batch))
        )
    _destroy(connection, body_ids - standing)


def _served(connection: Connection, contribution_ids: list[int]) -> set[int]:
    statement = select(release.c.body_id).where(
        release.c.contribution_id.in_(contribution_ids), release.c.body_id.is_not(None)
    )
    return _ids(connection, statement.distinct())


def _ids(connection: Connection, statement: Select[Any]) -> set[int]:
    return set(connection.execute(statement).scalars())


def _destroy(connection: Connection, body_ids: Iterable[int]) -> None:
    for batch in in_batches(sorted(body_ids)):
        connection.execute(update(release).where(release.c.body_id.in_(batch)).values(body_id=None))
        connection.execute(delete(body).where(body.c.id.in_(batch)))
