"""What was released of contributions, and what answers with objects were served: for originators.

Takes no reader: what is made of it tells an originator of its own contributions alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, select

from sharing.queries.contributions import in_batches, mask_from
from sharing.queries.delivered import CONTENT_DOORS
from sharing.tables import audience, delivery, release


@dataclass(frozen=True, slots=True)
class PastRelease:
    """A release, open or closed; `opened` and `closed` are ledger positions, `mask` whose it is."""

    contribution_id: int
    collection_id: int
    date_added_us: int
    opened: int
    closed: int | None
    mask: int
    stix_id: str
    stix_type: str
    version_us: int
    is_first: bool
    is_last: bool
    omitted: str | None


@dataclass(frozen=True, slots=True)
class Delivered:
    """One answer with objects; `filters` is the JSON text that was written with it."""

    collection_id: int
    door: str
    filters: str
    first_us: int
    last_us: int
    head: int


def list_releases_of(
    connection: Connection, contribution_ids: Iterable[int]
) -> dict[int, list[PastRelease]]:
    """Every release of these contributions, by contribution."""
    found: dict[int, list[PastRelease]] = {}
    for batch in in_batches(contribution_ids):
        rows = connection.execute(
            select(release, audience.c.mask)
            .join(audience, audience.c.id == release.c.audience_id)
            .where(release.c.contribution_id.in_(batch))
        )
        for row in rows:
            found.setdefault(row.contribution_id, []).append(
                PastRelease(
                    contribution_id=row.contribution_id,
                    collection_id=row.collection_id,
                    date_added_us=row.date_added_us,
                    opened=row.opened,
                    closed=row.closed,
                    mask=mask_from(row.mask),
                    stix_id=row.stix_id,
                    stix_type=row.stix_type,
                    version_us=row.version_us,
                    is_first=row.is_first,
                    is_last=row.is_last,
                    omitted=row.omitted,
                )
            )
    return found


def list_served_elements(deliveries: Connection, forum_id: int) -> set[int]:
    """Whoever was ever served an object in the forum, through which kind of credential."""
    statement = (
        select(delivery.c.element)
        .where(delivery.c.forum_id == forum_id, delivery.c.door.in_(CONTENT_DOORS))
        .distinct()
    )
    return set(deliveries.execute(statement).scalars())


def list_delivered(deliveries: Connection, forum_id: int, element: int) -> Iterator[Delivered]:
    """Every answer with objects that one recipient was served through one kind of credential."""
    statement = (
        select(
            delivery.c.collection_id,
            delivery.c.door,
            delivery.c.filters,
            delivery.c.first_us,
            delivery.c.last_us,
            delivery.c.head,
        )
        .where(
            delivery.c.forum_id == forum_id,
            delivery.c.element == element,
            delivery.c.door.in_(CONTENT_DOORS),
        )
        .order_by(delivery.c.first_us, delivery.c.id)
        .execution_options(yield_per=1000)
    )
    for row in deliveries.execute(statement):
        yield Delivered(*row)
