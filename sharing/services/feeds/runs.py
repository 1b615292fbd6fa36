"""What a feed's run records: where it stands, what it moved, how it ended, when the next is due.

The position is written by compare and set, in the transaction of what it stands for: of two
runs of one feed (a worker that was thought dead) only one goes on.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from sqlalchemy import Connection, and_, delete, insert, select, update

from kernel.clock import DAY_US, SECOND_US
from kernel.errors import Conflict
from kernel.rows import upserting
from sharing.queries.contributions import in_batches
from sharing.queries.feeds import TROUBLED_AFTER, Feed, FeedRefusal
from sharing.rules.walking import Position, load_position
from sharing.tables import feed, feed_refusal, feed_run

SOON_US: Final = SECOND_US
KEPT_US: Final = 30 * DAY_US
_KEPT_RUNS: Final = 500
_MOST_REFUSALS: Final = 10_000
_MOST_BACK_OFF_S: Final = 6 * 3600
_MOST_REASON: Final = 500


@dataclass(slots=True)
class Tally:
    """What a run has moved so far."""

    pages: int = 0
    bytes: int = 0
    objects: int = 0
    contributed: int = 0
    replaced: int = 0
    known: int = 0
    returned: int = 0
    refused: int = 0
    withdrawn: int = 0
    oddities: set[str] = field(default_factory=set)

    def row(self) -> dict[str, Any]:
        """As columns of `feed_run`."""
        return {
            "pages": self.pages,
            "bytes": self.bytes,
            "objects": self.objects,
            "contributed": self.contributed,
            "replaced": self.replaced,
            "known": self.known,
            "returned": self.returned,
            "refused": self.refused,
            "withdrawn": self.withdrawn,
            "oddities": orjson.dumps(sorted(self.oddities)).decode(),
        }


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended: `done`, `more` (its budget is spent) or `failed`, at which step and why."""

    state: str
    step: str | None = None
    code: str | None = None
    reason: str | None = None
    retry_after_s: float | None = None


def begin_run(connection: Connection, found: Feed, position: Position, *, now_us: int) -> int:
    """Begin a run at `position`; what an earlier process left unended was cut off."""
    if not found.is_lost:
        write_position(connection, found.id, found.position, position)
    connection.execute(
        update(feed_run)
        .where(feed_run.c.feed_id == found.id, feed_run.c.ended_us.is_(None))
        .values(state="cut-off", ended_us=now_us)
    )
    run_id = connection.execute(
        insert(feed_run)
        .values(
            feed_id=found.id, started_us=now_us, told_us=now_us, state="running", **Tally().row()
        )
        .returning(feed_run.c.id)
    ).scalar_one()
    return int(run_id)


def write_unrun(connection: Connection, feed_id: int, ending: Ending, now_us: int) -> None:
    """Say among the runs why there is none."""
    connection.execute(
        insert(feed_run).values(
            feed_id=feed_id,
            started_us=now_us,
            told_us=now_us,
            ended_us=now_us,
            state=ending.state,
            step=ending.step,
            code=ending.code,
            reason=ending.reason,
            **Tally().row(),
        )
    )


def write_position(connection: Connection, feed_id: int, old: Position, new: Position) -> None:
    """Go from `old` to `new`. Raises Conflict (`sharing.feed-elsewhere`) when it is not there."""
    is_there = and_(feed.c.id == feed_id, feed.c.removed_us.is_(None))
    held = connection.execute(select(feed.c.position).where(is_there)).scalar()
    # Compared as what it means: an earlier release wrote fewer fields.
    moved = held is not None and load_position(held) == old
    if moved and old != new:
        moved = bool(
            connection.execute(
                update(feed).where(is_there, feed.c.position == held).values(position=new.dump())
            ).rowcount
        )
    if not moved:
        raise Conflict(
            "sharing.feed-elsewhere",
            "this feed is run by another process, or was set back or removed meanwhile; this run "
            "ends",
        )


def tell_run(connection: Connection, run_id: int, tally: Tally, *, now_us: int) -> None:
    """What a run has moved, for those who watch."""
    connection.execute(
        update(feed_run).where(feed_run.c.id == run_id).values(told_us=now_us, **tally.row())
    )


def end_run(
    connection: Connection,
    found: Feed,
    run_id: int,
    tally: Tally,
    ending: Ending,
    *,
    now_us: int,
    chance: Callable[[], float] = random.random,
) -> None:
    """End a run, and say when the next is due (never while the feed is paused)."""
    connection.execute(
        update(feed_run)
        .where(feed_run.c.id == run_id)
        .values(
            state=ending.state,
            ended_us=now_us,
            told_us=now_us,
            step=ending.step,
            code=ending.code,
            reason=None if ending.reason is None else ending.reason[:_MOST_REASON],
            **tally.row(),
        )
    )
    failures = found.failures + 1 if ending.state == "failed" else 0
    connection.execute(
        update(feed)
        .where(feed.c.id == found.id, feed.c.state == "active")
        .values(failures=failures, next_us=next_try(found, ending, now_us=now_us, chance=chance))
    )
    _forget(connection, found.id, now_us)


def next_try(
    found: Feed, ending: Ending, *, now_us: int, chance: Callable[[], float] = random.random
) -> int:
    """When a feed is due after a run: as often as was asked, at once for what its budget left,
    later and later (with chance, so that feeds do not gather) after failures."""
    if ending.state == "more":
        return now_us + SOON_US
    if ending.state != "failed":
        return now_us + found.every_s * SECOND_US
    failures = found.failures + 1
    longest_s = max(_MOST_BACK_OFF_S, found.every_s)
    wait_s = float(min(longest_s, min(found.every_s, 60) << min(failures - 1, 20)))
    if failures >= TROUBLED_AFTER:
        # It is in trouble: no more often than asked, and than once in five minutes.
        wait_s = min(longest_s, max(wait_s, found.every_s, 300))
    wait_s *= 0.5 + chance() / 2
    if ending.retry_after_s is not None:
        wait_s = max(wait_s, min(ending.retry_after_s, DAY_US / SECOND_US))
    return now_us + round(wait_s * SECOND_US)


def write_refusals(
    connection: Connection,
    feed_id: int,
    refused: Iterable[FeedRefusal],
    settled: Iterable[tuple[str, str]] = (),
) -> None:
    """Keep the last word on each version that was refused, none on what is `settled` (id, version)
    by now."""
    for batch in in_batches(settled):
        ids = {stix_id for stix_id, _ in batch}
        gone = {
            (row.stix_id, row.version)
            for row in connection.execute(
                select(feed_refusal.c.stix_id, feed_refusal.c.version).where(
                    feed_refusal.c.feed_id == feed_id, feed_refusal.c.stix_id.in_(ids)
                )
            )
        } & set(batch)
        for stix_id, version in gone:
            connection.execute(
                delete(feed_refusal).where(
                    feed_refusal.c.feed_id == feed_id,
                    feed_refusal.c.stix_id == stix_id,
                    feed_refusal.c.version == version,
                )
            )
    rows = {(one.stix_id, one.version): _refusal_row(feed_id, one) for one in refused}
    if rows:
        statement = upserting(connection, feed_refusal)
        given = statement.excluded
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["feed_id", "stix_id", "version"],
                set_={"code": given.code, "reason": given.reason, "at_us": given.at_us},
            ),
            list(rows.values()),
        )


def _refusal_row(feed_id: int, one: FeedRefusal) -> Mapping[str, Any]:
    return {
        "feed_id": feed_id,
        "stix_id": one.stix_id[:_MOST_REASON].replace("\0", ""),
        "version": one.version[:_MOST_REASON].replace("\0", ""),
        "code": one.code,
        "reason": one.reason[:_MOST_REASON].replace("\0", ""),
        "at_us": one.at_us,
    }


def _forget(connection: Connection, feed_id: int, now_us: int) -> None:
    """Keep a month of runs, and of refusals no more than a person could read."""
    newest = connection.execute(
        select(feed_run.c.id)
        .where(feed_run.c.feed_id == feed_id)
        .order_by(feed_run.c.id.desc())
        .offset(_KEPT_RUNS)
        .limit(1)
    ).scalar()
    old = feed_run.c.ended_us < now_us - KEPT_US
    if newest is not None:
        old |= feed_run.c.id <= newest
    connection.execute(delete(feed_run).where(feed_run.c.feed_id == feed_id, old))
    cut_us = connection.execute(
        select(feed_refusal.c.at_us)
        .where(feed_refusal.c.feed_id == feed_id)
        .order_by(feed_refusal.c.at_us.desc())
        .offset(_MOST_REFUSALS)
        .limit(1)
    ).scalar()
    if cut_us is not None:
        connection.execute(
            delete(feed_refusal).where(
                feed_refusal.c.feed_id == feed_id, feed_refusal.c.at_us <= cut_us
            )
        )
