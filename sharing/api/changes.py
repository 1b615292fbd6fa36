"""Changes: set a policy or what is accepted, contribute, withdraw.

A policy is set by a person with the role for it: a feed's credential that was stolen must not
be able to open what its member keeps closed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from flask import Response
from flask_smorest import Blueprint
from sqlalchemy import Connection

from auth.doors import (
    Permission,
    current_database,
    current_instant_us,
    current_reader,
    current_settings,
    door,
)
from auth.reader import Seated
from kernel.clock import format_instant
from kernel.errors import Forbidden, NotFound
from kernel.strictjson import Limits
from sharing.api.lists import enter, enter_as_member
from sharing.api.shapes import DocumentSchema, SavedSchema
from sharing.queries.collections import Collection, find_collection
from sharing.queries.policies import SavedDocument, list_accepts, list_policies
from sharing.services.contribute import contribute
from sharing.services.policies import Setter, set_accepts, set_policy
from sharing.services.withdraw import withdraw
from web.bodies import read_json_body
from web.openapi import PREFIX

blueprint = Blueprint(
    "changes",
    __name__,
    url_prefix=f"{PREFIX}/forums/<forum>",
    description="Policies, contributing and withdrawing",
)

_ENVELOPES = ("application/taxii+json", "application/stix+json")


@blueprint.route("/policy", methods=["GET"])
@door(Permission.API_READ)
@blueprint.response(200, DocumentSchema)
def show_policy(forum: str) -> dict[str, Any]:
    """The sharing policy of the caller's member that holds now."""
    return _newest(_own_documents(forum, list_policies))


@blueprint.route("/policy/history", methods=["GET"])
@door(Permission.API_READ)
@blueprint.response(200, DocumentSchema(many=True))
def show_history(forum: str) -> list[dict[str, Any]]:
    """Every version of the member's sharing policy, newest first."""
    return [_document(saved) for saved in _own_documents(forum, list_policies)]


@blueprint.route("/policy", methods=["PUT"])
@door(Permission.API_WRITE)
@blueprint.response(200, SavedSchema)
def replace_policy(forum: str) -> dict[str, int]:
    """Make the body the member's sharing policy; answered when all that follows is committed."""
    seated, member_id = _officer(forum)
    saved = set_policy(
        current_database(),
        Setter(seated.reader.actor, member_id),
        seated.forum_id,
        member_id,
        read_json_body(current_settings().max_content_length),
        now_us=current_instant_us(),
    )
    return {
        "version": saved.version,
        "gained": saved.change.gained,
        "lost": saved.change.lost,
    }


@blueprint.route("/accepts", methods=["GET"])
@door(Permission.API_READ)
@blueprint.response(200, DocumentSchema)
def show_accepts(forum: str) -> dict[str, Any]:
    """What the member declines to receive, as it was saved."""
    return _newest(_own_documents(forum, list_accepts))


@blueprint.route("/accepts", methods=["PUT"])
@door(Permission.API_WRITE)
@blueprint.response(200, SavedSchema)
def replace_accepts(forum: str) -> dict[str, int]:
    """Save what the member declines to receive."""
    seated, member_id = _officer(forum)
    version = set_accepts(
        current_database(),
        Setter(seated.reader.actor, member_id),
        seated.forum_id,
        member_id,
        read_json_body(current_settings().max_content_length),
        now_us=current_instant_us(),
    )
    return {"version": version}


@blueprint.route("/collections/<ref>/contributions", methods=["POST"])
@door(Permission.API_WRITE)
@blueprint.response(202)
def add_contributions(forum: str, ref: str) -> Response:
    """Contribute an envelope or a bundle; the answer says what became of each object."""
    with current_database().read() as connection:
        seated = enter(connection, forum)
        place = _place(connection, seated, ref)
    receipt = contribute(
        current_database(),
        seated,
        place,
        read_json_body(most := current_settings().max_content_length, *_ENVELOPES),
        now_us=current_instant_us(),
        limits=Limits(max_bytes=most),
    )
    return Response(orjson.dumps(receipt.document()), status=202, content_type="application/json")


@blueprint.route("/collections/<ref>/contributions/<stix_id>", methods=["DELETE"])
@door(Permission.API_WRITE)
@blueprint.response(204)
def remove_contribution(forum: str, ref: str, stix_id: str) -> None:
    """Withdraw every version of an object that the member contributed."""
    with current_database().read() as connection:
        seated = enter(connection, forum)
        place = _place(connection, seated, ref)
    if "\0" in stix_id:
        raise NotFound("sharing.unknown-object", "no such object in this collection")
    withdraw(current_database(), seated, place, stix_id, now_us=current_instant_us())


def _place(connection: Connection, seated: Seated, ref: str) -> Collection:
    found = find_collection(connection, seated, ref)
    if found is None:
        raise NotFound("sharing.unknown-collection", "no such collection in this forum")
    return found


def _officer(forum: str) -> tuple[Seated, int]:
    """The caller, if it is a person who may set the member's policies."""
    reader = current_reader()
    with current_database().read() as connection:
        seated = enter(connection, forum)
    if reader.member_id is None or reader.roles is None or "policy-officer" not in reader.roles:
        raise Forbidden(
            "auth.role-needed",
            "only a person with the role policy-officer sets what the member shares or accepts",
        )
    return seated, reader.member_id


def _own_documents(
    forum: str, find: Callable[[Connection, int, int], list[SavedDocument]]
) -> list[SavedDocument]:
    with current_database().read() as connection:
        seated, member_id = enter_as_member(connection, forum)
        return find(connection, seated.forum_id, member_id)


def _newest(found: list[SavedDocument]) -> dict[str, Any]:
    if not found:
        return {"version": 0, "document": {}, "set_at": None}
    return _document(found[0])


def _document(saved: SavedDocument) -> dict[str, Any]:
    return {
        "version": saved.version,
        "document": saved.value,
        "set_at": format_instant(saved.set_us),
    }
