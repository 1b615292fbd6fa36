"""Who is decided to see which versions, over all that name each other: one greatest solution.

Start from everything that the rules alone let be seen and remove what names something hidden
(sharing policy §4, step 8). Only what can change is loaded: the groups asked for, and whatever
names a copy that may be seen by more or by fewer than before. What does not live here: the
rules, and what follows for releases.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from kernel.values import light
from sharing.queries.contributions import Stored, list_copies
from sharing.queries.references import (
    CopyKey,
    CopySeen,
    Group,
    list_bound,
    list_copies_seen,
    list_dependents,
    list_guards,
    list_seen,
)
from sharing.rules.copies import Named, Sight, Version, see
from sharing.rules.model import Facts
from sharing.services.arriving import NOTHING_ARRIVES, Arriving
from sharing.services.decisions import Decisions

_EVERYONE = -1


@light
@dataclass(frozen=True, slots=True)
class Node:
    """One contribution in the graph: what it is, and which copies guard each id it names."""

    stored: Stored
    facts: Facts
    named: Named
    guards: Mapping[str, tuple[CopyKey, ...]]

    @property
    def key(self) -> CopyKey:
        """Its copy."""
        return (self.stored.collection_id, self.stored.originator_id, self.stored.stix_id)


@light
@dataclass(frozen=True, slots=True)
class Decided:
    """What has been decided about one contribution.

    `hidden` maps each id it names to those from whom it is hidden; ids hidden from nobody are
    left out.
    """

    node: Node
    sight: Sight
    hidden: Mapping[str, int]


class Graph:
    """The decisions of one recomputation; `settle` may be called for one batch after another."""

    def __init__(
        self,
        connection: Connection,
        forum_id: int,
        decisions: Decisions,
        arriving: Arriving = NOTHING_ARRIVES,
    ) -> None:
        self._connection = connection
        self._forum_id = forum_id
        self._decisions = decisions
        self.arriving = arriving
        # As decided so far in this recomputation; beneath it lies what is stored.
        self._seen: dict[CopyKey, int] = {}
        self._version_seen: dict[int, int] = {}

    def settle(self, copies: Iterable[Stored]) -> dict[Group, list[Decided]]:
        """Decide these copies, each group of them given whole, and all that follows from them.

        Statement markings among them are left out: they follow what carries them.
        """
        run = _Run(self, self._connection, self._forum_id, self._decisions)
        settled = run.settle(list(copies))
        for decided in (one for group in settled.values() for one in group):
            self._version_seen[decided.node.stored.id] = decided.sight.mask
        self._seen.update(run.values)
        return settled

    def keep_marking(self, key: CopyKey, seen: int) -> None:
        """Take note of who sees a statement marking, which others may name."""
        self._seen[key] = seen

    def hidden_for(self, stored: Stored) -> dict[str, int]:
        """From whom each id that a contribution names is hidden, by what is decided so far."""
        run = _Run(self, self._connection, self._forum_id, self._decisions)
        node = run.node_of(stored)
        return run.hidden_of(node)

    def guarded_in(self, stored: Stored) -> frozenset[str]:
        """The ids that a contribution names and that some copy guards, whoever sees it."""
        run = _Run(self, self._connection, self._forum_id, self._decisions)
        return frozenset(run.node_of(stored).guards)

    def seen_of(self, key: CopyKey) -> int | None:
        """Who sees a copy by this recomputation; None when it has not been decided in it."""
        return self._seen.get(key)

    def version_seen(self, contribution_id: int) -> int | None:
        """Who sees one version by this recomputation; None when it has not been decided in it."""
        return self._version_seen.get(contribution_id)


class _Run:
    """One batch: groups loaded, copies starting from everything, removed until nothing moves."""

    def __init__(
        self, graph: Graph, connection: Connection, forum_id: int, decisions: Decisions
    ) -> None:
        self._graph = graph
        self._connection = connection
        self._forum_id = forum_id
        self._decisions = decisions
        self._groups: dict[Group, dict[CopyKey, list[Node]]] = {}
        self._nodes: dict[CopyKey, list[Node]] = {}
        self._before: dict[CopyKey, int | None] = {}
        self._upper: dict[CopyKey, int] = {}
        self._expanded: set[CopyKey] = set()
        self._stored_seen: dict[CopyKey, int] = {}
        self._own_copies: dict[tuple[int, str], list[CopyKey]] = defaultdict(list)
        self._known_ids: set[str] = set()
        self._bound: dict[int, int] = {}
        self._bound_by: dict[int, set[Group]] = defaultdict(set)
        self._named_by: dict[CopyKey, set[Group]] = defaultdict(set)
        self._first_sights: dict[int, Sight] = {}
        self._sights: dict[int, Sight] = {}
        # Groups that depend on others: the rest is settled by the rules alone.
        self._dependent: dict[Group, None] = {}
        self.values: dict[CopyKey, int] = {}

    def settle(self, copies: list[Stored]) -> dict[Group, list[Decided]]:
        self._load(copies)
        while True:
            unloaded = self._descend()
            if not unloaded:
                break
            self._load(self._copies_of(unloaded))
        return {group: self._decided(by_copy) for group, by_copy in self._groups.items()}

    def _decided(self, by_copy: dict[CopyKey, list[Node]]) -> list[Decided]:
        return [
            Decided(node, self._sights[node.stored.id], self.hidden_of(node))
            for nodes in by_copy.values()
            for node in nodes
        ]

    # --- loading ---------------------------------------------------------------------------

    def _load(self, copies: list[Stored]) -> None:
        """Take in groups, and in turn all that names a copy which more may see than before."""
        while copies:
            growing = self._take(copies)
            copies = self._copies_of(self._dependents_of(growing))

    def _dependents_of(self, keys: set[CopyKey]) -> set[Group]:
        keys = keys - self._expanded
        self._expanded |= keys
        if not keys:
            return set()
        found = list_dependents(self._connection, self._forum_id, keys)
        ids = {node.stored.id for key in keys for node in self._nodes.get(key, ())}
        # Nothing is bound to what is not there yet.
        found |= list_bound(self._connection, ids - self._graph.arriving.stored.keys())
        return found - self._groups.keys()

    def _copies_of(self, groups: set[Group]) -> list[Stored]:
        by_collection: dict[int, list[str]] = defaultdict(list)
        for collection_id, stix_id in sorted(groups):
            by_collection[collection_id].append(stix_id)
        return [
            stored
            for collection_id, stix_ids in by_collection.items()
            for stored in list_copies(self._connection, collection_id, stix_ids)
        ]

    def _take(self, copies: list[Stored]) -> set[CopyKey]:
        """Take groups in; the copies among them that more may see than before, or new ones."""
        nodes = [self._bare(stored) for stored in copies]
        self._find_named(nodes)
        arriving = self._graph.arriving
        naming = [n.stored.id for n in nodes if n.stored.facts.references]
        guards = list_guards(
            self._connection, [id_ for id_ in naming if id_ not in arriving.stored]
        )
        guards |= arriving.guarding
        taken: dict[CopyKey, list[Node]] = defaultdict(list)
        for bare in nodes:
            node = bare
            if bare.stored.facts.references:
                node = replace(bare, guards=self._guards_of(bare.stored, guards))
            group = (node.stored.collection_id, node.stored.stix_id)
            by_copy = self._groups.setdefault(group, {})
            if node.stored.facts.is_statement:
                # It follows its carriers; what it was is what its dependents may count on.
                continue
            by_copy.setdefault(node.key, []).append(node)
            taken[node.key].append(node)
            for keys in node.guards.values():
                for key in keys:
                    self._named_by[key].add(group)
            if node.stored.bound_id is not None:
                self._bound_by[node.stored.bound_id].add(group)
            if node.guards or node.stored.bound_id is not None:
                self._dependent[group] = None
        self._find_bound(taken)
        growing = set()
        for key, same in taken.items():
            self._nodes[key] = same
            self._before[key] = self._seen_before(key, same)
            sights = see(self._version(node, {}, _EVERYONE) for node in same)
            self._first_sights.update(sights)
            self._upper[key] = _union(sights.values())
            before = self._before[key]
            if before is None or self._upper[key] & ~before:
                growing.add(key)
        return growing

    def _seen_before(self, key: CopyKey, nodes: list[Node]) -> int | None:
        decided = self._graph.seen_of(key)
        if decided is not None:
            return decided
        if all(node.stored.seen_since_us is None for node in nodes):
            return None
        return _union_of(node.stored.seen for node in nodes)

    def _bare(self, stored: Stored) -> Node:
        named = Named(stored.facts.hard_references, stored.facts.vanishing)
        return Node(stored, self._decisions.facts_of(stored), named, {})

    def _find_named(self, nodes: list[Node]) -> None:
        """What copies there are of the ids that these nodes name, and who sees them now."""
        wanted = {stix_id for node in nodes for stix_id in node.stored.facts.references}
        wanted -= self._known_ids
        self._known_ids |= wanted
        copies = list_copies_seen(self._connection, self._forum_id, sorted(wanted))
        known = {copy.key for copy in copies}
        copies += (
            CopySeen(key, 0, is_decided=False)
            for stix_id in wanted
            for key in self._graph.arriving.copies.get(stix_id, ())
            if key not in known
        )
        for copy in copies:
            _, originator_id, stix_id = copy.key
            self._own_copies[(originator_id, stix_id)].append(copy.key)
            decided = self._graph.seen_of(copy.key)
            if decided is not None:
                self._stored_seen[copy.key] = decided
            else:
                # What nobody has decided yet is about to be: start from everything.
                self._stored_seen[copy.key] = copy.seen if copy.is_decided else _EVERYONE

    def _guards_of(
        self, stored: Stored, kept: dict[int, dict[str, list[CopyKey]]]
    ) -> dict[str, tuple[CopyKey, ...]]:
        guards: dict[str, tuple[CopyKey, ...]] = {}
        for stix_id in stored.facts.references:
            own = self._own_copies.get((stored.originator_id, stix_id))
            keys = own or kept.get(stored.id, {}).get(stix_id)
            if keys:
                guards[stix_id] = tuple(keys)
        return guards

    def _find_bound(self, taken: dict[CopyKey, list[Node]]) -> None:
        asked = {
            node.stored.bound_id
            for nodes in taken.values()
            for node in nodes
            if node.stored.bound_id is not None and node.stored.bound_id not in self._bound
        }
        if asked:
            self._bound.update(list_seen(self._connection, asked))
            for contribution_id in asked:
                decided = self._graph.version_seen(contribution_id)
                if decided is not None:
                    self._bound[contribution_id] = decided

    def node_of(self, stored: Stored) -> Node:
        """A node outside the graph, with its guards."""
        bare = self._bare(stored)
        self._find_named([bare])
        guards = list_guards(self._connection, [stored.id]) | self._graph.arriving.guarding
        return replace(bare, guards=self._guards_of(stored, guards))

    # --- deciding --------------------------------------------------------------------------

    def _descend(self) -> set[Group]:
        """Remove until nothing moves; the groups that turn out to have to be loaded as well."""
        self.values = dict(self._upper)
        self._sights = dict(self._first_sights)
        work = dict(self._dependent)
        while work:
            group = next(iter(work))
            del work[group]
            for key, nodes in self._groups[group].items():
                value = self._decide(nodes)
                if value == self.values[key]:
                    continue
                self.values[key] = value
                for dependent in self._named_by[key]:
                    work[dependent] = None
                for node in nodes:
                    for dependent in self._bound_by[node.stored.id]:
                        work[dependent] = None
        shrunk = {
            key
            for key, before in self._before.items()
            if before is not None and before & ~self.values[key]
        }
        return self._dependents_of(shrunk)

    def _decide(self, nodes: list[Node]) -> int:
        sights = see(
            self._version(node, self.hidden_of(node), self._bound_mask(node)) for node in nodes
        )
        self._sights.update(sights)
        return _union(sights.values())

    def _version(self, node: Node, hidden: Mapping[str, int], bound: int) -> Version:
        stored = node.stored
        now, opened = self._decisions.grants_of(
            stored, node.facts, bound if stored.bound_id is not None else None
        )
        return Version(
            contribution=stored.id,
            version_us=stored.version_us,
            facts=node.facts,
            named=node.named,
            own=self._decisions.own_of(stored.originator_id),
            now=now,
            open=opened,
            refused=self._decisions.refused_by(stored, node.facts),
            is_held=stored.is_held,
            hidden=hidden,
        )

    def _bound_mask(self, node: Node) -> int:
        bound_id = node.stored.bound_id
        if bound_id is None:
            return _EVERYONE
        sight = self._sights.get(bound_id)
        return sight.mask if sight is not None else self._bound.get(bound_id, 0)

    def hidden_of(self, node: Node) -> dict[str, int]:
        """From whom each id is hidden: from those who see none of its guards."""
        hidden: dict[str, int] = {}
        if not node.guards:
            return hidden
        everyone = self._decisions.electorate.everyone
        for stix_id, keys in node.guards.items():
            mask = everyone
            for key in keys:
                mask &= ~self._value_of(key)
            if mask:
                hidden[stix_id] = mask
        return hidden

    def _value_of(self, key: CopyKey) -> int:
        if key in self.values:
            return self.values[key]
        if key in self._upper:
            return self._upper[key]
        return self._stored_seen.get(key, 0)


def _union(sights: Iterable[Sight]) -> int:
    return _union_of(sight.mask for sight in sights)


def _union_of(masks: Iterable[int]) -> int:
    union = 0
    for mask in masks:
        union |= mask
    return union
