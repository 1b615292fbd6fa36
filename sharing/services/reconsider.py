"""Decide anew what is already there, because a policy, a seat or a member has changed.

What changed is committed with all that follows from it, so that nobody sees half of a change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, func, select, true

from sharing.queries.contributions import BATCH, list_copies
from sharing.services.decisions import Decisions
from sharing.services.grants import GrantTally
from sharing.services.lock import LockedForum
from sharing.services.releasing import Releasing
from sharing.tables import collection, contribution

Progress = Callable[[int, int], None]
"""Told (ids decided, ids in all) now and then."""


def no_progress(_done: int, _total: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a change did: `epoch` is its ledger position; counts are of versions.

    Of a member's policy: of its own versions, by what the rules grant; else: by what is seen.
    """

    epoch: int
    gained: int
    lost: int


def reconsider(lock: LockedForum, cause: int, *, progress: Progress = no_progress) -> Change:
    """Decide every contribution of the forum anew."""
    releasing = Releasing(lock, Decisions(lock.connection, lock.forum_id), cause)
    for collection_id, ids in _told(lock, true(), progress):
        releasing.release(collection_id, ids)
    releasing.finish()
    return Change(cause, releasing.plan.gains, releasing.plan.losses)


def reconsider_own(
    lock: LockedForum,
    cause: int,
    originator_id: int,
    before: Decisions,
    *,
    progress: Progress = no_progress,
) -> Change:
    """Decide the ids anew that one member contributed; `before` decides as it was until now.

    An id's other copies are decided with it: which copy stands may change.
    """
    decisions = Decisions(lock.connection, lock.forum_id)
    releasing = Releasing(lock, decisions, cause)
    tally = GrantTally(before, decisions, originator_id)
    concerned = contribution.c.originator_id == originator_id
    for collection_id, ids in _told(lock, concerned, progress):
        copies = list_copies(lock.connection, collection_id, ids)
        releasing.release_copies(collection_id, copies, ids)
        tally.count(copies)
    releasing.finish()
    return Change(cause, tally.gained, tally.lost)


def _told(
    lock: LockedForum, concerned: ColumnElement[bool], progress: Progress
) -> Iterator[tuple[int, list[str]]]:
    """The ids to decide in batches, (collection, ids); each is told of when it is done."""
    total = _count_ids(lock.connection, lock.forum_id, concerned)
    done = 0
    for collection_id, ids in _batches(lock.connection, lock.forum_id, concerned):
        yield collection_id, ids
        done += len(ids)
        progress(done, total)


def _count_ids(connection: Connection, forum_id: int, concerned: ColumnElement[bool]) -> int:
    distinct = (
        select(contribution.c.collection_id, contribution.c.stix_id)
        .where(contribution.c.forum_id == forum_id, concerned)
        .distinct()
        .subquery()
    )
    return connection.execute(select(func.count()).select_from(distinct)).scalar_one()


def _batches(
    connection: Connection, forum_id: int, concerned: ColumnElement[bool]
) -> Iterator[tuple[int, list[str]]]:
    collections = connection.execute(
        select(collection.c.id).where(collection.c.forum_id == forum_id)
    ).scalars()
    for collection_id in collections.all():
        after = ""
        while True:
            ids = list(
                connection.execute(
                    select(contribution.c.stix_id)
                    .where(
                        contribution.c.collection_id == collection_id,
                        contribution.c.stix_id > after,
                        concerned,
                    )
                    .distinct()
                    .order_by(contribution.c.stix_id)
                    .limit(BATCH)
                ).scalars()
            )
            if not ids:
                break
            yield collection_id, ids
            after = ids[-1]
