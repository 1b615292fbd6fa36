"""Putting rows into the register once: added, changed, left as they are, or kept as confirmed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Column, Connection, Table, insert, select, update

from norms.services.provenance import Scribe, digest_of
from norms.tables import confirmation

ADDED: Final = "added"
CHANGED: Final = "changed"
UNCHANGED: Final = "unchanged"
KEPT: Final = "kept"


class Rows:
    """The rows of one load. `put` says what is there; `write` writes what is new of it.

    What a person has confirmed, and what no catalogue brought, is never changed by a catalogue.
    """

    def __init__(self, connection: Connection, scribe: Scribe) -> None:
        self._connection = connection
        self._scribe = scribe
        self.counts: defaultdict[str, dict[str, int]] = defaultdict(
            lambda: {ADDED: 0, CHANGED: 0, UNCHANGED: 0, KEPT: 0}
        )
        self._known: dict[str, dict[str, str | None]] = {}
        self._new: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        self._confirmed = {
            (row.subject_kind, row.subject_key)
            for row in connection.execute(
                select(confirmation.c.subject_kind, confirmation.c.subject_key)
            )
        }

    @property
    def is_anything_new(self) -> bool:
        """Whether something was added or changed."""
        return any(each[ADDED] or each[CHANGED] for each in self.counts.values())

    def put(self, noun: str, table: Table, key: Column[Any], values: Mapping[str, Any]) -> str:
        """What becomes of the row whose `key` column is as in `values`."""
        known = self._load(table, key)
        name = str(values[key.name])
        digest = digest_of(values)
        written = {**values, "loaded": digest if self._scribe.is_catalogue else None}
        if name not in known:
            self._new[table.name].append(written)
            outcome = ADDED
        elif (noun, name) in self._confirmed or not self._may_change(known[name]):
            outcome = KEPT
        elif known[name] == digest:
            outcome = UNCHANGED
        else:
            self._connection.execute(update(table).where(key == values[key.name]).values(written))
            outcome = CHANGED
        known[name] = written["loaded"]
        self.counts[noun][outcome] += 1
        return outcome

    def leave(self, noun: str) -> None:
        """Count a row that is there and never changes."""
        self.counts[noun][UNCHANGED] += 1

    def write(self, table: Table) -> None:
        """Insert what `put` gathered for a table."""
        rows = self._new.pop(table.name, [])
        if rows:
            self._connection.execute(insert(table), rows)

    def is_known(self, table: Table, key: Column[Any], name: str) -> bool:
        """Whether a row is there, or has just been put."""
        return name in self._load(table, key)

    def _may_change(self, loaded: str | None) -> bool:
        """A catalogue changes what a catalogue brought; whoever else writes changes anything."""
        return loaded is not None or not self._scribe.is_catalogue

    def _load(self, table: Table, key: Column[Any]) -> dict[str, str | None]:
        if table.name not in self._known:
            rows = self._connection.execute(select(key, table.c.loaded))
            self._known[table.name] = {str(row[0]): row[1] for row in rows}
        return self._known[table.name]
