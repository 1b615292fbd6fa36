"""What is due: windows that close, treaties that enter into force, sessions, silence, actions.

Nothing here publishes or closes anything: a clock tells, people act.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Connection, Row, Text, cast, literal, null, select, union_all

from auth.reader import Reader
from auth.tables import forum
from norms.queries.events import list_windows
from norms.queries.silences import list_silences
from norms.queries.states_own import Action, list_actions
from norms.rules.dates import day_of, parse_date
from norms.rules.progress import PLANNED, UNDER_WAY
from norms.rules.silence import RUNNING
from norms.tables import forum_session, instrument, instrument_standing, treaty_standing


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


def list_due(  # noqa: PLR0913 - each a filter
    connection: Connection,
    reader: Reader,
    *,
    from_day: int,
    to_day: int,
    now_us: int,
    forum_slug: str | None = None,
    party: str | None = None,
    kind: str | None = None,
    actions: Iterable[Action] | None = None,
) -> list[Due]:
    """What the reader may see of what is due in [from_day, to_day], by day, kind and id.

    `actions` are those that it is to be found among, where somebody has asked for them already.
    """
    found = [*_dated(connection), *_objections(connection, reader)]
    if party is None:
        # A deadline of silence is no party's.
        found += _silences(connection, reader, now_us)
    if actions is None:
        actions = list_actions(connection, reader, day=day_of(now_us), party=party)
    found += _actions(actions)
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


def _objections(connection: Connection, reader: Reader) -> Iterator[Due]:
    for one in list_windows(connection, reader):
        title = f"{one.instrument}: objections to the reservation of {one.party}"
        yield Due("objection-window-closes", one.id, one.day, one.day, title, one.forum, one.party)


def _dated(connection: Connection) -> Iterator[Due]:
    """Sessions, windows that close, treaties that enter into force, and where one begins, or
    ceases, to bind a party; one question for all of these public facts."""
    no_text, no_day = cast(null(), Text), cast(null(), BigInteger)
    sessions = select(
        literal("session", Text).label("kind"),
        forum_session.c.key.label("id"),
        forum_session.c.title.label("title"),
        no_text.label("date"),
        cast(forum_session.c.first_day, BigInteger).label("day"),
        no_text.label("party"),
        forum.c.slug.label("forum"),
        cast(forum_session.c.last_day, BigInteger).label("last_day"),
    ).join(forum, forum.c.id == forum_session.c.forum_id)
    windows = select(
        literal("signature-window-closes", Text),
        instrument.c.id,
        instrument.c.title,
        instrument.c.closes,
        no_day,
        no_text,
        no_text,
        no_day,
    ).where(instrument.c.closes.is_not(None))
    entries = (
        select(
            literal("entry-into-force", Text),
            instrument_standing.c.instrument_id,
            instrument.c.title,
            no_text,
            cast(instrument_standing.c.from_day, BigInteger),
            no_text,
            no_text,
            no_day,
        )
        .join(instrument, instrument.c.id == instrument_standing.c.instrument_id)
        .where(instrument_standing.c.status == "in-force")
    )
    effects = select(
        literal("takes-effect", Text),
        treaty_standing.c.instrument_id,
        treaty_standing.c.status,
        no_text,
        cast(treaty_standing.c.from_day, BigInteger),
        treaty_standing.c.party_code,
        no_text,
        no_day,
    ).where(treaty_standing.c.status.in_(("party", "suspended", "former-party")))
    for row in connection.execute(union_all(sessions, windows, entries, effects)):
        yield _due_on(row)


def _due_on(row: Row[Any]) -> Due:
    name, title = row.id, row.title
    if row.kind == "session":
        told = f"{row.forum}: {title}"
        return Due(row.kind, name, row.day, row.last_day, told, row.forum, None)
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


def _actions(found: Iterable[Action]) -> Iterator[Due]:
    for one in found:
        due = one.progress.due
        if due is not None and one.progress.status in (PLANNED, UNDER_WAY):
            when = parse_date(due)
            title = f"{one.party}: {one.columns['plan']}"
            yield Due("action-due", one.id, when.first_day, when.last_day, title, None, one.party)
