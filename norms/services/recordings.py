"""Four eyes of a secretariat: what one person records waits until a second has confirmed it.

What waits is kept as it was sent, and recorded as if it were sent again when it is confirmed: it
counts from then on (decision 22). Nobody decides alone, and nobody but that secretariat sees it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy import Row as Found

from auth.queries import Person, count_of_secretariat, find_forum, find_person_behind
from auth.reader import Reader
from auth.services import record_audit
from kernel.errors import BadInput, Conflict, Forbidden, NotFound
from norms.rules.four_eyes import (
    AUTOMATIC,
    CONFIRMED,
    REFUSED,
    SETTINGS,
    WAITING,
    asks_for_second,
)
from norms.services.documents import Row, bad
from norms.services.provenance import Scribe
from norms.services.secretariats import SOURCE_CLASS, record_as_secretariat, try_as_secretariat
from norms.tables import four_eyes, recording
from norms.visibility import of_secretariat

_MOST_REASON: Final = 2000


def find_setting(connection: Connection, forum_id: int) -> str:
    """What a forum asks for: one of `SETTINGS`."""
    said = connection.execute(
        select(four_eyes.c.setting).where(four_eyes.c.forum_id == forum_id)
    ).scalar()
    return AUTOMATIC if said is None else str(said)


def set_four_eyes(
    connection: Connection, slug: str, setting: str, *, actor: str, now_us: int
) -> None:
    """Say when a second person confirms what the forum's secretariat records.

    What waits already goes on waiting. Raises BadInput, NotFound.
    """
    if setting not in SETTINGS:
        raise BadInput("norms.bad-setting", f"write one of: {', '.join(SETTINGS)}")
    found = find_forum(connection, slug)
    if found is None:
        raise NotFound(
            "norms.unknown-forum", f"there is no forum {slug!r}; see `comity forum list`"
        )
    connection.execute(delete(four_eyes).where(four_eyes.c.forum_id == found.id))
    connection.execute(insert(four_eyes).values(forum_id=found.id, setting=setting))
    record_audit(
        connection,
        actor,
        "norms.four-eyes",
        f"forum:{slug}",
        detail={"setting": setting},
        now_us=now_us,
    )


def asks_second_person(connection: Connection, reader: Reader) -> bool:
    """Whether what this person of a secretariat records has to wait for another of it."""
    if reader.secretariat_of is None:
        return False
    persons = count_of_secretariat(connection, reader.secretariat_of)
    return asks_for_second(find_setting(connection, reader.secretariat_of), persons)


def wait_for_second(
    connection: Connection, reader: Reader, rows: Sequence[Row], *, now_us: int
) -> str:
    """Keep these events until a second person confirms them; the id of what waits.

    They are checked as if they were recorded now. Raises BadInput, Forbidden, Conflict.
    """
    person = _person(connection, reader)
    try_as_secretariat(connection, reader, rows, Scribe(reader.actor, now_us, SOURCE_CLASS))
    name = str(uuid.uuid4())
    connection.execute(
        insert(recording).values(
            id=name,
            forum_id=reader.secretariat_of,
            events=json.dumps([row.value for row in rows]),
            recorded_by=person.id,
            actor=reader.actor,
            recorded_us=now_us,
            state=WAITING,
            became="[]",
        )
    )
    record_audit(connection, reader.actor, "recording.wait", f"recording:{name}", now_us=now_us)
    return name


def confirm_recording(
    connection: Connection, reader: Reader, name: str, *, now_us: int
) -> tuple[str, ...]:
    """Put what waits on record, as a second person of the secretariat; the ids of the events.

    Raises NotFound for who is not of the secretariat, Forbidden (`norms.four-eyes`) for who
    recorded it, Conflict for what was decided already; and what recording it now would raise.
    """
    found, person = _expect(connection, reader, name), _person(connection, reader)
    if person.id == found.recorded_by:
        raise Forbidden(
            "norms.four-eyes",
            "you recorded this yourself; another person of your secretariat confirms it",
        )
    _decide(connection, found, person, CONFIRMED, now_us=now_us)
    rows = [Row(each, f"events[{place}]") for place, each in enumerate(json.loads(found.events))]
    scribe = Scribe(found.actor, now_us, SOURCE_CLASS, confirmed_by=reader.actor)
    recorded = record_as_secretariat(connection, reader, rows, scribe)
    names = tuple(one.uuid for one in recorded)
    connection.execute(
        update(recording).where(recording.c.id == name).values(became=json.dumps(names))
    )
    record_audit(
        connection,
        reader.actor,
        "recording.confirm",
        f"recording:{name}",
        detail={"recorded_by": found.actor},
        now_us=now_us,
    )
    return names


def refuse_recording(
    connection: Connection, reader: Reader, name: str, document: Mapping[str, Any], *, now_us: int
) -> None:
    """End what waits, with or without a reason: by another person, or by who recorded it.

    Raises NotFound, Conflict, BadInput.
    """
    row = Row(document, "")
    row.check_names(frozenset({"reason"}))
    reason = row.find_text("reason")
    if reason is not None and len(reason) > _MOST_REASON:
        raise bad("reason", f"write at most {_MOST_REASON} characters")
    found, person = _expect(connection, reader, name), _person(connection, reader)
    _decide(connection, found, person, REFUSED, now_us=now_us, reason=reason)
    record_audit(
        connection,
        reader.actor,
        "recording.refuse",
        f"recording:{name}",
        detail={"recorded_by": found.actor},
        now_us=now_us,
    )


def _decide(
    connection: Connection,
    found: Found[Any],
    person: Person,
    state: str,
    *,
    now_us: int,
    reason: str | None = None,
) -> None:
    decided = connection.execute(
        update(recording)
        .where(recording.c.id == found.id, recording.c.state == WAITING)
        .values(state=state, decided_by=person.id, decided_us=now_us, reason=reason)
    )
    if decided.rowcount == 0:
        raise Conflict("norms.recording-over", "this has been confirmed or refused already")


def _expect(connection: Connection, reader: Reader, name: str) -> Found[Any]:
    statement = select(recording).where(recording.c.id == name, of_secretariat(reader, recording))
    found = connection.execute(statement).first() if "\0" not in name else None
    if found is None:
        raise NotFound("norms.unknown-recording", "there is no such recording")
    return found


def _person(connection: Connection, reader: Reader) -> Person:
    found = find_person_behind(connection, reader.actor)
    if found is None:
        raise Forbidden("auth.role-needed", "only a person of a secretariat does this")
    return found
