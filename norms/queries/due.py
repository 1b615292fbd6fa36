"""What is due: windows that close, treaties that enter into force, sessions, silence, actions.

Nothing here publishes or closes anything: a clock tells, people act.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, select

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
        *_windows(connection),
        *_objections(connection, reader),
        *_entries(connection),
        *_effects(connection),
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


def _windows(connection: Connection) -> Iterator[Due]:
    rows = connection.execute(
        select(instrument.c.id, instrument.c.title, instrument.c.closes).where(
            instrument.c.closes.is_not(None)
        )
    )
    for row in rows:
        closes = parse_date(row.closes)
        yield Due(
            "signature-window-closes",
            row.id,
            closes.first_day,
            closes.last_day,
            f"{row.title}: the window for signature closes",
            None,
            None,
        )


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


def _entries(connection: Connection) -> Iterator[Due]:
    statement: Select[Any] = (
        select(instrument_standing, instrument.c.title)
        .join(instrument, instrument.c.id == instrument_standing.c.instrument_id)
        .where(instrument_standing.c.status == "in-force")
    )
    for row in connection.execute(statement):
        yield Due(
            "entry-into-force",
            row.instrument_id,
            row.from_day,
            row.from_day,
            f"{row.title} enters into force",
            None,
            None,
        )


def _effects(connection: Connection) -> Iterator[Due]:
    """Where a treaty begins, or ceases, to bind one party."""
    rows = connection.execute(
        select(treaty_standing).where(
            treaty_standing.c.status.in_(("party", "suspended", "former-party"))
        )
    )
    for row in rows:
        yield Due(
            "takes-effect",
            f"{row.instrument_id} {row.party_code} {row.status}",
            row.from_day,
            row.from_day,
            f"{row.instrument_id}: {row.party_code} is {row.status}",
            None,
            row.party_code,
        )


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
