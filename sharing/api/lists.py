"""Lists: collections, one's own contributions and statuses, and what one has received."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import orjson
from flask import Response
from flask_smorest import Blueprint
from sqlalchemy import Connection

from auth.doors import Permission, current_database, current_reader, current_signer, door
from auth.queries import find_seated
from auth.reader import Seated
from kernel.clock import format_instant, format_version
from kernel.errors import Forbidden, NotFound
from sharing.api.paging import purpose_of, read_next, write_next
from sharing.api.shapes import CollectionSchema, ContributionQuery
from sharing.queries.collections import list_collections
from sharing.queries.own import (
    Key,
    OwnContribution,
    OwnFilter,
    Received,
    list_contributions,
    list_received,
    list_statuses,
)
from sharing.queries.statuses import find_status
from web.openapi import PREFIX, ListQuery, answer_list

blueprint = Blueprint(
    "exchange",
    __name__,
    url_prefix=f"{PREFIX}/forums/<forum>",
    description="What is shared, and what was received",
)

_CONTRIBUTION: Final = (
    *("collection", "id", "type", "version", "tlp", "labels", "state", "contributed"),
    "hidden_because",
)
_RECEIVED: Final = (
    *("at", "credential", "collection", "through", "count"),
    *("date_added_first", "date_added_last"),
)
_STATUS: Final = ("id", "requested", "total_count", "success_count", "failure_count")


def enter(connection: Connection, forum: str) -> Seated:
    """The caller's place in a forum; raises NotFound, hidden and absent alike."""
    seated = find_seated(connection, current_reader(), forum)
    if seated is None:
        raise NotFound("sharing.unknown-forum", "no such forum")
    return seated


def enter_as_member(connection: Connection, forum: str) -> tuple[Seated, int]:
    """The caller and its member; raises NotFound, and Forbidden for a partner."""
    seated = enter(connection, forum)
    if seated.member_id is None:
        raise Forbidden("auth.role-needed", "only a member has this, not a partner")
    return seated, seated.member_id


@blueprint.route("/collections", methods=["GET"])
@door(Permission.API_READ)
@blueprint.response(200, CollectionSchema(many=True))
def collections(forum: str) -> list[dict[str, Any]]:
    """The forum's collections that the caller may read or write."""
    with current_database().read() as connection:
        seated = enter(connection, forum)
        found = list_collections(connection, seated)
    return [
        {
            "id": place.uuid,
            "title": place.title,
            "alias": place.alias,
            "can_read": place.may_be_read_by(seated),
            "can_write": place.may_be_written_by(seated),
            "unmarked_as": place.unmarked_as.text,
            "tlp_ceiling": place.tlp_ceiling.text,
        }
        for place in found
    ]


@blueprint.route("/contributions", methods=["GET"])
@door(Permission.API_READ)
@blueprint.arguments(ContributionQuery, location="query")
def contributions(query: dict[str, Any], forum: str) -> Response:
    """The versions that the caller's member contributed, deleted ones too, oldest first."""
    wanted = OwnFilter(query["collection"], query["type"], query["id"], query["state"])
    with current_database().read() as connection:
        seated, _ = enter_as_member(connection, forum)
        return _answer(
            seated,
            "contributions",
            query,
            lambda after, limit: list_contributions(
                connection, seated, wanted, after=after, limit=limit
            ),
            lambda own: own.key,
            _contribution,
            _CONTRIBUTION,
        )


@blueprint.route("/statuses", methods=["GET"])
@door(Permission.API_READ)
@blueprint.arguments(ListQuery, location="query")
def statuses(query: dict[str, Any], forum: str) -> Response:
    """What became of the member's own envelopes, oldest first; kept for seven days."""
    with current_database().read() as connection:
        seated, _ = enter_as_member(connection, forum)
        return _answer(
            seated,
            "statuses",
            query,
            lambda after, limit: list_statuses(connection, seated, after=after, limit=limit),
            lambda row: (row.requested_us, row.id),
            lambda row: {
                "requested": format_instant(row.requested_us),
                **{
                    name: value
                    for name, value in orjson.loads(row.document).items()
                    if name in _STATUS
                },
            },
            _STATUS,
        )


@blueprint.route("/statuses/<status_id>", methods=["GET"])
@door(Permission.API_READ)
@blueprint.response(200)
def status(forum: str, status_id: str) -> Response:
    """One status resource, object by object (TAXII 2.1 §4.3)."""
    with current_database().read() as connection:
        seated, _ = enter_as_member(connection, forum)
        document = find_status(connection, seated, status_id)
    if document is None:
        raise NotFound("sharing.unknown-status", "no such status of your member's")
    return Response(document, content_type="application/json")


@blueprint.route("/received", methods=["GET"])
@door(Permission.API_READ)
@blueprint.arguments(ListQuery, location="query")
def received(query: dict[str, Any], forum: str) -> Response:
    """Each answer with objects that was served to the caller's member or partner."""
    with current_database().read() as connection:
        seated = enter(connection, forum)
        places = {place.id: place.uuid for place in list_collections(connection, seated)}
    with current_database().read_deliveries() as deliveries:
        return _answer(
            seated,
            "received",
            query,
            lambda after, limit: list_received(
                deliveries, seated, places, after=after, limit=limit
            ),
            lambda one: one.key,
            _received,
            _RECEIVED,
        )


def _answer(
    seated: Seated,
    name: str,
    query: dict[str, Any],
    find: Callable[[Key | None, int], Sequence[Any]],
    key_of: Callable[[Any], Key],
    row_of: Callable[[Any], dict[str, Any]],
    columns: tuple[str, ...],
) -> Response:
    signer, purpose = current_signer(), purpose_of(seated, name, query)
    limit: int = query["limit"]
    found = find(read_next(signer, purpose, query["next"]), limit + 1)
    page = found[:limit]
    following = write_next(signer, purpose, key_of(page[-1])) if len(found) > limit else None
    return answer_list(
        [row_of(one) for one in page], columns, following=following, form=query["format"]
    )


def _contribution(own: OwnContribution) -> dict[str, Any]:
    return {
        "collection": own.collection,
        "id": own.stix_id,
        "type": own.stix_type,
        "version": format_version(own.version_us),
        "tlp": own.tlp.text,
        "labels": sorted(own.facts.labels),
        "state": own.state,
        "contributed": format_instant(own.contributed_us),
        "hidden_because": list(own.facts.blockers),
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
