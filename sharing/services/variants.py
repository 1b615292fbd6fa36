"""The forms of a contribution that lack something, as bytes, made once for each that arises."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import orjson
from sqlalchemy import Connection, insert, select

from sharing.gate.lessening import WHOLE, Omission, lessen
from sharing.queries.contributions import Stored, in_batches
from sharing.services.mentioning import keep_forms
from sharing.tables import body, variant


@dataclass(frozen=True, slots=True)
class Variant:
    """One form: its bytes, and the statement markings it still carries, those they carry too."""

    body_id: int
    statements: tuple[str, ...]


def write_omission(omission: Omission) -> str | None:
    """What a form lacks as it is kept: JSON with sorted `units` and `ids`; None for nothing."""
    return None if omission is WHOLE or omission == WHOLE else _written(omission)


@lru_cache(maxsize=1024)
def _written(omission: Omission) -> str:
    parts = {"units": sorted(omission.units), "ids": sorted(omission.ids)}
    return orjson.dumps(parts).decode()


def read_omission(text: str | None) -> Omission:
    """What `write_omission` wrote."""
    if text is None:
        return WHOLE
    parts = orjson.loads(text)
    return Omission(frozenset(parts["units"]), frozenset(parts["ids"]))


class Variants:
    """The forms of contributions, found or made; one for each recomputation."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._found: dict[tuple[int, str], Variant] = {}

    def form_of(self, stored: Stored, omitted: str) -> Variant:
        """The form of a contribution that lacks `omitted` (as `write_omission` wrote it)."""
        key = (stored.id, omitted)
        if key not in self._found:
            self.prepare([(stored, omitted)])
        return self._found[key]

    def carried_by(self, contribution_id: int, omitted: str) -> tuple[str, ...]:
        """The statement markings that a form which has been made carries."""
        key = (contribution_id, omitted)
        if key not in self._found:
            self._find([contribution_id])
        return self._found[key].statements

    def read(self, contribution_ids: Iterable[int]) -> None:
        """Find the forms of these that have been made, with few statements."""
        for batch in in_batches(contribution_ids):
            self._find(batch)

    def prepare(self, wanted: Iterable[tuple[Stored, str]]) -> None:
        """Find or make several forms with few statements."""
        for batch in in_batches(wanted):
            missing = {
                (stored.id, omitted): stored
                for stored, omitted in batch
                if (stored.id, omitted) not in self._found
            }
            self._find(contribution_id for contribution_id, _ in missing)
            self._make({key: s for key, s in missing.items() if key not in self._found})

    def _find(self, contribution_ids: Iterable[int]) -> None:
        ids = list(dict.fromkeys(contribution_ids))
        if not ids:
            return
        rows = self._connection.execute(select(variant).where(variant.c.contribution_id.in_(ids)))
        for row in rows:
            statements = tuple(orjson.loads(row.statements))
            self._found[(row.contribution_id, row.omitted)] = Variant(row.body_id, statements)

    def _make(self, missing: dict[tuple[int, str], Stored]) -> None:
        if not missing:
            return
        raws = self._bytes_of(missing.values())
        made = {
            (stored.id, omitted): lessen(raws[stored.body_id], read_omission(omitted))
            for (_, omitted), stored in missing.items()
            if stored.body_id is not None
        }
        forms = [lessened.raw for lessened in made.values()]
        ids = keep_forms(self._connection, forms, map(orjson.loads, forms))
        rows = []
        for (key, lessened), body_id in zip(made.items(), ids, strict=True):
            statements = _closure(lessened.statements, missing[key])
            self._found[key] = Variant(body_id, statements)
            rows.append(
                {
                    "contribution_id": key[0],
                    "omitted": key[1],
                    "body_id": body_id,
                    "statements": orjson.dumps(statements).decode(),
                }
            )
        self._connection.execute(insert(variant), rows)

    def _bytes_of(self, contributions: Iterable[Stored]) -> dict[int, bytes]:
        body_ids = {stored.body_id for stored in contributions if stored.body_id is not None}
        rows = self._connection.execute(
            select(body.c.id, body.c.content).where(body.c.id.in_(sorted(body_ids)))
        )
        return {row.id: bytes(row.content) for row in rows}


def _closure(direct: Iterable[str], stored: Stored) -> tuple[str, ...]:
    """Of the markings that a form names, the statements, and the statements they carry."""
    carried = [marking_id for marking_id in direct if marking_id in stored.facts.markings]
    for marking_id in list(carried):
        carried += stored.facts.carries.get(marking_id, ())
    return tuple(dict.fromkeys(carried))
