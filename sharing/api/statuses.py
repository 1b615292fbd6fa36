"""`/api/v1/forums/SLUG/statuses`: what became of the member's own envelopes."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Response
from flask_smorest import Blueprint
from marshmallow import Schema, fields

from auth.doors import Permission, current_database, door
from kernel.errors import NotFound
from sharing.api.entering import FORUM, enter_as_member, listing_of
from sharing.queries.own import OwnStatus, StatusFilter, list_statuses
from sharing.queries.statuses import find_status
from web.listing import Instant, ListQuery, listed, text_filter

blueprint = Blueprint(
    "statuses", __name__, url_prefix=FORUM, description="What became of one's envelopes"
)


class StatusSchema(Schema):
    """One envelope; what became of each of its objects is at `statuses/ID`."""

    id = fields.String(required=True)
    requested = fields.String(required=True)
    collection = fields.String(required=True)
    total_count = fields.Integer(required=True)
    success_count = fields.Integer(required=True)
    failure_count = fields.Integer(required=True)


class StatusDetailSchema(Schema):
    """What became of one object of an envelope."""

    id = fields.String(required=True)
    version = fields.String(required=True)
    message = fields.String()


class StatusResourceSchema(Schema):
    """A status resource (TAXII 2.1 §4.3.1), always complete."""

    id = fields.String(required=True)
    status = fields.String(required=True)
    request_timestamp = fields.String(required=True)
    total_count = fields.Integer(required=True)
    success_count = fields.Integer(required=True)
    failure_count = fields.Integer(required=True)
    pending_count = fields.Integer(required=True)
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
@blueprint.response(200, StatusResourceSchema)
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
