"""Positions and implementation actions, as far as the reader may see them."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, Label, Row, Select, Table, func, select

from auth.reader import Reader
from auth.tables import forum
from norms.queries.verified import Provenance, find_confirmed, provenance
from norms.rules.dates import PartialDate
from norms.rules.progress import Progress, Step, find_progress
from norms.tables import (
    action,
    action_event,
    action_reader,
    position,
    position_reader,
)
from norms.visibility import own, visible


@dataclass(frozen=True, slots=True)
class Position:
    """A State's position, view or explanation; `parties` are told to its own State alone."""

    id: str
    party: str
    kind: str
    title: str
    body: str
    language: str
    date: str
    forum: str | None
    instrument: str | None
    provisions: tuple[str, ...]
    pins: tuple[str, ...]
    supersedes: str | None
    is_superseded: bool
    state: str
    audience: str
    parties: tuple[str, ...] | None
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class ActionEvent:
    """One dated event of an action."""

    id: str
    kind: str
    date: str
    body: str | None
    link: str | None
    digest: str | None
    due: str | None
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class Action:
    """An implementation action; `progress` follows from its events as of the day asked about."""

    id: str
    party: str
    columns: dict[str, str | None]
    provisions: tuple[str, ...]
    pins: tuple[str, ...]
    state: str
    audience: str
    parties: tuple[str, ...] | None
    progress: Progress
    events: tuple[ActionEvent, ...]
    provenance: Provenance


def list_positions(
    connection: Connection,
    reader: Reader,
    *,
    party: str | None = None,
    kind: str | None = None,
    provision: str | None = None,
    name: str | None = None,
) -> list[Position]:
    """What the reader may see, by party, date and id."""
    superseded = position.alias("superseded")
    statement: Select[Any] = (
        select(
            position,
            forum.c.slug,
            superseded.c.uuid.label("supersedes"),
            _chosen(reader, position, position_reader, position_reader.c.position_id),
        )
        .outerjoin(forum, forum.c.id == position.c.forum_id)
        .outerjoin(superseded, superseded.c.id == position.c.supersedes_id)
        .where(visible(reader, position, position_reader, position_reader.c.position_id))
        .order_by(position.c.party_code, position.c.first_day, position.c.uuid)
    )
    for column, value in (
        (position.c.party_code, party),
        (position.c.kind, kind),
        (position.c.uuid, name),
    ):
        if value is not None:
            statement = statement.where(column == value)
    rows = connection.execute(statement).all()
    if provision is not None:
        rows = [row for row in rows if provision in json.loads(row.provisions)]
    replaced = {row.supersedes_id for row in rows if row.state == "released"}
    confirmed = find_confirmed(connection, "position")
    return [
        Position(
            id=row.uuid,
            party=row.party_code,
            kind=row.kind,
            title=row.title,
            body=row.body,
            language=row.language,
            date=row.date,
            forum=row.slug,
            instrument=row.instrument_id,
            provisions=tuple(json.loads(row.provisions)),
            pins=tuple(json.loads(row.pins)),
            supersedes=row.supersedes,
            is_superseded=row.id in replaced,
            state=row.state,
            audience=row.audience,
            parties=_parties(reader, row),
            provenance=provenance(row, confirmed.get(row.uuid)),
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class DraftPosition:
    """A position that waits to be released."""

    id: str
    title: str
    date: str


def list_drafts(connection: Connection, reader: Reader) -> list[DraftPosition]:
    """The positions of the reader's own State that wait to be released, by date and id."""
    rows = connection.execute(
        select(position.c.uuid, position.c.title, position.c.date)
        .where(own(reader, position), position.c.state == "draft")
        .order_by(position.c.first_day, position.c.uuid)
    )
    return [DraftPosition(row.uuid, row.title, row.date) for row in rows]


def find_position(connection: Connection, reader: Reader, name: str) -> Position | None:
    """One position that the reader may see."""
    if "\0" in name:
        return None
    return next(iter(list_positions(connection, reader, name=name)), None)


def list_actions(
    connection: Connection,
    reader: Reader,
    *,
    day: int,
    party: str | None = None,
    provision: str | None = None,
    name: str | None = None,
) -> list[Action]:
    """What the reader may see, by party and in the order of drafting."""
    statement: Select[Any] = (
        select(action, _chosen(reader, action, action_reader, action_reader.c.action_id))
        .where(visible(reader, action, action_reader, action_reader.c.action_id))
        .order_by(action.c.party_code, action.c.id)
    )
    for column, value in ((action.c.party_code, party), (action.c.uuid, name)):
        if value is not None:
            statement = statement.where(column == value)
    rows = connection.execute(statement).all()
    if provision is not None:
        rows = [row for row in rows if provision in json.loads(row.provisions)]
    events = _events(connection, {row.id for row in rows})
    return [
        Action(
            id=row.uuid,
            party=row.party_code,
            columns={name: getattr(row, name) for name in COLUMNS},
            provisions=tuple(json.loads(row.provisions)),
            pins=tuple(json.loads(row.pins)),
            state=row.state,
            audience=row.audience,
            parties=_parties(reader, row),
            progress=find_progress(
                (
                    Step(one.kind, PartialDate(one.date, one.first_day, one.last_day), one.due)
                    for one in events[row.id]
                ),
                row.due,
                day,
            ),
            events=tuple(_event(one) for one in events[row.id]),
            provenance=provenance(row, None),
        )
        for row in rows
    ]


def find_action(connection: Connection, reader: Reader, name: str, *, day: int) -> Action | None:
    """One action that the reader may see."""
    if "\0" in name:
        return None
    return next(iter(list_actions(connection, reader, day=day, name=name)), None)


COLUMNS = (
    "number",
    "plan",
    "items",
    "existing",
    "challenges",
    "capacities",
    "time_frame",
    "lead",
    "partners",
    "initiative",
    "area",
    "outcome",
    "sectoral_body",
    "owner",
)
"""Texts of an action, in the order of the Regional Action Plan's columns."""


def _events(connection: Connection, ids: set[int]) -> defaultdict[int, list[Row[Any]]]:
    found: defaultdict[int, list[Row[Any]]] = defaultdict(list)
    if not ids:
        return found
    statement: Select[Any] = select(action_event).order_by(
        action_event.c.last_day, action_event.c.id
    )
    if len(ids) <= _BATCH:
        statement = statement.where(action_event.c.action_id.in_(sorted(ids)))
    for row in connection.execute(statement):
        found[row.action_id].append(row)
    return found


_BATCH = 500


def _event(row: Row[Any]) -> ActionEvent:
    return ActionEvent(
        id=row.uuid,
        kind=row.kind,
        date=row.date,
        body=row.body,
        link=row.link,
        digest=row.digest,
        due=row.due,
        provenance=provenance(row, None),
    )


def _chosen(reader: Reader, table: Table, readers: Table, owner: Column[Any]) -> Label[str | None]:
    """Of the reader's own rows alone, the parties that were chosen, in one text."""
    return (
        select(func.aggregate_strings(readers.c.party_code, " "))
        .where(owner == table.c.id, own(reader, table))
        .correlate(table)
        .scalar_subquery()
        .label("chosen")
    )


def _parties(reader: Reader, row: Row[Any]) -> tuple[str, ...] | None:
    """The chosen parties, told to the State whose row it is."""
    if row.party_code != reader.member_code:
        return None
    return tuple(sorted((row.chosen or "").split()))
