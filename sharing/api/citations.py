"""`/api/v1/forums/SLUG/citations`: the objects in one's views that cite a provision.

It tells of objects what a list of them tells, and is a delivery like one.
"""

from __future__ import annotations

from typing import Any, ClassVar

from flask import Response, request
from flask_smorest import Blueprint
from sqlalchemy import Connection

from auth.doors import Permission, current_database, current_instant_us, door
from auth.reader import Seated
from kernel.clock import format_instant, format_version
from sharing.api.documents import OBJECT_EXAMPLE
from sharing.api.entering import FORUM, PLACE, enter, listing_of, named
from sharing.queries.citations import CitationFilter, Citing, list_citing
from sharing.queries.collections import Collection, list_collections
from sharing.queries.releases import find_head
from sharing.services.deliver import Served, record_deliveries
from sharing.services.settling import settled_read
from web.listing import ListQuery, listed
from web.shapes import Instant, Shape, instant, text, text_filter

blueprint = Blueprint(
    "citations", __name__, url_prefix=FORUM, description="What is cited by what the caller sees"
)


class CitationSchema(Shape):
    """One object, in its last version, and one provision that it cites."""

    EXAMPLE: ClassVar = {
        "provision": "un-a-70-174:13(k)",
        "collection": PLACE,
        "id": OBJECT_EXAMPLE["id"],
        "type": "indicator",
        "version": OBJECT_EXAMPLE["modified"],
        "date_added": "2026-11-27T08:30:00.000000Z",
    }
    provision = text()
    collection = text()
    id = text()
    type = text()
    version = instant()
    date_added = instant()


class CitationQuery(ListQuery):
    """Which citations to list."""

    provision = text_filter()
    collection = text_filter()
    type = text_filter()
    id = text_filter()
    added_after = Instant()


@blueprint.route("/citations", methods=["GET"])
@door(Permission.API_READ)
@listed(blueprint, CitationQuery, CitationSchema)
def show_citations(query: dict[str, Any], forum: str) -> Response:
    """The objects in the caller's views that cite a provision, in order of `date_added`.

    A reference that is left out of what the caller is served does not cite. A page with rows is
    recorded as a delivery before it is answered.
    """
    wanted = CitationFilter(query["provision"], query["type"], query["id"], query["added_after"])
    with settled_read(current_database(), now_us=current_instant_us()) as connection:
        seated = enter(connection, forum)
        listing = listing_of(seated, "citations", query)
        places = named(list_collections(connection, seated), query["collection"])
        found = list_citing(
            connection, seated, places, wanted, after=listing.after, limit=listing.limit
        )
        served = _served(connection, seated, places, found[: listing.limit - 1])
    if request.method != "HEAD":
        record_deliveries(current_database(), seated, served, now_us=current_instant_us())
    return listing.answer(found, lambda one: one.key, _citation, CitationSchema)


def _served(
    connection: Connection, seated: Seated, places: list[Collection], page: list[Citing]
) -> list[Served]:
    """What the page tells of each collection: by id, so that it can be said when what cited is
    gone."""
    served = []
    for place in places:
        told = [one for one in page if one.collection_id == place.id]
        if told:
            stamps = {one.date_added_us for one in told}
            filters = {"id": sorted({one.stix_id for one in told}), "version": ["last"]}
            head = find_head(connection, seated, place.id).seq
            served.append(
                Served(place.id, "api", filters, min(stamps), max(stamps), head, len(stamps))
            )
    return served


def _citation(one: Citing) -> dict[str, Any]:
    return {
        "provision": one.provision,
        "collection": one.collection,
        "id": one.stix_id,
        "type": one.stix_type,
        "version": format_version(one.version_us),
        "date_added": format_instant(one.date_added_us),
    }
