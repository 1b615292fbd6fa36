"""Whether a row may be relied on: by its confidence, or since a named person confirmed it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from norms.rules.words import VERIFIED
from norms.tables import confirmation

_BATCH: Final = 500


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
) -> dict[str, Confirmed]:
    """The confirmations of rows of one noun, by their key; the last of each."""
    found: dict[str, Confirmed] = {}
    statement = select(confirmation).where(confirmation.c.subject_kind == kind)
    wanted = None if keys is None else sorted(set(keys))
    if wanted is not None and len(wanted) <= _BATCH:
        statement = statement.where(confirmation.c.subject_key.in_(wanted))
    for row in connection.execute(statement.order_by(confirmation.c.id)):
        found[row.subject_key] = Confirmed(row.confirmed_by, row.confirmed_us, row.against)
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
