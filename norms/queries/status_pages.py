"""One page of the status of a forum: only what is on it is looked up.

The whole view, and what a row says, are in `status`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Integer, Row, Select, bindparam, exists, select

from auth.reader import Reader
from norms.queries.status import (
    StatusRow,
    count_evidence,
    find_sources,
    find_status_members,
    holds_on,
    list_status_provisions,
    make_status_row,
)
from norms.rules.words import NO_STATEMENT
from norms.tables import commitment
from norms.tables import party as party_table

Key = tuple[Any, ...]
"""(party, instrument, position, provision)."""

Places = Mapping[str, tuple[str, int]]
Wanted = list[tuple[str, Sequence[str]]]
"""Parties in order, each with the provisions that a page may have of it."""

_COLUMNS = (
    commitment.c.party_code,
    commitment.c.provision_id,
    commitment.c.status,
    commitment.c.basis,
    commitment.c.since,
    commitment.c.event_id,
    commitment.c.is_reserved,
    commitment.c.is_contested,
)
# Made once: making them takes longer than a page of rows.
_CODES: Final = select(party_table.c.code)
_SPANS: Final[Select[Any]] = select(*_COLUMNS).where(
    holds_on(bindparam("forum_id", type_=BigInteger), bindparam("day", type_=Integer)),
    commitment.c.party_code == bindparam("code"),
)
_SPANS_OF_MEMBER: Final = _SPANS.where(
    commitment.c.provision_id.in_(bindparam("provisions", expanding=True))
)


_FEW: Final = 4  # parties looked at beyond those that a page needs at least


@dataclass(frozen=True, slots=True)
class _Asked:
    """Of which forum, as of which day."""

    connection: Connection
    forum_id: int
    forum_slug: str
    day: int


def list_status_page(  # noqa: PLR0913 - each a filter
    connection: Connection,
    reader: Reader,
    forum_id: int,
    forum_slug: str,
    *,
    day: int,
    provision_id: str | None = None,
    party: str | None = None,
    behind: Key | None = None,
    limit: int,
) -> list[StatusRow]:
    """The first `limit` rows of `list_status` behind a row's key, in its order."""
    asked = _Asked(connection, forum_id, forum_slug, day)
    places = list_status_provisions(connection, forum_id, day, provision_id)
    wanted, members = _choose(asked, places, party, behind, limit)
    spans = _find_spans(asked, wanted, members)
    chosen: list[tuple[str, str]] = []
    for code, provisions in wanted:
        chosen += [(code, one) for one in provisions if (code, one) in spans or code in members]
        if len(chosen) >= limit:
            break
    chosen = chosen[:limit]
    sources = find_sources(connection, {spans[cell].event_id for cell in chosen if cell in spans})
    evidence = count_evidence(connection, reader, day=day, parties={code for code, _ in chosen})
    rows = []
    for code, one in chosen:
        shown, span = evidence.get((code, one), 0), spans.get((code, one))
        if span is None:
            rows.append(StatusRow(code, one, NO_STATEMENT, places[one], evidence=shown))
        else:
            rows.append(make_status_row(span, *sources[span.event_id], places[one], shown))
    return rows


def _choose(
    asked: _Asked, places: Places, party: str | None, behind: Key | None, limit: int
) -> tuple[Wanted, frozenset[str]]:
    """As many parties as surely fill the page, with the provisions that it may have of each; and
    who of them are members."""
    statement = _CODES
    if party is not None:
        statement = statement.where(party_table.c.code == party)
    # Here, not there: a database may order letters otherwise than the keys of rows compare.
    codes = sorted(code for (code,) in asked.connection.execute(statement).all())
    every = sorted(places, key=lambda one: (*places[one], one))
    first, left = None, every
    if behind is not None:
        first = str(behind[0])
        left = [one for one in every if (*places[one], one) > tuple(behind[1:])]
        codes = [code for code in codes if code >= first]
    wanted: Wanted = []
    members: frozenset[str] = frozenset()
    # A few parties fill most pages; more are looked at where they do not.
    few = limit // max(len(every), 1) + _FEW
    for start in range(0, len(codes), few):
        some = codes[start : start + few]
        there = find_status_members(asked.connection, asked.forum_slug, asked.day, some)
        committed = _find_committed(asked, [code for code in some if code not in there])
        members |= there
        for code in some:
            provisions = left if code == first else every
            if code in there:
                # What a member has said nothing about is a row too; of others it is known later.
                provisions = provisions[:limit]
                limit -= len(provisions)
            if code in there or code in committed:
                wanted.append((code, provisions))
            if limit <= 0:
                return wanted, members
    return wanted, members


def _find_committed(asked: _Asked, codes: Sequence[str]) -> frozenset[str]:
    """Who of these is committed to anything in the forum; each is looked up by its own index."""
    if not codes:
        return frozenset()
    statement = select(party_table.c.code).where(
        party_table.c.code.in_(codes),
        exists().where(
            commitment.c.party_code == party_table.c.code, holds_on(asked.forum_id, asked.day)
        ),
    )
    return frozenset(asked.connection.execute(statement).scalars())


def _find_spans(
    asked: _Asked, wanted: Wanted, members: Collection[str]
) -> dict[tuple[str, str], Row[Any]]:
    found: dict[tuple[str, str], Row[Any]] = {}
    for code, provisions in wanted:
        values = {"forum_id": asked.forum_id, "day": asked.day, "code": code}
        # Of others than members, all that they are committed to.
        statement = _SPANS_OF_MEMBER if code in members else _SPANS
        values_of = {**values, "provisions": provisions} if code in members else values
        rows: Sequence[Row[Any]] = asked.connection.execute(statement, values_of).all()
        for row in rows:
            found[row.party_code, row.provision_id] = row
    return found
