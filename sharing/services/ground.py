"""What every decision in a forum begins with: its recipients, collections and own rules.

What does not live here: what is decided (decisions), members' policies and what they accept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakKeyDictionary

from sqlalchemy import BigInteger, Connection, Row, bindparam, select

from auth.queries import RosterRow, list_roster
from auth.tables import forum
from kernel.db import is_one_look
from kernel.errors import NotFound
from sharing.queries.policies import NO_RULES, newest_forum_document
from sharing.rules.model import Place
from sharing.rules.tlp import Tlp
from sharing.tables import collection


@dataclass(frozen=True, slots=True)
class Ground:
    """The recipients, the collections, their names, and the text of the forum's own rules."""

    roster: Sequence[RosterRow]
    places: Mapping[int, Place]
    collection_names: dict[str, str]
    forum_policy: str


_KNOWN: Final[WeakKeyDictionary[Connection, dict[int, Ground]]] = WeakKeyDictionary()
"""What was read in looks at the database that go on; gone with them."""


def ground_of(connection: Connection, forum_id: int) -> Ground:
    """Read once in a look at the database that changes nothing, however many decide in it."""
    if not is_one_look(connection):
        return _read_ground(connection, forum_id)
    known = _KNOWN.setdefault(connection, {})
    if forum_id not in known:
        known[forum_id] = _read_ground(connection, forum_id)
    return known[forum_id]


# Made once: making it takes longer than running it.
_GROUND: Final = (
    select(
        forum.c.tlp_ceiling.label("forum_ceiling"),
        newest_forum_document("withhold").label("rules"),
        collection.c.id,
        collection.c.uuid,
        collection.c.alias,
        collection.c.read_roles,
        collection.c.tlp_ceiling,
    )
    .select_from(forum.outerjoin(collection, collection.c.forum_id == forum.c.id))
    .where(forum.c.id == bindparam("the_forum", type_=BigInteger))
    .order_by(collection.c.id)
)


def _read_ground(connection: Connection, forum_id: int) -> Ground:
    rows: Sequence[Row[Any]] = connection.execute(_GROUND, {"the_forum": forum_id}).all()
    if not rows:
        raise NotFound("auth.unknown-forum", f"no forum has the number {forum_id}")
    places: dict[int, Place] = {}
    names: dict[str, str] = {}
    for row in rows:
        if row.id is None:
            continue
        names[row.uuid] = row.uuid
        if row.alias:
            names[row.alias] = row.uuid
        places[row.id] = Place(
            collection=row.uuid,
            read_roles=frozenset(row.read_roles.split()),
            collection_ceiling=Tlp(row.tlp_ceiling),
            forum_ceiling=Tlp(row.forum_ceiling),
        )
    roster = tuple(list_roster(connection, forum_id))
    return Ground(roster, places, names, rows[0].rules or NO_RULES)
