"""Decide anew what is already there, because a policy, a seat or a member has changed.

What changed is committed with all that follows from it, so that nobody sees half of a change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, func, select, true

from sharing.queries.contributions import BATCH, in_batches
from sharing.queries.references import Group
from sharing.services.concerned import by_collection, list_concerned
from sharing.services.decisions import Decisions
from sharing.services.lock import LockedForum
from sharing.services.releasing import Releasing
from sharing.services.wholesale import Wholesale
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


@dataclass(frozen=True, slots=True)
class Watched:
    """What a change decides otherwise.

    Of the versions `counted`, `gained` and `lost` say how many somebody gains and loses by the
    rules and its originator's own copies; the rest has these ids, or names one of them.
    """

    ids: set[str]
    counted: frozenset[int] = frozenset()
    gained: int = 0
    lost: int = 0


class _Steps:
    """Tells how far a change has come."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._total = total
        self._done = 0

    def take(self, count: int) -> None:
        """So many steps have been taken."""
        self._done += count
        # What is only named by what changed was not foreseen.
        self._progress(self._done, max(self._total, self._done))


def reconsider(
    lock: LockedForum,
    cause: int,
    *,
    originator_id: int | None = None,
    instant_us: int | None = None,
    progress: Progress = no_progress,
) -> Change:
    """Decide every contribution of the forum anew, or those of ids that one member contributed.

    As of `instant_us`, the lock's instant unless said. An id's other copies are decided with
    it, and so is what names it: which copy stands may change.
    """
    connection = lock.connection
    concerned = true() if originator_id is None else contribution.c.originator_id == originator_id
    total = count_ids(connection, lock.forum_id, concerned)
    decisions = Decisions(
        connection, lock.forum_id, lock.now_us if instant_us is None else instant_us
    )
    batches = list_batches(connection, lock.forum_id, concerned)
    return _release(lock, cause, decisions, batches, total, progress)


def reconsider_changed(
    lock: LockedForum,
    cause: int,
    before: Decisions,
    *,
    originator_id: int | None = None,
    beside: Iterable[Group] = (),
    instant_us: int | None = None,
    watch: Callable[[Watched], None] | None = None,
    progress: Progress = no_progress,
) -> Change:
    """Decide anew only what is decided otherwise since rules, recipients or accepts changed.

    As of `instant_us`, the lock's instant unless said. `before` are the decisions as they were
    until now, made before that was written; `watch` is told what is decided otherwise. In the
    groups `beside` another copy may stand, whatever is decided.
    """
    connection = lock.connection
    decisions = Decisions(
        connection, lock.forum_id, lock.now_us if instant_us is None else instant_us
    )
    concerned = list_concerned(
        connection, lock.forum_id, before, decisions, originator_id=originator_id
    )
    releasing = Releasing(lock, decisions, cause)
    groups, watched = _groups_of(concerned.changed), Watched(concerned.ids)
    steps = _Steps(progress, len(concerned) * (_WIDE_STEPS if concerned.is_wide else 1))
    if concerned.is_wide:
        wholesale = Wholesale(lock, before, decisions, concerned.changed, originator_id)
        outcome = wholesale.decide(steps.take)
        releasing.take(outcome.lots, steps.take)
        groups = outcome.left
        watched = Watched(
            outcome.uncounted, frozenset(outcome.counted), outcome.gained, outcome.lost
        )
    if watch is not None:
        watch(watched)
    # None of those beside is decided wholesale: there are several copies of each.
    for collection_id, stix_ids in by_collection(groups | set(beside)).items():
        for batch in in_batches(stix_ids):
            releasing.release(collection_id, batch)
            steps.take(len(batch))
    gains, losses = releasing.finish()
    return Change(cause, gains, losses)


def _groups_of(changed: dict[int, list[str]]) -> set[Group]:
    return {(place, stix_id) for place, stix_ids in changed.items() for stix_id in stix_ids}


_WIDE_STEPS = 3
"""What is decided wholesale is decided, compared with what is shown, and written."""


def _release(
    lock: LockedForum,
    cause: int,
    decisions: Decisions,
    batches: Iterable[tuple[int, list[str]]],
    total: int,
    progress: Progress,
) -> Change:
    releasing = Releasing(lock, decisions, cause)
    done = 0
    for collection_id, ids in batches:
        releasing.release(collection_id, ids)
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
