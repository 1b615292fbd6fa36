"""Provisions with their links and text pins, and instruments."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, exists, or_, select

from auth.reader import Reader
from auth.tables import forum
from norms.queries.verified import Confirmed, Provenance, find_confirmed, provenance
from norms.tables import (
    commitment,
    instrument,
    instrument_standing,
    provision,
    provision_link,
    text_pin,
)


@dataclass(frozen=True, slots=True)
class Instrument:
    """An agreed text; dates as given (partial), `force_rule` as data. `status` as of the day."""

    id: str
    symbol: str
    title: str
    kind: str
    legal_character: str
    forum: str
    forum_id: int
    forum_title: str
    adopted: str | None
    opens: str | None
    closes: str | None
    in_force: str | None
    force_rule: dict[str, Any] | None
    welcomed_by: str | None
    supersedes: str | None
    binds_later_members: bool
    lapses_on_leaving: bool
    status: str | None
    status_since: str | None
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class Link:
    """From a provision to another, or to paragraphs of an instrument; `is_back` is from there."""

    kind: str
    to: str | None
    to_instrument: str | None
    to_paragraphs: str | None
    is_back: bool
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class Pin:
    """Where the words are in one language, and their digest if somebody took it."""

    language: str
    version: int
    standing: str
    symbol: str
    link: str | None
    digest: str | None
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class Provision:
    """The smallest unit that can be cited; `from_day` is when it came to exist."""

    id: str
    instrument: str
    symbol: str
    path: str
    position: int
    short: str
    paraphrase: str
    polarity: str | None
    introduced_by: str | None
    from_day: int | None
    provenance: Provenance


def find_provision(connection: Connection, reader: Reader, provision_id: str) -> Provision | None:
    """The provision with this id. Public."""
    del reader
    row = connection.execute(_PROVISIONS.where(provision.c.id == provision_id)).first()
    if row is None:
        return None
    return _provision(row, find_confirmed(connection, "provision", [provision_id]).get(row.id))


def list_provisions(
    connection: Connection,
    reader: Reader,
    *,
    instrument_id: str | None = None,
    forum_slug: str | None = None,
    polarity: str | None = None,
    status_of: tuple[int, int] | None = None,
) -> list[Provision]:
    """Provisions by instrument and place; those that the status of a forum (by its number) on a
    day is about, with `status_of`."""
    del reader
    statement = _PROVISIONS.order_by(
        provision.c.instrument_id, provision.c.position, provision.c.id
    )
    if instrument_id is not None:
        statement = statement.where(provision.c.instrument_id == instrument_id)
    if polarity is not None:
        statement = statement.where(provision.c.polarity == polarity)
    if status_of is not None:
        statement = statement.where(is_in_status(*status_of))
    if forum_slug is not None:
        statement = statement.join(forum, forum.c.id == instrument.c.forum_id).where(
            forum.c.slug == forum_slug
        )
    confirmed = find_confirmed(connection, "provision")
    return [_provision(row, confirmed.get(row.id)) for row in connection.execute(statement)]


def list_links(connection: Connection, reader: Reader, provision_id: str) -> list[Link]:
    """A provision's links, both ways: those it makes, then those that are made to it."""
    return list_links_of(connection, reader, [provision_id])[provision_id]


def list_links_of(
    connection: Connection, reader: Reader, provisions: Collection[str]
) -> defaultdict[str, list[Link]]:
    """The same of many provisions, by the provision."""
    del reader
    found: defaultdict[str, list[Link]] = defaultdict(list)
    confirmed = find_confirmed(connection, "link")
    wanted = set(provisions)
    ids = sorted(wanted)
    rows = connection.execute(
        select(provision_link)
        .where(or_(provision_link.c.from_id.in_(ids), provision_link.c.to_id.in_(ids)))
        .order_by(provision_link.c.kind, provision_link.c.key)
    ).all()
    for is_back in (False, True):
        for row in rows:
            one = row.to_id if is_back else row.from_id
            if one not in wanted:
                continue
            found[one].append(
                Link(
                    row.kind,
                    row.from_id if is_back else row.to_id,
                    row.to_instrument_id,
                    row.to_paragraphs,
                    is_back,
                    provenance(row, confirmed.get(row.key)),
                )
            )
    return found


def list_pins(connection: Connection, reader: Reader, provision_id: str) -> list[Pin]:
    """A provision's text pins, by language, newest version first."""
    del reader
    rows = connection.execute(
        select(text_pin)
        .where(text_pin.c.provision_id == provision_id)
        .order_by(text_pin.c.language, text_pin.c.version.desc())
    )
    confirmed = find_confirmed(connection, "pin")
    return [
        Pin(
            row.language,
            row.version,
            row.standing,
            row.symbol,
            row.link,
            row.digest,
            provenance(row, confirmed.get(row.key)),
        )
        for row in rows
    ]


def find_instrument(
    connection: Connection, reader: Reader, instrument_id: str, *, day: int
) -> Instrument | None:
    """The instrument with this id, with its status on a day."""
    found = list_instruments(connection, reader, day=day, instrument_id=instrument_id)
    return found[0] if found else None


def list_instruments(
    connection: Connection,
    reader: Reader,
    *,
    day: int,
    instrument_id: str | None = None,
    forum_slug: str | None = None,
    kind: str | None = None,
) -> list[Instrument]:
    """Instruments by id, each with its status on a day."""
    del reader
    standing = (
        (instrument_standing.c.instrument_id == instrument.c.id)
        & (instrument_standing.c.from_day <= day)
        & (instrument_standing.c.to_day.is_(None) | (instrument_standing.c.to_day > day))
    )
    statement = (
        select(
            instrument,
            forum.c.slug,
            forum.c.title.label("forum_title"),
            instrument_standing.c.status,
            instrument_standing.c.since,
        )
        .join(forum, forum.c.id == instrument.c.forum_id)
        .outerjoin(instrument_standing, standing)
        .order_by(instrument.c.id)
    )
    for column, value in (
        (instrument.c.id, instrument_id),
        (forum.c.slug, forum_slug),
        (instrument.c.kind, kind),
    ):
        if value is not None:
            statement = statement.where(column == value)
    confirmed = find_confirmed(connection, "instrument")
    return [_instrument(row, confirmed.get(row.id)) for row in connection.execute(statement)]


def is_in_status(
    forum_id: int | ColumnElement[Any], day: int | ColumnElement[Any]
) -> ColumnElement[bool]:
    """A provision that exists on a day, and to which anybody ever committed in the forum, or
    that the forum made itself."""
    committed = exists().where(
        commitment.c.provision_id == provision.c.id, commitment.c.forum_id == forum_id
    )
    return and_(
        or_(instrument.c.forum_id == forum_id, committed),
        or_(provision.c.from_day.is_(None), provision.c.from_day <= day),
    )


_PROVISIONS = select(provision, instrument.c.symbol).join(
    instrument, instrument.c.id == provision.c.instrument_id
)


def _provision(row: Row[Any], confirmed: Confirmed | None) -> Provision:
    return Provision(
        id=row.id,
        instrument=row.instrument_id,
        symbol=row.symbol,
        path=row.path,
        position=row.position,
        short=row.short,
        paraphrase=row.paraphrase,
        polarity=row.polarity,
        introduced_by=row.introduced_by,
        from_day=row.from_day,
        provenance=provenance(row, confirmed),
    )


def _instrument(row: Row[Any], confirmed: Confirmed | None) -> Instrument:
    return Instrument(
        id=row.id,
        symbol=row.symbol,
        title=row.title,
        kind=row.kind,
        legal_character=row.legal_character,
        forum=row.slug,
        forum_id=row.forum_id,
        forum_title=row.forum_title,
        adopted=row.adopted,
        opens=row.opens,
        closes=row.closes,
        in_force=row.in_force,
        force_rule=json.loads(row.force_rule) if row.force_rule else None,
        welcomed_by=row.welcomed_by,
        supersedes=row.supersedes,
        binds_later_members=bool(row.binds_later_members),
        lapses_on_leaving=bool(row.lapses_on_leaving),
        status=row.status,
        status_since=row.since,
        provenance=provenance(row, confirmed),
    )
