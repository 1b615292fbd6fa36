"""What a reader sees of a collection: pages of objects, of their manifest, of versions.

A page is one range scan of open releases after a `date_added`, in order, one more than asked
for; bodies come as the bytes that were received. What does not live here: who sees what
(visibility), and how a page is written out (taxii).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final, Generic, NamedTuple, TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Connection,
    Integer,
    Select,
    SmallInteger,
    Text,
    bindparam,
    cast,
    func,
    literal_column,
    null,
    or_,
    select,
    true,
    union_all,
)

from auth.reader import Seated
from kernel.db import BINARY_ROWS, PLANNED_ANEW
from sharing.queries.belonging import Newest, find_known
from sharing.queries.matching import LAST_VERSION, Match, VersionFilter
from sharing.tables import body, collection, contribution, forum_head, release, view_head
from sharing.visibility import (
    Known,
    gathered,
    gathered_in_turn,
    given,
    head_of_view,
    visible,
    visible_by_known,
)

# As the partial indexes spell them: SQLAlchemy would write `is_last = 1` for SQLite, which
# does not recognise its own index in that.
_IS_FIRST: ColumnElement[bool] = literal_column("release.is_first")
_IS_LAST: ColumnElement[bool] = literal_column("release.is_last")


@dataclass(frozen=True, slots=True)
class Head:
    """Where a view stands: the forum's ledger position, and an upper bound of the newest
    `date_added` in the view (None when nothing was ever released to the reader); `due_us` is
    when something in the forum changes by itself. Of the releases that were ever opened in the
    collection, `opened` were for the reader. `newest` is the audience that was made last, where
    that was looked for: pages are then read by what is known of the reader's audiences."""

    seq: int
    newest_us: int | None
    due_us: int | None = None
    opened: int = 0
    opened_for_all: int = 0
    newest: Newest | None = None

    def is_overdue(self, now_us: int) -> bool:
        """Whether something has to be settled before anything is answered."""
        return self.due_us is not None and self.due_us <= now_us

    def is_gathered(self, limit: int) -> bool:
        """Whether what a reader holds is looked for by audience: all of it is read and sorted.

        Else the collection is read in order, and what is hidden passed over, `opened_for_all /
        opened` releases for each that is found. A release that is gathered costs three times
        one that is passed over; either way no page reads more than about the square root of
        `limit` times the collection.
        """
        return 3 * self.opened * self.opened < (limit + 1) * self.opened_for_all

    def is_behind(self, after_us: int | None) -> bool:
        """Whether nothing can have been added after `after_us`: a poll that needs no scan."""
        return self.newest_us is None or (after_us is not None and self.newest_us <= after_us)


class Record(NamedTuple):
    """One version of one object, without its bytes."""

    date_added_us: int
    stix_id: str
    version_us: int


ItemT = TypeVar("ItemT", bytes, Record)


@dataclass(frozen=True, slots=True)
class Page(Generic[ItemT]):
    """Objects as received, or records, in ascending order of `date_added`, which `stamps_us` are.

    `has_more` tells that others follow. `seq` and `due_us` are the forum's (as in `Head`) in the
    very snapshot that the page was read in; zero where none was read.
    """

    items: tuple[ItemT, ...]
    stamps_us: tuple[int, ...]
    has_more: bool
    seq: int = 0
    due_us: int | None = None

    def is_overdue(self, now_us: int) -> bool:
        """Whether something had to be settled before this could be answered."""
        return self.due_us is not None and self.due_us <= now_us


def find_head(connection: Connection, seated: Seated, collection_id: int) -> Head:
    """Where the reader's view of one collection stands, in the caller's snapshot."""
    row = connection.execute(_HEAD, given(seated, collection_id)).one()
    return Head(*row)


def list_objects(
    connection: Connection,
    seated: Seated,
    collection_id: int,
    match: Match,
    *,
    after_us: int | None,
    limit: int,
    head: Head | None = None,
) -> Page[bytes]:
    """The first `limit` objects added after `after_us` that match (TAXII 2.1 §5.4).

    `head` says which way is the shorter one; the answer is the same either way.
    """
    known = _known(connection, seated, match, limit, head)
    asked = Asking(seated, collection_id, match, after_us, limit, head, known)
    with closing(
        connection.execute(_select_bodies(asked.shape_on(connection)), asked.values)
    ) as answer:
        # As the driver gives them: a thousand rows, none of which needs to know its columns.
        rows = answer.cursor.fetchall()
    # Already in order, or nearly: the database would make a table of the page to sort it.
    return _page(sorted(rows, key=_DATE_ADDED), limit, lambda _stamps, _rest, items: items)


def list_manifest(
    connection: Connection,
    seated: Seated,
    collection_id: int,
    match: Match,
    *,
    after_us: int | None,
    limit: int,
    head: Head | None = None,
) -> Page[Record]:
    """The manifest records of what `list_objects` would serve (TAXII 2.1 §5.3)."""
    known = _known(connection, seated, match, limit, head)
    asked = Asking(seated, collection_id, match, after_us, limit, head, known)
    rows = connection.execute(_select_records(asked.shape_on(connection)), asked.values).all()
    return _page(
        sorted(rows, key=_DATE_ADDED),
        limit,
        lambda stamps_us, versions, stix_ids: tuple(map(Record, stamps_us, stix_ids, versions)),
    )


def _page(rows: list[Any], limit: int, itemise: Callable[..., tuple[ItemT, ...]]) -> Page[ItemT]:
    """Of the rows of a statement that begins with the forum's head (`_with_head`)."""
    head = next(row for row in rows if row[2] is None)
    rows.remove(head)
    if not rows:
        return Page((), (), has_more=False, seq=head[0], due_us=head[1])
    stamps_us, rest, items = zip(*rows[:limit], strict=True)
    return Page(
        itemise(stamps_us, rest, items),
        stamps_us,
        has_more=len(rows) > limit,
        seq=head[0],
        due_us=head[1],
    )


def has_version(
    connection: Connection,
    seated: Seated,
    collection_id: int,
    stix_id: str,
    versions: VersionFilter = LAST_VERSION,
) -> bool:
    """Whether the reader sees this object here, in one of these versions."""
    match = Match(ids=frozenset({stix_id}), versions=versions)
    return bool(list_rows(connection, Asking(seated, collection_id, match, None, 0), _KEYS))


def _known(
    connection: Connection, seated: Seated, match: Match, limit: int, head: Head | None
) -> Known | None:
    """What is known of the reader's audiences, where the collection is read in order."""
    if head is None or head.newest is None or match.ids is not None or match.types is not None:
        return None
    return None if head.is_gathered(limit) else find_known(connection, seated, head.newest)


@dataclass(frozen=True, slots=True)
class Asking:
    """One page of a reader's view: what matches, after which `date_added`, at most how many."""

    seated: Seated
    collection_id: int
    match: Match
    after_us: int | None
    limit: int
    head: Head | None = None
    known: Known | None = None

    def shape_on(self, connection: Connection) -> Shape:
        """What the statement depends on, without the values that it runs with."""
        match, versions = self.match, self.match.versions
        is_gathered = (
            match.ids is None and self.head is not None and self.head.is_gathered(self.limit)
        )
        return Shape(
            all_versions=versions.all,
            first=versions.first,
            last=versions.last,
            exact=bool(versions.exact),
            has_tlp=match.tlp is not None,
            has_after=self.after_us is not None,
            has_ids=match.ids is not None,
            types=None if match.types is None else len(match.types),
            is_gathered=is_gathered,
            is_in_turn=is_gathered and connection.dialect.name == "postgresql",
            is_known=self.known is not None,
        )

    @property
    def values(self) -> dict[str, Any]:
        """Everything that a statement of this shape runs with."""
        match = self.match
        values = given(self.seated, self.collection_id)
        values["most"] = self.limit + 1
        if self.known is not None:
            values |= self.known.values
        if self.after_us is not None:
            values["after_us"] = self.after_us
        if match.versions.exact:
            values["versions"] = sorted(match.versions.exact)
        if match.tlp is not None:
            values["tlp"] = int(match.tlp)
        if match.ids is not None:
            values["ids"] = sorted(match.ids)
        if match.types is not None:
            types = sorted(match.types)
            values |= {f"type_{place}": name for place, name in enumerate(types)}
        return values


@dataclass(frozen=True, slots=True)
class Shape:
    """Which conditions a page's statement has; `types` is how many, None for no such filter.

    `is_gathered` is by audience (`Head.is_gathered`), `is_in_turn` by one audience after the other;
    `is_known` is by what is known of the reader's audiences.
    """

    all_versions: bool
    first: bool
    last: bool
    exact: bool
    has_tlp: bool
    has_after: bool
    has_ids: bool
    types: int | None
    is_gathered: bool
    is_in_turn: bool
    is_known: bool


Columns = tuple[ColumnElement[Any], ...]


def list_rows(connection: Connection, asked: Asking, columns: Columns) -> Sequence[tuple[Any, ...]]:
    """The columns of one page's releases and of one more, in order, by whichever index the
    filters call for; `date_added_us` must be the first of them."""
    return connection.execute(_select_page(asked.shape_on(connection), columns), asked.values).all()


# Statements are made once: making one takes longer than running it. As many as are kept, so many
# shapes of filters are asked with; what is not kept is made again.
@lru_cache(maxsize=256)
def _select_page(shape: Shape, columns: Columns) -> Select[Any]:
    conditions = _in_versions(shape)
    if shape.has_tlp:
        conditions.append(bindparam("tlp", type_=SmallInteger) == TLP_OF_RELEASE)
    if shape.has_after:
        conditions.append(release.c.date_added_us > bindparam("after_us", type_=BigInteger))
    types = [bindparam(f"type_{place}", type_=Text) for place in range(shape.types or 0)]
    if shape.has_ids:
        conditions.append(release.c.stix_id.in_(bindparam("ids", expanding=True)))
    if shape.types is not None and (shape.has_ids or shape.is_gathered):
        conditions.append(release.c.stix_type.in_(types))
    if shape.is_in_turn:
        mine, one = gathered_in_turn(*columns)
        one = one.where(*conditions).order_by(release.c.date_added_us).limit(_MOST)
        turn = one.lateral()
        joined = select(*turn.c).select_from(mine.join(turn, true()))
        return joined.order_by(turn.c.date_added_us).limit(_MOST)
    if shape.is_known:
        begun = visible_by_known(*columns)
    else:
        begun = gathered(*columns) if shape.is_gathered else visible(*columns)
    statement = begun.where(*conditions)
    if shape.has_ids or shape.is_gathered:
        # Not the bare column: SQLite would walk the whole collection in that order instead.
        return statement.order_by(release.c.date_added_us + 0).limit(_MOST)
    if shape.types is not None:
        return _merged(statement, [release.c.stix_type == one for one in types])
    return statement.order_by(release.c.date_added_us).limit(_MOST)


@lru_cache(maxsize=256)
def _select_bodies(shape: Shape) -> CompoundSelect[Any]:
    """The content of one page and of one object more, in any order, each after its stamp."""
    keys = _select_page(shape, _KEYS).subquery()
    page = select(keys.c.date_added_us, null(), body.c.content).select_from(
        keys.join(body, body.c.id == keys.c.body_id)
    )
    return _with_head(shape, page, body.c.content)


@lru_cache(maxsize=256)
def _select_records(shape: Shape) -> CompoundSelect[Any]:
    """Stamp, version and id of the same."""
    page = select(_select_page(shape, _MANIFEST).subquery())
    return _with_head(shape, page, release.c.stix_id)


def _with_head(shape: Shape, page: Select[Any], item: ColumnElement[Any]) -> CompoundSelect[Any]:
    """A page of stamp, number and item, with one row more, the only one without an item: the
    forum's ledger position, and when something there changes by itself.

    What a delivery is recorded with is so of the very snapshot that the page is of.
    """
    head = select(forum_head.c.seq, forum_head.c.due_us, cast(null(), item.type)).where(
        forum_head.c.forum_id == bindparam("forum_id", type_=BigInteger)
    )
    both: CompoundSelect[Any] = union_all(head, page)
    options = BINARY_ROWS | PLANNED_ANEW if shape.is_in_turn else BINARY_ROWS
    return both.execution_options(**options)


def _merged(statement: Select[Any], conditions: list[ColumnElement[bool]]) -> Select[Any]:
    """One range of an index for each condition, merged: what is rare never scans."""
    ranges = [
        statement.where(condition).order_by(release.c.date_added_us).limit(_MOST)
        for condition in conditions
    ]
    if len(ranges) == 1:
        return ranges[0]
    merged = union_all(*(select(one.subquery()) for one in ranges)).subquery()
    return select(merged).order_by(merged.c.date_added_us).limit(_MOST)


def _in_versions(shape: Shape) -> list[ColumnElement[bool]]:
    """No condition for every version, else the union of what the filter names."""
    if shape.all_versions:
        return []
    wanted: list[ColumnElement[bool]] = []
    if shape.first:
        wanted.append(_IS_FIRST)
    if shape.last:
        wanted.append(_IS_LAST)
    if shape.exact:
        wanted.append(release.c.version_us.in_(bindparam("versions", expanding=True)))
    return [or_(*wanted)]


TLP_OF_RELEASE: Final = (
    select(contribution.c.tlp)
    .where(contribution.c.id == release.c.contribution_id)
    .correlate(release)
    .scalar_subquery()
)
"""The TLP of what a release is of, as a column."""

_KEYS: Final[Columns] = (release.c.date_added_us, release.c.body_id)
_MANIFEST: Final[Columns] = (release.c.date_added_us, release.c.version_us, release.c.stix_id)
_MOST: Final = bindparam("most", type_=Integer)
_DATE_ADDED: Final = itemgetter(0)
_HEAD: Final = (
    select(
        forum_head.c.seq,
        view_head.c.date_added_us,
        forum_head.c.due_us,
        func.coalesce(view_head.c.opened, 0),
        collection.c.opened,
    )
    .select_from(
        forum_head.join(collection, collection.c.forum_id == forum_head.c.forum_id).outerjoin(
            view_head, head_of_view(collection.c.id)
        )
    )
    .where(
        forum_head.c.forum_id == bindparam("forum_id"),
        collection.c.id == bindparam("collection_id"),
    )
)
