"""What a member may read of its own: contributions, status resources, deliveries to it.

Pages are keyed by what the member knows already; no number of ours is in a cursor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, select, tuple_

from auth.reader import Seated
from sharing.facts import StoredFacts, load_facts
from sharing.rules.tlp import Tlp
from sharing.tables import collection, contribution, delivery, status

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class OwnContribution:
    """One version that the member contributed, without its bytes."""

    collection: str
    stix_id: str
    stix_type: str
    version_us: int
    tlp: Tlp
    facts: StoredFacts
    state: str
    contributed_us: int

    @property
    def key(self) -> Key:
        """Its place in the list."""
        return (self.contributed_us, self.collection, self.stix_id, self.version_us)


@dataclass(frozen=True, slots=True)
class Received:
    """One answer that was served to the member: when, through what, and its range.

    `ordinal` counts, from 1, the answers of the list that have the same instant.
    """

    at_us: int
    ordinal: int
    credential_id: str
    collection: str
    door: str
    first_us: int
    last_us: int
    count: int

    @property
    def key(self) -> Key:
        """Its place in the list."""
        return (self.at_us, self.ordinal)


@dataclass(frozen=True, slots=True)
class OwnFilter:
    """Which contributions; None is not asked for. `collection` is a UUID."""

    collection: str | None = None
    stix_type: str | None = None
    stix_id: str | None = None
    state: str | None = None


def list_contributions(
    connection: Connection, seated: Seated, wanted: OwnFilter, *, after: Key | None, limit: int
) -> list[OwnContribution]:
    """The member's own versions in the forum, oldest first; nothing for a partner."""
    keys = (
        contribution.c.contributed_us,
        collection.c.uuid,
        contribution.c.stix_id,
        contribution.c.version_us,
    )
    statement = (
        select(contribution, collection.c.uuid)
        .join(collection, collection.c.id == contribution.c.collection_id)
        .where(
            contribution.c.forum_id == seated.forum_id,
            contribution.c.originator_id == seated.member_id,
            *_equal(
                (collection.c.uuid, wanted.collection),
                (contribution.c.stix_type, wanted.stix_type),
                (contribution.c.stix_id, wanted.stix_id),
                (contribution.c.state, wanted.state),
            ),
        )
    )
    return [
        OwnContribution(
            collection=row.uuid,
            stix_id=row.stix_id,
            stix_type=row.stix_type,
            version_us=row.version_us,
            tlp=Tlp(row.tlp),
            facts=load_facts(row.facts),
            state=row.state,
            contributed_us=row.contributed_us,
        )
        for row in _page(connection, statement, keys, after, limit)
    ]


def list_statuses(
    connection: Connection, seated: Seated, *, after: Key | None, limit: int
) -> list[Row[Any]]:
    """The member's own status resources in the forum (id, requested_us, document)."""
    statement = select(status.c.id, status.c.requested_us, status.c.document).where(
        status.c.forum_id == seated.forum_id, status.c.member_id == seated.member_id
    )
    return _page(connection, statement, (status.c.requested_us, status.c.id), after, limit)


def list_received(
    deliveries: Connection,
    seated: Seated,
    collections: dict[int, str],
    *,
    after: Key | None,
    limit: int,
) -> list[Received]:
    """What was served to the caller's member or partner in the forum, oldest first.

    A person sees what persons and feeds of the member received; a feed what feeds received:
    it must not learn what only a person may have. `collections` are those that exist for the
    caller, by id.
    """
    machine = 2 * seated.bit
    elements = [machine, machine + 1] if seated.reader.kind == "individual" else [machine]
    at_us, seen = after or (None, 0)
    # A row's own `count` is a method of tuples.
    statement = (
        select(delivery, delivery.c["count"].label("served"))
        .where(
            delivery.c.forum_id == seated.forum_id,
            delivery.c.element.in_(elements),
            delivery.c.collection_id.in_(list(collections)),
        )
        .order_by(delivery.c.at_us, delivery.c.id)
        .limit(limit)
    )
    if at_us is not None:
        statement = statement.where(delivery.c.at_us >= at_us).offset(seen)
    found: list[Received] = []
    for row in deliveries.execute(statement):
        seen = seen + 1 if row.at_us == at_us else 1
        at_us = row.at_us
        found.append(_received(row, seen, collections[row.collection_id]))
    return found


def _received(row: Row[Any], ordinal: int, place: str) -> Received:
    return Received(
        at_us=row.at_us,
        ordinal=ordinal,
        credential_id=row.credential_id,
        collection=place,
        door=row.door,
        first_us=row.first_us,
        last_us=row.last_us,
        count=row.served,
    )


def _equal(*pairs: tuple[ColumnElement[Any], str | None]) -> list[ColumnElement[bool]]:
    return [column == value for column, value in pairs if value is not None]


def _page(
    connection: Connection,
    statement: Select[Any],
    keys: Sequence[ColumnElement[Any]],
    after: Key | None,
    limit: int,
) -> list[Row[Any]]:
    if after is not None:
        statement = statement.where(tuple_(*keys) > tuple_(*after))
    return list(connection.execute(statement.order_by(*keys).limit(limit)))
