"""What a push has to send of a recipient's view, and what it has sent that is there no more.

What came from the partner itself, and what the recipient contributed, is not sent: nothing goes
back to where it came from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, case, exists, or_, select

from auth.reader import Seated
from sharing.tables import body, contribution, feed, feed_sent, release
from sharing.visibility import visible_to


@dataclass(frozen=True, slots=True)
class Sendable:
    """One release of the view, as it would be served: its bytes, and which version that is."""

    date_added_us: int
    content: bytes
    contribution_id: int
    body_id: int
    stix_id: str
    version_us: int


@dataclass(frozen=True, slots=True)
class Outstanding:
    """A version that was sent and is not in the view any more, or only in part."""

    contribution_id: int
    stix_id: str
    version_us: int
    is_narrowed: bool


@dataclass(frozen=True, slots=True)
class Sendables:
    """Releases to send, and the last date that was looked at (None: there was nothing more)."""

    rows: list[Sendable]
    last_us: int | None


def list_sendable(
    connection: Connection,
    seated: Seated,
    collection_id: int,
    peer: str,
    *,
    after_us: int | None,
    limit: int,
) -> Sendables:
    """Of the next `limit` releases of the view, every version, those that may go to `peer`."""
    keys = _keys(seated, collection_id)
    if after_us is not None:
        keys = keys.where(release.c.date_added_us > after_us)
    stays = (_came_from(peer) | _is_own(seated)).label("stays")
    rows = connection.execute(
        _with_content(keys.order_by(release.c.date_added_us).limit(limit)).add_columns(stays)
    ).all()
    return Sendables(
        [_sendable(row) for row in rows if not row.stays],
        rows[-1].date_added_us if rows else None,
    )


def list_shown(
    connection: Connection, seated: Seated, collection_id: int, contribution_id: int
) -> list[Sendable]:
    """What the view holds of one contribution: one release, or none."""
    keys = _keys(seated, collection_id).where(release.c.contribution_id == contribution_id)
    return [_sendable(row) for row in connection.execute(_with_content(keys))]


def list_outstanding(
    connection: Connection, seated: Seated, collection_id: int, feed_id: int, *, limit: int
) -> list[Outstanding]:
    """What was sent and is not seen any more, or not as it was sent; newest first, markings last.

    Many a partner keeps a marking while something carries it.

    A form that gained something is sent again, in its turn: it is not outstanding.
    """
    shown = visible_to(seated, collection_id, release.c.id).where(
        release.c.contribution_id == feed_sent.c.contribution_id
    )
    as_sent = shown.where(
        or_(
            release.c.body_id == feed_sent.c.body_id,
            # Released anew since: its new form is sent as the walk comes to it.
            release.c.date_added_us > feed_sent.c.added_us,
        )
    )
    statement = (
        select(
            feed_sent.c.contribution_id,
            feed_sent.c.stix_id,
            feed_sent.c.version_us,
            exists(shown).label("is_narrowed"),
        )
        .where(
            feed_sent.c.feed_id == feed_id,
            feed_sent.c.state == "sent",
            ~exists(as_sent),
        )
        .order_by(*carriers_first())
        .limit(limit)
    )
    return [
        Outstanding(row.contribution_id, row.stix_id, row.version_us, bool(row.is_narrowed))
        for row in connection.execute(statement)
    ]


def carriers_first() -> tuple[ColumnElement[Any], ...]:
    """The order in which a partner can delete what it was sent."""
    is_marking = case((feed_sent.c.stix_id.like("marking-definition--%"), 1), else_=0)
    return is_marking, feed_sent.c.contribution_id.desc()


def _keys(seated: Seated, collection_id: int) -> Select[Any]:
    return visible_to(
        seated,
        collection_id,
        release.c.date_added_us,
        release.c.body_id,
        release.c.contribution_id,
    )


def _with_content(keys: Select[Any]) -> Select[Any]:
    page = keys.subquery()
    return (
        select(
            page.c.date_added_us,
            page.c.body_id,
            body.c.content,
            contribution.c.id,
            contribution.c.stix_id,
            contribution.c.version_us,
        )
        .select_from(page)
        .join(body, body.c.id == page.c.body_id)
        .join(contribution, contribution.c.id == page.c.contribution_id)
        .order_by(page.c.date_added_us)
    )


def _sendable(row: Row[Any]) -> Sendable:
    return Sendable(
        date_added_us=row.date_added_us,
        content=bytes(row.content),
        contribution_id=row.id,
        body_id=row.body_id,
        stix_id=row.stix_id,
        version_us=row.version_us,
    )


def _came_from(peer: str) -> ColumnElement[bool]:
    return and_(
        contribution.c.feed_id.is_not(None),
        contribution.c.feed_id.in_(select(feed.c.id).where(feed.c.peer == peer)),
    )


def _is_own(seated: Seated) -> ColumnElement[bool]:
    return contribution.c.originator_id == seated.member_id
