"""Which audiences a reader is in, kept between requests, so that a page need not ask row by row.

An audience never changes once it is made, and its id is never another's: what is true of a
reader and an audience stays true, whoever is suspended, leaves or joins. Those change which
releases are open, and whether there is a reader; neither is kept here. What is kept is looked at
again whenever an audience has been made anywhere, from the last known one on, and forgotten where
that one is not what it was: the database is another then. What does not live here: the condition
itself (visibility), which asks row by row for every audience beyond those that are known.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakKeyDictionary

from sqlalchemy import BigInteger, Connection, Integer, Pool, and_, bindparam, select

from auth.reader import Seated
from sharing.tables import audience, audience_member
from sharing.visibility import Known

MOST_AUDIENCES: Final = 8192
"""So many ids, one after the other, are known of a reader at most: a byte each."""
MOST_READERS: Final = 512
"""Of so many readers something is kept; of who asked longest ago it is forgotten first."""

Newest = tuple[int, bytes]
"""The id of the audience that was made last, in whichever forum, and its digest."""


@dataclass(frozen=True, slots=True)
class _Kept:
    known: Known
    digest: bytes
    newest: Newest


# By the connections of one database, which are others once they have been given back.
_kept: WeakKeyDictionary[Pool, OrderedDict[tuple[int, int], _Kept]] = WeakKeyDictionary()
_lock: Final = threading.Lock()


def find_known(connection: Connection, seated: Seated, newest: Newest) -> Known | None:
    """What is known of the reader's audiences; None where its forum has none.

    `newest` is of this connection, which has committed everything that it shows.
    """
    key = (seated.forum_id, seated.element)
    pool = connection.engine.pool
    with _lock:
        readers = _kept.setdefault(pool, OrderedDict())
        kept = readers.get(key)
        if kept is not None:
            readers.move_to_end(key)
    if kept is not None and kept.newest == newest:
        return kept.known
    kept = _look_again(connection, seated, kept, newest)
    if kept is None:
        return None
    with _lock:
        readers[key] = kept
        while len(readers) > MOST_READERS:
            readers.popitem(last=False)
    return kept.known


def _look_again(
    connection: Connection, seated: Seated, kept: _Kept | None, newest: Newest
) -> _Kept | None:
    """What was known with what has come since, or everything anew."""
    if kept is not None:
        known = kept.known
        last, *more = _list_from(connection, seated, known.last, known.first + MOST_AUDIENCES) or [
            None
        ]
        is_in = known.members[-1]
        if last is not None and (last.digest, bool(last.is_in)) == (kept.digest, bool(is_in)):
            return _with(known.members, known.first, [last, *more], newest)
    rows = _list_from(connection, seated, 0, None)
    return _with(b"", rows[0].id, rows, newest) if rows else None


def _list_from(
    connection: Connection, seated: Seated, since: int, until: int | None
) -> Sequence[Any]:
    """The forum's audiences by id, with whether the reader is in; `until` is not one of them."""
    given = {
        "forum_id": seated.forum_id,
        "element": seated.element,
        "since": since,
        "until": _NEVER if until is None else until,
    }
    return connection.execute(_AUDIENCES, given).all()


def _with(members: bytes, first: int, rows: Sequence[Any], newest: Newest) -> _Kept:
    """Known from `first` on to the last of the rows that is not too far from it."""
    near = [row for row in rows if row.id < first + MOST_AUDIENCES]
    last = near[-1]
    grown = bytearray(last.id - first + 1)
    grown[: len(members)] = members
    for row in near:
        grown[row.id - first] = bool(row.is_in)
    return _Kept(Known(first, last.id, bytes(grown)), last.digest, newest)


_NEVER: Final = 2**62
_AUDIENCES: Final = (
    select(audience.c.id, audience.c.digest, audience_member.c.element.is_not(None).label("is_in"))
    .select_from(
        audience.outerjoin(
            audience_member,
            and_(
                audience_member.c.audience_id == audience.c.id,
                audience_member.c.element == bindparam("element", type_=Integer),
                audience_member.c.forum_id == audience.c.forum_id,
            ),
        )
    )
    .where(
        audience.c.forum_id == bindparam("forum_id", type_=BigInteger),
        audience.c.id >= bindparam("since", type_=BigInteger),
        audience.c.id < bindparam("until", type_=BigInteger),
    )
    .order_by(audience.c.id)
    .limit(MOST_AUDIENCES)
)
