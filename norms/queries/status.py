"""Status of members by provisions in a forum, as of a day: words, sources, never a score."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Row,
    Select,
    and_,
    bindparam,
    select,
)

from auth.reader import Reader
from auth.tables import forum
from norms.queries.provisions import is_in_status
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


class StatusRow(NamedTuple):
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


def list_status(  # noqa: PLR0913 - each a filter
    connection: Connection,
    reader: Reader,
    forum_id: int,
    forum_slug: str,
    *,
    day: int,
    provision_id: str | None = None,
    party: str | None = None,
    parties: Collection[str] | None = None,
    places: Mapping[str, tuple[str, int]] | None = None,
    members: frozenset[str] | None = None,
    has_evidence: bool = True,
) -> list[StatusRow]:
    """Who of the forum's members is committed to which of its provisions on a day.

    One row for each member that day and each provision that exists then and that the forum
    has adopted or has commitments to; by party, then by the provision's place. Commitments are
    public; of evidence the reader is told what it may see. Of `party`, or of `parties`, where
    they are given. `places` are the provisions with
    their instruments and places in these, where somebody has asked for them already: of no others
    then; and `members` who is a member that day. Evidence is counted where `has_evidence`.
    """
    provisions = places
    if provisions is None:
        provisions = list_status_provisions(connection, forum_id, day, provision_id)
    if members is None:
        members = find_status_members(connection, forum_slug, day)
    shown = None if places is None else sorted(places)
    whose = parties if party is None else [party]
    statement = _spans(forum_id, day, provision_id, whose)
    if shown is not None:
        statement = statement.where(commitment.c.provision_id.in_(shown))
    found: Sequence[Row[Any]] = connection.execute(statement).all()
    spans = {(row.party_code, row.provision_id): row for row in found}
    codes = sorted(
        code for code in members | {code for code, _ in spans} if whose is None or code in whose
    )
    events = _sources_of(connection, found)
    evidence: Counter[tuple[str, str]] = Counter()
    if has_evidence:
        evidence = count_evidence(connection, reader, day=day, parties=whose)
    rows = []
    for code in codes:
        for one, place in provisions.items():
            cell = (code, one)
            span = spans.get(cell)
            if span is not None:
                rows.append(
                    make_status_row(span, *events[span.event_id], place, evidence.get(cell, 0))
                )
            elif code in members:
                rows.append(
                    StatusRow(code, one, NO_STATEMENT, place, evidence=evidence.get(cell, 0))
                )
    return rows


def count_evidence(
    connection: Connection, reader: Reader, *, day: int, parties: Collection[str] | None = None
) -> Counter[tuple[str, str]]:
    """By party and provision, the evidence of released actions that the reader may see; of
    `parties`, or of all."""
    statement = (
        select(action.c.party_code, action.c.provisions)
        .join(action_event, action_event.c.action_id == action.c.id)
        .where(
            action.c.state == RELEASED,
            action_event.c.kind == "evidence",
            action_event.c.last_day <= day,
            visible(reader, action, action_reader, action_reader.c.action_id),
        )
    )
    if parties is not None:
        statement = statement.where(action.c.party_code.in_(sorted(parties)))
    rows = connection.execute(statement)
    return Counter((row.party_code, one) for row in rows for one in json.loads(row.provisions))


def find_status_members(
    connection: Connection, slug: str, day: int, parties: Sequence[str] | None = None
) -> frozenset[str]:
    """Who (of `parties`, or of all) is a member of the forum on a day: a row for each of its
    provisions."""
    return list_members(list_belongings(connection, [slug], parties).get(slug, ()), day)


def list_status_provisions(
    connection: Connection, forum_id: int, day: int, provision_id: str | None
) -> dict[str, tuple[str, int]]:
    """The provisions to which anybody ever committed in the forum, or that it made itself."""
    values = {"forum_id": forum_id, "day": day}
    statement = _PROVISIONS
    if provision_id is not None:
        statement = statement.where(provision.c.id == provision_id)
    rows = connection.execute(statement, values).all()
    return {name: (instrument_id, position) for name, instrument_id, position in rows}


# Made once: making it takes longer than a page of rows.
_FORUM: Final = bindparam("forum_id", type_=BigInteger)
_DAY: Final = bindparam("day", type_=Integer)
_PROVISIONS: Final = (
    select(provision.c.id, provision.c.instrument_id, provision.c.position)
    .join(instrument, instrument.c.id == provision.c.instrument_id)
    .where(is_in_status(_FORUM, _DAY))
    .order_by(provision.c.instrument_id, provision.c.position, provision.c.id)
)


def _spans(
    forum_id: int, day: int, provision_id: str | None, parties: Collection[str] | None
) -> Select[Any]:
    """The commitments that hold on a day, each with the event that it follows from."""
    statement: Select[Any] = (
        select(commitment, *_EVENT)
        .join(norm_event, norm_event.c.id == commitment.c.event_id)
        .where(holds_on(forum_id, day))
    )
    if provision_id is not None:
        statement = statement.where(commitment.c.provision_id == provision_id)
    if parties is not None:
        statement = statement.where(commitment.c.party_code.in_(sorted(parties)))
    return statement


def _sources_of(
    connection: Connection, spans: Sequence[Row[Any]]
) -> dict[int, tuple[str, Provenance]]:
    """Of the event of each span, its id for others and where it comes from."""
    # Many spans follow from one event: its provenance is made once.
    events = {span.event_id: span for span in spans}
    confirmed = find_confirmed(connection, "event", {row.uuid for row in events.values()})
    return {
        number: (row.uuid, provenance(row, confirmed.get(row.uuid)))
        for number, row in events.items()
    }


def holds_on(
    forum_id: int | ColumnElement[Any], day: int | ColumnElement[Any]
) -> ColumnElement[bool]:
    """A commitment in the forum that holds on a day."""
    return and_(
        commitment.c.forum_id == forum_id,
        commitment.c.from_day <= day,
        commitment.c.to_day.is_(None) | (commitment.c.to_day > day),
    )


def find_sources(connection: Connection, ids: Collection[int]) -> dict[int, tuple[str, Provenance]]:
    """Of each event, its id for others and where it comes from."""
    ordered = sorted(ids)
    rows: list[Row[Any]] = []
    for start in range(0, len(ordered), _BATCH):
        rows += connection.execute(_SOURCES, {"ids": ordered[start : start + _BATCH]}).all()
    confirmed = find_confirmed(connection, "event", (row.uuid for row in rows))
    return {row.id: (row.uuid, provenance(row, confirmed.get(row.uuid))) for row in rows}


_BATCH = 500


_EVENT = (
    norm_event.c.uuid,
    norm_event.c.source,
    norm_event.c.source_class,
    norm_event.c.confidence,
    norm_event.c.note,
    norm_event.c.recorded_by,
)
_SOURCES: Final[Select[Any]] = select(norm_event.c.id, *_EVENT).where(
    norm_event.c.id.in_(bindparam("ids", expanding=True))
)


def make_status_row(
    row: Row[Any],
    event: str,
    where: Provenance,
    place: tuple[str, int] = ("", 0),
    evidence: int = 0,
) -> StatusRow:
    """What a commitment, with its event's id for others and its source, says."""
    return StatusRow(
        member=row.party_code,
        provision=row.provision_id,
        status=row.status,
        basis=row.basis,
        since=row.since,
        event=event,
        is_reserved=bool(row.is_reserved),
        is_contested=bool(row.is_contested),
        provenance=where,
        place=place,
        evidence=evidence,
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
        yield row.slug, make_status_row(row, row.uuid, provenance(row, confirmed.get(row.uuid)))
