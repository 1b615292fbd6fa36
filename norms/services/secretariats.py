"""Events as a secretariat records them: of its own forums and those below, marked as its record.

What does not live here: whether a second person has to confirm them (`recordings`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, select

from auth.reader import Reader
from auth.tables import forum
from kernel.errors import Forbidden
from norms.rules import words
from norms.services.documents import Row
from norms.services.provenance import Scribe
from norms.services.recording import Recorded, Recorder, record_events
from norms.services.rights import check_secretariat_of
from norms.tables import instrument, norm_event

SOURCE_CLASS: Final = "secretariat-recorded"


def record_as_secretariat(
    connection: Connection, reader: Reader, rows: Sequence[Row], scribe: Scribe
) -> Sequence[Recorded]:
    """Record these, as far as they are the reader's to record. All of them, or none."""
    for row in rows:
        _check_secretariats(connection, reader, row)
    return record_events(connection, scribe, rows)


def try_as_secretariat(
    connection: Connection, reader: Reader, rows: Sequence[Row], scribe: Scribe
) -> None:
    """Raise what recording these now would raise; nothing stays of it."""
    for row in rows:
        _check_secretariats(connection, reader, row)
    trying = connection.begin_nested()
    try:
        recorder = Recorder(connection, scribe)
        for row in rows:
            recorder.record(row)
        recorder.write()
    finally:
        trying.rollback()


def find_named_event(connection: Connection, said: str) -> Any:  # noqa: ANN401 - a row of any shape
    """The event with this id or key."""
    return connection.execute(
        select(norm_event).where((norm_event.c.uuid == said) | (norm_event.c.key == said))
    ).first()


def _check_secretariats(connection: Connection, reader: Reader, row: Row) -> None:
    kind = row.text("kind")
    if kind in (words.CONTEST, words.CONTEST_WITHDRAWAL):
        raise Forbidden("norms.not-its-own-act", f"{row.place}: only the State itself contests")
    for name in ("corrects", "refers_to"):
        said = row.find_text(name)
        event = find_named_event(connection, said) if said is not None else None
        if event is not None:
            _check_instrument(connection, reader, event.instrument_id, row)
    named = row.find_text("instrument")
    if named is not None:
        _check_instrument(connection, reader, named, row)
    slug = row.find_text("forum")
    if slug is not None:
        found = connection.execute(select(forum.c.id).where(forum.c.slug == slug)).scalar()
        if found is not None:
            check_secretariat_of(connection, reader, found)


def _check_instrument(connection: Connection, reader: Reader, name: str, row: Row) -> None:
    """Its forum's secretariat records about an instrument; so does one whose forum adopts it."""
    forum_id = connection.execute(
        select(instrument.c.forum_id).where(instrument.c.id == name)
    ).scalar()
    adopts = row.find_text("forum") is not None and row.text("kind") == words.ADOPTION
    if forum_id is not None and not adopts:
        check_secretariat_of(connection, reader, forum_id)
