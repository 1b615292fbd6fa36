"""Silence procedures: circulated by a secretariat, broken by any member of the forum in time."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, insert, select
from sqlalchemy import Row as Found

from auth.queries import find_forum
from auth.reader import Reader
from auth.tables import forum
from kernel.clock import parse_instant
from kernel.errors import BadInput, Forbidden, NotFound
from norms.queries.scope import list_belongings
from norms.rules.dates import day_of
from norms.rules.memberships import list_members
from norms.rules.silence import (
    ADOPTED,
    BROKEN,
    CIRCULATED,
    EXTENDED,
    WITHDRAWN,
    SilenceEvent,
    SilenceState,
    check_may_follow,
    find_state,
)
from norms.services.documents import Row, bad
from norms.services.rights import (
    CLEARANCE,
    check_secretariat_of,
    check_writes_for,
    is_secretariat_of,
)
from norms.tables import silence_event, silence_procedure

_NAMES: Final = frozenset({"title", "symbol", "deadline", "zone", "source", "note"})


def circulate(
    connection: Connection,
    reader: Reader,
    forum_slug: str,
    document: Mapping[str, Any],
    *,
    now_us: int,
) -> str:
    """Circulate a draft under silence; the procedure's id. Raises Forbidden, BadInput."""
    place = find_forum(connection, forum_slug)
    if place is None:
        raise NotFound("norms.unknown-forum", "no such forum")
    check_secretariat_of(connection, reader, place.id)
    row = Row(document, "")
    row.check_names(_NAMES)
    deadline_us, zone = _read_deadline(row, now_us)
    name = str(uuid.uuid4())
    said = _provenance(reader, row, now_us)
    number = connection.execute(
        insert(silence_procedure)
        .values(
            uuid=name,
            forum_id=place.id,
            title=row.text("title"),
            symbol=row.text("symbol"),
            **said,
        )
        .returning(silence_procedure.c.id)
    ).scalar_one()
    _append(connection, number, CIRCULATED, now_us, said, deadline_us=deadline_us, zone=zone)
    return name


def extend(
    connection: Connection,
    reader: Reader,
    name: str,
    document: Mapping[str, Any],
    *,
    now_us: int,
) -> None:
    """Give more time while silence runs."""
    found, state = _expect_secretariats(connection, reader, name, now_us)
    check_may_follow(state, EXTENDED)
    row = Row(document, "")
    row.check_names(frozenset({"deadline", "zone", "note", "source"}))
    deadline_us, zone = _read_deadline(row, now_us)
    if state is not None and deadline_us <= state.deadline_us:
        raise bad("deadline", "an extension is later than the deadline that counts")
    said = _provenance(reader, row, now_us)
    _append(connection, found.id, EXTENDED, now_us, said, deadline_us=deadline_us, zone=zone)


def break_silence(
    connection: Connection,
    reader: Reader,
    name: str,
    document: Mapping[str, Any],
    *,
    now_us: int,
) -> None:
    """Object in time, as a State that is a member of the forum. A reason is not asked for."""
    found, state = _expect(connection, name, now_us)
    row = Row(document, "")
    row.check_names(frozenset({"body", "party", "note", "source"}))
    if is_secretariat_of(connection, reader, found.forum_id):
        code = row.text("party")
        source_class = "secretariat-recorded"
    else:
        code = check_writes_for(reader, CLEARANCE)
        source_class = "self-reported"
        if row.find_text("party") not in (None, code):
            raise Forbidden("norms.not-its-own-act", "a State objects for itself alone")
    if code not in _members(connection, found.slug, now_us):
        raise Forbidden("norms.not-a-member", "only a member of the forum objects")
    check_may_follow(state, BROKEN)
    said = _provenance(reader, row, now_us) | {"source_class": source_class}
    _append(
        connection,
        found.id,
        BROKEN,
        now_us,
        said,
        party_code=code,
        body=row.find_text("body"),
    )


def end(
    connection: Connection,
    reader: Reader,
    name: str,
    document: Mapping[str, Any],
    *,
    now_us: int,
) -> None:
    """Withdraw a procedure, or put on record that what was held is adopted."""
    found, state = _expect_secretariats(connection, reader, name, now_us)
    row = Row(document, "")
    row.check_names(frozenset({"kind"}))
    kind = row.word("kind", (ADOPTED, WITHDRAWN), "")
    check_may_follow(state, kind)
    _append(connection, found.id, kind, now_us, _provenance(reader, row, now_us))


def _members(connection: Connection, slug: str, now_us: int) -> frozenset[str]:
    return list_members(list_belongings(connection, [slug]).get(slug, ()), day_of(now_us))


def _expect(
    connection: Connection, name: str, now_us: int
) -> tuple[Found[Any], SilenceState | None]:
    """A procedure and its state; locked, so that an objection is in time or is not."""
    statement = (
        select(silence_procedure, forum.c.slug)
        .join(forum, forum.c.id == silence_procedure.c.forum_id)
        .where(silence_procedure.c.uuid == name)
        .with_for_update(of=silence_procedure)
    )
    found = connection.execute(statement).first() if "\0" not in name else None
    if found is None:
        raise NotFound("norms.unknown-silence", "there is no such silence procedure")
    rows = connection.execute(
        select(silence_event)
        .where(silence_event.c.procedure_id == found.id)
        .order_by(silence_event.c.id)
    )
    events = [SilenceEvent(row.kind, row.at_us, row.deadline_us, row.zone) for row in rows]
    return found, find_state(events, now_us)


def _expect_secretariats(
    connection: Connection, reader: Reader, name: str, now_us: int
) -> tuple[Found[Any], SilenceState | None]:
    found, state = _expect(connection, name, now_us)
    check_secretariat_of(connection, reader, found.forum_id)
    return found, state


def _append(
    connection: Connection,
    procedure_id: int,
    kind: str,
    now_us: int,
    said: Mapping[str, Any],
    **more: Any,  # noqa: ANN401 - columns of the event
) -> None:
    connection.execute(
        insert(silence_event).values(
            procedure_id=procedure_id, kind=kind, at_us=now_us, **said, **more
        )
    )


def _provenance(reader: Reader, row: Row, now_us: int) -> dict[str, Any]:
    return {
        "source": row.find_text("source") or row.find_text("symbol") or "the secretariat",
        "source_class": "secretariat-recorded",
        "confidence": "certain",
        "note": row.find_text("note"),
        "recorded_by": reader.actor,
        "recorded_us": now_us,
    }


def _read_deadline(row: Row, now_us: int) -> tuple[int, str]:
    try:
        deadline_us = parse_instant(row.text("deadline"))
    except BadInput as fault:
        raise bad("deadline", fault.message) from None
    if deadline_us <= now_us:
        raise bad("deadline", "write an instant in the future")
    zone = row.find_text("zone") or "UTC"
    try:
        ZoneInfo(zone)
    except (KeyError, OSError, ValueError):
        raise bad("zone", f"{zone!r} is no time zone; write one like Europe/Vienna") from None
    return deadline_us, zone
