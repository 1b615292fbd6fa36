"""The changes to a forum's releases that one commit makes, gathered and then written at once.

Gathering first lets the stamps follow the order in which consumers want things: markings,
identities, objects, then what points at them (an edge whose ends come later stalls readers).
What does not live here: who sees what (the rules) and why it changed (the caller).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, case, insert, select, update

from kernel.rows import insert_rows, upserting
from kernel.values import light
from sharing.gate.lessening import WHOLE, Omission, gains, normal
from sharing.queries.contributions import (
    OpenRelease,
    Stored,
    in_batches,
    mask_bytes,
    mask_from,
)
from sharing.rules.stand import Shown
from sharing.services.lock import LockedForum
from sharing.services.lots import (
    Fresh,
    Lots,
    Tallies,
    Written,
    close,
    count_opened,
    open_fresh,
    open_narrowed,
)
from sharing.services.variants import Variants, read_omission, write_omission
from sharing.tables import audience, audience_member, collection, release, view_head

_RANKS = {"marking-definition": 0, "identity": 1}
_EDGES = frozenset(
    {"relationship", "sighting", "report", "grouping", "note", "opinion", "observed-data"}
)


def rank_of(stix_type: str) -> int:
    """Place of a type within one commit: what others name comes before what names them."""
    return _RANKS.get(stix_type, 3 if stix_type in _EDGES else 2)


@light
@dataclass(frozen=True, slots=True)
class Part:
    """Some of those who see a version: what is first and last to them, what its form lacks."""

    mask: int
    is_first: bool
    is_last: bool
    omission: Omission = WHOLE


@light
@dataclass(frozen=True, slots=True)
class _Opening:
    """A release to open; `date_added_us` is None when something is gained."""

    stored: Stored
    collection_id: int
    part: Part
    date_added_us: int | None


@light
@dataclass(frozen=True, slots=True)
class Reached:
    """What a plan does to one contribution's audience."""

    gained: int
    lost: int


@light
@dataclass(frozen=True, slots=True)
class _Change:
    """What one contribution's releases in one collection's views need."""

    closings: list[int]
    openings: list[_Opening]
    reached: Reached


class ReleasePlan:
    """Releases to close and to open in one forum, because of one ledger entry.

    A contribution that is shown twice keeps the later word.
    """

    def __init__(self, lock: LockedForum, variants: Variants, cause: int) -> None:
        self._lock = lock
        self._variants = variants
        self._cause = cause
        self._stale: list[int] = []
        self._changes: dict[tuple[int, int], _Change] = {}
        self._lots = Lots()
        self._written: Written = lambda _count: None

    @property
    def gains(self) -> int:
        """How many versions somebody gained, in whole or in part."""
        changes = self._changes.values()
        return self._lots.gains + sum(bool(change.reached.gained) for change in changes)

    @property
    def losses(self) -> int:
        """How many versions somebody lost, in whole or in part."""
        changes = self._changes.values()
        return self._lots.losses + sum(bool(change.reached.lost) for change in changes)

    def take(self, lots: Lots, written: Written) -> None:
        """Write these too, stamped among the rest; none of them may be shown one by one."""
        self._lots, self._written = lots, written

    def show(
        self,
        stored: Stored,
        collection_id: int,
        parts: list[Part],
        open_releases: Sequence[OpenRelease],
    ) -> Reached:
        """Make `parts` what the views of `collection_id` hold of this contribution.

        Whoever sees no more of it than before keeps its `date_added`; whoever gains anything
        gets a new one.
        """
        closings: list[int] = []
        openings: list[_Opening] = []
        seen = gained = lost = 0
        for held in open_releases:
            seen |= held.mask
            kept = [(part, part.mask & held.mask) for part in parts if part.mask & held.mask]
            if len(kept) == 1 and _is_same(kept[0][0], kept[0][1], held):
                continue
            closings.append(held.id)
            for part, mask in kept:
                more, less = _differences(part, held, stored)
                gained |= mask if more else 0
                lost |= mask if less else 0
                date_added_us = None if more else held.date_added_us
                openings.append(
                    _Opening(stored, collection_id, replace(part, mask=mask), date_added_us)
                )
        total = 0
        for part in parts:
            total |= part.mask
            if new := part.mask & ~seen:
                gained_part = part if new == part.mask else replace(part, mask=new)
                openings.append(_Opening(stored, collection_id, gained_part, None))
        reached = Reached(gained=gained | (total & ~seen), lost=lost | (seen & ~total))
        key = (collection_id, stored.id)
        self._changes.pop(key, None)
        if closings or openings:
            self._changes[key] = _Change(closings, openings, reached)
        return reached

    def close(self, release_ids: Iterable[int]) -> None:
        """Close releases that nothing accounts for any more."""
        self._stale.extend(release_ids)

    def write(self) -> None:
        """Close, stamp and open; nothing is visible before the transaction commits."""
        connection, cause, lots = self._lock.connection, self._cause, self._lots
        changes = self._changes.values()
        closings = dict.fromkeys(
            [*self._stale, *(closing for change in changes for closing in change.closings)]
        )
        openings = [opening for change in changes for opening in change.openings]
        self._changes, self._stale, self._lots = {}, [], Lots()
        close(connection, [*closings, *lots.closings], cause)
        self._variants.prepare(
            (opening.stored, omitted)
            for opening in openings
            if (omitted := write_omission(opening.part.omission)) is not None
        )
        masks = lots.masks.union(opening.part.mask for opening in openings)
        audiences = _intern(self._lock, masks)
        tallies: Tallies = {}
        open_narrowed(connection, lots.narrowed, audiences, cause, tallies)
        stamped, fresh = self._stamped(openings, lots)
        rows = [self._row(opening, audiences, stamp) for opening, stamp in stamped]
        for row in rows:
            count_opened(tallies, row["collection_id"], row["audience_id"], row["date_added_us"])
        insert_rows(connection, release, rows)
        open_fresh(connection, fresh, audiences, cause, tallies, self._written)
        _raise_heads(connection, tallies, {each: mask for mask, each in audiences.items()})

    def _stamped(
        self, openings: list[_Opening], lots: Lots
    ) -> tuple[list[tuple[_Opening, int]], list[tuple[Fresh, int]]]:
        """Both with their `date_added`, given in one order."""
        entries: list[tuple[int, int, int, _Opening | Fresh]] = [
            (rank_of(one.stored.stix_type), one.stored.seq, one.stored.id, one) for one in openings
        ]
        entries += [(rank, seq, one.contribution_id, one) for rank, seq, one in lots.fresh]
        entries.sort(key=itemgetter(0, 1, 2))
        stamped: list[tuple[_Opening, int]] = []
        fresh: list[tuple[Fresh, int]] = []
        given: dict[tuple[int, int], int] = {}
        for _, _, contribution_id, one in entries:
            if isinstance(one, Fresh):
                fresh.append((one, self._lock.stamp()))
            elif one.date_added_us is not None:
                stamped.append((one, one.date_added_us))
            else:
                key = (one.collection_id, contribution_id)
                if key not in given:
                    given[key] = self._lock.stamp()
                stamped.append((one, given[key]))
        return stamped, fresh

    def _row(self, opening: _Opening, audiences: dict[int, int], stamp: int) -> dict[str, Any]:
        stored, part = opening.stored, opening.part
        omitted = write_omission(part.omission)
        return {
            "forum_id": self._lock.forum_id,
            "collection_id": opening.collection_id,
            "date_added_us": stamp,
            "contribution_id": stored.id,
            "body_id": stored.body_id
            if omitted is None
            else self._variants.form_of(stored, omitted).body_id,
            "omitted": omitted,
            "audience_id": audiences[part.mask],
            "stix_id": stored.stix_id,
            "stix_type": stored.stix_type,
            "version_us": stored.version_us,
            "is_first": part.is_first,
            "is_last": part.is_last,
            "opened": self._cause,
            "closed": None,
        }


def cut(
    shown: Shown, lost: Mapping[str, int], hidden: Mapping[str, int], stored: Stored
) -> list[Part]:
    """The audience of a version cut into parts that see one form of it.

    `lost` and `hidden` map units and ids to those who do not get them.
    """
    if not lost and not hidden:
        return [Part(*part) for part in shown.parts()]
    forms: list[tuple[int, frozenset[str], frozenset[str]]] = [
        (shown.mask, frozenset(), frozenset())
    ]
    for unit, mask in lost.items():
        forms = _split(forms, mask, unit=unit)
    for stix_id, mask in hidden.items():
        forms = _split(forms, mask, stix_id=stix_id)
    parts: dict[tuple[bool, bool, Omission], int] = {}
    for mask, units, ids in forms:
        omission = normal(Omission(units, ids), stored.facts) if units or ids else WHOLE
        for part, is_first, is_last in shown.parts():
            if part & mask:
                key = (is_first, is_last, omission)
                parts[key] = parts.get(key, 0) | (part & mask)
    return [Part(mask, *key) for key, mask in parts.items()]


def _split(
    forms: list[tuple[int, frozenset[str], frozenset[str]]],
    mask: int,
    *,
    unit: str | None = None,
    stix_id: str | None = None,
) -> list[tuple[int, frozenset[str], frozenset[str]]]:
    found = []
    for form, units, ids in forms:
        if lacking := form & mask:
            more_units = units if unit is None else units | {unit}
            more_ids = ids if stix_id is None else ids | {stix_id}
            found.append((lacking, more_units, more_ids))
        if rest := form & ~mask:
            found.append((rest, units, ids))
    return found


def _is_same(part: Part, mask: int, held: OpenRelease) -> bool:
    return (mask, part.is_first, part.is_last, write_omission(part.omission)) == (
        held.mask,
        held.is_first,
        held.is_last,
        held.omitted,
    )


def _differences(part: Part, held: OpenRelease, stored: Stored) -> tuple[bool, bool]:
    """Whether a form shows something that the held one does not, and the other way round."""
    if write_omission(part.omission) == held.omitted:
        return False, False
    before = read_omission(held.omitted)
    return (
        gains(part.omission, before, stored.facts),
        gains(before, part.omission, stored.facts),
    )


def _intern(lock: LockedForum, masks: set[int]) -> dict[int, int]:
    """The id of each audience, new ones made; only the lock's holder makes audiences here."""
    connection = lock.connection
    contents = {mask: mask_bytes(mask) for mask in masks}
    digests = {hashlib.sha256(content).digest(): mask for mask, content in contents.items()}
    found: dict[int, int] = {}
    for batch in in_batches(digests):
        rows = connection.execute(
            select(audience.c.id, audience.c.mask).where(
                audience.c.forum_id == lock.forum_id, audience.c.digest.in_(batch)
            )
        )
        found.update({mask_from(row.mask): row.id for row in rows})
    for digest, mask in digests.items():
        if mask not in found:
            found[mask] = _make_audience(lock, digest, mask, contents[mask])
    return found


def _make_audience(lock: LockedForum, digest: bytes, mask: int, content: bytes) -> int:
    audience_id: int = lock.connection.execute(
        insert(audience)
        .values(forum_id=lock.forum_id, digest=digest, mask=content)
        .returning(audience.c.id)
    ).scalar_one()
    lock.connection.execute(
        insert(audience_member),
        [
            {"audience_id": audience_id, "element": element, "forum_id": lock.forum_id}
            for element in list_elements(mask)
        ],
    )
    return audience_id


def list_elements(mask: int) -> list[int]:
    """The places of an audience's members."""
    return [bit for bit in range(mask.bit_length()) if mask >> bit & 1]


def _raise_heads(connection: Connection, tallies: Tallies, masks: Mapping[int, int]) -> None:
    """Tell the heads of the collections and of every view that these releases are in."""
    if not tallies:
        return
    in_all: Counter[int] = Counter()
    views: dict[tuple[int, int], tuple[int, int]] = {}
    for (collection_id, audience_id), (newest_us, count) in tallies.items():
        in_all[collection_id] += count
        for element in list_elements(masks[audience_id]):
            known_us, known = views.get((collection_id, element), (0, 0))
            views[collection_id, element] = (max(known_us, newest_us), known + count)
    for collection_id, count in in_all.items():
        connection.execute(
            update(collection)
            .where(collection.c.id == collection_id)
            .values(opened=collection.c.opened + count)
        )
    statement = upserting(connection, view_head)
    given = statement.excluded
    newest = case(
        (view_head.c.date_added_us < given.date_added_us, given.date_added_us),
        else_=view_head.c.date_added_us,
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["collection_id", "element"],
            set_={"date_added_us": newest, "opened": view_head.c.opened + given.opened},
        ),
        [
            {
                "collection_id": collection_id,
                "element": element,
                "date_added_us": newest_us,
                "opened": count,
            }
            for (collection_id, element), (newest_us, count) in views.items()
        ],
    )
