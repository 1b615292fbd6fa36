"""What came last into a reader's views, newest first, with its bytes: for pages.

What does not live here: who sees what (visibility).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    SmallInteger,
    bindparam,
    func,
    literal_column,
    select,
    union_all,
)

from auth.reader import Seated
from kernel.db import BINARY_ROWS
from sharing.queries.collections import Collection
from sharing.queries.releases import TLP_OF_RELEASE
from sharing.queries.standing import Key, Standing
from sharing.rules.tlp import Tlp
from sharing.tables import body, forum_head, release
from sharing.visibility import visible_to

_IS_LAST: ColumnElement[bool] = literal_column("release.is_last")

MOST_COUNTED = 5000
"""Of so many of the newest, facets are counted: a page costs the same whatever there is."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One version in the reader's view, with its bytes as they are served to it."""

    standing: Standing
    content: bytes


@dataclass(frozen=True, slots=True)
class NewestFilter:
    """Which last versions; None is not asked for."""

    stix_type: str | None = None
    tlp: Tlp | None = None
    added_after_us: int | None = None


@dataclass(frozen=True, slots=True)
class Facets:
    """How many of the newest there are of each type and level; `is_all` when none were left."""

    types: dict[str, int]
    levels: dict[str, int]
    total: int
    is_all: bool


def list_newest(
    connection: Connection,
    seated: Seated,
    places: Sequence[Collection],
    wanted: NewestFilter,
    *,
    before: Key | None = None,
    limit: int,
) -> list[Seen]:
    """The last versions in the reader's views, those that were added last first.

    One range of each view, merged by the database: one question, whatever places there are.
    """
    ranges = [
        _last_versions(seated, place, wanted, before)
        .order_by(release.c.date_added_us.desc())
        .limit(limit)
        .subquery()
        for place in places
        if place.may_be_read_by(seated)
    ]
    if not ranges:
        return []
    merged = union_all(*(select(one) for one in ranges)).subquery()
    rows = connection.execute(
        select(merged, body.c.content)
        .join(body, body.c.id == merged.c.body_id)
        .order_by(merged.c.date_added_us.desc())
        .limit(limit * len(ranges))
        .execution_options(**BINARY_ROWS)
    )
    found = [seen_of(row, places) for row in rows]
    return sorted(found, key=lambda one: one.standing.key, reverse=True)[:limit]


def seen_of(row: Row[Any], places: Sequence[Collection]) -> Seen:
    """A row with a release's stamp, id, version, level and bytes, in one of these collections."""
    uuid = next(place.uuid for place in places if place.id == row.collection_id)
    standing = Standing(row.date_added_us, uuid, row.stix_id, row.version_us, Tlp(row.tlp))
    return Seen(standing, row.content)


def find_seq(connection: Connection, seated: Seated) -> int:
    """The forum's ledger position in this look: the head of every delivery that it makes."""
    statement = select(forum_head.c.seq).where(forum_head.c.forum_id == seated.forum_id)
    return int(connection.execute(statement).scalar_one())


def list_contents_of(
    connection: Connection, seated: Seated, places: Sequence[Collection], found: Sequence[Standing]
) -> list[Seen]:
    """These versions with their bytes as they are served to the reader."""
    by_uuid = {place.uuid: place for place in places if place.may_be_read_by(seated)}
    here = {
        (by_uuid[one.collection].id, one.stix_id, one.date_added_us): one
        for one in found
        if one.collection in by_uuid
    }
    if not here:
        return []
    ids = sorted({stix_id for _, stix_id, _ in here})
    wanted = {collection_id for collection_id, _, _ in here}
    views = [
        visible_to(
            seated,
            place.id,
            release.c.collection_id,
            release.c.stix_id,
            release.c.date_added_us,
            release.c.body_id,
        )
        .where(release.c.stix_id.in_(ids))
        .subquery()
        for place in by_uuid.values()
        if place.id in wanted
    ]
    merged = union_all(*(select(one) for one in views)).subquery()
    rows = connection.execute(
        select(merged, body.c.content)
        .join(body, body.c.id == merged.c.body_id)
        .execution_options(**BINARY_ROWS)
    )
    seen = [
        Seen(here[key], row.content)
        for row in rows
        if (key := (row.collection_id, row.stix_id, row.date_added_us)) in here
    ]
    return sorted(seen, key=lambda one: one.standing.key, reverse=True)


def count_facets(
    connection: Connection, seated: Seated, places: Sequence[Collection], wanted: NewestFilter
) -> Facets:
    """How many of the newest last versions in the views there are, by type and by level."""
    types: Counter[str] = Counter()
    levels: Counter[str] = Counter()
    counted: Counter[int] = Counter()
    ranges = [
        _last_versions(seated, place, wanted, None)
        .order_by(release.c.date_added_us.desc())
        .limit(MOST_COUNTED)
        .subquery()
        for place in places
        if place.may_be_read_by(seated)
    ]
    if ranges:
        newest = union_all(*(select(one) for one in ranges)).subquery()
        columns = (newest.c.collection_id, newest.c.stix_type, newest.c.tlp)
        grouped = select(*columns, func.count()).group_by(*columns)
        for collection_id, stix_type, tlp, count in connection.execute(grouped):
            types[stix_type] += count
            levels[Tlp(tlp).text] += count
            counted[collection_id] += count
    return Facets(
        dict(sorted(types.items())),
        dict(sorted(levels.items())),
        sum(types.values()),
        all(count < MOST_COUNTED for count in counted.values()),
    )


def _last_versions(
    seated: Seated, place: Collection, wanted: NewestFilter, before: Key | None
) -> Select[Any]:
    statement = visible_to(
        seated,
        place.id,
        release.c.collection_id,
        release.c.date_added_us,
        release.c.stix_id,
        release.c.stix_type,
        release.c.version_us,
        release.c.body_id,
        TLP_OF_RELEASE.label("tlp"),
    ).where(_IS_LAST)
    if wanted.stix_type is not None:
        statement = statement.where(release.c.stix_type == wanted.stix_type)
    if wanted.tlp is not None:
        statement = statement.where(
            bindparam(None, int(wanted.tlp), SmallInteger) == TLP_OF_RELEASE
        )
    if wanted.added_after_us is not None:
        statement = statement.where(release.c.date_added_us > wanted.added_after_us)
    if before is not None:
        at_us, uuid = before
        last = at_us - 1 if place.uuid >= uuid else at_us
        statement = statement.where(release.c.date_added_us <= last)
    return statement
