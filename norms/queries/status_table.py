"""The status view as a table, as a page shows it: members by provisions, as of a day.

No more of each cell than it shows. What does not live here: sources and events (`status`), and
pages of rows (`status_pages`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Connection,
    Integer,
    Select,
    bindparam,
    exists,
    select,
)

from auth.reader import Reader
from norms.queries.provisions import is_in_status
from norms.queries.status import count_evidence, find_status_members, holds_on
from norms.rules.words import NO_STATEMENT
from norms.tables import commitment, instrument, provision
from norms.tables import party as party_table


class Cell(NamedTuple):
    """What is shown of one member and one provision; `evidence` as far as the reader sees it."""

    status: str
    since: str | None = None
    is_reserved: bool = False
    is_contested: bool = False
    evidence: int = 0


@dataclass(frozen=True, slots=True)
class TableRow:
    """A member's line: its cells in the order of the columns, as numbers in the table's `cells`."""

    code: str
    name: str
    cells: list[int]


@dataclass(frozen=True, slots=True)
class StatusTable:
    """One page of the view. Provisions are (id, our short title or the id): those that have a
    column, and all there are.

    `cells` are the different ones; None where somebody who is no member is not committed.
    `following` is the code of the member with whom the next page begins.
    """

    columns: list[tuple[str, str]]
    every: list[tuple[str, str]]
    cells: list[Cell | None]
    rows: list[TableRow]
    following: str | None


class Size(NamedTuple):
    """At most so many members and so many provisions; and so many cells, or one member's."""

    members: int
    columns: int
    cells: int


def find_status_table(  # noqa: PLR0913 - each a filter
    connection: Connection,
    reader: Reader,
    forum_id: int,
    forum_slug: str,
    *,
    day: int,
    provision_id: str | None,
    party: str | None,
    after: str | None,
    size: Size,
) -> StatusTable:
    """Who of the forum's members is committed to which of its provisions on a day: the cells of
    `list_status`, by party from `after` on, and by the provision's place.

    Commitments are public; of evidence the reader is told what it may see.
    """
    every = _list_provisions(connection, forum_id, day, provision_id)
    columns = every[: size.columns]
    shown = [one for one, _ in columns]
    if not shown:
        return StatusTable([], [], [], [], None)
    members = find_status_members(connection, forum_slug, day)
    committed = _list_committed(connection, forum_id, day, shown)
    codes = sorted(
        code
        for code in members | committed
        if party in (None, code) and (after is None or code >= after)
    )
    most = max(1, min(size.members, size.cells // len(shown)))
    following = codes[most] if len(codes) > most else None
    codes = codes[:most]
    spans: defaultdict[str, dict[str, Cell]] = defaultdict(dict)
    asked = {"forum_id": forum_id, "day": day, "provisions": sorted(shown), "codes": codes}
    rows = connection.execute(_SPANS, asked).all()
    for code, one, status, since, is_reserved, is_contested in rows:
        spans[code][one] = Cell(status, since, bool(is_reserved), bool(is_contested))
    evidence = count_evidence(connection, reader, day=day, parties=codes)
    names = {row.code: row.name for row in connection.execute(_NAMES, {"codes": codes})}
    numbers: dict[Cell | None, int] = {}
    table = []
    for code in codes:
        silence = Cell(NO_STATEMENT) if code in members else None
        cells = [spans[code].get(one, silence) for one in shown]
        if evidence:
            cells = _with_evidence(code, shown, cells, evidence)
        numbered = [numbers.setdefault(cell, len(numbers)) for cell in cells]
        table.append(TableRow(code, names.get(code, code), numbered))
    return StatusTable(columns, every, list(numbers), table, following)


def list_status_parties(
    connection: Connection,
    reader: Reader,
    forum_id: int,
    *,
    day: int,
    members: frozenset[str],
    provisions: Collection[str],
) -> list[str]:
    """Who is one of the `members` that day, or committed to any of these; by code. Public."""
    del reader
    return sorted(members | _list_committed(connection, forum_id, day, provisions))


def _list_committed(
    connection: Connection, forum_id: int, day: int, provisions: Collection[str]
) -> frozenset[str]:
    values = {"forum_id": forum_id, "day": day, "provisions": sorted(provisions)}
    return frozenset(connection.execute(_COMMITTED, values).scalars())


def _with_evidence(
    code: str,
    shown: Sequence[str],
    cells: list[Cell | None],
    evidence: Mapping[tuple[str, str], int],
) -> list[Cell | None]:
    return [
        None if cell is None else cell._replace(evidence=evidence.get((code, one), 0))
        for one, cell in zip(shown, cells, strict=True)
    ]


def _list_provisions(
    connection: Connection, forum_id: int, day: int, provision_id: str | None
) -> list[tuple[str, str]]:
    values: dict[str, Any] = {"forum_id": forum_id, "day": day}
    statement = _PROVISIONS
    if provision_id is not None:
        statement, values["provision"] = _ONE_PROVISION, provision_id
    return [(one, short or one) for one, short in connection.execute(statement, values).all()]


# Made once, and no column more: making one takes longer than running it.
_FORUM: Final = bindparam("forum_id", type_=BigInteger)
_DAY: Final = bindparam("day", type_=Integer)
_CODES: Final[BindParameter[Any]] = bindparam("codes", expanding=True)
_OF_SHOWN: Final = commitment.c.provision_id.in_(bindparam("provisions", expanding=True))
_PROVISIONS: Final[Select[Any]] = (
    select(provision.c.id, provision.c.short)
    .join(instrument, instrument.c.id == provision.c.instrument_id)
    .where(is_in_status(_FORUM, _DAY))
    .order_by(provision.c.instrument_id, provision.c.position, provision.c.id)
)
_ONE_PROVISION: Final = _PROVISIONS.where(provision.c.id == bindparam("provision"))
_COMMITTED: Final[Select[Any]] = select(party_table.c.code).where(
    # Each is looked up by its own index.
    exists().where(commitment.c.party_code == party_table.c.code, holds_on(_FORUM, _DAY), _OF_SHOWN)
)
_SPANS: Final[Select[Any]] = select(
    commitment.c.party_code,
    commitment.c.provision_id,
    commitment.c.status,
    commitment.c.since,
    commitment.c.is_reserved,
    commitment.c.is_contested,
).where(holds_on(_FORUM, _DAY), _OF_SHOWN, commitment.c.party_code.in_(_CODES))
_NAMES: Final[Select[Any]] = select(party_table.c.code, party_table.c.name).where(
    party_table.c.code.in_(_CODES)
)
