"""What was served to a member or partner: each answer with objects, from the log of deliveries.

Pages are keyed by instants and by how many answers of one instant the caller has seen; no
number of ours is in a key.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from auth.reader import Seated
from sharing.queries.within import within
from sharing.tables import delivery

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Received:
    """One answer that was served to the caller: when, through what, and its range.

    `nth` counts the caller's answers of one microsecond, from 1.
    """

    at_us: int
    nth: int
    credential_id: str
    collection: str
    door: str
    first_us: int
    last_us: int
    count: int

    @property
    def key(self) -> Key:
        """Its place in the list."""
        return (self.at_us, self.nth)


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which deliveries: served in [`since_us`, `until_us`); None is not asked for.

    `collections` are those that exist for the caller, by id, each with its UUID.
    """

    collections: dict[int, str] = field(default_factory=dict)
    credential_id: str | None = None
    door: str | None = None
    since_us: int | None = None
    until_us: int | None = None


def list_received(
    deliveries: Connection,
    seated: Seated,
    wanted: DeliveryFilter,
    *,
    after: Key | None,
    limit: int,
) -> list[Received]:
    """What was served to the caller's member or partner in the forum, oldest first.

    A person sees what persons and feeds of the member received; a feed what feeds received:
    it must not learn what only a person may have.
    """
    at_us, seen = after or (None, 0)
    rows: list[Row[Any]] = []
    # One range of the index for each kind, merged: asked for both at once, the database would
    # sort everything that was ever served to either.
    for element in _elements(seated):
        statement = _range(seated, element, wanted, at_us).limit(seen + limit)
        rows += deliveries.execute(statement)
    rows.sort(key=lambda row: (row.at_us, row.id))
    found: list[Received] = []
    for row in rows[seen : seen + limit]:
        seen = seen + 1 if row.at_us == at_us else 1
        at_us = row.at_us
        found.append(_received(row, seen, wanted.collections[row.collection_id]))
    return found


def _elements(seated: Seated) -> list[int]:
    machine = 2 * seated.bit
    return [machine, machine + 1] if seated.reader.kind == "individual" else [machine]


def _range(
    seated: Seated, element: int, wanted: DeliveryFilter, from_us: int | None
) -> Select[Any]:
    """What one kind of the caller's credentials was served, in order, from an instant on.

    From the first of its microsecond on: those of it that were seen are passed over.
    """
    since_us = wanted.since_us if from_us is None else from_us
    conditions = [
        delivery.c.forum_id == seated.forum_id,
        delivery.c.element == element,
        delivery.c.collection_id.in_(sorted(wanted.collections)),
        *within(delivery.c.at_us, since_us, wanted.until_us),
    ]
    if wanted.credential_id is not None:
        conditions.append(delivery.c.credential_id == wanted.credential_id)
    if wanted.door is not None:
        conditions.append(delivery.c.door == wanted.door)
    return (
        # A row's own `count` is a method of tuples.
        select(delivery, delivery.c["count"].label("served"))
        .where(*conditions)
        .order_by(delivery.c.at_us, delivery.c.id)
    )


def _received(row: Row[Any], nth: int, place: str) -> Received:
    return Received(
        at_us=row.at_us,
        nth=nth,
        credential_id=row.credential_id,
        collection=place,
        door=row.door,
        first_us=row.first_us,
        last_us=row.last_us,
        count=row.served,
    )
