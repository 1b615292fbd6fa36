"""What a reader sees of a collection: pages of objects, of their manifest, of versions.

A page is one range scan of open releases after a `date_added`, in order, one more than asked
for; bodies come as the bytes that were received. What does not live here: who sees what
(visibility), and how a page is written out (taxii).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    Select,
    func,
    literal_column,
    or_,
    select,
    union_all,
)

from auth.reader import Seated
from kernel.db import BINARY_ROWS
from sharing.queries.matching import LAST_VERSION, Match, VersionFilter
from sharing.tables import body, contribution, forum_head, release
from sharing.visibility import heads_of, visible_to

# As the partial indexes spell them: SQLAlchemy would write `is_last = 1` for SQLite, which
# does not recognise its own index in that.
_IS_FIRST: ColumnElement[bool] = literal_column("release.is_first")
_IS_LAST: ColumnElement[bool] = literal_column("release.is_last")


@dataclass(frozen=True, slots=True)
class Head:
    """Where a view stands: the forum's ledger position, and an upper bound of the newest
    `date_added` in the view (None when nothing was ever released to the reader); `due_us` is
    when something in the forum changes by itself."""

    seq: int
    newest_us: int | None
    due_us: int | None = None

    def is_overdue(self, now_us: int) -> bool:
        """Whether something has to be settled before anything is answered."""
        return self.due_us is not None and self.due_us <= now_us

    def is_behind(self, after_us: int | None) -> bool:
        """Whether nothing can have been added after `after_us`: a poll that needs no scan."""
        return self.newest_us is None or (after_us is not None and self.newest_us <= after_us)


@dataclass(frozen=True, slots=True)
class ObjectRow:
    """One object of a page: its bytes as received."""

    date_added_us: int
    content: bytes


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """One version of one object, without its bytes."""

    date_added_us: int
    stix_id: str
    version_us: int


RowT = TypeVar("RowT", ObjectRow, ManifestRow)


@dataclass(frozen=True, slots=True)
class Page(Generic[RowT]):
    """Rows in ascending order of `date_added`; `has_more` tells that others follow."""

    rows: tuple[RowT, ...]
    has_more: bool


def find_head(connection: Connection, seated: Seated, collection_id: int) -> Head:
    """Where the reader's view of one collection stands, in the caller's snapshot."""
    newest = heads_of(
        seated, collection_id, func.max(literal_column("audience_head.date_added_us"))
    ).scalar_subquery()
    row = connection.execute(
        select(forum_head.c.seq, forum_head.c.due_us, newest.label("newest_us")).where(
            forum_head.c.forum_id == seated.forum_id
        )
    ).one()
    return Head(seq=row.seq, newest_us=row.newest_us, due_us=row.due_us)


def list_objects(
    connection: Connection,
    seated: Seated,
    collection_id: int,
    match: Match,
    *,
    after_us: int | None,
    limit: int,
) -> Page[ObjectRow]:
    """The first `limit` objects added after `after_us` that match (TAXII 2.1 §5.4)."""
    columns = (release.c.date_added_us, release.c.body_id)
    keys = select_page(seated, collection_id, match, after_us, limit, *columns).subquery()
    statement = (
        select(keys.c.date_added_us, body.c.content)
        .select_from(keys.join(body, body.c.id == keys.c.body_id))
        .order_by(keys.c.date_added_us)
        .execution_options(**BINARY_ROWS)
    )
    rows = [ObjectRow(row[0], row[1]) for row in connection.execute(statement)]
    return Page(tuple(rows[:limit]), has_more=len(rows) > limit)


def list_manifest(
    connection: Connection,
    seated: Seated,
    collection_id: int,
    match: Match,
    *,
    after_us: int | None,
    limit: int,
) -> Page[ManifestRow]:
    """The manifest records of what `list_objects` would serve (TAXII 2.1 §5.3)."""
    columns = (release.c.date_added_us, release.c.stix_id, release.c.version_us)
    statement = select_page(seated, collection_id, match, after_us, limit, *columns)
    rows = [ManifestRow(row[0], row[1], row[2]) for row in connection.execute(statement)]
    return Page(tuple(rows[:limit]), has_more=len(rows) > limit)


def has_version(
    connection: Connection,
    seated: Seated,
    collection_id: int,
    stix_id: str,
    versions: VersionFilter = LAST_VERSION,
) -> bool:
    """Whether the reader sees this object here, in one of these versions."""
    statement = (
        visible_to(seated, collection_id, release.c.id)
        .where(release.c.stix_id == stix_id, *_in_versions(versions))
        .limit(1)
    )
    return connection.execute(statement).first() is not None


def select_page(
    seated: Seated,
    collection_id: int,
    match: Match,
    after_us: int | None,
    limit: int,
    *columns: ColumnElement[Any],
) -> Select[Any]:
    """The columns of one page's releases and of one more, by whichever index the filters call
    for; `date_added_us` must be among them."""
    statement = visible_to(seated, collection_id, *columns).where(*_in_versions(match.versions))
    if match.tlp is not None:
        statement = statement.where(tlp_of_release() == match.tlp)
    if after_us is not None:
        statement = statement.where(release.c.date_added_us > after_us)
    if match.ids is not None:
        return _sorted_by_id(statement, match, limit)
    if match.types is not None:
        return _merged_by_type(statement, sorted(match.types), limit)
    return statement.order_by(release.c.date_added_us).limit(limit + 1)


def tlp_of_release() -> ScalarSelect[int]:
    """The TLP of what a release is of, as a column."""
    level = select(contribution.c.tlp).where(contribution.c.id == release.c.contribution_id)
    return level.correlate(release).scalar_subquery()


def _sorted_by_id(statement: Select[Any], match: Match, limit: int) -> Select[Any]:
    """The ranges of the named ids, few rows each, sorted."""
    statement = statement.where(release.c.stix_id.in_(sorted(match.ids or ())))
    if match.types is not None:
        statement = statement.where(release.c.stix_type.in_(sorted(match.types)))
    # Not the bare column: SQLite would walk the whole collection in that order instead.
    return statement.order_by(release.c.date_added_us + 0).limit(limit + 1)


def _merged_by_type(statement: Select[Any], types: list[str], limit: int) -> Select[Any]:
    """One range of the index by type for each type, merged: a rare type never scans."""
    ranges = [
        statement.where(release.c.stix_type == stix_type)
        .order_by(release.c.date_added_us)
        .limit(limit + 1)
        for stix_type in types
    ]
    if len(ranges) == 1:
        return ranges[0]
    merged = union_all(*(select(one.subquery()) for one in ranges)).subquery()
    return select(merged).order_by(merged.c.date_added_us).limit(limit + 1)


def _in_versions(versions: VersionFilter) -> list[ColumnElement[bool]]:
    """No condition for every version, else the union of what the filter names."""
    if versions.all:
        return []
    wanted: list[ColumnElement[bool]] = []
    if versions.first:
        wanted.append(_IS_FIRST)
    if versions.last:
        wanted.append(_IS_LAST)
    if versions.exact:
        wanted.append(release.c.version_us.in_(sorted(versions.exact)))
    return [or_(*wanted)]
