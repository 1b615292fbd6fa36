"""Silence procedures with their state at an instant; who broke one is told to members alone."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from auth.reader import Reader
from auth.tables import forum
from norms.queries.scope import list_belongings
from norms.queries.verified import Provenance, provenance
from norms.rules.dates import day_of
from norms.rules.memberships import list_members
from norms.rules.silence import BROKEN, CIRCULATED, SilenceEvent, SilenceState, find_state
from norms.tables import silence_event, silence_procedure


@dataclass(frozen=True, slots=True)
class Silence:
    """A procedure; `broken_by` is None for whoever is neither a member nor the secretariat.

    `is_of_member` tells that the reader's State is a member of the forum now.
    """

    id: str
    forum: str
    title: str
    symbol: str
    circulated_us: int
    state: SilenceState
    broken_by: tuple[str, ...] | None
    is_of_member: bool
    provenance: Provenance


def list_silences(
    connection: Connection,
    reader: Reader,
    *,
    now_us: int,
    forum_slug: str | None = None,
    name: str | None = None,
) -> list[Silence]:
    """Procedures by deadline, then id."""
    statement: Select[Any] = (
        select(
            silence_procedure,
            forum.c.slug,
            silence_event.c.kind,
            silence_event.c.at_us,
            silence_event.c.deadline_us,
            silence_event.c.zone,
            silence_event.c.party_code,
        )
        .join(forum, forum.c.id == silence_procedure.c.forum_id)
        .join(silence_event, silence_event.c.procedure_id == silence_procedure.c.id)
        .order_by(silence_event.c.id)
    )
    for column, value in ((forum.c.slug, forum_slug), (silence_procedure.c.uuid, name)):
        if value is not None:
            statement = statement.where(column == value)
    events: defaultdict[int, list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(statement):
        events[row.id].append(row)
    slugs = {rows[0].slug for rows in events.values()}
    inside = _find_inside(connection, reader, slugs, now_us)
    found = [
        one
        for rows in events.values()
        if (one := _silence(rows, reader, inside, now_us)) is not None
    ]
    return sorted(found, key=lambda one: (one.state.deadline_us, one.id))


def find_silence(
    connection: Connection, reader: Reader, name: str, *, now_us: int
) -> Silence | None:
    """One procedure."""
    if "\0" in name:
        return None
    return next(iter(list_silences(connection, reader, now_us=now_us, name=name)), None)


def _silence(
    events: list[Row[Any]], reader: Reader, inside: frozenset[str], now_us: int
) -> Silence | None:
    row = events[0]
    state = find_state(
        (SilenceEvent(one.kind, one.at_us, one.deadline_us, one.zone) for one in events), now_us
    )
    if state is None:
        return None
    begun = next(one.at_us for one in events if one.kind == CIRCULATED)
    is_member = row.slug in inside
    is_insider = is_member or reader.secretariat_of == row.forum_id
    broken = tuple(sorted(one.party_code for one in events if one.kind == BROKEN))
    return Silence(
        id=row.uuid,
        forum=row.slug,
        title=row.title,
        symbol=row.symbol,
        circulated_us=begun,
        state=state,
        broken_by=broken if is_insider else None,
        is_of_member=is_member,
        provenance=provenance(row, None),
    )


def _find_inside(
    connection: Connection, reader: Reader, slugs: set[str], now_us: int
) -> frozenset[str]:
    """Those of the forums of which the reader's State is a member now."""
    code = reader.member_code
    if code is None or not slugs:
        return frozenset()
    belongings = list_belongings(connection, slugs, [code])
    today = day_of(now_us)
    return frozenset(
        slug for slug, there in belongings.items() if code in list_members(there, today)
    )
