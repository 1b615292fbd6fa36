"""Statement markings: shown to exactly those who see something that carries them.

Sharing policy §4: an object of the same originator whose served form carries the marking; rules
do not count for it, but what it names may be hidden in it as in any object.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from sharing.queries.contributions import (
    OpenRelease,
    Stored,
    list_carrier_reaches,
    list_marking_copies,
    list_open_releases,
)
from sharing.queries.references import CopyKey, Group, list_dependents
from sharing.rules.formulas import vanishes
from sharing.rules.stand import Candidate, Shown, stand
from sharing.services.decisions import Decisions
from sharing.services.graph import Graph
from sharing.services.lock import LockedForum
from sharing.services.plan import Part, Reached, ReleasePlan, cut
from sharing.services.seen import Seen, write_seen
from sharing.services.variants import Variants, write_omission

_Carried = tuple[int, int, str]
"""(collection, originator, statement marking): where whose objects carry it."""


class Statements:
    """The statement markings of one recomputation."""

    def __init__(
        self,
        lock: LockedForum,
        decisions: Decisions,
        graph: Graph,
        variants: Variants,
        plan: ReleasePlan,
    ) -> None:
        self._lock = lock
        self._decisions = decisions
        self._graph = graph
        self._variants = variants
        self._plan = plan
        # Of each carrier decided in this recomputation: who sees a form of it that carries.
        self._reach: defaultdict[_Carried, dict[int, int]] = defaultdict(dict)
        self._shrunk: set[_Carried] = set()
        self._pending: dict[tuple[int, str], None] = {}
        self._touched: set[str] = set()

    def touch(self, statements: Iterable[Stored]) -> None:
        """Show these markings anew, wherever they are shown."""
        for stored in statements:
            self._touched.add(stored.stix_id)
            self._pending[(stored.collection_id, stored.stix_id)] = None

    def touch_id(self, stix_id: str) -> None:
        """Show whatever marking has this id anew."""
        self._touched.add(stix_id)

    def carry(
        self, stored: Stored, collection_id: int, parts: list[Part], reached: Reached
    ) -> None:
        """Take note of who sees which markings with this contribution."""
        reach: defaultdict[str, int] = defaultdict(int)
        for part in parts:
            for marking_id in self._carried_by(stored, write_omission(part.omission)):
                reach[marking_id] |= part.mask
        for marking_id in stored.facts.markings:
            carried = (collection_id, stored.originator_id, marking_id)
            self._reach[carried][stored.id] = reach[marking_id]
            self._pending[(collection_id, marking_id)] = None
            if reached.lost:
                self._shrunk.add(carried)

    def _carried_by(self, stored: Stored, omitted: str | None) -> Iterable[str]:
        """The statement markings that a form carries, those they carry included."""
        if omitted is None:
            return stored.facts.markings
        return self._variants.form_of(stored, omitted).statements

    def show(self) -> set[Group]:
        """Plan the markings; the groups of what names one that others see now than before."""
        if not self._pending and not self._touched:
            return set()
        # What fewer carry may be shown elsewhere too: look everywhere.
        pending = self._pending.keys()
        self._touched |= {key[2] for key in self._shrunk if (key[0], key[2]) in pending}
        copies = self._load_copies()
        by_collection: defaultdict[int, set[str]] = defaultdict(set)
        for collection_id, marking_id in self._pending:
            by_collection[collection_id].add(marking_id)
        for marking_id in self._touched:
            # Wherever it may be shown: a marking of one collection is carried in others.
            for collection_id in self._decisions.places:
                by_collection[collection_id].add(marking_id)
        touched, self._pending, self._touched = self._touched, {}, set()
        seen: defaultdict[int, int] = defaultdict(int)
        for collection_id, marking_ids in by_collection.items():
            shown = self._show(collection_id, sorted(marking_ids), copies, touched)
            for stored_id, mask in shown.items():
                seen[stored_id] |= mask
        return self._keep(copies, seen, touched)

    def _load_copies(self) -> dict[str, list[Stored]]:
        ids = dict.fromkeys([*(marking_id for _, marking_id in self._pending), *self._touched])
        copies: dict[str, list[Stored]] = {marking_id: [] for marking_id in ids}
        for stored in list_marking_copies(self._lock.connection, self._lock.forum_id, ids):
            copies[stored.stix_id].append(stored)
        return copies

    def _show(
        self,
        collection_id: int,
        marking_ids: list[str],
        copies: Mapping[str, list[Stored]],
        touched: set[str],
    ) -> dict[int, int]:
        """Plan some markings in one collection's views; who sees each contribution there."""
        chosen = {marking_id: _choose(copies[marking_id], collection_id) for marking_id in copies}
        held: defaultdict[int, list[OpenRelease]] = defaultdict(list)
        for row in list_open_releases(self._lock.connection, collection_id, marking_ids):
            held[row.contribution_id].append(row)
        reaches = self._reaches_of(collection_id, marking_ids, chosen, held, touched)
        seen: dict[int, int] = {}
        for marking_id in marking_ids:
            candidates = {
                stored.id: self._candidate(stored, collection_id, reaches)
                for stored in chosen[marking_id].values()
            }
            shown = stand(candidates.values())
            for stored in chosen[marking_id].values():
                seen[stored.id] = candidates[stored.id].mask
                self._plan.show(
                    stored,
                    collection_id,
                    self._parts_of(stored, shown[stored.id]),
                    held.pop(stored.id, []),
                )
        # What no copy accounts for any more was deleted, or gave way to a copy in this collection.
        self._plan.close(row.id for rows in held.values() for row in rows)
        return seen

    def _parts_of(self, stored: Stored, shown: Shown) -> list[Part]:
        if not stored.facts.references:
            return cut(shown, {}, {}, stored)
        own = self._decisions.own_of(stored.originator_id)
        hidden = {
            stix_id: mask & ~own
            for stix_id, mask in self._graph.hidden_for(stored).items()
            if mask & ~own
        }
        lost = {
            unit: gone
            for unit, formula in stored.facts.vanishing.items()
            if (gone := vanishes(formula, hidden))
        }
        return cut(shown, lost, hidden, stored)

    def _candidate(
        self, stored: Stored, collection_id: int, reaches: Mapping[_Carried, int]
    ) -> Candidate:
        mask = reaches.get((collection_id, stored.originator_id, stored.stix_id), 0)
        if stored.collection_id == collection_id:
            mask |= self._decisions.own_of(stored.originator_id)
        return Candidate(
            contribution=stored.id,
            originator=stored.originator_id,
            version_us=stored.version_us,
            order=stored.seq,
            mask=mask,
            is_bound=self._decisions.is_bound(stored),
        )

    def _reaches_of(
        self,
        collection_id: int,
        marking_ids: list[str],
        chosen: Mapping[str, dict[int, Stored]],
        held: Mapping[int, list[OpenRelease]],
        touched: set[str],
    ) -> dict[_Carried, int]:
        """Where each originator's carriers of each marking are shown, after this plan.

        When carriers only gained and one originator alone has the marking, what its open
        releases say is still true and is added to; else all carriers are asked, which costs
        as much as there are carriers. So it is when the marking itself was touched: another
        originator's may have been deleted, which stood before this one in some views.
        """
        reaches: defaultdict[_Carried, int] = defaultdict(int)
        asked: list[str] = []
        for marking_id in marking_ids:
            by_originator = chosen[marking_id]
            for originator_id, stored in by_originator.items():
                carried = (collection_id, originator_id, marking_id)
                for mask in self._reach.get(carried, {}).values():
                    reaches[carried] |= mask
                rows = held.get(stored.id, [])
                is_rival = len(by_originator) > 1 or marking_id in touched
                if is_rival or carried in self._shrunk or not rows:
                    asked.append(marking_id)
                for row in rows if marking_id not in asked else []:
                    # Whoever is no longer active sees nothing, whatever it saw before.
                    reaches[carried] |= row.mask & self._decisions.electorate.everyone
        for marking_id, originator_id, mask in self._carriers(collection_id, asked):
            reaches[(collection_id, originator_id, marking_id)] |= mask
        return reaches

    def _carriers(
        self, collection_id: int, marking_ids: list[str]
    ) -> Iterable[tuple[str, int, int]]:
        """Who sees the carriers that this recomputation has not decided."""
        rows = list_carrier_reaches(
            self._lock.connection, collection_id, dict.fromkeys(marking_ids)
        )
        for row in rows:
            carried = (collection_id, row.originator_id, row.marking_id)
            if row.carrier in self._reach.get(carried, {}):
                continue
            if row.omitted is None or row.marking_id in self._variants.carried_by(
                row.carrier, row.omitted
            ):
                yield row.marking_id, row.originator_id, row.mask

    def _keep(
        self,
        copies: Mapping[str, list[Stored]],
        seen: Mapping[int, int],
        touched: set[str],
    ) -> set[Group]:
        """Write down who sees the markings now; the groups of what names one that moved."""
        moved: list[CopyKey] = []
        written: list[Seen] = []
        for same in copies.values():
            for stored in same:
                mask = seen.get(stored.id, 0) | self._elsewhere(stored, touched)
                key = (stored.collection_id, stored.originator_id, stored.stix_id)
                before = self._graph.seen_of(key)
                if before is None and stored.seen_since_us is not None:
                    before = stored.seen
                if before != mask:
                    moved.append(key)
                self._graph.keep_marking(key, mask)
                written.append(Seen(stored, mask, None))
        write_seen(self._lock.connection, written, self._decisions.now_us)
        return (
            list_dependents(self._lock.connection, self._lock.forum_id, moved) if moved else set()
        )

    def _elsewhere(self, stored: Stored, touched: set[str]) -> int:
        """Who sees it in collections that were not looked at: as before, unless all were."""
        if stored.stix_id in touched:
            return 0
        return stored.seen & self._decisions.electorate.everyone


def _choose(copies: Iterable[Stored], collection_id: int) -> dict[int, Stored]:
    """Of each originator's copies of a marking, that of this collection, else the earliest."""
    chosen: dict[int, Stored] = {}
    for stored in copies:
        rival = chosen.get(stored.originator_id)
        if rival is None or _preference(stored, collection_id) < _preference(rival, collection_id):
            chosen[stored.originator_id] = stored
    return chosen


def _preference(stored: Stored, collection_id: int) -> tuple[bool, int]:
    return stored.collection_id != collection_id, stored.seq
