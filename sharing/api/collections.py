"""`/api/v1/forums/SLUG/collections`: those that exist for the caller."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import Response
from flask_smorest import Blueprint

from auth.doors import Permission, current_database, door
from auth.reader import Seated
from sharing.api.entering import FORUM, LEVELS, PLACE, enter, listing_of, named
from sharing.queries.collections import Collection, list_collections
from web.listing import Key, ListQuery, listed
from web.shapes import Shape, flag, text, text_filter, word, word_filter

blueprint = Blueprint("collections", __name__, url_prefix=FORUM, description="Where objects are")


class CollectionSchema(Shape):
    """A collection as the caller meets it; `id` is its id in TAXII too."""

    EXAMPLE: ClassVar = {
        "id": PLACE,
        "title": "Reports",
        "alias": "reports",
        "can_read": True,
        "can_write": True,
        "unmarked_as": "amber+strict",
        "tlp_ceiling": "red",
    }
    id = text()
    title = text()
    alias = text(nullable=True)
    can_read = flag()
    can_write = flag()
    unmarked_as = word(*LEVELS, about="The TLP of an object without one.")
    tlp_ceiling = word(*LEVELS, about="The highest TLP that is shared here.")


class CollectionQuery(ListQuery):
    """Which collections to list."""

    collection = text_filter()
    access = word_filter("read", "write")


@blueprint.route("/collections", methods=["GET"])
@door(Permission.API_READ)
@listed(blueprint, CollectionQuery, CollectionSchema)
def show_collections(query: dict[str, Any], forum: str) -> Response:
    """The forum's collections that the caller may read or write, by title."""
    with current_database().read() as connection:
        seated = enter(connection, forum)
        places = named(list_collections(connection, seated), query["collection"])
    listing = listing_of(seated, "collections", query)
    wanted = [place for place in places if _has(place, seated, query["access"])]
    return listing.answer(
        listing.cut(wanted, _key), _key, lambda place: _row(place, seated), CollectionSchema
    )


def _has(place: Collection, seated: Seated, access: str | None) -> bool:
    if access == "read":
        return place.may_be_read_by(seated)
    return access is None or place.may_be_written_by(seated)


def _key(place: Collection) -> Key:
    return (place.title, place.uuid)


def _row(place: Collection, seated: Seated) -> dict[str, Any]:
    return {
        "id": place.uuid,
        "title": place.title,
        "alias": place.alias,
        "can_read": place.may_be_read_by(seated),
        "can_write": place.may_be_written_by(seated),
        "unmarked_as": place.unmarked_as.text,
        "tlp_ceiling": place.tlp_ceiling.text,
    }
