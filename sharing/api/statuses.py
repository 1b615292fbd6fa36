"""`/api/v1/forums/SLUG/statuses`: what became of the member's own envelopes."""

from __future__ import annotations

from typing import Any, ClassVar

import orjson
from flask import Response
from flask_smorest import Blueprint
from marshmallow import fields

from auth.doors import Permission, current_database, door
from kernel.errors import NotFound
from sharing.api.documents import OBJECT_EXAMPLE
from sharing.api.entering import FORUM, PLACE, enter_as_member, listing_of
from sharing.queries.own import OwnStatus, StatusFilter, list_statuses
from sharing.queries.statuses import find_status
from web.listing import ListQuery, listed
from web.shapes import Instant, Shape, count, instant, text, text_filter, word

blueprint = Blueprint(
    "statuses", __name__, url_prefix=FORUM, description="What became of one's envelopes"
)


_ID, _AT = "2a1c6f0e-5d3b-4e7a-9f00-6b8d1c2e3f40", "2026-11-27T08:30:00.000000Z"


class StatusSchema(Shape):
    """One envelope; what became of each of its objects is at `statuses/ID`."""

    EXAMPLE: ClassVar = {
        "id": _ID,
        "requested": _AT,
        "collection": PLACE,
        "total_count": 2,
        "success_count": 1,
        "failure_count": 1,
    }
    id = text()
    requested = instant()
    collection = text()
    total_count = count()
    success_count = count()
    failure_count = count()


class StatusDetailSchema(Shape):
    """What became of one object of an envelope."""

    EXAMPLE: ClassVar = {"id": OBJECT_EXAMPLE["id"], "version": OBJECT_EXAMPLE["modified"]}
    id = text()
    version = text()
    message = fields.String()


class StatusResourceSchema(Shape):
    """A status resource (TAXII 2.1 §4.3.1), always complete."""

    EXAMPLE: ClassVar = {
        "id": _ID,
        "status": "complete",
        "request_timestamp": _AT,
        "total_count": 1,
        "success_count": 1,
        "failure_count": 0,
        "pending_count": 0,
        "successes": [StatusDetailSchema.EXAMPLE],
    }
    id = text()
    status = word("complete")
    request_timestamp = instant()
    total_count = count()
    success_count = count()
    failure_count = count()
    pending_count = count()
    successes = fields.List(fields.Nested(StatusDetailSchema))
    failures = fields.List(fields.Nested(StatusDetailSchema))


class StatusQuery(ListQuery):
    """Which statuses to list: requested at or after `since`, before `until`."""

    collection = text_filter()
    since = Instant()
    until = Instant()


@blueprint.route("/statuses", methods=["GET"])
@door(Permission.API_READ)
@listed(blueprint, StatusQuery, StatusSchema)
def show_statuses(query: dict[str, Any], forum: str) -> Response:
    """What became of the member's own envelopes, oldest first; kept for seven days."""
    wanted = StatusFilter(query["collection"], query["since"], query["until"])
    with current_database().read() as connection:
        seated, _ = enter_as_member(connection, forum)
        listing = listing_of(seated, "statuses", query)
        found = list_statuses(connection, seated, wanted, after=listing.after, limit=listing.limit)
    return listing.answer(found, lambda own: own.key, _row, StatusSchema)


@blueprint.route("/statuses/<status_id>", methods=["GET"])
@door(Permission.API_READ)
@blueprint.response(200, StatusResourceSchema, example=StatusResourceSchema.EXAMPLE)
def show_status(forum: str, status_id: str) -> Response:
    """One status resource, object by object (TAXII 2.1 §4.3)."""
    with current_database().read() as connection:
        seated, _ = enter_as_member(connection, forum)
        document = find_status(connection, seated, status_id)
    if document is None:
        raise NotFound("sharing.unknown-status", "no such status of your member's")
    return Response(document, content_type="application/json")


def _row(own: OwnStatus) -> dict[str, Any]:
    document = orjson.loads(own.document)
    counts = ("total_count", "success_count", "failure_count")
    return {
        "id": document["id"],
        "requested": document["request_timestamp"],
        "collection": own.collection,
        **{name: document[name] for name in counts},
    }
