"""Bring the releases of a forum in line with the rules, for some ids or for all.

One way for everything that changes what is seen: a contribution, a withdrawal, a policy, a
seat. It decides for every recipient at once, lets copies and versions stand (sharing policy
§5), and hands the difference to a plan.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from sharing.queries.contributions import (
    OpenRelease,
    Stored,
    list_carrier_reaches,
    list_copies,
    list_marking_copies,
    list_open_releases,
)
from sharing.rules.stand import Shown, Version, stand
from sharing.services.decisions import Decisions
from sharing.services.lock import LockedForum
from sharing.services.plan import ReleasePlan

_Carried = tuple[int, int, str]
"""(collection, originator, statement marking): where whose objects carry it."""


class Releasing:
    """One recomputation: the ids given to `release` are decided anew, then `finish` writes."""

    def __init__(self, lock: LockedForum, decisions: Decisions, cause: int) -> None:
        self.plan = ReleasePlan(lock, cause)
        self._lock = lock
        self._decisions = decisions
        self._reach: defaultdict[_Carried, int] = defaultdict(int)
        self._shrunk: set[_Carried] = set()
        self._touched: set[int] = set()

    def release(self, collection_id: int, stix_ids: Iterable[str]) -> None:
        """Decide every copy and version of these ids in one collection's views."""
        ids = list(dict.fromkeys(stix_ids))
        copies = list_copies(self._lock.connection, collection_id, ids)
        self.release_copies(collection_id, copies, ids)

    def release_copies(
        self, collection_id: int, copies: Iterable[Stored], stale_ids: list[str]
    ) -> None:
        """The same for copies that the caller has loaded; each id's must all be among them.

        `stale_ids` are those of them that may have open releases.
        """
        held: defaultdict[int, list[OpenRelease]] = defaultdict(list)
        if stale_ids:
            for row in list_open_releases(self._lock.connection, collection_id, stale_ids):
                held[row.contribution_id].append(row)
        by_id: defaultdict[str, list[Stored]] = defaultdict(list)
        for stored in copies:
            if stored.facts.is_statement:
                self._reach[(collection_id, stored.originator_id, stored.stix_id)] |= 0
            else:
                by_id[stored.stix_id].append(stored)
        for same_id in by_id.values():
            shown = stand(self._version(stored) for stored in same_id)
            for stored in same_id:
                self._show(stored, collection_id, shown[stored.id], held[stored.id])

    def _version(self, stored: Stored) -> Version:
        return Version(
            contribution=stored.id,
            originator=stored.originator_id,
            version_us=stored.version_us,
            order=stored.seq,
            decided=self._decisions.audience_of(stored),
            is_deleted=stored.is_deleted,
            is_bound=self._decisions.is_bound(stored),
        )

    def _show(
        self, stored: Stored, collection_id: int, shown: Shown, held: list[OpenRelease]
    ) -> None:
        reached = self.plan.show(stored, collection_id, shown, held)
        self._touched.add(stored.id)
        for marking_id in stored.facts.markings:
            carried = (collection_id, stored.originator_id, marking_id)
            self._reach[carried] |= shown.mask
            if reached.lost:
                self._shrunk.add(carried)

    def finish(self) -> None:
        """Show the statement markings to exactly those who see what carries them, and write."""
        by_collection: defaultdict[int, set[str]] = defaultdict(set)
        for collection_id, _, marking_id in self._reach:
            by_collection[collection_id].add(marking_id)
        for collection_id, marking_ids in by_collection.items():
            self._release_markings(collection_id, sorted(marking_ids))
        self.plan.write()

    def _release_markings(self, collection_id: int, marking_ids: list[str]) -> None:
        connection = self._lock.connection
        copies: defaultdict[str, dict[int, Stored]] = defaultdict(dict)
        for stored in list_marking_copies(connection, self._lock.forum_id, marking_ids):
            _prefer(copies[stored.stix_id], stored, collection_id)
        held: defaultdict[int, list[OpenRelease]] = defaultdict(list)
        for row in list_open_releases(connection, collection_id, marking_ids):
            held[row.contribution_id].append(row)
        reaches = self._reaches_of(collection_id, copies, held)
        for marking_id in marking_ids:
            self._show_marking(collection_id, copies[marking_id], reaches, held)
        # What no copy accounts for any more was deleted, or gave way to a copy in this collection.
        self.plan.close(row.id for rows in held.values() for row in rows)

    def _show_marking(
        self,
        collection_id: int,
        copies: dict[int, Stored],
        reaches: dict[_Carried, int],
        held: dict[int, list[OpenRelease]],
    ) -> None:
        shown = stand(
            Version(
                contribution=stored.id,
                originator=stored.originator_id,
                version_us=stored.version_us,
                order=stored.seq,
                decided=reaches[(collection_id, stored.originator_id, stored.stix_id)]
                | self._own(stored, collection_id),
                is_deleted=False,
                is_bound=self._decisions.is_bound(stored),
            )
            for stored in copies.values()
        )
        for stored in copies.values():
            self.plan.show(stored, collection_id, shown[stored.id], held.pop(stored.id, []))

    def _own(self, stored: Stored, collection_id: int) -> int:
        if stored.collection_id != collection_id:
            return 0
        return self._decisions.own_of(stored.originator_id)

    def _reaches_of(
        self,
        collection_id: int,
        copies: dict[str, dict[int, Stored]],
        held: dict[int, list[OpenRelease]],
    ) -> dict[_Carried, int]:
        """Where each originator's carriers of each marking are shown, after this plan.

        When carriers only gained and one originator alone has the marking, what its open
        releases say is still true and is added to; else all carriers are asked, which costs
        as much as there are carriers.
        """
        reaches: defaultdict[_Carried, int] = defaultdict(int)
        asked: list[str] = []
        for marking_id, by_originator in copies.items():
            for originator_id, stored in by_originator.items():
                carried = (collection_id, originator_id, marking_id)
                reaches[carried] |= self._reach.get(carried, 0)
                rows = held[stored.id]
                if len(by_originator) > 1 or carried in self._shrunk or not rows:
                    asked.append(marking_id)
                for row in rows if marking_id not in asked else []:
                    # Whoever is no longer active sees nothing, whatever it saw before.
                    reaches[carried] |= row.mask & self._decisions.electorate.everyone
        carriers = list_carrier_reaches(self._lock.connection, collection_id, dict.fromkeys(asked))
        for marking_id, originator_id, carrier, mask in carriers:
            if carrier not in self._touched:
                reaches[(collection_id, originator_id, marking_id)] |= mask
        return reaches


def _prefer(chosen: dict[int, Stored], stored: Stored, collection_id: int) -> None:
    """Of an originator's copies of a marking, that of this collection, else the earliest."""
    rival = chosen.get(stored.originator_id)
    if rival is None or _preference(stored, collection_id) < _preference(rival, collection_id):
        chosen[stored.originator_id] = stored


def _preference(stored: Stored, collection_id: int) -> tuple[bool, int]:
    return stored.collection_id != collection_id, stored.seq


def release_everything(
    lock: LockedForum,
    decisions: Decisions,
    cause: int,
    collections: Iterable[tuple[int, list[str]]],
    *,
    progress: Callable[[int], None] = lambda _done: None,
) -> ReleasePlan:
    """Decide all given ids anew; `collections` yields (collection, ids) in bounded batches."""
    releasing = Releasing(lock, decisions, cause)
    for collection_id, ids in collections:
        releasing.release(collection_id, ids)
        progress(len(ids))
    releasing.finish()
    return releasing.plan
