"""What waits for a second person of a secretariat, and what became of it: for that secretariat."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from auth.reader import Reader
from auth.tables import person
from norms.tables import recording
from norms.visibility import of_secretariat


@dataclass(frozen=True, slots=True)
class Recording:
    """Events that one person recorded, as they were sent; people are named by their addresses.

    `became` are the ids of the events on record, none unless it is `confirmed`.
    """

    id: str
    events: tuple[dict[str, Any], ...]
    recorded_by: str
    recorded_us: int
    state: str
    decided_by: str | None
    decided_us: int | None
    reason: str | None
    became: tuple[str, ...]


def list_recordings(
    connection: Connection, reader: Reader, *, state: str | None = None, name: str | None = None
) -> list[Recording]:
    """Those of the reader's secretariat, the oldest first; none for anybody else."""
    second = person.alias("second")
    statement = (
        select(recording, person.c.email, second.c.email.label("second"))
        .join(person, person.c.id == recording.c.recorded_by)
        .outerjoin(second, second.c.id == recording.c.decided_by)
        .where(of_secretariat(reader, recording))
        .order_by(recording.c.recorded_us, recording.c.id)
    )
    for column, value in ((recording.c.state, state), (recording.c.id, name)):
        if value is not None:
            statement = statement.where(column == value)
    return [_recording(row) for row in connection.execute(statement)]


def find_recording(connection: Connection, reader: Reader, name: str) -> Recording | None:
    """One of them."""
    if "\0" in name:
        return None
    return next(iter(list_recordings(connection, reader, name=name)), None)


def _recording(row: Row[Any]) -> Recording:
    return Recording(
        id=row.id,
        events=tuple(json.loads(row.events)),
        recorded_by=row.email,
        recorded_us=row.recorded_us,
        state=row.state,
        decided_by=row.second,
        decided_us=row.decided_us,
        reason=row.reason,
        became=tuple(json.loads(row.became)),
    )
