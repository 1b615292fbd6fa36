"""What is due: windows that close, treaties that enter into force, sessions, silence, actions.

Nothing here publishes or closes anything: a clock tells, people act.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Connection, Row, Text, cast, literal, null, select, union_all

from auth.reader import Reader
from norms.queries.events import list_open_reservations
from norms.queries.forums import list_sessions
from norms.queries.silences import list_silences
from norms.queries.states_own import list_actions
from norms.rules.dates import day_of, parse_date, parse_day
from norms.rules.progress import PLANNED, UNDER_WAY
from norms.rules.silence import RUNNING
from norms.tables import instrument, instrument_standing, treaty_standing


@dataclass(frozen=True, slots=True)
class Due:
    """Something with a date: from `day` to `last_day`; `at_us` where it is an instant."""

    kind: str
    id: str
    day: int
    last_day: int
    title: str
    forum: str | None
    party: str | None
    at_us: int | None = None


def list_due(
    connection: Connection,
    reader: Reader,
    *,
    from_day: int,
    to_day: int,
    now_us: int,
    forum_slug: str | None = None,
    party: str | None = None,
    kind: str | None = None,
) -> list[Due]:
    """What the reader may see of what is due in [from_day, to_day], by day, kind and id."""
    found = [
        *_sessions(connection, reader, from_day, to_day),
        *_objections(connection, reader),
        *_of_instruments(connection),
        *_silences(connection, reader, now_us),
        *_actions(connection, reader, now_us),
    ]
    wanted = [
        one
        for one in found
        if one.last_day >= from_day
        and one.day <= to_day
        and forum_slug in (None, one.forum)
        and party in (None, one.party)
        and kind in (None, one.kind)
    ]
    return sorted(wanted, key=lambda one: (one.day, one.kind, one.id))


KINDS = (
    "session",
    "signature-window-closes",
    "objection-window-closes",
    "entry-into-force",
    "takes-effect",
    "silence-deadline",
    "action-due",
)


def _sessions(connection: Connection, reader: Reader, from_day: int, to_day: int) -> Iterator[Due]:
    for one in list_sessions(connection, reader, from_day=from_day, to_day=to_day):
        title = f"{one.forum}: {one.title}"
        yield Due("session", one.key, one.first_day, one.last_day, title, one.forum, None)


def _objections(connection: Connection, reader: Reader) -> Iterator[Due]:
    for one in list_open_reservations(connection, reader):
        if one.objections_until is not None:
            day = parse_day(one.objections_until)
            yield Due(
                "objection-window-closes",
                one.id,
                day,
                day,
                f"{one.instrument}: objections to the reservation of {one.party}",
                one.forum,
                one.party,
            )


def _of_instruments(connection: Connection) -> Iterator[Due]:
    """Windows that close, treaties that enter into force, and where one begins, or ceases, to
    bind a party; one question for all."""
    no_text, no_day = cast(null(), Text), cast(null(), BigInteger)
    windows = select(
        literal("signature-window-closes", Text).label("kind"),
        instrument.c.id.label("instrument"),
        instrument.c.title.label("title"),
        instrument.c.closes.label("date"),
        no_day.label("day"),
        no_text.label("party"),
    ).where(instrument.c.closes.is_not(None))
    entries = (
        select(
            literal("entry-into-force", Text),
            instrument_standing.c.instrument_id,
            instrument.c.title,
            no_text,
            instrument_standing.c.from_day,
            no_text,
        )
        .join(instrument, instrument.c.id == instrument_standing.c.instrument_id)
        .where(instrument_standing.c.status == "in-force")
    )
    effects = select(
        literal("takes-effect", Text),
        treaty_standing.c.instrument_id,
        treaty_standing.c.status,
        no_text,
        treaty_standing.c.from_day,
        treaty_standing.c.party_code,
    ).where(treaty_standing.c.status.in_(("party", "suspended", "former-party")))
    for row in connection.execute(union_all(windows, entries, effects)):
        yield _of_instrument(row)


def _of_instrument(row: Row[Any]) -> Due:
    name, title = row.instrument, row.title
    if row.kind == "signature-window-closes":
        closes = parse_date(row.date)
        told = f"{title}: the window for signature closes"
        return Due(row.kind, name, closes.first_day, closes.last_day, told, None, None)
    if row.kind == "entry-into-force":
        return Due(row.kind, name, row.day, row.day, f"{title} enters into force", None, None)
    key = f"{name} {row.party} {title}"
    told = f"{name}: {row.party} is {title}"
    return Due(row.kind, key, row.day, row.day, told, None, row.party)


def _silences(connection: Connection, reader: Reader, now_us: int) -> Iterator[Due]:
    for one in list_silences(connection, reader, now_us=now_us):
        if one.state.status == RUNNING:
            day = day_of(one.state.deadline_us)
            yield Due(
                "silence-deadline",
                one.id,
                day,
                day,
                f"{one.symbol}: silence ends",
                one.forum,
                None,
                one.state.deadline_us,
            )


def _actions(connection: Connection, reader: Reader, now_us: int) -> Iterator[Due]:
    for one in list_actions(connection, reader, day=day_of(now_us)):
        due = one.progress.due
        if due is not None and one.progress.status in (PLANNED, UNDER_WAY):
            when = parse_date(due)
            title = f"{one.party}: {one.columns['plan']}"
            yield Due("action-due", one.id, when.first_day, when.last_day, title, None, one.party)
