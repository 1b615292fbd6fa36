"""What a push sends: read as the recipient, recorded as its delivery, written down as sent.

A delivery is on record before its bytes leave; what became of each object is committed with the
feed's position. What does not live here: the partner's server (sharing.feeds).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, or_, select, update

from auth.queries import find_seated, list_roster
from auth.reader import Seated
from auth.services import feed_reader, partner_reader
from kernel.clock import format_version
from kernel.db import Database
from kernel.errors import BadInput, NotFound
from kernel.rows import upserting
from sharing.queries.collections import Collection, find_collection
from sharing.queries.feeds import Feed, FeedRefusal
from sharing.queries.pushing import (
    Outstanding,
    Sendable,
    carriers_first,
    list_outstanding,
    list_sendable,
    list_shown,
)
from sharing.queries.releases import find_head
from sharing.rules.walking import Position
from sharing.services.deliver import Served, record_delivery
from sharing.services.feeds.keeping import check_stands
from sharing.services.feeds.runs import Tally, tell_run, write_position, write_refusals
from sharing.services.settling import settled_read
from sharing.tables import feed, feed_sent

Refusals = Mapping[tuple[str, int | None], str]
"""What a partner did not take, as (id, version in µs; None for whichever), and why."""

_ENVELOPE_BYTES = 64
"""What stands around the objects of an envelope, and more."""

UNENDING: Final = "the partner has not said what became of it"
_UNDERWAY: Final = "on its way"
_KEEPS_OTHER: Final = (
    "the partner keeps the form of this version that it was sent before, and does not take the one "
    "that is seen now"
)
_IS_ABSENT: Final = or_(feed_sent.c.state == "refused", feed_sent.c.state == "withdrawn")


@dataclass(frozen=True, slots=True)
class Pushing:
    """A push at work: whose feed, under which run's number."""

    feed: Feed
    run_id: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Objects of one envelope, recorded as delivered; `after` is where the feed stands then.

    `rows` may be empty where everything that was looked at stays here.
    """

    rows: Sequence[Sendable]
    after: Position

    def envelope(self) -> bytes:
        """As TAXII has it (§3.7), each object with its bytes as served."""
        return b'{"objects":[' + b",".join(row.content for row in self.rows) + b"]}"


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What became of a version that was to be deleted; `rest` is what was sent in its place, and
    `refused` what the partner did not take of that."""

    one: Outstanding
    is_gone: bool
    reason: str
    rest: Sequence[Sendable] = ()
    refused: Refusals = field(default_factory=dict)


def enter_as_recipient(connection: Connection, found: Feed) -> tuple[Seated, Collection]:
    """The recipient whose view is pushed, and the collection, as they are now. Raises NotFound."""
    row = next(
        (
            one
            for one in list_roster(connection, found.forum_id)
            if one.recipient_id == found.recipient_id
        ),
        None,
    )
    seated = None
    if row is not None:
        reader = (
            partner_reader(found.uuid, row.recipient_id)
            if row.is_partner
            else feed_reader(connection, found.uuid, row.name)
        )
        seated = find_seated(connection, reader, found.forum_slug)
    place = None if seated is None else find_collection(connection, seated, found.collection_uuid)
    if seated is None or place is None or not place.may_be_read_by(seated):
        raise NotFound(
            "sharing.feed-without-seat",
            "the recipient whose view this feed sends is none any more, or may not read the "
            "collection; pause the feed, or give the seat back or reinstate the partner",
        )
    return seated, place


def _enter_to_send(connection: Connection, found: Feed) -> tuple[Seated, Collection]:
    """The same, of a feed that is not paused in that very snapshot: a partner that is taken up
    again is sent nothing before somebody resumes it. Raises NotFound, BadInput."""
    entered = enter_as_recipient(connection, found)
    if not is_active(connection, found.id):
        raise BadInput("sharing.feed-paused", f"{found.name} has just been paused")
    return entered


def next_batch(
    database: Database,
    pushing: Pushing,
    position: Position,
    *,
    most: int,
    most_bytes: int,
    now_us: int,
) -> Batch | None:
    """The next objects to send, recorded as delivered and on their way; None when nothing has been
    added.

    Raises NotFound when the recipient is none any more, BadInput when the feed has been paused,
    Unavailable when nothing can be recorded.
    """
    with settled_read(database, now_us=now_us) as connection:
        seated, place = _enter_to_send(connection, pushing.feed)
        head = find_head(connection, seated, place.id)
        found = list_sendable(
            connection,
            seated,
            place.id,
            pushing.feed.peer,
            after_us=position.after_us,
            limit=most,
        )
    if found.last_us is None:
        return None
    rows = _within(found.rows, most_bytes)
    last_us = found.last_us if len(rows) == len(found.rows) else rows[-1].date_added_us
    if rows:
        _record(database, pushing, seated, place, rows, head.seq, now_us)
        _keep_underway(database, pushing, rows, now_us)
    return Batch(rows, replace(position, after_us=last_us))


def narrowed_batch(
    database: Database,
    pushing: Pushing,
    position: Position,
    one: Outstanding,
    *,
    now_us: int,
) -> Batch:
    """What the recipient still sees of a version that the partner has deleted, recorded as
    delivered; it leads nowhere further. Raises as `next_batch`."""
    with settled_read(database, now_us=now_us) as connection:
        seated, place = _enter_to_send(connection, pushing.feed)
        head = find_head(connection, seated, place.id)
        rows = list_shown(connection, seated, place.id, one.contribution_id)
    if rows:
        _record(database, pushing, seated, place, rows, head.seq, now_us)
    return Batch(rows, position)


def _record(
    database: Database,
    pushing: Pushing,
    seated: Seated,
    place: Collection,
    rows: Sequence[Sendable],
    head: int,
    now_us: int,
) -> None:
    served = Served(
        collection_id=place.id,
        door="push",
        filters={
            "feed": pushing.feed.name,
            "id": sorted({row.stix_id for row in rows}),
            "version": ["all"],
        },
        first_us=rows[0].date_added_us,
        last_us=rows[-1].date_added_us,
        head=head,
        count=len(rows),
    )
    record_delivery(database, seated, served, now_us=now_us)


def record_sent(
    database: Database,
    pushing: Pushing,
    batch: Batch,
    refused: Refusals,
    before: Position,
    tally: Tally,
    *,
    now_us: int,
) -> Tally:
    """Write down what became of a batch, and go on to where it leads."""
    moved = replace(tally, oddities=set(tally.oddities))
    with database.write() as connection:
        write_position(connection, pushing.feed.id, before, batch.after)
        _write_sent(connection, pushing, batch.rows, refused, moved, now_us)
        tell_run(connection, pushing.run_id, moved, now_us=now_us)
    return moved


def _write_sent(
    connection: Connection,
    pushing: Pushing,
    sent: Sequence[Sendable],
    refused: Refusals,
    moved: Tally,
    now_us: int,
) -> None:
    """What became of each object, and what that adds to the tally."""
    if not sent:
        return
    rows = [_sent_row(pushing.feed.id, row, refused, now_us) for row in sent]
    _say_what_is_kept(connection, pushing.feed.id, rows)
    failed = [row for row in rows if row["reason"]]
    moved.pages += 1
    moved.bytes += sum(len(row.content) for row in sent)
    moved.objects += len(rows)
    moved.refused += len(failed)
    moved.contributed += len(rows) - len(failed)
    _keep_sent(connection, rows)
    write_refusals(
        connection,
        pushing.feed.id,
        [
            FeedRefusal(
                row["stix_id"],
                format_version(row["version_us"]),
                "sharing.partner-refused",
                row["reason"],
                now_us,
            )
            for row in failed
        ],
        [(row["stix_id"], format_version(row["version_us"])) for row in rows if not row["reason"]],
    )


def _say_what_is_kept(connection: Connection, feed_id: int, rows: list[dict[str, Any]]) -> None:
    """Of a version that is refused in another form than it was sent in: that this is there."""
    refused = [row["contribution_id"] for row in rows if row["state"] == "refused"]
    if not refused:
        return
    kept = set(
        connection.execute(
            select(feed_sent.c.contribution_id).where(
                feed_sent.c.feed_id == feed_id,
                feed_sent.c.contribution_id.in_(refused),
                feed_sent.c.state == "sent",
                feed_sent.c.reason != _UNDERWAY,
            )
        ).scalars()
    )
    for row in rows:
        if row["state"] == "refused" and row["contribution_id"] in kept:
            row["reason"] = f"{_KEEPS_OTHER}: {row['reason']}"[:500]


def list_to_withdraw(
    database: Database, pushing: Pushing, *, most: int, now_us: int
) -> list[Outstanding]:
    """What the partner holds and the recipient does not see any more, in the order of deleting.

    Of a recipient that is none any more that is everything.
    """
    with settled_read(database, now_us=now_us) as connection:
        try:
            seated, place = enter_as_recipient(connection, pushing.feed)
        except NotFound:
            return _everything_sent(connection, pushing.feed.id, most)
        return list_outstanding(connection, seated, place.id, pushing.feed.id, limit=most)


def record_withdrawn(
    database: Database,
    pushing: Pushing,
    back: TakenBack,
    tally: Tally,
    *,
    now_us: int,
) -> Tally:
    """Write down that the partner deleted a version, or keeps it: then it is recalled, for people
    to see to."""
    moved = replace(tally, withdrawn=tally.withdrawn + 1, oddities=set(tally.oddities))
    with database.write() as connection:
        connection.execute(
            update(feed_sent)
            .where(
                feed_sent.c.feed_id == pushing.feed.id,
                feed_sent.c.contribution_id == back.one.contribution_id,
            )
            .values(
                state="withdrawn" if back.is_gone else "recalled",
                reason=back.reason[:500],
                sent_us=now_us,
            )
        )
        _write_sent(connection, pushing, back.rest, back.refused, moved, now_us)
        tell_run(connection, pushing.run_id, moved, now_us=now_us)
    return moved


def is_active(connection: Connection, feed_id: int) -> bool:
    """Whether the feed is to go on: a run looks between two pages."""
    return connection.execute(select(feed.c.state).where(feed.c.id == feed_id)).scalar() == "active"


def _everything_sent(connection: Connection, feed_id: int, most: int) -> list[Outstanding]:
    rows = connection.execute(
        select(feed_sent)
        .where(feed_sent.c.feed_id == feed_id, feed_sent.c.state == "sent")
        .order_by(*carriers_first())
        .limit(most)
    )
    return [
        Outstanding(row.contribution_id, row.stix_id, row.version_us, is_narrowed=False)
        for row in rows
    ]


def _within(rows: list[Sendable], most_bytes: int) -> list[Sendable]:
    """As many as one envelope may hold; at least one, which the partner then judges."""
    taken: list[Sendable] = []
    size = _ENVELOPE_BYTES
    for row in rows:
        size += len(row.content) + 1
        if taken and size > most_bytes:
            break
        taken.append(row)
    return taken


def _sent_row(feed_id: int, row: Sendable, refused: Refusals, now_us: int) -> dict[str, Any]:
    reason = refused.get((row.stix_id, row.version_us), refused.get((row.stix_id, None)))
    return {
        "feed_id": feed_id,
        "contribution_id": row.contribution_id,
        "stix_id": row.stix_id,
        "version_us": row.version_us,
        "body_id": row.body_id,
        "added_us": row.date_added_us,
        "sent_us": now_us,
        # Of what the partner says nothing it may be there.
        "state": "sent" if reason is None or reason == UNENDING else "refused",
        "reason": (reason or "")[:500].replace("\0", ""),
    }


def _keep_underway(
    database: Database, pushing: Pushing, rows: Sequence[Sendable], now_us: int
) -> None:
    """Before it leaves: what gets no reply may be there, and is to be withdrawn like what is."""
    ids = [row.contribution_id for row in rows]
    with database.write() as connection:
        # Held until it is written: what a removal lists must be all that has left.
        there = select(feed.c.removed_us).where(feed.c.id == pushing.feed.id).with_for_update()
        if connection.execute(there).scalar_one() is not None:
            check_stands(replace(pushing.feed, removed_us=now_us))
        # What was on its way before, and is sent once more, counts as there.
        connection.execute(
            update(feed_sent)
            .where(
                feed_sent.c.feed_id == pushing.feed.id,
                feed_sent.c.contribution_id.in_(ids),
                feed_sent.c.reason == _UNDERWAY,
            )
            .values(reason="")
        )
        _upsert(
            connection,
            [_sent_row(pushing.feed.id, row, {}, now_us) | {"reason": _UNDERWAY} for row in rows],
            _IS_ABSENT,
        )


def _keep_sent(connection: Connection, rows: list[dict[str, Any]]) -> None:
    """The last word on each: a form that was sent anew takes the place of the one before.

    One that was refused does not: what the partner had it has.
    """
    is_absent = or_(_IS_ABSENT, and_(feed_sent.c.state == "sent", feed_sent.c.reason == _UNDERWAY))
    _upsert(connection, [row for row in rows if row["state"] == "sent"], None)
    _upsert(connection, [row for row in rows if row["state"] == "refused"], is_absent)


def _upsert(
    connection: Connection, rows: list[dict[str, Any]], where: ColumnElement[bool] | None
) -> None:
    """Keep rows, in the place of those that stand only where they are `where`."""
    last = {row["contribution_id"]: row for row in rows}
    if not last:
        return
    statement = upserting(connection, feed_sent)
    given = statement.excluded
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["feed_id", "contribution_id"],
            set_={
                name: getattr(given, name)
                for name in ("version_us", "body_id", "added_us", "sent_us", "state", "reason")
            },
            where=where,
        ),
        list(last.values()),
    )
