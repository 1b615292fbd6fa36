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
    """A procedure; `broken_by` is None for whoever is neither a member nor the secretariat."""

    id: str
    forum: str
    title: str
    symbol: str
    circulated_us: int
    state: SilenceState
    broken_by: tuple[str, ...] | None
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
    statement: Select[Any] = select(silence_procedure, forum.c.slug).join(
        forum, forum.c.id == silence_procedure.c.forum_id
    )
    for column, value in ((forum.c.slug, forum_slug), (silence_procedure.c.uuid, name)):
        if value is not None:
            statement = statement.where(column == value)
    rows = connection.execute(statement).all()
    events = _events(connection)
    insiders = _insiders(connection, {row.slug for row in rows}, now_us)
    found = [
        one
        for row in rows
        if (one := _silence(row, events[row.id], reader, insiders[row.slug], now_us)) is not None
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
    row: Row[Any],
    events: list[Row[Any]],
    reader: Reader,
    members: frozenset[str],
    now_us: int,
) -> Silence | None:
    state = find_state(
        (SilenceEvent(one.kind, one.at_us, one.deadline_us, one.zone) for one in events), now_us
    )
    if state is None:
        return None
    begun = next(one.at_us for one in events if one.kind == CIRCULATED)
    is_insider = reader.member_code in members or reader.secretariat_of == row.forum_id
    broken = tuple(sorted(one.party_code for one in events if one.kind == BROKEN))
    return Silence(
        id=row.uuid,
        forum=row.slug,
        title=row.title,
        symbol=row.symbol,
        circulated_us=begun,
        state=state,
        broken_by=broken if is_insider else None,
        provenance=provenance(row, None),
    )


def _events(connection: Connection) -> defaultdict[int, list[Row[Any]]]:
    found: defaultdict[int, list[Row[Any]]] = defaultdict(list)
    statement: Select[Any] = select(silence_event).order_by(silence_event.c.id)
    for row in connection.execute(statement):
        found[row.procedure_id].append(row)
    return found


def _insiders(
    connection: Connection, slugs: set[str], now_us: int
) -> defaultdict[str, frozenset[str]]:
    found: defaultdict[str, frozenset[str]] = defaultdict(frozenset)
    for slug, there in list_belongings(connection, slugs).items():
        found[slug] = list_members(there, day_of(now_us))
    return found
