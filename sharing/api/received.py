"""`/api/v1/forums/SLUG/received`: what was served to the caller's member or partner.

And the objects that stand in its views now; asking for those is itself a delivery.
"""

from __future__ import annotations

from typing import Any, ClassVar

from flask import Response, request
from flask_smorest import Blueprint
from marshmallow import fields, validate
from sqlalchemy import Connection

from auth.doors import Permission, current_database, current_instant_us, door
from auth.reader import Seated
from kernel.clock import format_instant, format_version
from sharing.api.documents import OBJECT_EXAMPLE
from sharing.api.entering import FORUM, LEVELS, PLACE, enter, listing_of, named
from sharing.queries.collections import Collection, list_collections
from sharing.queries.matching import ALL_VERSIONS, LAST_VERSION, Match
from sharing.queries.received import DeliveryFilter, Received, list_received
from sharing.queries.releases import find_head
from sharing.queries.standing import Standing, list_standing
from sharing.rules.tlp import Tlp
from sharing.services.deliver import DOORS, Served, record_deliveries
from sharing.services.settling import settled_read
from web.listing import ListQuery, listed
from web.shapes import Instant, Shape, count, instant, text, text_filter, word, word_filter

blueprint = Blueprint(
    "received", __name__, url_prefix=FORUM, description="What was served to the caller"
)


class ReceivedSchema(Shape):
    """One answer with objects; `through` is the door that it was served by."""

    EXAMPLE: ClassVar = {
        "at": "2026-11-27T08:30:00.000000Z",
        "credential": "k3v7q2m9x4b8",
        "collection": PLACE,
        "through": "objects",
        "count": 2,
        "date_added_first": "2026-11-27T08:00:00.000000Z",
        "date_added_last": "2026-11-27T08:15:00.000000Z",
    }
    at = instant()
    credential = text()
    collection = text()
    through = word(*DOORS)
    count = count("How many objects it carried.")
    date_added_first = instant()
    date_added_last = instant()


class ReceivedQuery(ListQuery):
    """Which answers to list: served at or after `since`, before `until`."""

    collection = text_filter()
    credential = text_filter()
    through = word_filter(*DOORS)
    since = Instant()
    until = Instant()


class StandingSchema(Shape):
    """One version of one object that the caller may have now."""

    EXAMPLE: ClassVar = {
        "collection": PLACE,
        "id": OBJECT_EXAMPLE["id"],
        "type": "indicator",
        "version": OBJECT_EXAMPLE["modified"],
        "tlp": "amber+strict",
        "date_added": "2026-11-27T08:30:00.000000Z",
    }
    collection = text()
    id = text()
    type = text()
    version = instant()
    tlp = word(*LEVELS)
    date_added = instant()


class StandingQuery(ListQuery):
    """Which objects to list; `versions` is `last` (the usual) or `all`."""

    collection = text_filter()
    type = text_filter()
    id = text_filter()
    added_after = Instant()
    tlp = word_filter(*LEVELS)
    versions = fields.String(load_default="last", validate=validate.OneOf(("last", "all")))


@blueprint.route("/received", methods=["GET"])
@door(Permission.API_READ)
@listed(blueprint, ReceivedQuery, ReceivedSchema)
def show_received(query: dict[str, Any], forum: str) -> Response:
    """Each answer with objects that was served to the caller's member or partner, oldest first."""
    with settled_read(current_database(), now_us=current_instant_us()) as connection:
        seated = enter(connection, forum)
        places = named(list_collections(connection, seated), query["collection"])
    listing = listing_of(seated, "received", query)
    wanted = DeliveryFilter(
        {place.id: place.uuid for place in places},
        query["credential"],
        query["through"],
        query["since"],
        query["until"],
    )
    with current_database().read_deliveries() as deliveries:
        found = list_received(deliveries, seated, wanted, after=listing.after, limit=listing.limit)
    return listing.answer(found, lambda one: one.key, _received, ReceivedSchema)


@blueprint.route("/received/objects", methods=["GET"])
@door(Permission.API_READ)
@listed(blueprint, StandingQuery, StandingSchema)
def show_standing(query: dict[str, Any], forum: str) -> Response:
    """The objects that stand in the caller's views of all collections, in order of `date_added`.

    A page with rows is recorded as a delivery before it is answered.
    """
    match = Match(
        ids=_only(query["id"]),
        types=_only(query["type"]),
        versions=ALL_VERSIONS if query["versions"] == "all" else LAST_VERSION,
        tlp=None if query["tlp"] is None else Tlp.parse(query["tlp"]),
    )
    with settled_read(current_database(), now_us=current_instant_us()) as connection:
        seated = enter(connection, forum)
        listing = listing_of(seated, "received-objects", query)
        places = [
            place
            for place in named(list_collections(connection, seated), query["collection"])
            if place.may_be_read_by(seated)
        ]
        found = list_standing(
            connection,
            seated,
            places,
            match,
            added_after_us=query["added_after"],
            after=listing.after,
            limit=listing.limit,
        )
        served = _served(connection, seated, places, found[: listing.limit - 1], query)
    if request.method != "HEAD":
        record_deliveries(current_database(), seated, served, now_us=current_instant_us())
    return listing.answer(found, lambda one: one.key, _standing, StandingSchema)


def _only(value: str | None) -> frozenset[str] | None:
    return None if value is None else frozenset({value})


def _served(
    connection: Connection,
    seated: Seated,
    places: list[Collection],
    page: list[Standing],
    query: dict[str, Any],
) -> list[Served]:
    """What the page carries of each collection."""
    filters = {name: [query[name]] for name in ("id", "type", "tlp") if query[name] is not None}
    filters["version"] = [query["versions"]]
    served = []
    for place in places:
        stamps = [one.date_added_us for one in page if one.collection == place.uuid]
        if stamps:
            head = find_head(connection, seated, place.id).seq
            served.append(
                Served(place.id, "api", filters, min(stamps), max(stamps), head, len(stamps))
            )
    return served


def _standing(one: Standing) -> dict[str, Any]:
    return {
        "collection": one.collection,
        "id": one.stix_id,
        "type": one.stix_type,
        "version": format_version(one.version_us),
        "tlp": one.tlp.text,
        "date_added": format_instant(one.date_added_us),
    }


def _received(one: Received) -> dict[str, Any]:
    return {
        "at": format_instant(one.at_us),
        "credential": one.credential_id,
        "collection": one.collection,
        "through": one.door,
        "count": one.count,
        "date_added_first": format_instant(one.first_us),
        "date_added_last": format_instant(one.last_us),
    }
