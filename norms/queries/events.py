"""Events as they are on record: corrected ones too, each saying by what."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from auth.reader import Reader
from auth.tables import forum
from norms.queries.scope import event_of
from norms.queries.verified import Confirmed, Provenance, find_confirmed, provenance
from norms.rules.dates import PartialDate, format_day, parse_date
from norms.rules.events import Event, find_last_words, list_standing
from norms.rules.objections import find_window_end, is_in_time, is_permitted, list_left
from norms.rules.words import OBJECTIONS, RESERVATION
from norms.tables import instrument as instrument_table
from norms.tables import norm_event


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """An event; `objections_until` of a reservation, `in_time` of an objection (VCLT 20(5)).

    What was objected to counts as corrected; of what was annulled, `in_time` is None.
    `is_permitted` of a reservation, by what its treaty lists; None where it lists nothing.
    """

    id: str
    key: str | None
    kind: str
    date: str
    instrument: str
    forum: str | None
    party: str | None
    provisions: tuple[str, ...]
    parties: tuple[str, ...]
    basis: str | None
    symbol: str | None
    refers_to: str | None
    corrects: str | None
    corrected_by: str | None
    body: str | None
    detail: dict[str, Any]
    on_behalf_of: str | None
    objections_until: str | None
    in_time: bool | None
    is_permitted: bool | None
    recorded_us: int
    provenance: Provenance


def list_events(  # noqa: PLR0913 - each a filter
    connection: Connection,
    reader: Reader,
    *,
    instrument: str | None = None,
    party: str | None = None,
    forum_slug: str | None = None,
    kinds: Iterable[str] | None = None,
    name: str | None = None,
    from_day: int | None = None,
    to_day: int | None = None,
) -> list[RecordedEvent]:
    """Events by day and order of recording. Public."""
    del reader
    statement = _events()
    for column, value in (
        (norm_event.c.instrument_id, instrument),
        (norm_event.c.party_code, party),
        (forum.c.slug, forum_slug),
        (norm_event.c.uuid, name),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if kinds is not None:
        statement = statement.where(norm_event.c.kind.in_(sorted(kinds)))
    if from_day is not None:
        statement = statement.where(norm_event.c.last_day >= from_day)
    if to_day is not None:
        statement = statement.where(norm_event.c.first_day <= to_day)
    confirmed = find_confirmed(connection, "event")
    rows = connection.execute(statement).all()
    notified = _find_notified(connection, rows)
    return [_event(row, confirmed, notified.get(row.referred_id)) for row in rows]


def _events() -> Select[Any]:
    referred = norm_event.alias("referred")
    corrected = norm_event.alias("corrected")
    correcting = norm_event.alias("correcting")
    return (
        select(
            norm_event,
            forum.c.slug,
            instrument_table.c.reservable,
            referred.c.uuid.label("refers_to"),
            referred.c.id.label("referred_id"),
            referred.c.kind.label("referred_kind"),
            corrected.c.uuid.label("corrects"),
            correcting.c.uuid.label("corrected_by"),
        )
        .outerjoin(forum, forum.c.id == norm_event.c.forum_id)
        .outerjoin(instrument_table, instrument_table.c.id == norm_event.c.instrument_id)
        .outerjoin(referred, referred.c.id == norm_event.c.refers_to_id)
        .outerjoin(corrected, corrected.c.id == norm_event.c.corrects_id)
        .outerjoin(correcting, correcting.c.corrects_id == norm_event.c.id)
        .order_by(norm_event.c.first_day, norm_event.c.id)
    )


def find_event(connection: Connection, reader: Reader, name: str) -> RecordedEvent | None:
    """One event."""
    if "\0" in name:
        return None
    return next(iter(list_events(connection, reader, name=name)), None)


@dataclass(frozen=True, slots=True)
class Window:
    """Until which day a reservation (its event's id) may be objected to."""

    id: str
    instrument: str
    party: str | None
    forum: str | None
    day: int


def list_windows(connection: Connection, reader: Reader) -> list[Window]:
    """Of the reservations that stand now and of which something is left, by day. Public."""
    del reader
    reserved = norm_event.alias("reserved")
    about = select(reserved.c.instrument_id).where(reserved.c.kind == RESERVATION)
    rows = connection.execute(_events().where(norm_event.c.instrument_id.in_(about))).all()
    left = {
        act.id
        for events in _by_instrument(rows).values()
        for act in list_left(list_standing(events))
    }
    return [
        Window(
            row.uuid,
            row.instrument_id,
            row.party_code,
            row.slug,
            find_window_end(notified_of(row.date, row.detail)),
        )
        for row in rows
        if row.kind == RESERVATION and row.id in left
    ]


def _by_instrument(rows: Iterable[Row[Any]]) -> dict[str, list[Event]]:
    """The events of each instrument, in the order of recording."""
    found: dict[str, list[Event]] = {}
    for row in sorted(rows, key=lambda row: int(row.id)):
        found.setdefault(row.instrument_id, []).append(event_of(row))
    return found


def _find_notified(connection: Connection, rows: Iterable[Row[Any]]) -> dict[int, PartialDate]:
    """By the id of each reservation objected to, when others were notified of what counts of it."""
    concerned = {
        row.instrument_id
        for row in rows
        if row.kind in OBJECTIONS and row.referred_kind == RESERVATION
    }
    found: dict[int, PartialDate] = {}
    if not concerned:
        return found
    about = norm_event.c.instrument_id.in_(sorted(concerned))
    every = connection.execute(_events().where(about)).all()
    said = {row.id: notified_of(row.date, row.detail) for row in every if row.kind == RESERVATION}
    for events in _by_instrument(every).values():
        words = find_last_words(events)
        found |= {one: said[word.id] for one, word in words.items() if word and word.id in said}
    return found


def notified_of(date: str, detail: str) -> PartialDate:
    """When others were notified of an act: as said, else on its own date."""
    return parse_date(json.loads(detail).get("notified") or date)


def _event(
    row: Row[Any], confirmed: Mapping[str, Confirmed], notified: PartialDate | None
) -> RecordedEvent:
    until, in_time, permitted = None, None, None
    if row.kind == RESERVATION:
        paths = [one.partition(":")[2] for one in json.loads(row.provisions)]
        permitted = is_permitted(paths, json.loads(row.reservable) if row.reservable else None)
        until = format_day(find_window_end(notified_of(row.date, row.detail)))
    if row.kind in OBJECTIONS and notified is not None:
        in_time = is_in_time(PartialDate(row.date, row.first_day, row.last_day), notified)
    return RecordedEvent(
        id=row.uuid,
        key=row.key,
        kind=row.kind,
        date=row.date,
        instrument=row.instrument_id,
        forum=row.slug,
        party=row.party_code,
        provisions=tuple(json.loads(row.provisions)),
        parties=tuple(json.loads(row.parties)),
        basis=row.basis,
        symbol=row.symbol,
        refers_to=row.refers_to,
        corrects=row.corrects,
        corrected_by=row.corrected_by,
        body=row.body,
        detail=json.loads(row.detail),
        on_behalf_of=row.on_behalf_of,
        objections_until=until,
        in_time=in_time,
        is_permitted=permitted,
        recorded_us=row.recorded_us,
        provenance=provenance(row, confirmed.get(row.uuid)),
    )
