"""A reader's whole view of a collection, every version, with what decides whether it may leave.

An export is all of a view, in order; pages of it are for its writer's memory alone, and so they
end by bytes too. What does not live here: what may stand in a file (the rules) and how it is
written (exporting).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    Subquery,
    bindparam,
    func,
    select,
)

from auth.reader import Seated
from kernel.db import BINARY_ROWS
from sharing.facts import StoredFacts, load_facts
from sharing.queries.collections import Collection
from sharing.queries.ranges import MOST_KEPT, NewestFilter, Shape, merge, ranges_of
from sharing.queries.standing import Key
from sharing.rules.tlp import Tlp
from sharing.tables import body, contribution, release
from sharing.visibility import visible_to


@dataclass(frozen=True, slots=True)
class ViewedRow:
    """One release in a view, its bytes as served, and the facts of its contribution."""

    date_added_us: int
    content: bytes
    originator_id: int
    stix_id: str
    stix_type: str
    version_us: int
    tlp: Tlp
    facts: StoredFacts
    contribution_id: int
    omitted: str | None
    collection_id: int


def list_viewed(
    connection: Connection,
    seated: Seated,
    collection_id: int,
    *,
    after_us: int | None,
    limit: int,
    most_bytes: int,
) -> list[ViewedRow]:
    """The first releases of the view added after `after_us`, every version.

    At most `limit`, and no more than have `most_bytes` of content and facts, or one alone.
    """
    first = _first_of(seated, collection_id, after_us, limit).subquery()
    sizes = func.length(body.c.content) + func.length(contribution.c.facts)
    room, fitting = most_bytes, 0
    for (size,) in connection.execute(_in_order(first, sizes)):
        room -= size
        if room < 0 and fitting:
            break
        fitting += 1
    return _list_rows(connection, _first_of(seated, collection_id, after_us, fitting))


def list_viewed_at(
    connection: Connection, seated: Seated, collection_id: int, date_added_us: int
) -> list[ViewedRow]:
    """The release at that place in the view; none when there is none."""
    there = _keys_of(seated, collection_id).where(release.c.date_added_us == date_added_us)
    return _list_rows(connection, there)


def _keys_of(seated: Seated, collection_id: int) -> Select[Any]:
    return visible_to(
        seated,
        collection_id,
        release.c.collection_id,
        release.c.date_added_us,
        release.c.body_id,
        release.c.contribution_id,
        release.c.omitted,
    )


def _first_of(seated: Seated, collection_id: int, after_us: int | None, limit: int) -> Select[Any]:
    keys = _keys_of(seated, collection_id)
    if after_us is not None:
        keys = keys.where(release.c.date_added_us > after_us)
    return keys.order_by(release.c.date_added_us).limit(limit)


def _in_order(keys: Subquery, *columns: ColumnElement[Any]) -> Select[Any]:
    """The columns of these releases, their bodies and contributions, in the order of the view."""
    return (
        select(*columns)
        .select_from(keys)
        .join(body, body.c.id == keys.c.body_id)
        .join(contribution, contribution.c.id == keys.c.contribution_id)
        .order_by(keys.c.date_added_us)
    )


def _list_rows(connection: Connection, keys: Select[Any]) -> list[ViewedRow]:
    page = keys.subquery()
    columns = (page.c.collection_id, page.c.date_added_us, page.c.contribution_id, page.c.omitted)
    statement = _in_order(page, *columns, *_OF_CONTRIBUTION).execution_options(**BINARY_ROWS)
    return [_viewed(row) for row in connection.execute(statement)]


def list_last_viewed(
    connection: Connection,
    seated: Seated,
    places: Sequence[Collection],
    wanted: NewestFilter,
    *,
    before: Key | None,
    limit: int,
) -> list[ViewedRow]:
    """The last versions in the reader's views of these collections, those that were added last
    first: the rows of `list_newest`, with what decides whether they may leave."""
    ranges = ranges_of([(seated, list(places))], wanted, before=before, most=limit)
    if not ranges.views:
        return []
    rows = connection.execute(_last_viewed(ranges.shape), ranges.values())
    uuids = {place.id: place.uuid for place in places}
    found = [_viewed(row) for row in rows]
    return sorted(
        found, key=lambda one: (one.date_added_us, uuids[one.collection_id]), reverse=True
    )[:limit]


_OF_CONTRIBUTION: Final = (
    body.c.content,
    contribution.c.originator_id,
    contribution.c.stix_id,
    contribution.c.stix_type,
    contribution.c.version_us,
    contribution.c.tlp,
    contribution.c.facts,
)


@lru_cache(maxsize=MOST_KEPT)
def _last_viewed(shape: Shape) -> Select[Any]:
    merged = merge(
        shape,
        release.c.collection_id,
        release.c.date_added_us,
        release.c.body_id,
        release.c.contribution_id,
        release.c.omitted,
    )
    return (
        select(
            merged.c.collection_id,
            merged.c.date_added_us,
            merged.c.contribution_id,
            merged.c.omitted,
            *_OF_CONTRIBUTION,
        )
        .select_from(merged)
        .join(body, body.c.id == merged.c.body_id)
        .join(contribution, contribution.c.id == merged.c.contribution_id)
        .order_by(merged.c.date_added_us.desc())
        .limit(bindparam("most", type_=Integer) * shape.ranges)
        .execution_options(**BINARY_ROWS)
    )


def _viewed(row: Any) -> ViewedRow:  # noqa: ANN401 - a row of the columns above
    return ViewedRow(
        date_added_us=row.date_added_us,
        content=row.content,
        originator_id=row.originator_id,
        stix_id=row.stix_id,
        stix_type=row.stix_type,
        version_us=row.version_us,
        tlp=Tlp(row.tlp),
        facts=load_facts(row.facts),
        contribution_id=row.contribution_id,
        omitted=row.omitted,
        collection_id=row.collection_id,
    )


def count_viewed(connection: Connection, seated: Seated, collection_id: int) -> int:
    """How many releases the view holds."""
    viewed = visible_to(seated, collection_id, release.c.id).subquery()
    return connection.execute(select(func.count()).select_from(viewed)).scalar_one()
