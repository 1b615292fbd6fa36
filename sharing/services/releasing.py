"""Bring the releases of a forum in line with the rules, for some ids or for all.

One way for everything that changes what is seen: a contribution, a withdrawal, a policy, a
seat, an instant that has come. The graph decides who sees which versions; here copies stand
(sharing policy §5), forms are cut, statement markings follow what carries them, and the
difference goes to a plan.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from kernel.errors import Unavailable
from sharing.queries.contributions import OpenRelease, Stored, list_copies, list_open_releases
from sharing.queries.references import Group
from sharing.rules.stand import Candidate, stand
from sharing.services.arriving import NOTHING_ARRIVES, Arriving
from sharing.services.decisions import Decisions
from sharing.services.graph import Decided, Graph
from sharing.services.lock import LockedForum
from sharing.services.lots import Lots, Written
from sharing.services.plan import ReleasePlan, cut
from sharing.services.seen import Seen, write_seen
from sharing.services.statements import Statements
from sharing.services.variants import Variants


class Releasing:
    """One recomputation: the ids given to `release` are decided anew, then `finish` writes.

    `replaced` are contributions as they were whose content is another now: whoever sees one gets
    it anew. What is `arriving` is among the first copies that are released, and written by then.
    """

    def __init__(
        self,
        lock: LockedForum,
        decisions: Decisions,
        cause: int,
        *,
        replaced: Iterable[Stored] = (),
        arriving: Arriving = NOTHING_ARRIVES,
    ) -> None:
        variants = Variants(lock.connection)
        self.plan = ReleasePlan(lock, variants, cause)
        self._lock = lock
        replaced = list(replaced)
        self._replaced = frozenset(old.id for old in replaced)
        self._decisions = decisions
        self._graph = Graph(lock.connection, lock.forum_id, decisions, arriving)
        self._arriving = arriving
        self._statements = Statements(lock, decisions, self._graph, variants, self.plan)
        for marking_id in {marking_id for old in replaced for marking_id in old.facts.markings}:
            # The new content may not carry it, or reach fewer.
            self._statements.touch_id(marking_id)

    def release(self, collection_id: int, stix_ids: Iterable[str]) -> None:
        """Decide every copy and version of these ids in one collection's views."""
        ids = list(dict.fromkeys(stix_ids))
        self.release_copies(list_copies(self._lock.connection, collection_id, ids))

    def release_copies(
        self, copies: Iterable[Stored], fresh: frozenset[Group] = frozenset()
    ) -> None:
        """The same for copies that the caller has loaded; each id's must all be among them.

        `fresh` are those of their groups that cannot have open releases.
        """
        copies = list(copies)
        settled = self._graph.settle(copies)
        statements = [stored for stored in copies if stored.facts.is_statement]
        self._statements.touch(statements)
        seen = [self._seen(one) for decided in settled.values() for one in decided]
        seen += (Seen(stored, 0, None) for stored in statements if stored.is_deleted)
        self._write_seen(seen)
        held = self._open_releases(settled.keys() - fresh)
        for (collection_id, stix_id), decided in settled.items():
            if not decided:
                self._statements.touch_id(stix_id)
                continue
            self._show(collection_id, decided, held)

    def _write_seen(self, seen: list[Seen]) -> None:
        """Before anything is written that names what arrives."""
        arriving, self._arriving = self._arriving, NOTHING_ARRIVES
        arriving.write(self._lock, seen)
        kept = [one for one in seen if one.stored.id not in arriving.stored]
        write_seen(self._lock.connection, kept, self._decisions.now_us)

    def _seen(self, one: Decided) -> Seen:
        stored = one.node.stored
        return Seen(stored, one.sight.mask, self._decisions.next_change(stored, one.node.facts))

    def _open_releases(self, groups: Iterable[Group]) -> dict[int, list[OpenRelease]]:
        by_collection: defaultdict[int, list[str]] = defaultdict(list)
        for collection_id, stix_id in groups:
            by_collection[collection_id].append(stix_id)
        held: defaultdict[int, list[OpenRelease]] = defaultdict(list)
        for collection_id, stix_ids in by_collection.items():
            for row in list_open_releases(self._lock.connection, collection_id, stix_ids):
                if row.contribution_id in self._replaced:
                    self.plan.close([row.id])
                else:
                    held[row.contribution_id].append(row)
        return held

    def _show(
        self, collection_id: int, decided: list[Decided], held: dict[int, list[OpenRelease]]
    ) -> None:
        shown = stand(self._candidate(one) for one in decided)
        for one in decided:
            stored = one.node.stored
            own = self._decisions.own_of(stored.originator_id)
            parts = cut(
                shown[stored.id],
                one.sight.lost,
                {stix_id: mask & ~own for stix_id, mask in one.hidden.items()},
                stored,
            )
            reached = self.plan.show(stored, collection_id, parts, held.get(stored.id, ()))
            if stored.facts.markings:
                self._statements.carry(stored, collection_id, parts, reached)

    def _candidate(self, one: Decided) -> Candidate:
        stored = one.node.stored
        mask = one.sight.mask & ~self._decisions.refused_by(stored, one.node.facts)
        mask |= self._decisions.own_of(stored.originator_id)
        return Candidate(
            contribution=stored.id,
            originator=stored.originator_id,
            version_us=stored.version_us,
            order=stored.seq,
            mask=0 if stored.is_deleted else mask,
            is_bound=self._decisions.is_bound(stored),
        )

    def take(self, lots: Lots, written: Written) -> None:
        """Write what was decided wholesale with the rest; it must not be decided again here."""
        self.plan.take(lots, written)

    def finish(self) -> tuple[int, int]:
        """Show the statement markings to exactly those who see what carries them, and write.

        How many versions somebody gained and lost, in whole or in part.
        """
        for _ in range(_MOST_ROUNDS):
            named = self._statements.show()
            if not named:
                break
            # Somebody names a marking that others see now, or no more.
            for collection_id, stix_id in sorted(named):
                self.release(collection_id, [stix_id])
        else:
            # Nothing is shown that may be out of date: nothing is written at all.
            raise Unavailable(
                "sharing.cannot-settle", "markings that carry each other could not be settled"
            )
        changed = self.plan.gains, self.plan.losses
        self.plan.write()
        return changed


# What names a statement marking, and is carried by it in turn, settles in a few rounds.
_MOST_ROUNDS = 64
