"""Status of members by provisions in a forum, as of a day: words, sources, never a score."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, select

from auth.reader import Reader
from auth.tables import forum
from norms.queries.scope import list_belongings
from norms.queries.verified import Provenance, find_confirmed, provenance
from norms.rules.memberships import list_members
from norms.rules.words import NO_STATEMENT
from norms.tables import (
    action,
    action_event,
    action_reader,
    commitment,
    instrument,
    norm_event,
    provision,
)
from norms.visibility import RELEASED, visible


@dataclass(frozen=True, slots=True)
class StatusRow:
    """One member and one provision; `status` is `no-statement` where nothing is on record.

    `place` is the provision's instrument and place in it; `evidence` counts what the State
    released of its own actions on the provision, as far as the reader may see it.
    """

    member: str
    provision: str
    status: str
    place: tuple[str, int] = ("", 0)
    basis: str | None = None
    since: str | None = None
    event: str | None = None
    is_reserved: bool = False
    is_contested: bool = False
    provenance: Provenance | None = None
    evidence: int = 0

    def document(self) -> dict[str, Any]:
        """As JSON."""
        where = self.provenance
        return {
            "member": self.member,
            "provision": self.provision,
            "basis": self.basis,
            "status": self.status,
            "since": self.since,
            "source": where.source if where else None,
            "source_class": where.source_class if where else None,
            "confidence": where.confidence if where else None,
            "verified": where.is_verified if where else None,
            "reserved": self.is_reserved,
            "contested": self.is_contested,
            "event": self.event,
        }


def list_status(
    connection: Connection,
    reader: Reader,
    forum_id: int,
    forum_slug: str,
    *,
    day: int,
    provision_id: str | None = None,
    party: str | None = None,
) -> list[StatusRow]:
    """Who of the forum's members is committed to which of its provisions on a day.

    One row for each member that day and each provision that exists then and that the forum
    has adopted or has commitments to; by party, then by the provision's place. Commitments are
    public; of evidence the reader is told what it may see.
    """
    spans = _spans(connection, forum_id, day, provision_id, party)
    provisions = _provisions(connection, forum_id, day, provision_id)
    members = _members(connection, forum_slug, day)
    codes = sorted(members | {code for code, _ in spans})
    evidence = count_evidence(connection, reader, day=day)
    return [
        replace(
            spans.get((code, one)) or StatusRow(code, one, NO_STATEMENT),
            place=place,
            evidence=evidence.get((code, one), 0),
        )
        for code in codes
        if party is None or party == code
        for one, place in provisions.items()
        if code in members or (code, one) in spans
    ]


def count_evidence(connection: Connection, reader: Reader, *, day: int) -> Counter[tuple[str, str]]:
    """By party and provision, the evidence of released actions that the reader may see."""
    rows = connection.execute(
        select(action.c.party_code, action.c.provisions)
        .join(action_event, action_event.c.action_id == action.c.id)
        .where(
            action.c.state == RELEASED,
            action_event.c.kind == "evidence",
            action_event.c.last_day <= day,
            visible(reader, action, action_reader, action_reader.c.action_id),
        )
    )
    return Counter((row.party_code, one) for row in rows for one in json.loads(row.provisions))


def _members(connection: Connection, slug: str, day: int) -> frozenset[str]:
    return list_members(list_belongings(connection, [slug]).get(slug, ()), day)


def _provisions(
    connection: Connection, forum_id: int, day: int, provision_id: str | None
) -> dict[str, tuple[str, int]]:
    """The provisions to which anybody ever committed in the forum, or that it made itself."""
    committed = (
        select(commitment.c.provision_id).where(commitment.c.forum_id == forum_id).distinct()
    )
    statement = (
        select(provision.c.id, provision.c.instrument_id, provision.c.position)
        .join(instrument, instrument.c.id == provision.c.instrument_id)
        .where(
            provision.c.id.in_(committed) | (instrument.c.forum_id == forum_id),
            provision.c.from_day.is_(None) | (provision.c.from_day <= day),
        )
        .order_by(provision.c.instrument_id, provision.c.position, provision.c.id)
    )
    if provision_id is not None:
        statement = statement.where(provision.c.id == provision_id)
    return {row.id: (row.instrument_id, row.position) for row in connection.execute(statement)}


def _spans(
    connection: Connection, forum_id: int, day: int, provision_id: str | None, party: str | None
) -> dict[tuple[str, str], StatusRow]:
    statement = (
        select(commitment, *_EVENT)
        .join(norm_event, norm_event.c.id == commitment.c.event_id)
        .where(
            commitment.c.forum_id == forum_id,
            commitment.c.from_day <= day,
            commitment.c.to_day.is_(None) | (commitment.c.to_day > day),
        )
    )
    if provision_id is not None:
        statement = statement.where(commitment.c.provision_id == provision_id)
    if party is not None:
        statement = statement.where(commitment.c.party_code == party)
    rows = connection.execute(statement).all()
    confirmed = find_confirmed(connection, "event")
    return {(row.party_code, row.provision_id): _row(row, confirmed) for row in rows}


_EVENT = (
    norm_event.c.uuid,
    norm_event.c.source,
    norm_event.c.source_class,
    norm_event.c.confidence,
    norm_event.c.note,
    norm_event.c.recorded_by,
)


def _row(row: Row[Any], confirmed: Mapping[str, Any]) -> StatusRow:
    return StatusRow(
        member=row.party_code,
        provision=row.provision_id,
        status=row.status,
        basis=row.basis,
        since=row.since,
        event=row.uuid,
        is_reserved=bool(row.is_reserved),
        is_contested=bool(row.is_contested),
        provenance=provenance(row, confirmed.get(row.uuid)),
    )


def list_commitments_of(
    connection: Connection, reader: Reader, party: str, *, day: int
) -> Iterator[tuple[str, StatusRow]]:
    """A party's commitments on a day, in every forum: (forum, row), by forum and provision."""
    del reader
    statement = (
        select(commitment, forum.c.slug, *_EVENT)
        .join(norm_event, norm_event.c.id == commitment.c.event_id)
        .join(forum, forum.c.id == commitment.c.forum_id)
        .join(provision, provision.c.id == commitment.c.provision_id)
        .where(
            commitment.c.party_code == party,
            commitment.c.from_day <= day,
            commitment.c.to_day.is_(None) | (commitment.c.to_day > day),
        )
        .order_by(forum.c.slug, provision.c.instrument_id, provision.c.position, provision.c.id)
    )
    confirmed = find_confirmed(connection, "event")
    for row in connection.execute(statement):
        yield row.slug, _row(row, confirmed)
