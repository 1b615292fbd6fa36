"""Settle what has fallen due in a forum: embargoes that open, releases that expire, counts.

Sharing policy §5, "What falls due": before any read or write of the forum is answered, by the
door that comes first or by a worker. What does not live here: what falls due when (the rules
keep it with each contribution).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import BigInteger, Connection, bindparam, select

from kernel.clock import DAY_US
from kernel.db import Database, wait_no_longer_than
from kernel.errors import Unavailable
from sharing.queries.contributions import in_batches
from sharing.services.decisions import Decisions
from sharing.services.lock import LockedForum, lock_forum
from sharing.services.reconsider import reconsider_changed
from sharing.services.refreshing import refresh_facts
from sharing.services.releasing import Releasing
from sharing.tables import contribution, forum_head

UPGRADED_US = 0
"""The instant at which a migration lets everything fall due."""

MOST_WAIT_MS = 30_000
"""How long what is due waits for whoever changes the forum; then it is refused (503)."""


def hold_forum(connection: Connection, forum_id: int, *, now_us: int) -> LockedForum:
    """Hold the forum's lock with everything settled that has fallen due.

    Raises NotFound when the forum is not open for sharing.
    """
    lock = lock_forum(connection, forum_id, now_us=now_us)
    settle(lock)
    return lock


@contextmanager
def settled_read(database: Database, *, now_us: int) -> Iterator[Connection]:
    """One snapshot in which nothing is overdue: for every door that reads what is shared.

    Costs one look at the few rows of forums when nothing is due. Raises Unavailable when what
    is due cannot be settled: a reader must not be shown what has expired.
    """
    with database.read() as connection:
        overdue = list_overdue(connection, now_us=now_us)
        if not overdue:
            yield connection
            return
    for forum_id in overdue:
        settle_forum(database, forum_id, now_us=now_us)
    with database.read() as connection:
        if list_overdue(connection, now_us=now_us):
            raise _unsettled()
        yield connection


def list_overdue(connection: Connection, *, now_us: int) -> list[int]:
    """The forums in which something has fallen due and is not settled."""
    return list(connection.execute(_OVERDUE, {"now_us": now_us}).scalars())


# Made once: making a statement takes longer than running it, and each request runs this one.
_OVERDUE: Final = (
    select(forum_head.c.forum_id)
    .where(forum_head.c.due_us <= bindparam("now_us", type_=BigInteger))
    .order_by(forum_head.c.forum_id)
)


def settle_forum(database: Database, forum_id: int, *, now_us: int) -> int | None:
    """Settle what has fallen due in one forum, and commit it; since when something had been due.

    None when nothing was: somebody else came first. Raises Unavailable.
    """
    with database.write() as connection:
        # Whoever holds the lock may have been stopped: a reader is told, not kept.
        wait_no_longer_than(connection, MOST_WAIT_MS)
        lock = lock_forum(connection, forum_id, now_us=now_us)
        since_us = lock.due_us
        if since_us is None or since_us > lock.now_us:
            return None
        settle(lock)
        lock.save()
        return since_us


def settle(lock: LockedForum) -> None:
    """Bring the forum to the lock's instant, in the order in which things fell due."""
    until_us = lock.now_us
    while (due_us := lock.find_due()) is not None and due_us <= until_us:
        if lock.counted_us is not None and due_us >= lock.counted_us + DAY_US:
            _count(lock)
            continue
        # Without reciprocity nobody can tell in how many steps the present was reached.
        instant_us = until_us if lock.counted_us is None else due_us
        _decide_due(lock, instant_us)


def _decide_due(lock: LockedForum, instant_us: int) -> None:
    """Decide everything that has fallen due by `instant_us`, as of that instant."""
    due: defaultdict[int, list[str]] = defaultdict(list)
    rows = lock.connection.execute(
        select(contribution.c.collection_id, contribution.c.stix_id)
        .where(contribution.c.forum_id == lock.forum_id, contribution.c.due_us <= instant_us)
        .distinct()
        .order_by(contribution.c.collection_id, contribution.c.stix_id)
    )
    for row in rows:
        due[row.collection_id].append(row.stix_id)
    cause = lock.append("due", f"instant:{instant_us}", "clock")
    decisions = Decisions(lock.connection, lock.forum_id, instant_us)
    releasing = Releasing(lock, decisions, cause)
    for collection_id, stix_ids in due.items():
        for batch in in_batches(stix_ids):
            if lock.due_us == UPGRADED_US:
                refresh_facts(lock.connection, collection_id, batch)
            releasing.release(collection_id, batch)
    releasing.finish()
    left = lock.find_due()
    if left is not None and left <= instant_us and lock.counted_us is None:
        raise _unsettled()


def _count(lock: LockedForum) -> None:
    """The next 00:00Z: whoever asks for reciprocity is decided anew by the new counts."""
    before_us = lock.counted_us or 0
    lock.counted_us = before_us + DAY_US
    before = Decisions(lock.connection, lock.forum_id, before_us)
    after = Decisions(lock.connection, lock.forum_id, lock.counted_us)
    originators = [
        member_id
        for member_id in after.list_reciprocal()
        if before.list_meeting(member_id) != after.list_meeting(member_id)
    ]
    if not originators:
        return
    cause = lock.append("count", f"instant:{lock.counted_us}", "clock")
    # What falls due at this instant by itself is decided after the counts.
    by_old_counts = before.at(lock.counted_us)
    for member_id in originators:
        reconsider_changed(
            lock, cause, by_old_counts, originator_id=member_id, instant_us=lock.counted_us
        )


def _unsettled() -> Unavailable:
    return Unavailable(
        "sharing.cannot-settle", "what has fallen due could not be settled; try again in a moment"
    )
