"""What of a member's own carries its statement markings. Tells the member nothing of others."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, select

from sharing.queries.contributions import in_batches
from sharing.tables import body, contribution, marking_use


def list_carriers(
    connection: Connection, forum_id: int, originator_id: int, marking_ids: Iterable[str]
) -> dict[str, set[str]]:
    """The ids of the originator's objects that carry each marking when they are whole."""
    found: dict[str, set[str]] = {}
    for batch in in_batches(sorted(set(marking_ids))):
        rows = connection.execute(
            select(marking_use.c.marking_id, contribution.c.stix_id)
            .join(contribution, contribution.c.id == marking_use.c.contribution_id)
            .where(
                marking_use.c.marking_id.in_(batch),
                contribution.c.forum_id == forum_id,
                contribution.c.originator_id == originator_id,
            )
        )
        for row in rows:
            found.setdefault(row.marking_id, set()).add(row.stix_id)
    return found


def find_content(connection: Connection, body_id: int) -> bytes:
    """The bytes of one contribution, which its originator may have."""
    statement = select(body.c.content).where(body.c.id == body_id)
    return bytes(connection.execute(statement).scalar_one())
