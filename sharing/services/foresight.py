"""What becomes of members' own contributions in a world that is supposed, before it is so.

Two worlds, before and after, are decided side by side, each member's contributions by its own
copies alone: its policy, the forum's rules, its other versions, and what it contributed itself
of what they name. What others keep to themselves (sharing policy §8) is taken to stand in
nobody's way: what they accept, whose copy stands, what they hide that is named here. Where it
depends on reciprocity, every case is decided. Statement markings follow what carries them, and
what is bound to another contribution follows that: nothing is said of either.

Memory holds a few bytes for each id, not the contributions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection

from sharing.queries.contributions import Stored, in_batches, list_copies
from sharing.queries.references import CopyKey, list_naming, list_own_named
from sharing.rules.copies import Named, Sight, Version, see
from sharing.rules.differences import ALL_OF_IT, Difference, Form, Part, differ, foresee, union_of
from sharing.rules.formulas import Layer, vanishes
from sharing.rules.model import Facts
from sharing.services.decisions import Decisions
from sharing.services.reconsider import Progress, no_progress

_T = TypeVar("_T")

_EVERYONE = -1

_MOST_ALIKE = 8192
"""So many copies that differ from all others are remembered."""

_Masks = tuple[int, ...]
"""Who sees a copy in each world: before and after by the first supposition, and so on."""

_Hidden = Mapping[str, int]
"""From whom each id is hidden."""


@dataclass(frozen=True, slots=True)
class Change:
    """What changes in one version at `at_us`; None: as soon as the supposed world comes true."""

    stored: Stored
    difference: Difference
    at_us: int | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """The worlds before and after, by one supposition."""

    before: Decisions
    after: Decisions


@dataclass(frozen=True, slots=True)
class _Copy:
    """A copy as it is decided in each world: from whom ids are hidden, who sees which version."""

    versions: list[Stored]
    facts: Mapping[int, Facts]
    hidden: list[dict[str, int]]
    sights: list[dict[int, Sight]]

    @property
    def masks(self) -> _Masks:
        """Who sees any of its versions, in each world."""
        return tuple(union_of(sight.mask for sight in sights.values()) for sights in self.sights)


@dataclass(frozen=True, slots=True)
class _Alone:
    """A copy that depends on no other: who sees it in each world, and what changes.

    The changes name versions by their place, oldest first.
    """

    masks: _Masks
    changes: list[tuple[int, Difference, int | None]]


class Foresight:
    """The differences between pairs of worlds, one pair for each supposition.

    `is_complete` says that the suppositions are every case there is; else nothing is sure.
    """

    def __init__(
        self,
        connection: Connection,
        forum_id: int,
        pairs: Sequence[Pair],
        *,
        is_complete: bool = True,
    ) -> None:
        self._connection = connection
        self._forum_id = forum_id
        self._pairs = pairs
        self._worlds = [world for pair in pairs for world in (pair.before, pair.after)]
        self._is_complete = is_complete
        # Of each id of each member: its copies, each with who sees it in which world.
        self._values: dict[tuple[int, str], tuple[tuple[int, _Masks], ...]] = {}
        self._interned: dict[object, object] = {}
        self._waiting: dict[CopyKey, None] = {}
        self._known: dict[Hashable, _Alone] = {}

    @property
    def is_certain(self) -> bool:
        """Whether there is one case alone, known to its end."""
        return self._is_complete and len(self._pairs) == 1

    def take(self, contributions: Iterable[Stored]) -> Iterator[Change]:
        """Decide copies, each given whole; what does not depend on others is told at once."""
        copies = _copies_of(contributions)
        named = {id_ for copy in copies.values() for one in copy for id_ in one.facts.references}
        known = list_own_named(self._connection, self._forum_id, named)
        for key, versions in copies.items():
            _, owner, _ = key
            if any((owner, id_) in known for one in versions for id_ in one.facts.references):
                self._keep(key, self._seen(versions, {}).masks)
                self._waiting[key] = None
                continue
            alone = self._alone(versions)
            self._keep(key, alone.masks)
            for version, difference, at_us in alone.changes:
                yield Change(versions[version], difference, at_us)

    @property
    def steps_left(self) -> int:
        """How many copies `rest` will look at, as far as can be told yet: each at least twice."""
        return 2 * len(self._waiting)

    def rest(self, progress: Progress = no_progress) -> Iterator[Change]:
        """What depends on other copies, once all copies have been taken.

        Progress is told in looks at a copy; how many there will be grows while copies that
        name each other are settled.
        """
        done, total = 0, self.steps_left
        work = list(self._waiting)
        while work:
            moved: set[tuple[int, str]] = set()
            for batch in in_batches(work):
                for key, versions in self._load(batch).items():
                    if self._keep(key, self._seen(versions, self._hidden_of(versions)).masks):
                        moved.add(key[1:])
                done += len(batch)
                progress(done, total)
            naming = list_naming(self._connection, self._forum_id, moved)
            work = [key for key in self._waiting if key in naming]
            total += len(work)
        for batch in in_batches(self._waiting):
            for versions in self._load(batch).values():
                yield from self._differences(self._seen(versions, self._hidden_of(versions)))
            done += len(batch)
            progress(done, total)

    def _alone(self, versions: list[Stored]) -> _Alone:
        """What becomes of a copy that depends on no other: once for all that are alike."""
        key = tuple(
            (
                # Of equal facts there is one, and they are compared by identity.
                self._worlds[0].facts_of(one),
                one.collection_id,
                one.originator_id,
                one.is_held,
                one.is_deleted,
                one.bound_id is None,
            )
            for one in versions
        )
        if len(versions) == 1 and key in self._known:
            return self._known[key]
        copy = self._seen(versions, {})
        places = {one.id: place for place, one in enumerate(versions)}
        changes = [
            (places[change.stored.id], change.difference, change.at_us)
            for change in self._differences(copy)
        ]
        alone = _Alone(copy.masks, changes)
        if len(versions) == 1:
            if len(self._known) >= _MOST_ALIKE:
                self._known.clear()
            self._known[key] = alone
        return alone

    # --- deciding --------------------------------------------------------------------------

    def _load(self, keys: Sequence[CopyKey]) -> dict[CopyKey, list[Stored]]:
        by_collection: defaultdict[int, list[str]] = defaultdict(list)
        for collection_id, _, stix_id in keys:
            by_collection[collection_id].append(stix_id)
        wanted = set(keys)
        found: dict[CopyKey, list[Stored]] = {}
        for collection_id, stix_ids in by_collection.items():
            copies = _copies_of(list_copies(self._connection, collection_id, sorted(stix_ids)))
            found |= {key: copy for key, copy in copies.items() if key in wanted}
        return dict(sorted(found.items()))

    def _seen(self, versions: list[Stored], hidden: Mapping[str, _Masks]) -> _Copy:
        facts = {stored.id: self._worlds[0].facts_of(stored) for stored in versions}
        by_world = [_in_world(hidden, number) for number in range(len(self._worlds))]
        sights = [
            _sights(world, versions, facts, hidden_there)
            for world, hidden_there in zip(self._worlds, by_world, strict=True)
        ]
        return _Copy(versions, facts, by_world, sights)

    def _keep(self, key: CopyKey, masks: _Masks) -> bool:
        """Keep who sees a copy; whether that is other than before. Equal values are one."""
        collection_id, originator_id, stix_id = key
        before = self._values.get((originator_id, stix_id), ())
        others = tuple(each for each in before if each[0] != collection_id)
        value = self._one((*others, self._one((collection_id, self._one(masks)))))
        self._values[originator_id, stix_id] = value
        return set(value) != set(before)

    def _one(self, value: _T) -> _T:
        return self._interned.setdefault(value, value)  # type: ignore[return-value]

    def _hidden_of(self, copy: list[Stored]) -> dict[str, _Masks]:
        """From whom each id that the versions name is hidden in each world, the owner apart."""
        hidden: dict[str, _Masks] = {}
        originator_id = copy[0].originator_id
        for stix_id in {id_ for one in copy for id_ in one.facts.references}:
            copies = self._values.get((originator_id, stix_id))
            if copies is None:
                continue
            hidden[stix_id] = tuple(
                world.electorate.everyone
                & ~world.own_of(originator_id)
                & ~union_of(masks[number] for _, masks in copies)
                for number, world in enumerate(self._worlds)
            )
        return hidden

    # --- telling ---------------------------------------------------------------------------

    def _differences(self, copy: _Copy) -> Iterator[Change]:
        told = [one for one in copy.versions if not one.is_deleted and one.bound_id is None]
        before, now = copy.sights[0::2], copy.sights[1::2]
        yield from self._compared(copy, told, before, now)
        for instant_us in self._instants(copy):
            # What embargoes and expiries do to the copy, were all else to stay.
            later = [
                _sights(pair.after.at(instant_us), copy.versions, copy.facts, hidden)
                for pair, hidden in zip(self._pairs, copy.hidden[1::2], strict=True)
            ]
            yield from self._compared(copy, told, now, later, instant_us)
            now = later

    def _compared(
        self,
        copy: _Copy,
        told: list[Stored],
        before: Sequence[Mapping[int, Sight]],
        after: Sequence[Mapping[int, Sight]],
        at_us: int | None = None,
    ) -> Iterator[Change]:
        was_hidden = copy.hidden[0::2] if at_us is None else copy.hidden[1::2]
        for stored in told:
            differences = [
                differ(
                    _form(before[number][stored.id], stored, was_hidden[number]),
                    _form(after[number][stored.id], stored, copy.hidden[2 * number + 1]),
                    ~pair.before.own_of(stored.originator_id),
                )
                for number, pair in enumerate(self._pairs)
            ]
            difference = foresee(differences)
            if not difference.is_nothing:
                yield Change(
                    stored, difference if self._is_complete else difference.doubted(), at_us
                )

    def _instants(self, copy: _Copy) -> list[int]:
        found: set[int] = set()
        after = self._pairs[0].after
        for stored in copy.versions:
            facts = copy.facts[stored.id]
            instant_us = after.next_change(stored, facts)
            while instant_us is not None:
                found.add(instant_us)
                instant_us = after.at(instant_us).next_change(stored, facts)
        return sorted(found)


def _copies_of(contributions: Iterable[Stored]) -> dict[CopyKey, list[Stored]]:
    """The copies among contributions, statement markings apart, in one order."""
    copies: defaultdict[CopyKey, list[Stored]] = defaultdict(list)
    for stored in contributions:
        if not stored.facts.is_statement:
            copies[stored.collection_id, stored.originator_id, stored.stix_id].append(stored)
    for copy in copies.values():
        copy.sort(key=lambda stored: stored.version_us)
    return dict(sorted(copies.items()))


def _in_world(hidden: Mapping[str, _Masks], number: int) -> dict[str, int]:
    return {stix_id: masks[number] for stix_id, masks in hidden.items() if masks[number]}


def _sights(
    world: Decisions, versions: list[Stored], facts: Mapping[int, Facts], hidden: _Hidden
) -> dict[int, Sight]:
    return see(_version(world, stored, facts[stored.id], hidden) for stored in versions)


def _version(world: Decisions, stored: Stored, facts: Facts, hidden: _Hidden) -> Version:
    bound = None if stored.bound_id is None else _EVERYONE
    now, opened = world.grants_of(stored, facts, bound)
    return Version(
        contribution=stored.id,
        version_us=stored.version_us,
        facts=facts,
        named=Named(stored.facts.hard_references, stored.facts.vanishing),
        own=world.own_of(stored.originator_id),
        now=now,
        open=opened,
        is_held=stored.is_held,
        hidden={id_: hidden[id_] for id_ in stored.facts.references if id_ in hidden},
    )


def _form(sight: Sight, stored: Stored, hidden: _Hidden) -> Form:
    """A sight with what hidden ids take from inside the units that stay."""
    lost: dict[Part, int] = {(unit, ALL_OF_IT): mask for unit, mask in sight.lost.items()}
    facts = stored.facts
    named = {id_: hidden[id_] for id_ in facts.references if id_ in hidden} if hidden else {}
    if named:
        for id_, mask in named.items():
            for unit in facts.references[id_]:
                if unit not in facts.entangled:
                    lost[unit, id_] = mask
        for unit, layer in facts.entangled.items():
            for place, mask in _lost_leaves(layer, named, 0):
                lost[unit, place] = mask
    return Form(sight.mask, lost)


def _lost_leaves(
    layer: Layer, named: _Hidden, above: int, place: str = ""
) -> Iterator[tuple[str, int]]:
    """Each leaf that somebody lacks, by its place: hidden itself, or gone with its layer."""
    gone = above | (0 if layer.forced is None else vanishes(layer.forced, named))
    for number, leaf in enumerate(layer.leaves):
        if mask := gone | (0 if leaf is None else named.get(leaf, 0)):
            yield f"{place}.{number}", mask
    for number, inner in enumerate(layer.inner):
        yield from _lost_leaves(inner, named, gone, f"{place}/{number}")
