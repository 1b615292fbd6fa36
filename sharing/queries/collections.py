"""Collections of a forum, as one seated reader meets them.

A collection that the reader may neither read nor write does not exist for it. What does not
live here: what is in a collection (releases).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, or_, select

from auth.reader import Seated
from sharing.rules.tlp import Tlp
from sharing.tables import collection

READING_ROLES = ("reader", "contributor")
"""Roles of a person that may read what its member receives; writing takes `contributor`."""


@dataclass(frozen=True, slots=True)
class Collection:
    """One TAXII collection; `read_roles` and `write_roles` are roles of seats, or `partner`."""

    id: int
    uuid: str
    forum_id: int
    title: str
    alias: str | None
    unmarked_as: Tlp
    tlp_ceiling: Tlp
    read_roles: frozenset[str]
    write_roles: frozenset[str]

    def may_be_read_by(self, seated: Seated) -> bool:
        """Whether the seat's role and the person's roles let the reader read here."""
        return seated.role in self.read_roles and any(
            seated.reader.has_role(role) for role in READING_ROLES
        )

    def may_be_written_by(self, seated: Seated) -> bool:
        """Whether the reader may contribute here; never for a partner."""
        return seated.member_id is not None and seated.may_contribute_as(self.write_roles)

    def exists_for(self, seated: Seated) -> bool:
        """Whether the reader may do anything here; scopes are the door's to weigh."""
        return self.may_be_read_by(seated) or self.may_be_written_by(seated)


View = tuple[Seated, list[Collection]]
"""A reader's seat in one forum, and the collections there that exist for it."""


def list_collections(connection: Connection, seated: Seated) -> list[Collection]:
    """The forum's collections that exist for the reader, oldest first."""
    found = list_places(connection, seated.forum_id)
    return [place for place in found if place.exists_for(seated)]


def list_views(connection: Connection, seats: Iterable[Seated]) -> list[View]:
    """The same of several forums at once: each seat with its forum's collections."""
    known = list(seats)
    forums = {"forums": [one.forum_id for one in known]}
    found = _read(connection.execute(_IN_FORUMS, forums).all())
    return [(seated, [place for place in found if _is_met(place, seated)]) for seated in known]


def _is_met(place: Collection, seated: Seated) -> bool:
    return place.forum_id == seated.forum_id and place.exists_for(seated)


def find_collection(connection: Connection, seated: Seated, ref: str) -> Collection | None:
    """The forum's collection with this UUID or alias; None unless it exists for the reader."""
    if "\0" in ref:
        return None
    values = {"forum_id": seated.forum_id, "uuid": ref.lower(), "alias": ref}
    found = _read(connection.execute(_NAMED, values).all())
    # Should an alias spell the UUID of another collection, the UUID wins.
    found.sort(key=lambda place: place.uuid != ref.lower())
    return next((place for place in found if place.exists_for(seated)), None)


def list_places(connection: Connection, forum_id: int) -> list[Collection]:
    """All of a forum's collections, oldest first: for the operator, who reads none of them."""
    return _read(connection.execute(_IN_FORUM, {"forum_id": forum_id}).all())


def names_of(places: Iterable[Collection]) -> dict[str, str]:
    """What a policy may call each of them, to its UUID."""
    return {name: place.uuid for place in places for name in (place.uuid, place.alias) if name}


# Made once: making a statement takes longer than running it, and each request runs one.
_IN_FORUM: Final = (
    select(collection)
    .where(collection.c.forum_id == bindparam("forum_id"))
    .order_by(collection.c.id)
)
_IN_FORUMS: Final = (
    select(collection)
    .where(collection.c.forum_id.in_(bindparam("forums", expanding=True)))
    .order_by(collection.c.id)
)
_NAMED: Final = (
    select(collection)
    .where(
        collection.c.forum_id == bindparam("forum_id"),
        or_(collection.c.uuid == bindparam("uuid"), collection.c.alias == bindparam("alias")),
    )
    .order_by(collection.c.id)
)


def _read(rows: Sequence[Row[Any]]) -> list[Collection]:
    return [collection_of(row) for row in rows]


def collection_of(row: Row[Any]) -> Collection:
    """The collection of a row that has all of its columns."""
    return Collection(
        id=row.id,
        uuid=row.uuid,
        forum_id=row.forum_id,
        title=row.title,
        alias=row.alias,
        unmarked_as=Tlp(row.unmarked_as),
        tlp_ceiling=Tlp(row.tlp_ceiling),
        read_roles=frozenset(row.read_roles.split()),
        write_roles=frozenset(row.write_roles.split()),
    )
