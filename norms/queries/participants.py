"""An instrument's participants in the columns and letters of the UN Treaty Collection."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, select

from auth.reader import Reader
from norms.queries.scope import Scope, find_scope
from norms.rules import words
from norms.rules.dates import format_day
from norms.rules.events import Event
from norms.rules.force import count_towards
from norms.rules.objections import list_left
from norms.rules.treaties import find_force, list_consents
from norms.tables import party, treaty_standing


@dataclass(frozen=True, slots=True)
class Participant:
    """One party to, or signatory of, a treaty as of a day; dates as given, with their letters.

    `consent` is `2020-05-01 A`: ratification without a letter, A acceptance, AA approval, a
    accession, d succession, c formal confirmation, s definitive signature.
    """

    party: str
    name: str
    signature: str | None
    consent: str | None
    status: str
    since: str
    from_day: int
    reservations: int
    declarations: int
    objections: int


@dataclass(frozen=True, slots=True)
class Force:
    """How far a treaty is from its entry into force on a day: the x of "x of 40"."""

    threshold: int | None
    counted: int | None
    entry: str | None


def find_treaty(connection: Connection, reader: Reader, instrument_id: str) -> Scope | None:
    """What both questions below are answered from; None when there is no such instrument."""
    del reader
    return find_scope(connection, instrument_id)


def list_participants(
    connection: Connection, reader: Reader, instrument_id: str, *, day: int
) -> list[Participant]:
    """By code. Empty for what nobody signs."""
    scope = find_treaty(connection, reader, instrument_id)
    return [] if scope is None else list_participants_in(connection, reader, scope, day=day)


def list_participants_in(
    connection: Connection, reader: Reader, scope: Scope, *, day: int
) -> list[Participant]:
    """The same of a treaty that has been read."""
    del reader
    acts: defaultdict[str, list[Event]] = defaultdict(list)
    for event in scope.events:
        if event.party is not None and event.date.first_day <= day:
            acts[event.party].append(event)
    statement: Select[Any] = (
        select(treaty_standing, party.c.name)
        .join(party, party.c.code == treaty_standing.c.party_code)
        .where(
            treaty_standing.c.instrument_id == scope.treaty.id,
            treaty_standing.c.from_day <= day,
            treaty_standing.c.to_day.is_(None) | (treaty_standing.c.to_day > day),
        )
        .order_by(treaty_standing.c.party_code)
    )
    return [
        Participant(
            party=row.party_code,
            name=row.name,
            signature=_signature(acts[row.party_code]),
            consent=_consent(acts[row.party_code]),
            status=row.status,
            since=row.since,
            from_day=row.from_day,
            reservations=_count(acts[row.party_code], {words.RESERVATION}),
            declarations=_count(
                acts[row.party_code], {"interpretative-declaration", "declaration-under-treaty"}
            ),
            objections=_count(acts[row.party_code], words.OBJECTIONS),
        )
        for row in connection.execute(statement)
    ]


def find_force_of(
    connection: Connection, reader: Reader, instrument_id: str, *, day: int
) -> Force | None:
    """The count towards entry into force on a day, and the day itself once it is known."""
    scope = find_treaty(connection, reader, instrument_id)
    return None if scope is None else count_force(scope, day=day)


def count_force(scope: Scope, *, day: int) -> Force:
    """The same of a treaty that has been read."""
    known = [event for event in scope.events if event.date.first_day <= day]
    rule = scope.treaty.rule
    counted = None
    if rule is not None:
        consents = list_consents(scope.treaty, known)
        counted = count_towards(rule, consents, day, reio=scope.reio)
    entry = find_force(scope.treaty, known, group=scope.group_on, reio=scope.reio)
    return Force(
        threshold=rule.threshold if rule else None,
        counted=counted,
        entry=format_day(entry) if entry is not None else None,
    )


def _signature(acts: list[Event]) -> str | None:
    signed = [one.date.text for one in acts if one.kind in words.SIGNATURES]
    return signed[0] if signed else None


def _consent(acts: list[Event]) -> str | None:
    for one in reversed(acts):
        if one.kind in words.CONSENTS:
            return f"{one.date.text} {words.CONSENTS[one.kind]}".strip()
    return None


def _count(acts: list[Event], kinds: frozenset[str] | set[str]) -> int:
    return sum(one.kind in kinds for one in list_left(acts))
