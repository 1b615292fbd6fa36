"""Partner feeds as lists that people page through: how each stands, runs, refusals, what was sent.

No number of ours is in what is given out: one of a run would count the runs of others. What does
not live here: one feed by its name (feeds).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    case,
    exists,
    func,
    or_,
    select,
)

from auth.reader import Reader, Seated
from kernel.clock import format_instant
from sharing.queries.feeds import (
    Feed,
    FeedRefusal,
    FeedRun,
    FeedSent,
    find_feed,
    list_feeds,
    list_operated,
    of_reader,
    run_of,
)
from sharing.tables import contribution, feed, feed_refusal, feed_run, feed_sent

Key = tuple[Any, ...]

FEED_STATES: Final = ("active", "paused", "removed")
RUN_STATES: Final = ("running", "done", "more", "failed", "cut-off")
SENT_STATES: Final = ("sent", "refused", "withdrawn", "recalled")
_REACHED: Final = ("done", "more")


@dataclass(frozen=True, slots=True)
class Standing:
    """A feed, its newest run, and when one last ended without a failure."""

    feed: Feed
    last: FeedRun | None
    success_us: int | None

    @property
    def is_moving(self) -> bool:
        """Whether it is being run now."""
        return self.last is not None and self.last.state == "running"

    def document(self) -> dict[str, Any]:
        """The feed as the API tells of it."""
        return self.feed.document() | {
            "last_success": None if self.success_us is None else format_instant(self.success_us),
            "last_run": None if self.last is None else run_document(self.last),
        }


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs, begun in [`since_us`, `until_us`); None is not asked for."""

    state: str | None = None
    since_us: int | None = None
    until_us: int | None = None


@dataclass(frozen=True, slots=True)
class VersionFilter:
    """Which versions: of an id, refused with a code, sent and in a state."""

    stix_id: str | None = None
    code: str | None = None
    state: str | None = None


def run_document(run: FeedRun) -> dict[str, Any]:
    """A run as its member is told of it."""
    document = run.document()
    del document["id"]
    return document


def list_standing(connection: Connection, reader: Reader) -> list[Standing]:
    """The feeds of the reader's member, by name, and how each stands."""
    return _standing(connection, list_feeds(connection, reader))


def find_standing(connection: Connection, reader: Reader, name: str) -> Standing | None:
    """A feed of the reader's member by name or uuid, and how it stands."""
    found = find_feed(connection, reader, name)
    return None if found is None else _standing(connection, [found])[0]


def feed_key(one: Standing) -> Key:
    """The place of a feed in its member's list."""
    return (one.feed.name,)


def is_asked_for(one: Standing, query: Mapping[str, Any]) -> bool:
    """Whether a list with these filters (`direction`, `state`, `forum`, `in_trouble`) has it; one
    that was removed only where it is asked for."""
    found = one.feed
    is_troubled = "yes" if found.is_troubled else "no"
    return (
        query["direction"] in (None, found.direction)
        and found.state in ((query["state"],) if query["state"] else ("active", "paused"))
        and query["forum"] in (None, found.forum_slug)
        and query["in_trouble"] in (None, is_troubled)
    )


def list_operated_standing(connection: Connection) -> list[Standing]:
    """Every feed of the installation: for its operator, who reads nothing they carry."""
    return _standing(connection, list_operated(connection))


def list_troubled(connection: Connection, reader: Reader) -> list[Feed]:
    """The feeds of the reader's member that fail and fail again, by name."""
    return [
        one for one in list_feeds(connection, reader) if one.is_troubled and one.state == "active"
    ]


def page_runs(
    connection: Connection,
    reader: Reader,
    feed_id: int,
    wanted: RunFilter,
    *,
    after: Key | None = None,
    limit: int,
) -> list[FeedRun]:
    """Runs of a feed of the reader's, newest first; the key is `run_key`."""
    statement = _of_feed(feed_run, reader, feed_id)
    if wanted.state is not None:
        statement = statement.where(feed_run.c.state == wanted.state)
    if wanted.since_us is not None:
        statement = statement.where(feed_run.c.started_us >= wanted.since_us)
    if wanted.until_us is not None:
        statement = statement.where(feed_run.c.started_us < wanted.until_us)
    if after is not None:
        statement = statement.where(feed_run.c.started_us < after[0])
    statement = statement.order_by(feed_run.c.id.desc()).limit(limit)
    return [run_of(row) for row in connection.execute(statement)]


def run_key(run: FeedRun) -> Key:
    """The place of a run in its list: a feed begins one at a time."""
    return (run.started_us,)


def page_refusals(
    connection: Connection,
    reader: Reader,
    feed_id: int,
    wanted: VersionFilter,
    *,
    after: Key | None = None,
    limit: int,
) -> list[FeedRefusal]:
    """What a feed of the reader's did not take, or its partner, newest first."""
    keys = (feed_refusal.c.at_us, feed_refusal.c.stix_id, feed_refusal.c.version)
    statement = _of_feed(feed_refusal, reader, feed_id)
    if wanted.stix_id is not None:
        statement = statement.where(feed_refusal.c.stix_id == wanted.stix_id)
    if wanted.code is not None:
        statement = statement.where(feed_refusal.c.code == wanted.code)
    rows = connection.execute(_downwards(statement, keys, after, limit))
    return [FeedRefusal(row.stix_id, row.version, row.code, row.reason, row.at_us) for row in rows]


def refusal_key(one: FeedRefusal) -> Key:
    """The place of a refusal in its list."""
    return (one.at_us, one.stix_id, one.version)


def page_sent(
    connection: Connection,
    reader: Reader,
    feed_id: int,
    wanted: VersionFilter,
    *,
    after: Key | None = None,
    limit: int,
) -> list[FeedSent]:
    """What a push of the reader's has sent, and what became of it, newest first."""
    keys = (feed_sent.c.sent_us, feed_sent.c.stix_id, feed_sent.c.version_us)
    statement = _of_feed(feed_sent, reader, feed_id)
    if wanted.stix_id is not None:
        statement = statement.where(feed_sent.c.stix_id == wanted.stix_id)
    if wanted.state is not None:
        statement = statement.where(feed_sent.c.state == wanted.state)
    rows = connection.execute(_downwards(statement, keys, after, limit))
    return [
        FeedSent(row.stix_id, row.version_us, row.sent_us, row.state, row.reason) for row in rows
    ]


def sent_key(one: FeedSent) -> Key:
    """The place in its list of what was sent."""
    return (one.sent_us, one.stix_id, one.version_us)


@dataclass(frozen=True, slots=True)
class Origin:
    """How the member's own object came here: by a feed of its, or (None) by itself."""

    feed: str | None
    feed_name: str | None


def origin_of(
    seated: Seated, collection_id: ColumnElement[Any], stix_id: str, column: ColumnElement[Any]
) -> ColumnElement[Any]:
    """A column of the feed by which the member's newest version of an object came to a
    collection; elsewhere, if not there. For a statement about that collection."""
    ours = contribution.alias("ours")
    brought = and_(feed.c.id == ours.c.feed_id, feed.c.member_id == seated.member_id)
    own = and_(
        # Not by the index of all that is the member's.
        ours.c.originator_id + 0 == seated.member_id,
        ours.c.forum_id == seated.forum_id,
        ours.c.stix_id == stix_id,
    )
    newest = (
        select(column)
        .select_from(ours.outerjoin(feed, brought))
        .where(own)
        .order_by(ours.c.version_us.desc())
        .limit(1)
        .correlate_except(ours, feed)
    )
    # Not by an order: SQLite knows no column of the statement around it there.
    here = ours.c.collection_id == collection_id
    is_here = exists().where(own, here).correlate_except(ours)
    return case((is_here, newest.where(here).scalar_subquery()), else_=newest.scalar_subquery())


def _standing(connection: Connection, feeds: Sequence[Feed]) -> list[Standing]:
    if not feeds:
        return []
    ids = [one.id for one in feeds]
    newest = (
        select(func.max(feed_run.c.id))
        .where(feed_run.c.feed_id.in_(ids))
        .group_by(feed_run.c.feed_id)
    )
    rows = connection.execute(select(feed_run).where(feed_run.c.id.in_(newest)))
    last = {row.feed_id: run_of(row) for row in rows}
    reached = (
        select(feed_run.c.feed_id, func.max(feed_run.c.ended_us).label("ended_us"))
        .where(feed_run.c.feed_id.in_(ids), feed_run.c.state.in_(_REACHED))
        .group_by(feed_run.c.feed_id)
    )
    success = {row.feed_id: row.ended_us for row in connection.execute(reached)}
    return [Standing(one, last.get(one.id), success.get(one.id)) for one in feeds]


def _of_feed(table: Table, reader: Reader, feed_id: int) -> Select[Any]:
    """The rows of one feed, none unless it is the reader's."""
    joined = table.join(feed, feed.c.id == table.c.feed_id)
    return select(table).select_from(joined).where(feed.c.id == feed_id, of_reader(reader))


def _downwards(
    statement: Select[Any],
    keys: tuple[ColumnElement[Any], ColumnElement[Any], ColumnElement[Any]],
    after: Key | None,
    limit: int,
) -> Select[Any]:
    """The newest first, and of one instant by id and version; what comes after a key."""
    at_us, stix_id, version = keys
    if after is not None:
        older = or_(stix_id > after[1], and_(stix_id == after[1], version > after[2]))
        statement = statement.where(or_(at_us < after[0], and_(at_us == after[0], older)))
    return statement.order_by(at_us.desc(), stix_id, version).limit(limit)
