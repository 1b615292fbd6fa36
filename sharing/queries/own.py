"""What a member may read of its own: contributions, policies, statuses, deliveries to it.

Pages are keyed by what the member knows already; no number of ours is in a key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    or_,
    select,
    tuple_,
)

from auth.reader import Seated
from kernel.db import BINARY_ROWS
from sharing.facts import StoredFacts, load_facts
from sharing.queries.contributions import in_batches
from sharing.queries.policies import SavedDocument
from sharing.rules.tlp import Tlp
from sharing.tables import body, collection, contribution, delivery, policy, status

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class OwnContribution:
    """One version that the member contributed, without its bytes. `collection` is a UUID."""

    id: int
    collection_id: int
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
        """Which of the member's versions it is."""
        return (self.collection, self.stix_id, self.version_us)


@dataclass(frozen=True, slots=True)
class OwnFilter:
    """Which contributions; None is not asked for. `collection` is a UUID or an alias."""

    collection: str | None = None
    stix_type: str | None = None
    stix_id: str | None = None
    state: str | None = None
    tlp: Tlp | None = None


@dataclass(frozen=True, slots=True)
class OwnStatus:
    """One status resource of the member's, as it was written. `collection` is a UUID."""

    id: str
    requested_us: int
    collection: str
    document: bytes

    @property
    def key(self) -> Key:
        """Its place in the list."""
        return (self.requested_us, self.id)


@dataclass(frozen=True, slots=True)
class StatusFilter:
    """Which status resources: requested in [`since_us`, `until_us`); None is not asked for."""

    collection: str | None = None
    since_us: int | None = None
    until_us: int | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """One answer that was served to the member: when, through what, and its range.

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
    since_us: int | None = None
    until_us: int | None = None


@dataclass(frozen=True, slots=True)
class PolicyFilter:
    """Which versions of a policy: older than `before`, set in [`since_us`, `until_us`)."""

    before: int | None = None
    since_us: int | None = None
    until_us: int | None = None


def list_contributions(
    connection: Connection, seated: Seated, wanted: OwnFilter, *, after: Key | None, limit: int
) -> list[OwnContribution]:
    """The member's own versions in the forum in the order they came; nothing for a partner."""
    conditions = [*_own(seated), *_named(wanted.collection)]
    for column, value in (
        (contribution.c.stix_type, wanted.stix_type),
        (contribution.c.stix_id, wanted.stix_id),
        (contribution.c.state, wanted.state),
        (contribution.c.tlp, wanted.tlp),
    ):
        if value is not None:
            conditions.append(column == value)
    if after is not None:
        conditions.append(contribution.c.seq > _position_of(seated, after))
    rows = connection.execute(
        select(contribution, collection.c.uuid)
        .join(collection, collection.c.id == contribution.c.collection_id)
        .where(*conditions)
        .order_by(contribution.c.seq)
        .limit(limit)
    )
    return [_contribution(row) for row in rows]


def has_contributed(connection: Connection, seated: Seated, stix_id: str) -> bool:
    """Whether the member has ever contributed this id in the forum."""
    if "\0" in stix_id:
        return False
    statement = (
        select(contribution.c.id).where(*_own(seated), contribution.c.stix_id == stix_id).limit(1)
    )
    return connection.execute(statement).first() is not None


def list_contents(
    connection: Connection, seated: Seated, contributions: Sequence[OwnContribution]
) -> dict[int, bytes]:
    """The bytes of these, as they were received, by contribution; none of what was deleted."""
    contents: dict[int, bytes] = {}
    for batch in in_batches(own.id for own in contributions):
        rows = connection.execute(
            select(contribution.c.id, body.c.content)
            .join(body, body.c.id == contribution.c.body_id)
            .where(*_own(seated), contribution.c.id.in_(batch))
            .execution_options(**BINARY_ROWS)
        )
        contents.update({row.id: row.content for row in rows})
    return contents


def list_statuses(
    connection: Connection, seated: Seated, wanted: StatusFilter, *, after: Key | None, limit: int
) -> list[OwnStatus]:
    """The member's own status resources in the forum, oldest first."""
    keys = (status.c.requested_us, status.c.id)
    statement = (
        select(status.c.id, status.c.requested_us, status.c.document, collection.c.uuid)
        .join(collection, collection.c.id == status.c.collection_id)
        .where(
            status.c.forum_id == seated.forum_id,
            status.c.member_id == seated.member_id,
            *_named(wanted.collection),
            *_within(status.c.requested_us, wanted.since_us, wanted.until_us),
        )
    )
    if after is not None:
        statement = statement.where(tuple_(*keys) > tuple_(*after))
    rows = connection.execute(statement.order_by(*keys).limit(limit))
    return [OwnStatus(row.id, row.requested_us, row.uuid, row.document) for row in rows]


def list_own_policies(
    connection: Connection, seated: Seated, wanted: PolicyFilter, *, limit: int
) -> list[SavedDocument]:
    """The versions of the member's own sharing policy in the forum, newest first."""
    statement = select(policy).where(
        policy.c.forum_id == seated.forum_id,
        policy.c.member_id == seated.member_id,
        *_within(policy.c.set_us, wanted.since_us, wanted.until_us),
    )
    if wanted.before is not None:
        statement = statement.where(policy.c.version < wanted.before)
    rows = connection.execute(statement.order_by(policy.c.version.desc()).limit(limit))
    return [
        SavedDocument(row.version, row.document, row.epoch, row.set_us, row.set_by) for row in rows
    ]


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
    machine = 2 * seated.bit
    elements = [machine, machine + 1] if seated.reader.kind == "individual" else [machine]
    at_us, seen = after or (None, 0)
    # A row's own `count` is a method of tuples.
    statement = (
        select(delivery, delivery.c["count"].label("served"))
        .where(
            delivery.c.forum_id == seated.forum_id,
            delivery.c.element.in_(elements),
            delivery.c.collection_id.in_(sorted(wanted.collections)),
            *_within(delivery.c.at_us, wanted.since_us, wanted.until_us),
        )
        .order_by(delivery.c.at_us, delivery.c.id)
        .limit(limit)
    )
    if wanted.credential_id is not None:
        statement = statement.where(delivery.c.credential_id == wanted.credential_id)
    if at_us is not None:
        # From the first of its microsecond on: those of it that were seen are passed over.
        statement = statement.where(delivery.c.at_us >= at_us).offset(seen)
    found: list[Received] = []
    for row in deliveries.execute(statement):
        seen = seen + 1 if row.at_us == at_us else 1
        at_us = row.at_us
        found.append(_received(row, seen, wanted.collections[row.collection_id]))
    return found


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


def _own(seated: Seated) -> list[ColumnElement[bool]]:
    """What the member contributed in this forum; of a partner, nothing."""
    return [
        contribution.c.originator_id == seated.member_id,
        contribution.c.forum_id == seated.forum_id,
    ]


def _position_of(seated: Seated, key: Key) -> ColumnElement[Any]:
    """The ledger position of one of the member's versions, which never leaves the database."""
    uuid, stix_id, version_us = key
    before = contribution.alias("before")
    return (
        select(before.c.seq)
        .join(collection, collection.c.id == before.c.collection_id)
        .where(
            before.c.originator_id == seated.member_id,
            before.c.forum_id == seated.forum_id,
            collection.c.uuid == uuid,
            before.c.stix_id == stix_id,
            before.c.version_us == version_us,
        )
        .correlate(None)
        .scalar_subquery()
    )


def _named(ref: str | None) -> list[ColumnElement[bool]]:
    """The collection with this UUID or alias, which the query joins."""
    if ref is None:
        return []
    return [or_(collection.c.uuid == ref.lower(), collection.c.alias == ref)]


def _within(
    column: ColumnElement[int], since_us: int | None, until_us: int | None
) -> list[ColumnElement[bool]]:
    conditions = []
    if since_us is not None:
        conditions.append(column >= since_us)
    if until_us is not None:
        conditions.append(column < until_us)
    return conditions


def _contribution(row: Row[Any]) -> OwnContribution:
    return OwnContribution(
        id=row.id,
        collection_id=row.collection_id,
        collection=row.uuid,
        stix_id=row.stix_id,
        stix_type=row.stix_type,
        version_us=row.version_us,
        tlp=Tlp(row.tlp),
        facts=load_facts(row.facts),
        state=row.state,
        contributed_us=row.contributed_us,
    )
