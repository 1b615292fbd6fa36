"""The changes to a forum's releases that one commit makes, gathered and then written at once.

Gathering first lets the stamps follow the order in which consumers want things: markings,
identities, objects, then what points at them (an edge whose ends come later stalls readers).
What does not live here: who sees what (the rules) and why it changed (the caller).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from sharing.queries.contributions import OpenRelease, Stored, in_batches, mask_from
from sharing.rules.stand import Shown
from sharing.services.lock import LockedForum
from sharing.tables import audience, audience_head, audience_member, release

_RANKS = {"marking-definition": 0, "identity": 1}
_EDGES = frozenset(
    {"relationship", "sighting", "report", "grouping", "note", "opinion", "observed-data"}
)


def rank_of(stix_type: str) -> int:
    """Place of a type within one commit: what others name comes before what names them."""
    return _RANKS.get(stix_type, 3 if stix_type in _EDGES else 2)


@dataclass(frozen=True, slots=True)
class _Opening:
    """A release to open; `date_added_us` is None when something is gained."""

    stored: Stored
    collection_id: int
    mask: int
    is_first: bool
    is_last: bool
    date_added_us: int | None


@dataclass(frozen=True, slots=True)
class Reached:
    """What a plan does to one contribution's audience."""

    gained: int
    lost: int


class ReleasePlan:
    """Releases to close and to open in one forum, because of one ledger entry."""

    def __init__(self, lock: LockedForum, cause: int) -> None:
        self._lock = lock
        self._cause = cause
        self._closings: list[int] = []
        self._openings: list[_Opening] = []
        self.gains = 0
        self.losses = 0

    def show(
        self, stored: Stored, collection_id: int, shown: Shown, open_releases: list[OpenRelease]
    ) -> Reached:
        """Make `shown` what the views of `collection_id` hold of this contribution.

        Whoever sees it already keeps its `date_added`; whoever gains it gets a new one.
        """
        parts = shown.parts()
        seen = 0
        for held in open_releases:
            seen |= held.mask
            kept = [(mask & held.mask, first, last) for mask, first, last in parts]
            kept = [part for part in kept if part[0]]
            if kept == [(held.mask, held.is_first, held.is_last)]:
                continue
            self._closings.append(held.id)
            for part in kept:
                self._open(stored, collection_id, part, held.date_added_us)
        for mask, first, last in parts:
            if gained := mask & ~seen:
                self._open(stored, collection_id, (gained, first, last), None)
        reached = Reached(gained=shown.mask & ~seen, lost=seen & ~shown.mask)
        self.gains += bool(reached.gained)
        self.losses += bool(reached.lost)
        return reached

    def _open(
        self,
        stored: Stored,
        collection_id: int,
        part: tuple[int, bool, bool],
        date_added_us: int | None,
    ) -> None:
        self._openings.append(_Opening(stored, collection_id, *part, date_added_us))

    def close(self, release_ids: Iterable[int]) -> None:
        """Close releases that nothing accounts for any more."""
        self._closings.extend(release_ids)

    def write(self) -> None:
        """Close, stamp and open; nothing is visible before the transaction commits."""
        _close(self._lock.connection, self._closings, self._cause)
        if not self._openings:
            return
        audiences = _intern(self._lock, {opening.mask for opening in self._openings})
        rows = [self._row(opening, audiences, stamp) for opening, stamp in self._stamped()]
        self._lock.connection.execute(insert(release), rows)
        _raise_heads(self._lock.connection, rows)

    def _stamped(self) -> Iterable[tuple[_Opening, int]]:
        ordered = sorted(
            self._openings, key=lambda o: (rank_of(o.stored.stix_type), o.stored.seq, o.stored.id)
        )
        fresh: dict[tuple[int, int], int] = {}
        for opening in ordered:
            if opening.date_added_us is not None:
                yield opening, opening.date_added_us
                continue
            key = (opening.collection_id, opening.stored.id)
            if key not in fresh:
                fresh[key] = self._lock.stamp()
            yield opening, fresh[key]

    def _row(self, opening: _Opening, audiences: dict[int, int], stamp: int) -> dict[str, Any]:
        return {
            "forum_id": self._lock.forum_id,
            "collection_id": opening.collection_id,
            "date_added_us": stamp,
            "contribution_id": opening.stored.id,
            "body_id": opening.stored.body_id,
            "audience_id": audiences[opening.mask],
            "stix_id": opening.stored.stix_id,
            "stix_type": opening.stored.stix_type,
            "version_us": opening.stored.version_us,
            "is_first": opening.is_first,
            "is_last": opening.is_last,
            "opened": self._cause,
            "closed": None,
        }


def _close(connection: Connection, release_ids: list[int], cause: int) -> None:
    for batch in in_batches(release_ids):
        connection.execute(update(release).where(release.c.id.in_(batch)).values(closed=cause))


def _intern(lock: LockedForum, masks: set[int]) -> dict[int, int]:
    """The id of each audience, new ones made; only the lock's holder makes audiences here."""
    connection = lock.connection
    contents = {mask: mask.to_bytes((mask.bit_length() + 7) // 8, "big") for mask in masks}
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
    elements = [bit for bit in range(mask.bit_length()) if mask >> bit & 1]
    lock.connection.execute(
        insert(audience_member),
        [
            {"audience_id": audience_id, "element": element, "forum_id": lock.forum_id}
            for element in elements
        ],
    )
    return audience_id


def _raise_heads(connection: Connection, rows: list[dict[str, Any]]) -> None:
    newest: dict[tuple[int, int], int] = {}
    for row in rows:
        key = (row["collection_id"], row["audience_id"])
        newest[key] = max(newest.get(key, 0), row["date_added_us"])
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(audience_head).values(
        collection_id=bindparam("collection"),
        audience_id=bindparam("audience"),
        date_added_us=bindparam("stamp"),
    )
    statement = statement.on_conflict_do_update(
        index_elements=["collection_id", "audience_id"],
        set_={"date_added_us": statement.excluded.date_added_us},
        where=audience_head.c.date_added_us < statement.excluded.date_added_us,
    )
    connection.execute(
        statement,
        [
            {"collection": collection_id, "audience": audience_id, "stamp": stamp}
            for (collection_id, audience_id), stamp in newest.items()
        ],
    )
