"""Decide anew what is already there, because a policy, a seat or a member has changed.

What changed is committed with all that follows from it, so that nobody sees half of a change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, func, select, true

from sharing.queries.contributions import BATCH, Stored, list_copies
from sharing.services.decisions import Decisions
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

    Of a member's policy: of its own, by what it may know; else: of what is seen.
    """

    epoch: int
    gained: int
    lost: int


def reconsider(
    lock: LockedForum,
    cause: int,
    *,
    originator_id: int | None = None,
    instant_us: int | None = None,
    watch: Callable[[list[Stored]], None] | None = None,
    progress: Progress = no_progress,
) -> Change:
    """Decide every contribution of the forum anew, or those of ids that one member contributed.

    As of `instant_us`, the lock's instant unless said. An id's other copies are decided with
    it, and so is what names it: which copy stands may change. `watch` is shown what is loaded.
    """
    connection = lock.connection
    concerned = true() if originator_id is None else contribution.c.originator_id == originator_id
    total = count_ids(connection, lock.forum_id, concerned)
    decisions = Decisions(
        connection, lock.forum_id, lock.now_us if instant_us is None else instant_us
    )
    releasing = Releasing(lock, decisions, cause)
    done = 0
    for collection_id, ids in list_batches(connection, lock.forum_id, concerned):
        copies = list_copies(connection, collection_id, ids)
        releasing.release_copies(copies)
        if watch is not None:
            watch(copies)
        done += len(ids)
        progress(done, total)
    gains, losses = releasing.finish()
    return Change(cause, gains, losses)


def count_ids(connection: Connection, forum_id: int, concerned: ColumnElement[bool]) -> int:
    """How many ids, each counted once in each collection, `concerned` contributions have."""
    distinct = (
        select(contribution.c.collection_id, contribution.c.stix_id)
        .where(contribution.c.forum_id == forum_id, concerned)
        .distinct()
        .subquery()
    )
    return connection.execute(select(func.count()).select_from(distinct)).scalar_one()


def list_batches(
    connection: Connection, forum_id: int, concerned: ColumnElement[bool]
) -> Iterator[tuple[int, list[str]]]:
    """These ids in batches, each of one collection."""
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
