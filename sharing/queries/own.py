"""What a member may read of its own: contributions, policies, statuses.

Pages are keyed by what the member knows already; no number of ours is in a key. What does not
live here: what was served to it (received), what stands in its views (standing).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    exists,
    func,
    or_,
    select,
    tuple_,
)

from auth.reader import Seated
from kernel.db import BINARY_ROWS
from sharing.facts import StoredFacts, load_facts
from sharing.queries.contributions import in_batches
from sharing.queries.policies import SavedDocument
from sharing.queries.within import within
from sharing.rules.tlp import Tlp
from sharing.tables import body, collection, contribution, policy, status

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
    """Which contributions, made in [`since_us`, `until_us`); None is not asked for.

    `collection` is a UUID or an alias.
    """

    collection: str | None = None
    stix_type: str | None = None
    stix_id: str | None = None
    state: str | None = None
    tlp: Tlp | None = None
    since_us: int | None = None
    until_us: int | None = None


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
class PolicyFilter:
    """Which versions of a policy: older than `before`, set in [`since_us`, `until_us`)."""

    before: int | None = None
    since_us: int | None = None
    until_us: int | None = None


def list_contributions(
    connection: Connection, seated: Seated, wanted: OwnFilter, *, after: Key | None, limit: int
) -> list[OwnContribution]:
    """The member's own versions in the forum in the order they came; nothing for a partner."""
    rows = connection.execute(_own_page(seated, wanted, after, limit))
    return [_contribution(row) for row in rows]


def has_contributed(connection: Connection, seated: Seated, stix_id: str) -> bool:
    """Whether the member has ever contributed this id in the forum."""
    if "\0" in stix_id:
        return False
    return bool(connection.execute(select(is_contributed(seated, stix_id))).scalar_one())


def is_contributed(seated: Seated, stix_id: str) -> ColumnElement[bool]:
    """Whether the member has ever contributed this id in the forum, for a statement about it."""
    mine = contribution.alias("mine")
    return exists().where(
        # Not the bare column: SQLite would walk through all that is the member's.
        mine.c.originator_id + 0 == seated.member_id,
        mine.c.forum_id == seated.forum_id,
        mine.c.stix_id == stix_id,
    )


def has_contributed_more_than(connection: Connection, seated: Seated, most: int) -> bool:
    """Whether the member has more than `most` versions in the forum."""
    found = select(contribution.c.id).where(*_own(seated)).limit(most + 1).subquery()
    return connection.execute(select(func.count()).select_from(found)).scalar_one() > most


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
            *within(status.c.requested_us, wanted.since_us, wanted.until_us),
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
        *within(policy.c.set_us, wanted.since_us, wanted.until_us),
    )
    if wanted.before is not None:
        statement = statement.where(policy.c.version < wanted.before)
    rows = connection.execute(statement.order_by(policy.c.version.desc()).limit(limit))
    return [
        SavedDocument(row.version, row.document, row.epoch, row.set_us, row.set_by) for row in rows
    ]


def _own_page(seated: Seated, wanted: OwnFilter, after: Key | None, limit: int) -> Select[Any]:
    """One page of the member's own versions, by an index: that of one id, or of their order."""
    conditions = [
        *_own(seated, of_one_id=wanted.stix_id is not None),
        *_named(wanted.collection),
        *within(contribution.c.contributed_us, wanted.since_us, wanted.until_us),
    ]
    for column, value in (
        (contribution.c.stix_type, wanted.stix_type),
        (contribution.c.stix_id, wanted.stix_id),
        (contribution.c.state, wanted.state),
        (contribution.c.tlp, wanted.tlp),
    ):
        if value is not None:
            conditions.append(column == value)
    # The few of one id are sorted, likewise.
    place = contribution.c.seq if wanted.stix_id is None else contribution.c.seq + 0
    if after is not None:
        conditions.append(place > _position_of(seated, after))
    return (
        select(contribution, collection.c.uuid)
        .join(collection, collection.c.id == contribution.c.collection_id)
        .where(*conditions)
        .order_by(place)
        .limit(limit)
    )


def _own(seated: Seated, *, of_one_id: bool = False) -> list[ColumnElement[bool]]:
    """What the member contributed in this forum; of a partner, nothing.

    `of_one_id` keeps SQLite from the index of all that is the member's.
    """
    originator = contribution.c.originator_id
    return [
        (originator + 0 if of_one_id else originator) == seated.member_id,
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
