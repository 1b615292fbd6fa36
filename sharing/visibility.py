"""The one clause that says which releases a reader sees. Every read goes through it.

A release is visible to a reader when it is open and its audience holds the reader's element
(recipient and credential kind). Policy is in the query, never applied to its result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    LargeBinary,
    Select,
    Subquery,
    and_,
    bindparam,
    cast,
    func,
    or_,
    select,
)

from auth.reader import Reader, Seated
from sharing.tables import audience_member, job, release, view_head

_ELEMENT: Final = bindparam("element", type_=Integer)
_FORUM: Final = bindparam("forum_id", type_=BigInteger)
_COLLECTION: Final = bindparam("collection_id", type_=BigInteger)

_FIRST: Final = bindparam("known_first", type_=BigInteger)
_LAST: Final = bindparam("known_last", type_=BigInteger)
_KNOWN: Final = bindparam("known", type_=LargeBinary)
_ONE: Final = bindparam("one", b"\1", type_=LargeBinary)

Value = ColumnElement[Any] | int


def visible_to(seated: Seated, collection_id: int, *columns: ColumnElement[Any]) -> Select[Any]:
    """The columns of the releases of one collection that the reader sees now."""
    return _visible(seated.element, seated.forum_id, collection_id, *columns)


def visible_among(
    seated: Seated, collection_ids: Sequence[int], *columns: ColumnElement[Any]
) -> Select[Any]:
    """The same of several collections of the forum, for what is found by something else than
    their order."""
    # Not the bare column: SQLite would walk whole collections.
    places = (release.c.collection_id + 0).in_(collection_ids)
    return _seen(seated.element, seated.forum_id, *columns).where(places)


def visible_in_forum(seated: Seated, *columns: ColumnElement[Any]) -> Select[Any]:
    """The same of all of the forum's collections, for what is found by its contribution."""
    return _seen(seated.element, seated.forum_id, *columns)


def visible(*columns: ColumnElement[Any]) -> Select[Any]:
    """The same for whichever reader and collection `given` names when it runs."""
    return _visible(_ELEMENT, _FORUM, _COLLECTION, *columns)


def visible_nth(number: int, *columns: ColumnElement[Any]) -> Select[Any]:
    """The same for whichever reader and collection `given_nth` names when it runs: one of several
    ranges of one statement, which is made once."""
    return _visible(
        bindparam(f"element_{number}", type_=Integer),
        bindparam(f"forum_id_{number}", type_=BigInteger),
        bindparam(f"collection_id_{number}", type_=BigInteger),
        *columns,
    )


@dataclass(frozen=True, slots=True)
class Known:
    """Of the audiences from `first`, its forum's first, to `last`, which hold the reader: a byte
    each, 1 or 0. An id between that is not of an audience of the forum is 0."""

    first: int
    last: int
    members: bytes

    @property
    def values(self) -> dict[str, Any]:
        """What `visible_by_known` runs with, beside what `given` says."""
        return {"known_first": self.first, "known_last": self.last, "known": self.members}


def visible_by_known(*columns: ColumnElement[Any]) -> Select[Any]:
    """The columns of `visible`, for a reader of whose audiences some are known.

    These are looked up in the bytes that come with the question; a list is made of the reader's
    newer ones when the first such release is met. There are no older ones.
    """
    there = release.c.audience_id
    # PostgreSQL's `substr` takes no number of 64 bits; what is not within is less than anything.
    place = cast(there - _FIRST + 1, Integer)
    is_in = func.substr(_KNOWN, place, 1, type_=LargeBinary) >= _ONE
    newer = _audiences().where(audience_member.c.audience_id > _LAST)
    return _open(*columns).where(or_(and_(there.between(_FIRST, _LAST), is_in), there.in_(newer)))


def gathered(*columns: ColumnElement[Any]) -> Select[Any]:
    """The columns of `visible`, looked for by audience: what is hidden is not even passed over."""
    return _open(*columns).where(release.c.audience_id.in_(_audiences()))


def gathered_in_turn(*columns: ColumnElement[Any]) -> tuple[Subquery, Select[Any]]:
    """The reader's audiences, and the columns of `visible` of one of them: to be joined laterally.

    PostgreSQL would read the whole collection for `gathered`.
    """
    mine = _audiences().subquery("mine")
    return mine, _open(*columns).where(release.c.audience_id == mine.c.audience_id)


def head_of_view(collection_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """The condition that finds the head of the reader's view of a collection, and no other's.

    Elements are numbered per forum, and a collection is of one.
    """
    return head_of_seat(collection_id, _ELEMENT)


def head_of_seat(
    collection_id: ColumnElement[Any], element: ColumnElement[Any]
) -> ColumnElement[bool]:
    """The same where the reader's element is of the seat that the same question finds."""
    return and_(view_head.c.collection_id == collection_id, view_head.c.element == element)


def asked_by(reader: Reader) -> ColumnElement[bool]:
    """The condition that finds the long work that the reader has asked for, as who it is now."""
    return and_(job.c.asked_by == reader.actor, job.c.member_id == reader.member_id)


def given(seated: Seated, collection_id: int) -> dict[str, Any]:
    """The values that all of these run with."""
    return {
        "element": seated.element,
        "forum_id": seated.forum_id,
        "collection_id": collection_id,
    }


def given_nth(number: int, seated: Seated, collection_id: int) -> dict[str, Any]:
    """The values that the range of this number runs with."""
    return {f"{name}_{number}": value for name, value in given(seated, collection_id).items()}


def _holds(element: Value, forum_id: Value, audience_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """The join condition between `audience_id` and the audiences that the reader is in.

    Elements are numbered per forum, so the forum is part of the condition: an audience of
    another forum never holds this reader.
    """
    return and_(
        audience_member.c.audience_id == audience_id,
        audience_member.c.element == element,
        audience_member.c.forum_id == forum_id,
    )


def _audiences() -> Select[Any]:
    return select(audience_member.c.audience_id).where(
        audience_member.c.element == _ELEMENT, audience_member.c.forum_id == _FORUM
    )


def _open(*columns: ColumnElement[Any]) -> Select[Any]:
    return (
        select(*columns)
        .select_from(release)
        .where(
            release.c.collection_id == _COLLECTION,
            release.c.forum_id == _FORUM,
            release.c.closed.is_(None),
        )
    )


def _visible(
    element: Value, forum_id: Value, collection_id: Value, *columns: ColumnElement[Any]
) -> Select[Any]:
    return _seen(element, forum_id, *columns).where(release.c.collection_id == collection_id)


def _seen(element: Value, forum_id: Value, *columns: ColumnElement[Any]) -> Select[Any]:
    joined = release.join(audience_member, _holds(element, forum_id, release.c.audience_id))
    return (
        select(*columns)
        .select_from(joined)
        .where(release.c.forum_id == forum_id, release.c.closed.is_(None))
    )
