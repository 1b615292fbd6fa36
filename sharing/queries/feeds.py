"""Partner feeds as their member's people meet them: what they are, how they ran, what was refused.

A feed that pushes the view of another recipient than its member is the operator's alone: what
that view holds is not the member's to count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, Connection, Row, Select, and_, exists, func, or_, select

from auth.reader import Reader
from auth.services import OPERATOR
from auth.tables import forum, member, partner, recipient, seat
from kernel.clock import format_instant, format_version
from kernel.errors import BadInput
from sharing.rules.tlp import Tlp
from sharing.rules.walking import ODDITIES, Position, load_position
from sharing.tables import collection, feed, feed_refusal, feed_sent

TROUBLED_AFTER: Final = 5
"""Failures in a row after which a feed is tried rarely, and said to be in trouble."""


@dataclass(frozen=True, slots=True)
class Feed:
    """One feed, without its secrets. `auth` is `none`, `basic` or `bearer`; `every_s` seconds;
    `state` is active, paused or removed.
    """

    id: int
    uuid: str
    name: str
    direction: str
    forum_id: int
    forum_slug: str
    forum_title: str
    collection_id: int
    collection_uuid: str
    collection_title: str
    member_id: int
    member_code: str
    recipient_id: int | None
    url: str
    remote: str
    peer: str
    every_s: int
    min_tlp: Tlp | None
    manifest_first: bool
    user_name: str | None
    auth: str
    has_client_cert: bool
    has_ca: bool
    state: str
    position: Position
    next_us: int | None
    failures: int
    created_us: int
    created_by: str
    is_seated: bool = True
    """Whether the one as whom it reads or writes here has an active seat."""
    removed_us: int | None = None
    is_lost: bool = False
    """Whether what is stored of its position cannot be read; `position` is then the beginning."""

    @property
    def is_troubled(self) -> bool:
        """Whether it has failed so often that it is tried rarely."""
        return self.failures >= TROUBLED_AFTER

    def document(self) -> dict[str, Any]:
        """The feed as commands and the API tell of it; instants as text."""
        walk = self.position.walk
        return {
            "id": self.uuid,
            "name": self.name,
            "direction": self.direction,
            "member": self.member_code,
            "forum": self.forum_slug,
            "collection": self.collection_uuid,
            "url": self.url,
            "remote": self.remote,
            "every": self.every_s,
            "min_tlp": None if self.min_tlp is None else self.min_tlp.text,
            "manifest_first": self.manifest_first,
            "auth": self.auth,
            "user": self.user_name,
            "client_cert": self.has_client_cert,
            "ca": self.has_ca,
            "state": self.state,
            "seated": self.is_seated,
            "failures": self.failures,
            "in_trouble": self.is_troubled,
            "next_try": _instant(self.next_us),
            "cursor": {
                "added_after": _instant(self.position.after_us),
                "walking": walk is not None,
                "reached": _instant(walk.last_us) if walk else None,
            },
            "created": _instant(self.created_us),
            "removed": _instant(self.removed_us),
        }


@dataclass(frozen=True, slots=True)
class FeedRun:
    """One turn of a feed; counts are of objects."""

    id: int
    started_us: int
    told_us: int
    ended_us: int | None
    state: str
    pages: int
    bytes: int
    objects: int
    contributed: int
    replaced: int
    known: int
    returned: int
    refused: int
    withdrawn: int
    step: str | None
    code: str | None
    reason: str | None
    oddities: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """The run as commands and the API tell of it."""
        return {
            "id": self.id,
            "state": self.state,
            "started": _instant(self.started_us),
            "ended": _instant(self.ended_us),
            "pages": self.pages,
            "bytes": self.bytes,
            "objects": self.objects,
            "contributed": self.contributed,
            "replaced": self.replaced,
            "known": self.known,
            "returned": self.returned,
            "refused": self.refused,
            "withdrawn": self.withdrawn,
            "step": self.step,
            "code": self.code,
            "reason": self.reason,
            "oddities": [{"name": name, "meaning": ODDITIES[name]} for name in self.oddities],
        }


@dataclass(frozen=True, slots=True)
class FeedRefusal:
    """A version that was not taken, by us of a pull, by the partner of a push."""

    stix_id: str
    version: str
    code: str
    reason: str
    at_us: int

    def document(self) -> dict[str, Any]:
        """The refusal as commands and the API tell of it."""
        return {
            "id": self.stix_id,
            "version": self.version,
            "code": self.code,
            "reason": self.reason,
            "at": _instant(self.at_us),
        }


@dataclass(frozen=True, slots=True)
class FeedSent:
    """A version that a push has sent: `state` is sent, refused, withdrawn or recalled."""

    stix_id: str
    version_us: int
    sent_us: int
    state: str
    reason: str

    def document(self) -> dict[str, Any]:
        """What was sent as commands and the API tell of it."""
        return {
            "id": self.stix_id,
            "version": format_version(self.version_us),
            "state": self.state,
            "reason": self.reason,
            "at": _instant(self.sent_us),
        }


def list_feeds(connection: Connection, reader: Reader) -> list[Feed]:
    """The feeds of the reader's member, by name, and those that were removed."""
    return _feeds(connection, of_reader(reader))


def find_feed(connection: Connection, reader: Reader, name: str) -> Feed | None:
    """One of them, by name or uuid."""
    if "\0" in name:
        return None
    named = or_(feed.c.name == name, feed.c.uuid == name)
    return next(iter(_feeds(connection, of_reader(reader), named)), None)


def count_feed(connection: Connection, reader: Reader, feed_id: int) -> dict[str, int]:
    """How many objects stand refused, and of a push how many are in each state of what was sent."""
    refused = select(func.count()).select_from(
        feed_refusal.join(feed, feed.c.id == feed_refusal.c.feed_id)
    )
    sent = (
        select(feed_sent.c.state, func.count())
        .select_from(feed_sent.join(feed, feed.c.id == feed_sent.c.feed_id))
        .where(feed_sent.c.feed_id == feed_id, of_reader(reader))
        .group_by(feed_sent.c.state)
    )
    counts = {str(state): int(count) for state, count in connection.execute(sent)}
    counts["refusals"] = connection.execute(
        refused.where(feed_refusal.c.feed_id == feed_id, of_reader(reader))
    ).scalar_one()
    return counts


def load_feed(connection: Connection, feed_id: int) -> Feed | None:
    """The feed that a worker runs; what it then reads, it reads as that feed's recipient."""
    return next(iter(_feeds(connection, feed.c.id == feed_id)), None)


def list_operated(connection: Connection, *, are_removed: bool | None = False) -> list[Feed]:
    """All feeds of the installation, by name: for its operator, who reads nothing they carry.

    Those that were removed, those that were not, or (None) all.
    """
    if are_removed is None:
        return _feeds(connection)
    is_there = feed.c.removed_us.is_(None)
    return _feeds(connection, ~is_there if are_removed else is_there)


def list_due(connection: Connection, *, are_failing: bool, now_us: int) -> Sequence[int]:
    """Feeds that are due, the longest due first: those whose last run failed, or the others."""
    failed = feed.c.failures > 0 if are_failing else feed.c.failures == 0
    statement = (
        select(feed.c.id)
        .where(feed.c.state == "active", feed.c.next_us <= now_us, failed)
        .order_by(feed.c.next_us, feed.c.id)
    )
    return connection.execute(statement).scalars().all()


def of_reader(reader: Reader) -> ColumnElement[bool]:
    """The condition that a feed is the reader's to see."""
    own = select(seat.c.recipient_id).where(seat.c.member_id == reader.member_id).scalar_subquery()
    is_own = or_(feed.c.recipient_id.is_(None), feed.c.recipient_id.in_(own))
    if reader.actor == OPERATOR:
        # Who keeps the installation sees to what is pushed to partners.
        return feed.c.member_id == reader.member_id
    return (feed.c.member_id == reader.member_id) & is_own


def _feeds(connection: Connection, *conditions: ColumnElement[bool]) -> list[Feed]:
    return [_feed(row) for row in connection.execute(_FEEDS.where(*conditions))]


def _is_seated() -> ColumnElement[bool]:
    """Of a pull the seat of its member, of a push that of its recipient, who may be a partner."""
    holder = member.alias("holder")
    is_its = or_(
        seat.c.recipient_id == feed.c.recipient_id,
        and_(feed.c.recipient_id.is_(None), seat.c.member_id == feed.c.member_id),
    )
    seats = (
        select(seat.c.recipient_id)
        .join(holder, holder.c.id == seat.c.member_id)
        .where(
            seat.c.forum_id == feed.c.forum_id,
            is_its,
            seat.c.status == "active",
            holder.c.status == "active",
        )
        .correlate(feed)
    )
    partners = (
        select(partner.c.recipient_id)
        .where(partner.c.recipient_id == feed.c.recipient_id, partner.c.status == "active")
        .correlate(feed)
    )
    return or_(exists(seats), exists(partners))


# Made once: making it takes longer than running it.
_FEEDS: Final[Select[Any]] = (
    select(
        feed,
        forum.c.slug,
        forum.c.title.label("forum_title"),
        member.c.code,
        collection.c.uuid.label("collection_uuid"),
        collection.c.title,
        _is_seated().label("is_seated"),
    )
    .join(forum, forum.c.id == feed.c.forum_id)
    .join(member, member.c.id == feed.c.member_id)
    .join(collection, collection.c.id == feed.c.collection_id)
    .outerjoin(recipient, recipient.c.id == feed.c.recipient_id)
    .order_by(feed.c.name)
)


def _feed(row: Row[Any]) -> Feed:
    position = _position(row.position)
    return Feed(
        id=row.id,
        uuid=row.uuid,
        name=row.name,
        direction=row.direction,
        forum_id=row.forum_id,
        forum_slug=row.slug,
        forum_title=row.forum_title,
        collection_id=row.collection_id,
        collection_uuid=row.collection_uuid,
        collection_title=row.title,
        member_id=row.member_id,
        member_code=row.code,
        recipient_id=row.recipient_id,
        url=row.url,
        remote=row.remote,
        peer=row.peer,
        every_s=row.every_s,
        min_tlp=None if row.min_tlp is None else Tlp(row.min_tlp),
        manifest_first=row.manifest_first,
        user_name=row.user_name,
        auth=row.auth,
        has_client_cert=row.client_cert is not None,
        has_ca=row.ca is not None,
        state=row.state if row.removed_us is None else "removed",
        position=position or Position(),
        next_us=row.next_us,
        failures=row.failures,
        created_us=row.created_us,
        created_by=row.created_by,
        is_seated=bool(row.is_seated),
        removed_us=row.removed_us,
        is_lost=position is None,
    )


def _position(text: str) -> Position | None:
    """Where a feed stands; None where that cannot be read, which only its runs refuse."""
    try:
        return load_position(text)
    except BadInput:
        return None


def _instant(instant_us: int | None) -> str | None:
    return None if instant_us is None else format_instant(instant_us)


def run_of(row: Row[Any]) -> FeedRun:
    """A row of `feed_run` as a value."""
    return FeedRun(
        id=row.id,
        started_us=row.started_us,
        told_us=row.told_us,
        ended_us=row.ended_us,
        state=row.state,
        pages=row.pages,
        bytes=row.bytes,
        objects=row.objects,
        contributed=row.contributed,
        replaced=row.replaced,
        known=row.known,
        returned=row.returned,
        refused=row.refused,
        withdrawn=row.withdrawn,
        step=row.step,
        code=row.code,
        reason=row.reason,
        oddities=tuple(orjson.loads(row.oddities)),
    )
