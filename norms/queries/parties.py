"""Parties, and one party's profile: where it belongs, what it committed to, its treaties."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, select

from auth.reader import Reader
from auth.tables import forum
from norms.queries.verified import Provenance, find_confirmed, provenance
from norms.tables import forum_profile, membership, party, treaty_standing


@dataclass(frozen=True, slots=True)
class Party:
    """A State, regional organization or other that can be party to what was agreed."""

    code: str
    name: str
    kind: str
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class Belongs:
    """A party's standing in one forum on a day."""

    forum: str
    title: str
    label: str
    standing: str
    since: str | None


@dataclass(frozen=True, slots=True)
class TreatyStanding:
    """A party's standing to one treaty on a day."""

    instrument: str
    status: str
    since: str


def list_parties(
    connection: Connection, reader: Reader, *, kind: str | None = None, code: str | None = None
) -> list[Party]:
    """Parties by code. Public."""
    del reader
    statement: Select[Any] = select(party).order_by(party.c.code)
    if kind is not None:
        statement = statement.where(party.c.kind == kind)
    if code is not None:
        statement = statement.where(party.c.code == code)
    confirmed = find_confirmed(connection, "party")
    return [
        Party(row.code, row.name, row.kind, provenance(row, confirmed.get(row.code)))
        for row in connection.execute(statement)
    ]


def find_party(connection: Connection, reader: Reader, code: str) -> Party | None:
    """One party."""
    if "\0" in code:
        return None
    return next(iter(list_parties(connection, reader, code=code)), None)


def list_belonging(connection: Connection, reader: Reader, code: str, *, day: int) -> list[Belongs]:
    """The forums to which a party belongs on a day, by slug; sub-bodies by their owner's list."""
    del reader
    owner = forum_profile.c.members_of_id
    statement: Select[Any] = (
        select(membership, forum.c.slug, forum.c.title)
        .select_from(forum)
        .join(forum_profile, forum_profile.c.forum_id == forum.c.id)
        .join(
            membership,
            (membership.c.forum_id == forum.c.id) | (membership.c.forum_id == owner),
        )
        .where(
            membership.c.party_code == code,
            membership.c.from_day.is_(None) | (membership.c.from_day <= day),
            membership.c.to_day.is_(None) | (membership.c.to_day > day),
        )
        .order_by(forum.c.slug, membership.c.key)
    )
    return [
        Belongs(row.slug, row.title, row.label, row.standing, row.from_date)
        for row in connection.execute(statement)
    ]


def list_treaties_of(
    connection: Connection, reader: Reader, code: str, *, day: int
) -> list[TreatyStanding]:
    """A party's treaties on a day, by instrument."""
    del reader
    rows = connection.execute(
        select(treaty_standing)
        .where(
            treaty_standing.c.party_code == code,
            treaty_standing.c.from_day <= day,
            treaty_standing.c.to_day.is_(None) | (treaty_standing.c.to_day > day),
        )
        .order_by(treaty_standing.c.instrument_id)
    )
    return [TreatyStanding(row.instrument_id, row.status, row.since) for row in rows]
