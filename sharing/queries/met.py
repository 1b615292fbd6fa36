"""What a reader meets at an address: its seat, the collection, and where its view stands.

One question for all that a poll asks before it reads a page; on PostgreSQL each would be a way
to the server and back. What does not live here: what is refused, and in which words (the doors).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    ScalarSelect,
    Select,
    and_,
    bindparam,
    func,
    or_,
    select,
)

from auth.queries.seats import given_seat, select_seat
from auth.reader import Reader, Seated
from auth.rules import is_slug
from sharing.queries.collections import Collection, collection_of
from sharing.queries.releases import Head
from sharing.tables import audience, collection, forum_head, view_head
from sharing.visibility import head_of_seat


@dataclass(frozen=True, slots=True)
class Met:
    """A reader in a forum, and the collection there; None unless it exists for the reader.

    `head` is where the reader's view of that collection stands.
    """

    seated: Seated
    collection: Collection | None
    head: Head


def find_met(connection: Connection, reader: Reader, slug: str, ref: str) -> Met | None:
    """The collection with this UUID or alias in this open forum; None without a seat there."""
    if not is_slug(slug):
        return None
    # No UUID or alias holds a NUL, and PostgreSQL cannot even be asked for one.
    ref = "" if "\0" in ref else ref
    given = given_seat(reader, slug) | {
        "uuid": ref.lower(),
        "alias": ref,
        "of_person": int(reader.kind == "individual"),
    }
    rows = connection.execute(_select_met(select_seat(reader)), given).all()
    # Should an alias spell the UUID of another collection, the UUID wins.
    found = sorted((_met(reader, row) for row in rows), key=lambda met: _uuid(met) != ref.lower())
    there = (met for met in found if met.collection and met.collection.exists_for(met.seated))
    return next(there, Met(found[0].seated, None, found[0].head) if found else None)


def _uuid(met: Met) -> str | None:
    return met.collection.uuid if met.collection else None


def _met(reader: Reader, row: Any) -> Met:  # noqa: ANN401 - a row of the statement below
    seated = Seated(
        reader=reader,
        forum_id=row.seat_forum_id,
        forum_slug=row.seat_slug,
        forum_title=row.seat_title,
        recipient_id=row.recipient_id,
        bit=row.bit,
        role=row.role,
    )
    newest = None if row.audience_id is None else (row.audience_id, row.audience_digest)
    head = Head(row.seq, row.newest_us, row.due_us, row.opened_for_reader, row.opened or 0, newest)
    return Met(seated, None if row.id is None else collection_of(row), head)


# Made once for members and once for partners.
@lru_cache
def _select_met(seat: Select[Any]) -> Select[Any]:
    mine = seat.order_by(None).subquery("mine")
    named = or_(collection.c.uuid == bindparam("uuid"), collection.c.alias == bindparam("alias"))
    element = mine.c.bit * 2 + bindparam("of_person", type_=Integer)
    return select(
        collection,
        mine.c.id.label("seat_forum_id"),
        mine.c.slug.label("seat_slug"),
        mine.c.title.label("seat_title"),
        mine.c.recipient_id,
        mine.c.bit,
        mine.c.role,
        forum_head.c.seq,
        forum_head.c.due_us,
        view_head.c.date_added_us.label("newest_us"),
        func.coalesce(view_head.c.opened, 0).label("opened_for_reader"),
        _last(audience.c.id).label("audience_id"),
        _last(audience.c.digest).label("audience_digest"),
    ).select_from(
        mine.join(forum_head, forum_head.c.forum_id == mine.c.id)
        .outerjoin(collection, and_(collection.c.forum_id == mine.c.id, named))
        .outerjoin(view_head, head_of_seat(collection.c.id, element))
    )


def _last(column: ColumnElement[Any]) -> ScalarSelect[Any]:
    """A column of the audience that was made last."""
    return select(column).order_by(audience.c.id.desc()).limit(1).scalar_subquery()
