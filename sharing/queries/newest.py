"""What came last into a reader's views, newest first, with its bytes: for pages.

What does not live here: who sees what (visibility).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    ScalarSelect,
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
from sharing.queries.collections import Collection, View
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
    views = [(seated, list(places))]
    return list_newest_of(connection, views, wanted, before=before, limit=limit)[seated.forum_id]


def list_newest_of(
    connection: Connection,
    views: Sequence[View],
    wanted: NewestFilter,
    *,
    before: Key | None = None,
    limit: int,
) -> dict[int, list[Seen]]:
    """The same of several forums at once, up to `limit` of each, by the forum's number."""
    found: dict[int, list[Seen]] = {seated.forum_id: [] for seated, _ in views}
    ranges = [
        last_versions(seated, place, wanted, before)
        .order_by(release.c.date_added_us.desc())
        .limit(limit)
        .subquery()
        for seated, places in views
        for place in places
        if place.may_be_read_by(seated)
    ]
    if not ranges:
        return found
    merged = union_all(*(select(one) for one in ranges)).subquery()
    rows = connection.execute(
        select(merged, body.c.content)
        .join(body, body.c.id == merged.c.body_id)
        .order_by(merged.c.date_added_us.desc())
        .limit(limit * len(ranges))
        .execution_options(**BINARY_ROWS)
    )
    every = {place.id: place for _, places in views for place in places}
    for row in rows:
        place = every[row.collection_id]
        found[place.forum_id].append(seen_of(row, [place]))
    return {
        forum_id: sorted(seen, key=lambda one: one.standing.key, reverse=True)[:limit]
        for forum_id, seen in found.items()
    }


def seen_of(row: Row[Any], places: Sequence[Collection]) -> Seen:
    """A row with a release's stamp, id, version, level and bytes, in one of these collections."""
    uuid = next(place.uuid for place in places if place.id == row.collection_id)
    standing = Standing(row.date_added_us, uuid, row.stix_id, row.version_us, Tlp(row.tlp))
    return Seen(standing, row.content)


def find_seq(connection: Connection, seated: Seated) -> int:
    """The forum's ledger position in this look: the head of every delivery that it makes."""
    return int(connection.execute(select(seq_of(seated))).scalar_one())


def list_seqs(connection: Connection, seats: Iterable[Seated]) -> dict[int, int]:
    """The ledger positions of several forums in this look, by the forum's number."""
    forums = [seated.forum_id for seated in seats]
    rows = connection.execute(
        select(forum_head.c.forum_id, forum_head.c.seq).where(forum_head.c.forum_id.in_(forums))
    )
    return {row.forum_id: int(row.seq) for row in rows}


def seq_of(seated: Seated) -> ScalarSelect[int]:
    """The same, for a statement about something else of the forum."""
    forum = forum_head.c.forum_id == seated.forum_id
    return select(forum_head.c.seq).where(forum).scalar_subquery()


def list_contents_of(
    connection: Connection, views: Sequence[View], found: Iterable[Standing]
) -> dict[Standing, Seen]:
    """These versions with their bytes as they are served to the reader."""
    by_place: defaultdict[str, dict[tuple[str, int], Standing]] = defaultdict(dict)
    for one in found:
        by_place[one.collection][one.stix_id, one.date_added_us] = one
    readable = [
        (seated, place)
        for seated, places in views
        for place in places
        if place.may_be_read_by(seated) and place.uuid in by_place
    ]
    if not readable:
        return {}
    ranges = [
        visible_to(
            seated,
            place.id,
            release.c.collection_id,
            release.c.stix_id,
            release.c.date_added_us,
            release.c.body_id,
        )
        .where(release.c.stix_id.in_(sorted({stix_id for stix_id, _ in by_place[place.uuid]})))
        .subquery()
        for seated, place in readable
    ]
    merged = union_all(*(select(one) for one in ranges)).subquery()
    rows = connection.execute(
        select(merged, body.c.content)
        .join(body, body.c.id == merged.c.body_id)
        .execution_options(**BINARY_ROWS)
    )
    named = {place.id: place.uuid for _, place in readable}
    seen = {}
    for row in rows:
        standing = by_place[named[row.collection_id]].get((row.stix_id, row.date_added_us))
        if standing is not None:
            seen[standing] = Seen(standing, row.content)
    return seen


def count_facets(
    connection: Connection, seated: Seated, places: Sequence[Collection], wanted: NewestFilter
) -> Facets:
    """How many of the newest last versions in the views there are, by type and by level."""
    types: Counter[str] = Counter()
    levels: Counter[str] = Counter()
    counted: Counter[int] = Counter()
    ranges = [
        last_versions(seated, place, wanted, None)
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


def last_versions(
    seated: Seated, place: Collection, wanted: NewestFilter, before: Key | None
) -> Select[Any]:
    """The last versions in the reader's view of one collection that are wanted, and added before
    a key of a list that shows the newest first."""
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
