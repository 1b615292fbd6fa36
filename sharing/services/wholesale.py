"""Decide at once what a change does to much of a forum: by kinds, not one by one.

Contributions that no rule tells apart are of one kind, and are granted to the same recipients.
What is *plain* is decided here: the only version of its id in its collection, of a kind that is
granted whole or not at all, naming nothing but plain contributions of its own originator (or
what nobody guards). So nothing that is decided elsewhere can change what is plain; what names
it from outside is left to `releasing`, and so is everything else. The solution is the graph's:
start from everything that the rules grant, and remove what names something hidden.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from sharing.facts import Naming, named_part
from sharing.queries.given import in_rows
from sharing.queries.references import CopyKey, Group, list_dependents
from sharing.queries.ruled import Ruled, list_ruled
from sharing.queries.wholesale import (
    Held,
    list_answered,
    list_guarded,
    list_held,
    list_masks,
    list_named_by,
    list_several,
)
from sharing.services.concerned import likeness_of
from sharing.services.decisions import Decisions
from sharing.services.lock import LockedForum
from sharing.services.lots import Fresh, Lots, Narrowed
from sharing.services.plan import rank_of
from sharing.services.seen import Moved, write_moved

_PLAIN_STATE = "standing"
_MARKING = "marking-definition"

Step = Callable[[int], None]
"""Told how many more contributions a step has been taken with."""


@dataclass(frozen=True, slots=True, eq=False)
class _Kind:
    """What the rules say of contributions that they do not tell apart.

    `mask` are those to whom it is granted, the active originator (`own`) among them; `refused`
    who declines it. `is_whole` tells that nobody is granted it in part, nor was before.
    """

    collection_id: int
    originator_id: int
    mask: int
    own: int
    refused: int
    due_us: int | None
    rank: int
    is_whole: bool


@dataclass(slots=True, eq=False)
class _Node:
    """A contribution that may be plain; `value` is who is decided to see it."""

    id: int
    stix_id: str
    seq: int
    seen: int
    due_us: int | None
    kind: _Kind
    naming: Naming
    value: int
    is_plain: bool = True
    named_by: list[_Node] = field(default_factory=list)

    @property
    def group(self) -> Group:
        return (self.kind.collection_id, self.stix_id)

    @property
    def is_moved(self) -> bool:
        return self.value != self.seen


class _Showing(NamedTuple):
    """What becomes of the releases of contributions that are shown alike."""

    closed: tuple[bool, ...]
    narrowed: tuple[int, ...]
    fresh: int
    is_gain: bool
    is_loss: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was decided here, and what is left.

    `decided` are the groups that were decided, `left` those to be decided one by one. Of the
    versions `counted`, `gained` and `lost` say how many somebody gains and loses by the rules
    and the originator's own copies; what of the rest changes has the ids `uncounted`, or names
    one of these.
    """

    lots: Lots
    decided: set[Group]
    left: set[Group]
    counted: set[int]
    uncounted: set[str]
    gained: int
    lost: int


class Wholesale:
    """One change of rules, of who receives or of what somebody accepts, over much of a forum.

    `concerned` are the groups of which something is decided otherwise (`list_concerned`); all
    of one originator's contributions are looked at, or all of the forum's.
    """

    def __init__(
        self,
        lock: LockedForum,
        before: Decisions,
        after: Decisions,
        concerned: Mapping[int, Iterable[str]],
        originator_id: int | None,
    ) -> None:
        self._lock = lock
        self._before = before
        self._after = after
        self._originator_id = originator_id
        self._concerned = {
            (collection_id, stix_id)
            for collection_id, stix_ids in concerned.items()
            for stix_id in stix_ids
        }
        self._kinds: dict[Hashable, _Kind | None] = {}
        # An originator's copies of an id; None for one that is not plain.
        self._copies: defaultdict[tuple[int, str], list[_Node | None]] = defaultdict(list)
        self._nodes: list[_Node] = []
        self._masks: dict[int, int] = {}
        self._showings: dict[Hashable, _Showing | None] = {}

    def decide(self, step: Step) -> Outcome:
        """Decide and write who sees what is plain; two steps for each contribution of it."""
        self._load()
        self._leave_out(self._impure())
        self._descend()
        self._leave_out(node for node in self._nodes if self._is_partly_hidden(node))
        shown_more = self._shown_more()
        changed = [
            node
            for node in self._nodes
            if node.is_plain
            and (node.is_moved or node.group in self._concerned or id(node) in shown_more)
        ]
        outside = self._named_from_outside(changed)
        self._write_seen(changed, step)
        decided = {node.group for node in changed}
        left = (self._concerned - decided) | outside
        lots = Lots()
        left |= self._show(changed, lots, step)
        counted = [node for node in changed if self._is_countable(node)]
        ids = {node.id for node in counted}
        return Outcome(
            lots,
            decided,
            left,
            ids,
            {stix_id for _, stix_id in left}
            | {node.stix_id for node in changed if node.id not in ids},
            sum(bool(_others(node, node.value & ~node.seen)) for node in counted),
            sum(bool(_others(node, node.seen & ~node.value)) for node in counted),
        )

    # --- loading ---------------------------------------------------------------------------

    def _load(self) -> None:
        connection, forum_id = self._lock.connection, self._lock.forum_id
        several, answered = list_several(connection, forum_id), list_answered(connection, forum_id)
        for one in list_ruled(connection, forum_id, self._originator_id):
            node = None
            if one.group not in several and one.row.id not in answered:
                node = self._node_of(one)
            self._copies[one.originator_id, one.row.stix_id].append(node)
            if node is not None:
                self._nodes.append(node)

    def _node_of(self, one: Ruled) -> _Node | None:
        row = one.row
        if (
            row.state != _PLAIN_STATE
            or row.is_held
            or row.bound_id is not None
            or row.body_id is None
            or row.seen_since_us is None
        ):
            return None
        naming = named_part(row.facts)
        kind = self._kind_of(one)
        if kind is None or naming is None:
            return None
        return _Node(
            id=row.id,
            stix_id=row.stix_id,
            seq=row.seq,
            seen=one.seen,
            due_us=row.due_us,
            kind=kind,
            naming=naming,
            value=kind.mask,
        )

    def _kind_of(self, one: Ruled) -> _Kind | None:
        key = likeness_of(one, self._before, self._after)
        if key not in self._kinds:
            self._kinds[key] = self._find_kind(one)
        return self._kinds[key]

    def _find_kind(self, one: Ruled) -> _Kind | None:
        stored = one.load()
        if stored.stix_type == _MARKING or stored.facts.markings:
            return None
        facts = self._after.facts_of(stored)
        own = self._after.own_of(stored.originator_id)
        now, _ = self._after.grants_of(stored, facts)
        was, _ = self._before.grants_of(stored, facts)
        if any(mask & ~own for mask in now.lost.values()):
            return None
        return _Kind(
            collection_id=stored.collection_id,
            originator_id=stored.originator_id,
            mask=now.visible | own,
            own=own,
            refused=self._after.refused_by(stored, facts),
            due_us=self._after.next_change(stored, facts),
            rank=rank_of(stored.stix_type),
            is_whole=not was.lost,
        )

    # --- what is plain ---------------------------------------------------------------------

    def _impure(self) -> Iterator[_Node]:
        """What names anything but plain contributions of its originator; and who names whom."""
        guarded = list_guarded(self._lock.connection, self._lock.forum_id, self._originator_id)
        for node in self._nodes:
            for stix_id in (*node.naming.hard, *node.naming.soft):
                copies = self._copies_of(node, stix_id)
                if not copies:
                    if (node.id, stix_id) in guarded:
                        yield node
                    continue
                for copy in copies:
                    if copy is None:
                        yield node
                    else:
                        copy.named_by.append(node)

    def _copies_of(self, node: _Node, stix_id: str) -> list[_Node | None]:
        return self._copies.get((node.kind.originator_id, stix_id), [])

    def _leave_out(self, nodes: Iterable[_Node]) -> None:
        """These are not plain, nor is what names them."""
        work = list(nodes)
        while work:
            node = work.pop()
            if node.is_plain:
                node.is_plain = False
                work += node.named_by

    # --- deciding --------------------------------------------------------------------------

    def _descend(self) -> None:
        """Remove until nothing moves: whoever does not see what is named does not see it."""
        work = {id(node): node for node in self._nodes if node.naming.hard and node.is_plain}
        while work:
            _, node = work.popitem()
            value = node.value
            for stix_id in node.naming.hard:
                value &= ~self._hidden(node, stix_id)
            value |= node.kind.own
            if value != node.value:
                node.value = value
                work |= {id(other): other for other in node.named_by if other.is_plain}

    def _hidden(self, node: _Node, stix_id: str) -> int:
        copies = self._copies_of(node, stix_id)
        if not copies:
            return 0
        return self._after.electorate.everyone & ~_union(
            copy.value for copy in copies if copy is not None
        )

    def _is_partly_hidden(self, node: _Node) -> bool:
        """Whether somebody sees it less an id that it names."""
        return any(
            node.value & ~node.kind.own & self._hidden(node, stix_id)
            for stix_id in node.naming.soft
        )

    def _shown_more(self) -> set[int]:
        """What names something that others see now: they may have seen it less that id.

        Its own decision need not move for that.
        """
        return {
            id(other)
            for node in self._nodes
            if node.is_plain and node.is_moved
            for other in node.named_by
            if node.stix_id in other.naming.soft
        }

    def _is_countable(self, node: _Node) -> bool:
        """Whether it is seen whole or not at all, before and now."""
        if not node.kind.is_whole:
            return False
        others = node.seen & ~node.kind.own
        return all(
            not others
            & self._before.electorate.everyone
            & ~_union(copy.seen for copy in copies if copy is not None)
            for stix_id in node.naming.soft
            if (copies := self._copies_of(node, stix_id))
        )

    def _named_from_outside(self, changed: Iterable[_Node]) -> set[Group]:
        """What is decided by what is plain, and is not plain itself."""
        connection, forum_id = self._lock.connection, self._lock.forum_id
        plain = {node.id for node in self._nodes if node.is_plain}
        moved = [node for node in changed if node.is_moved]
        found: set[Group] = set()
        for batch in in_rows(moved):
            by_id: dict[str, CopyKey] = {
                node.stix_id: (node.kind.collection_id, node.kind.originator_id, node.stix_id)
                for node in batch
            }
            naming = list_named_by(connection, list(by_id))
            named = {stix_id for each, stix_id in naming if each not in plain}
            if named:
                keys = {
                    (node.kind.collection_id, node.kind.originator_id, node.stix_id)
                    for node in batch
                    if node.stix_id in named
                }
                found |= list_dependents(connection, forum_id, keys)
        return found - {node.group for node in self._nodes if node.is_plain}

    # --- writing ---------------------------------------------------------------------------

    def _write_seen(self, changed: list[_Node], step: Step) -> None:
        alike: defaultdict[tuple[int, int | None, bool], list[int]] = defaultdict(list)
        for node in changed:
            if node.is_moved or node.due_us != node.kind.due_us:
                alike[node.value, node.kind.due_us, node.is_moved].append(node.id)
        moved = [Moved(ids, *key) for key, ids in alike.items()]
        write_moved(self._lock.connection, moved, self._after.now_us)
        step(len(changed))

    def _show(self, changed: list[_Node], lots: Lots, step: Step) -> set[Group]:
        """Find what becomes of releases; the groups of which that cannot be told here."""
        left: set[Group] = set()
        for batch in in_rows(changed):
            held = list_held(self._lock.connection, [node.id for node in batch])
            self._learn_masks(held)
            for node in batch:
                releases = held.get(node.id, [])
                showing = self._showing_of(node, releases)
                if showing is None:
                    left.add(node.group)
                    continue
                _add(lots, node, releases, showing)
            step(len(batch))
        return left

    def _learn_masks(self, held: Mapping[int, list[Held]]) -> None:
        audiences = {one.audience_id for releases in held.values() for one in releases}
        if unknown := audiences - self._masks.keys():
            self._masks |= list_masks(self._lock.connection, sorted(unknown))

    def _showing_of(self, node: _Node, releases: list[Held]) -> _Showing | None:
        if not all(one.is_plain for one in releases):
            return None
        key = (node.value, node.kind, *(one.audience_id for one in releases))
        if key not in self._showings:
            masks = [self._masks[one.audience_id] for one in releases]
            self._showings[key] = _find_showing(node, masks)
        return self._showings[key]


def _find_showing(node: _Node, held: list[int]) -> _Showing:
    shown = (node.value & ~node.kind.refused) | node.kind.own
    seen = _union(held)
    kept = [mask & shown for mask in held]
    closed = tuple(stays != mask for stays, mask in zip(kept, held, strict=True))
    narrowed = tuple(
        stays if is_closed else 0 for stays, is_closed in zip(kept, closed, strict=True)
    )
    fresh = shown & ~seen
    return _Showing(closed, narrowed, fresh, bool(fresh), bool(seen & ~shown))


def _add(lots: Lots, node: _Node, releases: list[Held], showing: _Showing) -> None:
    collection_id = node.kind.collection_id
    for one, is_closed, mask in zip(releases, showing.closed, showing.narrowed, strict=True):
        if is_closed:
            lots.closings.append(one.id)
        if mask:
            lots.narrowed.append(Narrowed(one.id, collection_id, mask))
    if showing.fresh:
        lots.fresh.append((node.kind.rank, node.seq, Fresh(node.id, collection_id, showing.fresh)))
    lots.gains += showing.is_gain
    lots.losses += showing.is_loss


def _others(node: _Node, mask: int) -> int:
    return mask & ~node.kind.own


def _union(masks: Iterable[int]) -> int:
    union = 0
    for mask in masks:
        union |= mask
    return union
