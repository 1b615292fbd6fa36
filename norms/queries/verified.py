"""Whether a row may be relied on: by its confidence, or since a named person confirmed it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Row, select

from kernel.db import is_one_look
from norms.rules.words import VERIFIED
from norms.tables import confirmation

_BATCH: Final = 500
_KNOWN: Final[WeakKeyDictionary[Connection, defaultdict[str, dict[str, Confirmed]]]] = (
    WeakKeyDictionary()
)
"""What was read in looks at the database that go on; gone with them."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Who confirmed a row, when, and against what."""

    by: str
    at_us: int
    against: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """What every datum says of itself; `verified` by confidence or by a person."""

    source: str
    source_class: str
    confidence: str
    note: str | None
    recorded_by: str
    confirmed: Confirmed | None

    @property
    def is_verified(self) -> bool:
        """Whether nobody needs to look again before it is relied on."""
        return self.confidence in VERIFIED or self.confirmed is not None


def find_confirmed(
    connection: Connection, kind: str, keys: Iterable[str] | None = None
) -> Mapping[str, Confirmed]:
    """The confirmations of rows of one noun, by their key; the last of each.

    In a look at the database that changes nothing they are read once, whatever is asked for.
    """
    if is_one_look(connection):
        known = _KNOWN.get(connection)
        if known is None:
            known = _KNOWN[connection] = _list_confirmed(connection)
        return known[kind]
    statement = select(confirmation).where(confirmation.c.subject_kind == kind)
    wanted = None if keys is None else sorted(set(keys))
    if wanted is not None and len(wanted) <= _BATCH:
        statement = statement.where(confirmation.c.subject_key.in_(wanted))
    return _by_kind(connection.execute(statement.order_by(confirmation.c.id)))[kind]


def _list_confirmed(connection: Connection) -> defaultdict[str, dict[str, Confirmed]]:
    return _by_kind(connection.execute(select(confirmation).order_by(confirmation.c.id)))


def _by_kind(rows: Iterable[Row[Any]]) -> defaultdict[str, dict[str, Confirmed]]:
    found: defaultdict[str, dict[str, Confirmed]] = defaultdict(dict)
    for row in rows:
        confirmed = Confirmed(row.confirmed_by, row.confirmed_us, row.against)
        found[row.subject_kind][row.subject_key] = confirmed
    return found


def provenance(row: Row[Any], confirmed: Confirmed | None) -> Provenance:
    """Of a row that has the columns of provenance."""
    return Provenance(
        source=row.source,
        source_class=row.source_class,
        confidence=row.confidence,
        note=row.note,
        recorded_by=row.recorded_by,
        confirmed=confirmed,
    )
