"""`…/explanation` and `…/markings`: why an object goes where it goes, and what applies to one.

The originator is told by its rules; a recipient of what it sees; to everybody else an object
that exists is one that does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from flask import Response, request
from flask_smorest import Blueprint
from marshmallow import fields, validate
from sqlalchemy import Connection

from auth.doors import Permission, current_database, current_instant_us, door
from auth.reader import Seated
from kernel.errors import BadInput, NotFound
from sharing.api.entering import FORUM, enter, enter_as_member, enter_collection, listing_of
from sharing.api.explanation_shapes import (
    OUTCOMES,
    ExplanationSchema,
    MarkingsSchema,
    ReasonsSchema,
    SummarySchema,
)
from sharing.queries.collections import Collection, list_collections
from sharing.queries.contributions import Stored
from sharing.queries.own import has_contributed
from sharing.queries.releases import find_head
from sharing.rules.model import KINDS
from sharing.services.deliver import record_delivery
from sharing.services.explaining import Explainer
from sharing.services.explanations import Explanation, explanation_document, widest_kind
from sharing.services.markings import find_markings
from sharing.services.reasons import Reasons, find_recipient_reasons
from sharing.services.settling import settled_read
from web.listing import Key, ListQuery, answer_json, asks, listed
from web.shapes import Instant, Query, text_filter, word_filter

Found = TypeVar("Found")

blueprint = Blueprint(
    "explanations", __name__, url_prefix=FORUM, description="Why, as the caller may know"
)


class ReasonsQuery(Query):
    """Which version in which collection; the last one without `version`."""

    collection = text_filter()
    version = Instant()


class ExplanationQuery(ReasonsQuery):
    """To whom, through which kind of credential: the one that more may pass, unless said."""

    recipient = fields.String(required=True, validate=validate.Length(1, 300))
    kind = word_filter(*KINDS)


class ExplanationsQuery(ListQuery):
    """Which of the recipients to list."""

    collection = text_filter()
    version = Instant()
    decision = word_filter(*OUTCOMES)
    kind = word_filter(*KINDS)


@blueprint.route("/contributions/<stix_id>/explanation", methods=["GET"])
@door(Permission.API_READ)
@asks(blueprint, ExplanationQuery)
@blueprint.alt_response(400, "BAD_REQUEST")
@blueprint.response(200, ExplanationSchema, example=ExplanationSchema.EXAMPLE)
def show_explanation(query: dict[str, Any], forum: str, stix_id: str) -> Response:
    """Whether the member's own object goes to a recipient, and why, step by step.

    By what the member may know: nothing here changes with what others accept, give, hide or
    contribute.
    """
    now_us = current_instant_us()
    with settled_read(current_database(), now_us=now_us) as connection:
        _, place, explainer, stored = _enter_own(connection, forum, stix_id, query, now_us=now_us)
        recipient = explainer.find_recipient(query["recipient"])
        told = explainer.explain(stored, recipient, query["kind"] or widest_kind(recipient))
    return answer_json(explanation_document(place, stored, told))


@blueprint.route("/contributions/<stix_id>/explanations", methods=["GET"])
@door(Permission.API_READ)
@listed(blueprint, ExplanationsQuery, SummarySchema)
def show_explanations(query: dict[str, Any], forum: str, stix_id: str) -> Response:
    """To whom the member's own object goes, recipient by recipient, by name."""
    now_us = current_instant_us()
    with settled_read(current_database(), now_us=now_us) as connection:
        seated, place, explainer, stored = _enter_own(
            connection, forum, stix_id, query, now_us=now_us
        )
        about = f"{place.uuid} {stix_id} {stored.version_us}"
        listing = listing_of(seated, "explanations", query, about=about)
        told = explainer.explain_to_all(stored)
    wanted = [
        one
        for one in told
        if query["decision"] in (None, one.decision) and query["kind"] in (None, one.kind)
    ]
    return listing.answer(listing.cut(wanted, _key), _key, Explanation.summary, SummarySchema)


@blueprint.route("/received/objects/<stix_id>/explanation", methods=["GET"])
@door(Permission.API_READ)
@asks(blueprint, ReasonsQuery)
@blueprint.alt_response(400, "BAD_REQUEST")
@blueprint.response(200, ReasonsSchema, example=ReasonsSchema.EXAMPLE)
def show_reasons(query: dict[str, Any], forum: str, stix_id: str) -> Response:
    """Why the caller sees an object, and on which terms; recorded before it is answered."""
    now_us = current_instant_us()
    with settled_read(current_database(), now_us=now_us) as connection:
        seated = enter(connection, forum)
        place, reasons = _find_seen(connection, seated, stix_id, query, now_us=now_us)
        head = find_head(connection, seated, reasons.viewed.collection_id).seq
    if request.method != "HEAD":
        served = reasons.served(stix_id, head, door="api")
        record_delivery(current_database(), seated, served, now_us=now_us)
    return answer_json(reasons.document(place, stix_id))


@blueprint.route("/collections/<ref>/markings", methods=["GET"])
@door(Permission.API_READ)
@blueprint.response(200, MarkingsSchema, example=MarkingsSchema.EXAMPLE)
def show_markings(forum: str, ref: str) -> Response:
    """Which levels, properties and terms apply to the caller in a collection."""
    now_us = current_instant_us()
    with settled_read(current_database(), now_us=now_us) as connection:
        seated = enter(connection, forum)
        place = enter_collection(connection, seated, ref)
        markings = find_markings(connection, seated, place, now_us=now_us)
    return answer_json(markings.document())


def _enter_own(
    connection: Connection, forum: str, stix_id: str, query: Mapping[str, Any], *, now_us: int
) -> tuple[Seated, Collection, Explainer, Stored]:
    """The version of the member's own that is asked about. Raises NotFound and BadInput."""
    seated, _ = enter_as_member(connection, forum)
    if not has_contributed(connection, seated, stix_id):
        raise NotFound("sharing.unknown-object", "your member contributed no such object")
    explainer = Explainer(connection, seated, [stix_id], now_us=now_us)
    places = _existing(connection, seated, query["collection"])
    found: list[tuple[Collection, Stored]] = []
    for one in places:
        version = explainer.find_version(one.id, stix_id, query["version"])
        if version is not None:
            found.append((one, version))
    if not found:
        raise NotFound("sharing.unknown-object", "your member contributed no such object")
    place, stored = _only(found)
    return seated, place, explainer, stored


def _find_seen(
    connection: Connection, seated: Seated, stix_id: str, query: Mapping[str, Any], *, now_us: int
) -> tuple[Collection, Reasons]:
    """The version in the caller's views that is asked about. Raises NotFound and BadInput."""
    found: list[tuple[Collection, Reasons]] = []
    for place in _existing(connection, seated, query["collection"]):
        reasons = find_recipient_reasons(
            connection, seated, place, stix_id, query["version"], now_us=now_us
        )
        if reasons is not None:
            found.append((place, reasons))
    if not found:
        raise NotFound("sharing.unknown-object", "no such object in your views")
    return _only(found)


def _existing(connection: Connection, seated: Seated, ref: str | None) -> list[Collection]:
    if ref is not None:
        return [enter_collection(connection, seated, ref)]
    return list_collections(connection, seated)


def _only(found: list[tuple[Collection, Found]]) -> tuple[Collection, Found]:
    """The one collection that it can be. Raises BadInput when there are several."""
    if len(found) > 1:
        raise BadInput(
            "sharing.collection-needed",
            "the object is in several collections; say in `collection` which one you mean",
        )
    return found[0]


def _key(told: Explanation) -> Key:
    return (told.recipient.is_partner, told.recipient.name, told.kind)
