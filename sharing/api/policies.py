"""`/api/v1/forums/SLUG/policy` and `/accepts`: what a member shares, and what it declines.

They are set by a person with the role for it: a feed's credential that was stolen must not be
able to open what its member keeps closed. Documents are kept and shown word for word.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from flask import Response
from flask_smorest import Blueprint
from marshmallow import fields

from auth.doors import (
    Permission,
    current_database,
    current_instant_us,
    door,
)
from kernel.clock import format_instant
from sharing.api.documents import ACCEPTS, ACCEPTS_EXAMPLE, POLICY, POLICY_EXAMPLE
from sharing.api.entering import (
    FORUM,
    enter_as_member,
    enter_as_officer,
    listing_of,
    read_document,
)
from sharing.queries.own import PolicyFilter, list_own_policies
from sharing.queries.policies import (
    NO_RULES,
    SavedDocument,
    find_policy,
    list_accepts,
)
from sharing.services.policies import Setter, set_accepts, set_policy, without_counts
from sharing.services.simulations import apply_policy, trial_of_policy
from web.bodies import JSON
from web.listing import Key, ListQuery, answer_json, asks, listed
from web.openapi import body_of
from web.shapes import Instant, Query, Shape, count, instant, text, text_filter

blueprint = Blueprint("policies", __name__, url_prefix=FORUM, description="Who may have what")


class SavedSchema(Shape):
    """A document that has been set, with all that follows from it."""

    EXAMPLE: ClassVar = {
        "version": 3,
        "set_at": "2026-11-27T08:30:00.000000Z",
        "set_by": "credential:k3v7q2m9x4b8",
    }
    version = count()
    set_at = instant()
    set_by = text("`credential:ID`, or `operator`.")


class DocumentSchema(Shape):
    """One version of a document, word for word; version 0 was never set."""

    EXAMPLE: ClassVar = SavedSchema.EXAMPLE | {"document": POLICY_EXAMPLE}
    version = count()
    set_at = instant(nullable=True)
    set_by = text("`credential:ID`, or `operator`.", nullable=True)
    document = fields.Dict(
        required=True,
        allow_none=True,
        metadata={"description": "Null where what is kept cannot be read as a JSON object."},
    )


_ACCEPTED: Final = SavedSchema.EXAMPLE | {"document": ACCEPTS_EXAMPLE}
_POLICY_BODY: Final = body_of("A sharing policy, at most 64 KiB.", POLICY, POLICY_EXAMPLE, JSON)
_ACCEPTS_BODY: Final = body_of(
    "What the member accepts; what is left out accepts everything.", ACCEPTS, ACCEPTS_EXAMPLE, JSON
)


class ReplacementQuery(Query):
    """How to set a policy; `simulation` is the id of one, which it must be to the letter."""

    simulation = text_filter()


class HistoryQuery(ListQuery):
    """Which versions to list: set at or after `since`, before `until`."""

    since = Instant()
    until = Instant()


@blueprint.route("/policy", methods=["GET"])
@door(Permission.API_READ)
@blueprint.response(200, DocumentSchema, example=DocumentSchema.EXAMPLE)
def show_policy(forum: str) -> Response:
    """The sharing policy of the caller's member that holds now."""
    with current_database().read() as connection:
        seated, member_id = enter_as_member(connection, forum)
        found = find_policy(connection, seated.forum_id, member_id)
    return _shown(found, NO_RULES.encode())


@blueprint.route("/policy/history", methods=["GET"])
@door(Permission.API_READ)
@listed(blueprint, HistoryQuery, DocumentSchema)
def show_history(query: dict[str, Any], forum: str) -> Response:
    """Every version of the member's sharing policy, newest first."""
    with current_database().read() as connection:
        seated, _ = enter_as_member(connection, forum)
        listing = listing_of(seated, "policy-history", query)
        before: Key = listing.after or (None,)
        wanted = PolicyFilter(before[0], query["since"], query["until"])
        found = list_own_policies(connection, seated, wanted, limit=listing.limit)
    return listing.answer(found, lambda saved: (saved.version,), _document, DocumentSchema)


@blueprint.route("/policy", methods=["PUT"])
@door(Permission.API_WRITE)
@blueprint.doc(requestBody=_POLICY_BODY)
@asks(blueprint, ReplacementQuery)
@blueprint.response(200, SavedSchema, example=SavedSchema.EXAMPLE)
@blueprint.alt_response(409, "CONFLICT")
def replace_policy(query: dict[str, Any], forum: str) -> dict[str, Any]:
    """Make the body the member's sharing policy; answered when all that follows is committed.

    For a person with the role policy-officer. With `simulation`, only if the body is what was
    simulated and would still do what the simulation said. Nothing is said of how many versions
    gained or lost somebody: simulate before, to know.
    """
    place, seated, member_id = enter_as_officer(forum)
    setter, now_us = Setter(seated.reader.actor, member_id), current_instant_us()
    document, simulation_id = read_document(), query["simulation"]
    if simulation_id is None:
        saved = set_policy(
            current_database(),
            setter,
            seated.forum_id,
            member_id,
            document,
            now_us=now_us,
            confirm=without_counts,
        )
    else:
        trial = trial_of_policy(place, member_id, document)
        saved = apply_policy(current_database(), setter, trial, simulation_id, now_us=now_us)
    return _saved(saved.version, setter, now_us)


@blueprint.route("/accepts", methods=["GET"])
@door(Permission.API_READ)
@blueprint.response(200, DocumentSchema, example=_ACCEPTED)
def show_accepts(forum: str) -> Response:
    """What the member accepts, as it was saved; everything, unless it has said otherwise."""
    with current_database().read() as connection:
        seated, member_id = enter_as_member(connection, forum)
        found = list_accepts(connection, seated.forum_id, member_id)
    return _shown(found[0] if found else None, b"{}")


@blueprint.route("/accepts", methods=["PUT"])
@door(Permission.API_WRITE)
@blueprint.doc(requestBody=_ACCEPTS_BODY)
@blueprint.response(200, SavedSchema, example=SavedSchema.EXAMPLE)
def replace_accepts(forum: str) -> dict[str, Any]:
    """Save what the member accepts. For a person with the role policy-officer."""
    _, seated, member_id = enter_as_officer(forum)
    setter, now_us = Setter(seated.reader.actor, member_id), current_instant_us()
    document = read_document()
    version = set_accepts(
        current_database(), setter, seated.forum_id, member_id, document, now_us=now_us
    )
    return _saved(version, setter, now_us)


def _shown(found: SavedDocument | None, unset: bytes) -> Response:
    nothing = {"version": 0, "set_at": None, "set_by": None, "document": unset}
    shown = nothing if found is None else _document(found)
    return answer_json(shown)


def _saved(version: int, setter: Setter, now_us: int) -> dict[str, Any]:
    return {"version": version, "set_at": format_instant(now_us), "set_by": setter.actor}


def _document(saved: SavedDocument) -> dict[str, Any]:
    return {
        "version": saved.version,
        "set_at": format_instant(saved.set_us),
        "set_by": saved.set_by,
        "document": saved.document.encode() if isinstance(saved.shown, dict) else None,
    }
