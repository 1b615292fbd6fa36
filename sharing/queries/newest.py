"""What came last into a reader's views, newest first, with its bytes: for pages.

What does not live here: who sees what (visibility).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    Row,
    ScalarSelect,
    Select,
    bindparam,
    func,
    select,
    union_all,
)

from auth.reader import Seated
from kernel.db import BINARY_ROWS
from sharing.queries.collections import Collection, View
from sharing.queries.ranges import MOST_KEPT, NewestFilter, Shape, merge, ranges_of
from sharing.queries.releases import TLP_OF_RELEASE, Columns
from sharing.queries.standing import Key, Standing
from sharing.rules.tlp import Tlp
from sharing.tables import body, forum_head, release
from sharing.visibility import visible_to

MOST_COUNTED = 5000
"""Of so many of the newest, facets are counted: a page costs the same whatever there is."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One version in the reader's view, with its bytes as they are served to it."""

    standing: Standing
    content: bytes


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
    ranges = ranges_of(views, wanted, before=before, most=limit)
    if not ranges.views:
        return found
    rows = connection.execute(_newest(ranges.shape), ranges.values())
    every = {place.id: place for _, places in views for place in places}
    for row in rows:
        place = every[row.collection_id]
        found[place.forum_id].append(seen_of(row, [place]))
    return {
        forum_id: sorted(seen, key=lambda one: one.standing.key, reverse=True)[:limit]
        for forum_id, seen in found.items()
    }


@lru_cache(maxsize=MOST_KEPT)
def _newest(shape: Shape) -> Select[Any]:
    merged = merge(shape, *_OF_NEWEST)
    return (
        select(merged, body.c.content)
        .join(body, body.c.id == merged.c.body_id)
        .order_by(merged.c.date_added_us.desc())
        .limit(bindparam("most", type_=Integer) * shape.ranges)
        .execution_options(**BINARY_ROWS)
    )


_OF_NEWEST: Final[Columns] = (
    release.c.collection_id,
    release.c.date_added_us,
    release.c.stix_id,
    release.c.version_us,
    release.c.body_id,
    TLP_OF_RELEASE.label("tlp"),
)


def seen_of(row: Row[Any], places: Sequence[Collection]) -> Seen:
    """A row with a release's stamp, id, version, level and bytes, in one of these collections."""
    uuid = next(place.uuid for place in places if place.id == row.collection_id)
    standing = Standing(row.date_added_us, uuid, row.stix_id, row.version_us, Tlp(row.tlp))
    return Seen(standing, row.content)


def find_seq(connection: Connection, seated: Seated) -> int:
    """The forum's ledger position in this look: the head of every delivery that it makes."""
    return int(connection.execute(_SEQ, {"forum_id": seated.forum_id}).scalar_one())


# Made once: making a statement takes longer than running it, and each page runs this one.
_SEQ: Final = select(forum_head.c.seq).where(
    forum_head.c.forum_id == bindparam("forum_id", type_=BigInteger)
)


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
    ranges = ranges_of([(seated, list(places))], wanted, most=MOST_COUNTED)
    if ranges.views:
        grouped = _facets(ranges.shape)
        for collection_id, stix_type, tlp, count in connection.execute(grouped, ranges.values()):
            types[stix_type] += count
            levels[Tlp(tlp).text] += count
            counted[collection_id] += count
    return Facets(
        dict(sorted(types.items())),
        dict(sorted(levels.items())),
        sum(types.values()),
        all(count < MOST_COUNTED for count in counted.values()),
    )


@lru_cache(maxsize=MOST_KEPT)
def _facets(shape: Shape) -> Select[Any]:
    newest = merge(shape, release.c.collection_id, release.c.stix_type, TLP_OF_RELEASE.label("tlp"))
    columns = (newest.c.collection_id, newest.c.stix_type, newest.c.tlp)
    return select(*columns, func.count()).group_by(*columns)
