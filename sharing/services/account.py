"""Changes of many versions added up for each recipient, and a digest of all that was told.

An account for a member names its contributions, the first MOST_NAMED for each recipient; one
for whoever runs a forum holds counts for each recipient and type, and names nothing.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import orjson
from sqlalchemy import Connection

from auth.queries import RosterRow
from kernel.clock import format_instant, format_version
from sharing.queries.contributions import Stored
from sharing.queries.served import list_releases_of
from sharing.rules.differences import Side
from sharing.rules.model import element, list_elements
from sharing.services.foresight import Change
from sharing.services.served import ServedLog

MOST_NAMED: Final = 100
"""Versions that are named for one recipient in one list; all are counted."""

_BUFFERED: Final = 500
_GAINED: Final = ("appears", "more")
_LOST: Final = ("disappears", "less")

Describe = Callable[[int], dict[str, Any]]
"""From a recipient's elements to what is said of one version to it."""

Row = dict[str, Any]


class Tally:
    """One list of an account: for each recipient how many versions, and the first of them."""

    def __init__(self, labels: Mapping[int, str], *, is_named: bool) -> None:
        self._labels = labels
        self._is_named = is_named
        self._counts: Counter[tuple[str, str, int]] = Counter()
        self._instants: dict[int, tuple[int, int]] = {}
        self._named: defaultdict[int, list[Row]] = defaultdict(list)
        self._full = 0

    def add(self, stored: Stored, mask: int, describe: Describe, at_us: int | None = None) -> None:
        """Count a version for everybody in the mask, and name it where there is room."""
        if not mask:
            return
        self.count("types", stored.stix_type, mask)
        if at_us is not None:
            first_us, last_us = self._instants.get(mask, (at_us, at_us))
            self._instants[mask] = (min(first_us, at_us), max(last_us, at_us))
        if not self._is_named:
            return
        for bit in _bits(mask & ~self._full):
            both = element(bit, "machine"), element(bit, "individual")
            elements = mask & sum(1 << each for each in both)
            self._named[bit].append(describe(elements))
            if len(self._named[bit]) == MOST_NAMED:
                self._full |= sum(1 << each for each in both)

    def count(self, what: str, name: str, mask: int) -> None:
        """Count something about a version for everybody in the mask."""
        if mask:
            self._counts[what, name, mask] += 1

    def list_rows(self) -> list[Row]:
        """A row for each recipient, in order of their names."""
        counts: defaultdict[int, dict[str, Counter[str]]] = defaultdict(
            lambda: defaultdict(Counter)
        )
        for (what, name, mask), count in self._counts.items():
            for bit in _bits(mask):
                counts[bit][what][name] += count
        spans: dict[int, tuple[int, int]] = {}
        for mask, (first_us, last_us) in self._instants.items():
            for bit in _bits(mask):
                known = spans.get(bit, (first_us, last_us))
                spans[bit] = (min(known[0], first_us), max(known[1], last_us))
        rows = [self._row(bit, counts[bit], spans.get(bit)) for bit in counts]
        return sorted(rows, key=lambda row: str(row["recipient"]))

    def _row(
        self, bit: int, counts: Mapping[str, Counter[str]], span: tuple[int, int] | None
    ) -> Row:
        versions = counts["types"].total()
        row: Row = {"recipient": self._labels[bit], "versions": versions}
        row["types"] = dict(sorted(counts["types"].items()))
        if span is not None:
            row |= {"first_at": format_instant(span[0]), "last_at": format_instant(span[1])}
        if self._is_named:
            named = self._named[bit]
            if counts["doubted"]:
                row["depends_on_reciprocity"] = counts["doubted"].total()
            for what in ("properties", "without"):
                if counts[what]:
                    row[what] = dict(sorted(counts[what].items()))
            row |= {"objects": named, "more_objects": versions - len(named)}
        return row


class Account:
    """What a change that is supposed would do, for each recipient."""

    def __init__(
        self,
        connection: Connection,
        roster: Iterable[RosterRow],
        places: Mapping[int, str],
        log: ServedLog,
        *,
        is_named: bool,
    ) -> None:
        labels = {row.bit: _label(row) for row in roster}
        self._connection = connection
        self._places = places
        self._log = log
        self._is_named = is_named
        self._gains, self._loses, self._served, self._opens, self._closes = (
            Tally(labels, is_named=is_named) for _ in range(5)
        )
        self._lost: list[tuple[Stored, int]] = []
        self._hash = hashlib.sha256()
        # Versions that somebody gains, or loses, for sure and at once.
        self.gained = 0
        self.lost = 0

    def add(self, changes: Iterable[Change]) -> None:
        """Add changes up."""
        for change in changes:
            self._add(change)
            if len(self._lost) >= _BUFFERED:
                self._look_up_served()

    def close(self) -> tuple[Row, bytes]:
        """The account as a document, and a digest of everything that it is about."""
        self._look_up_served()
        document: Row = {
            "gains": self._gains.list_rows(),
            "loses": self._loses.list_rows(),
            "already_served": self._served.list_rows(),
            "later": {"opens": self._opens.list_rows(), "closes": self._closes.list_rows()},
        }
        self._hash.update(orjson.dumps(document, option=orjson.OPT_SORT_KEYS))
        return document, self._hash.digest()

    def _add(self, change: Change) -> None:
        gained, lost = change.difference.gained, change.difference.lost
        if self._is_named:
            self._digest(change)
        if change.at_us is not None:
            self._count(self._opens, change, gained, _GAINED)
            self._count(self._closes, change, lost, _LOST)
            return
        self.gained += bool(gained.sure)
        self.lost += bool(lost.sure)
        self._count(self._gains, change, gained, _GAINED)
        self._count(self._loses, change, lost, _LOST)
        if lost.mask and self._log.served:
            self._lost.append((change.stored, lost.mask))

    def _count(self, tally: Tally, change: Change, side: Side, words: tuple[str, str]) -> None:
        def describe(elements: int) -> Row:
            return self._name(change.stored) | _described(side, words, elements, change.at_us)

        tally.add(change.stored, side.mask, describe, change.at_us)
        tally.count("doubted", "", side.mask & ~side.sure)
        for what, units in (("properties", side.units), ("without", side.without)):
            for unit, mask in units.items():
                tally.count(what, unit, mask)

    def _digest(self, change: Change) -> None:
        stored = change.stored
        told = (
            self._places[stored.collection_id],
            stored.stix_id,
            stored.version_us,
            change.at_us,
            *(
                (side.whole, sorted(side.units.items()), sorted(side.without.items()), side.sure)
                for side in (change.difference.gained, change.difference.lost)
            ),
        )
        self._hash.update(repr(told).encode())

    def _look_up_served(self) -> None:
        """Which of the versions that somebody loses had been served to it."""
        releases = list_releases_of(self._connection, [stored.id for stored, _ in self._lost])
        for stored, loses in self._lost:
            served = 0
            # What went to a feed and what went to a person went to the same recipient.
            for each in self._both_kinds(loses):
                if any(
                    self._log.is_served(each, stored, release)
                    for release in releases.get(stored.id, ())
                ):
                    served |= 1 << each
            self._served.add(stored, served, lambda _, stored=stored: self._name(stored))  # type: ignore[misc]
            if self._is_named and served:
                self._hash.update(repr((stored.id, served)).encode())
        self._lost = []

    def _both_kinds(self, mask: int) -> Iterator[int]:
        for bit in _bits(mask):
            for kind in ("machine", "individual"):
                each = element(bit, kind)
                if self._log.served >> each & 1:
                    yield each

    def _name(self, stored: Stored) -> Row:
        return {
            "collection": self._places[stored.collection_id],
            "id": stored.stix_id,
            "version": format_version(stored.version_us),
            "type": stored.stix_type,
        }


def _described(side: Side, words: tuple[str, str], elements: int, at_us: int | None) -> Row:
    """What a side is to one recipient, whose elements are given."""
    row: Row = {} if at_us is None else {"at": format_instant(at_us)}
    row["change"] = words[0] if side.whole & elements else words[1]
    row["through"] = sorted({kind for _, kind in list_elements(elements)})
    for what, units in (("properties", side.units), ("without", side.without)):
        if names := sorted(unit for unit, mask in units.items() if mask & elements):
            row[what] = names
    if elements & side.mask & ~side.sure:
        row["depends_on"] = ["reciprocity"]
    return row


def _bits(mask: int) -> list[int]:
    """The recipients in a mask, through whichever kind of credential."""
    return list(dict.fromkeys(bit for bit, _ in list_elements(mask)))


def _label(row: RosterRow) -> str:
    return f"partner:{row.name}" if row.is_partner else row.name
