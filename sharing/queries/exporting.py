"""A reader's whole view of a collection, every version, with what decides whether it may leave.

An export is all of a view, in order; pages of it are for its writer's memory alone. What does
not live here: what may stand in a file (the rules) and how it is written (exporting).
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from auth.reader import Seated
from sharing.facts import StoredFacts, load_facts
from sharing.rules.tlp import Tlp
from sharing.tables import body, contribution, release
from sharing.visibility import visible_to


@dataclass(frozen=True, slots=True)
class ViewedRow:
    """One release in a view, its bytes as served, and the facts of its contribution."""

    date_added_us: int
    content: bytes
    originator_id: int
    stix_id: str
    stix_type: str
    version_us: int
    tlp: Tlp
    facts: StoredFacts
    contribution_id: int
    omitted: str | None


def list_viewed(
    connection: Connection,
    seated: Seated,
    collection_id: int,
    *,
    after_us: int | None,
    limit: int,
) -> list[ViewedRow]:
    """The first `limit` releases of the view added after `after_us`, every version."""
    keys = visible_to(
        seated,
        collection_id,
        release.c.date_added_us,
        release.c.body_id,
        release.c.contribution_id,
        release.c.omitted,
    )
    if after_us is not None:
        keys = keys.where(release.c.date_added_us > after_us)
    page = keys.order_by(release.c.date_added_us).limit(limit).subquery()
    statement = (
        select(
            page.c.date_added_us,
            body.c.content,
            contribution.c.originator_id,
            contribution.c.stix_id,
            contribution.c.stix_type,
            contribution.c.version_us,
            contribution.c.tlp,
            contribution.c.facts,
            page.c.contribution_id,
            page.c.omitted,
        )
        .select_from(page)
        .join(body, body.c.id == page.c.body_id)
        .join(contribution, contribution.c.id == page.c.contribution_id)
        .order_by(page.c.date_added_us)
    )
    return [
        ViewedRow(
            date_added_us=row.date_added_us,
            content=row.content,
            originator_id=row.originator_id,
            stix_id=row.stix_id,
            stix_type=row.stix_type,
            version_us=row.version_us,
            tlp=Tlp(row.tlp),
            facts=load_facts(row.facts),
            contribution_id=row.contribution_id,
            omitted=row.omitted,
        )
        for row in connection.execute(statement)
    ]


def count_viewed(connection: Connection, seated: Seated, collection_id: int) -> int:
    """How many releases the view holds."""
    viewed = visible_to(seated, collection_id, release.c.id).subquery()
    return connection.execute(select(func.count()).select_from(viewed)).scalar_one()
