"""`/api/v1/forums/SLUG/contributions`: the member's own versions; to contribute, to withdraw."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Final

from flask import Response, request
from flask_smorest import Blueprint
from marshmallow import fields
from sqlalchemy import Connection

from auth.doors import (
    Permission,
    current_database,
    current_instant_us,
    current_settings,
    door,
)
from auth.reader import Seated
from kernel.clock import format_instant, format_version
from kernel.errors import Forbidden, NotFound
from kernel.strictjson import Limits
from sharing.api.documents import ENVELOPE, ENVELOPE_EXAMPLE, OBJECT_EXAMPLE
from sharing.api.entering import FORUM, LEVELS, PLACE, enter_as_member, enter_collection, listing_of
from sharing.api.statuses import StatusResourceSchema
from sharing.queries.answered import Answered, Named, expect_answered
from sharing.queries.collections import READING_ROLES
from sharing.queries.own import (
    OwnContribution,
    OwnFilter,
    has_contributed,
    list_contents,
    list_contributions,
)
from sharing.queries.releases import find_head
from sharing.rules.tlp import Tlp
from sharing.services.contribute import contribute
from sharing.services.deliver import Served, record_deliveries
from sharing.services.settling import settled_read
from sharing.services.unseen import HELD, NEWER_VERSION, NO_RECIPIENT, NOT_YET, find_reasons
from sharing.services.withdraw import every_version, withdraw
from web.bodies import JSON, read_json_body
from web.listing import ListQuery, answer_json, asks, listed
from web.openapi import body_of
from web.shapes import Instant, Query, Shape, instant, text, text_filter, word, word_filter, words

blueprint = Blueprint(
    "contributions", __name__, url_prefix=FORUM, description="What one's member contributed"
)

STATES: Final = ("standing", "held", "deleted")
_ENVELOPES: Final = ("application/taxii+json", "application/stix+json")
_BODY: Final = body_of(
    "A TAXII envelope or a STIX bundle.", ENVELOPE, ENVELOPE_EXAMPLE, JSON, *_ENVELOPES
)
_REASONS: Final = (
    "Why nobody but the member is granted it; empty when somebody is, and for what was deleted. "
    "`marking-scheme`: it carries a marking of a scheme that Comity does not understand. "
    f"`{HELD}`: it is held until a release-approver confirms it. `{NOT_YET}`: the share rules "
    f"that grant it do not hold yet. `{NO_RECIPIENT}`: the member's policy, the forum's rules "
    f"and the TLP leave nobody. `{NEWER_VERSION}`: nobody is granted the newer versions too."
)


class ContributionSchema(Shape):
    """One version that the member contributed."""

    EXAMPLE: ClassVar = {
        "collection": PLACE,
        "id": OBJECT_EXAMPLE["id"],
        "type": "indicator",
        "version": OBJECT_EXAMPLE["modified"],
        "tlp": "amber+strict",
        "labels": ["phishing"],
        "state": "standing",
        "contributed": "2026-11-27T08:30:00.000000Z",
        "hidden_because": [NO_RECIPIENT],
    }
    collection = text()
    id = text()
    type = text()
    version = instant()
    tlp = word(*LEVELS)
    labels = words()
    state = word(*STATES)
    contributed = instant()
    hidden_because = words(about=_REASONS)


class ContributedObjectSchema(ContributionSchema):
    """The same with the object as it was received; null for what was deleted."""

    EXAMPLE: ClassVar = ContributionSchema.EXAMPLE | {"object": OBJECT_EXAMPLE}
    object = fields.Dict(required=True, allow_none=True)


class VersionsQuery(ListQuery):
    """Which of one's versions of an object to list."""

    collection = text_filter()
    state = word_filter(*STATES)


class ContributionQuery(VersionsQuery):
    """Which of one's own contributions to list."""

    type = text_filter()
    id = text_filter()
    tlp = word_filter(*LEVELS)
    since = Instant()
    until = Instant()


class AnswersQuery(Query):
    """What the contribution answers, if it answers anything: exactly those who see that are
    granted it, whatever the member's rules say. The newest version that the caller sees, unless
    `answers_version` names another; where it is in several collections, `answers_collection` (its
    id or alias) says in which. Marked no higher than that. It takes the scope api:read as well."""

    answers = text_filter()
    answers_collection = text_filter()
    answers_version = Instant()


class WithdrawalQuery(Query):
    """Which version to withdraw; every one without it."""

    version = Instant()


@blueprint.route("/contributions", methods=["GET"])
@door(Permission.API_READ)
@listed(blueprint, ContributionQuery, ContributionSchema)
def show_contributions(query: dict[str, Any], forum: str) -> Response:
    """The versions that the caller's member contributed, deleted ones too, oldest first."""
    level = query["tlp"]
    wanted = OwnFilter(
        collection=query["collection"],
        stix_type=query["type"],
        stix_id=query["id"],
        state=query["state"],
        tlp=None if level is None else Tlp.parse(level),
        since_us=query["since"],
        until_us=query["until"],
    )
    with settled_read(current_database(), now_us=current_instant_us()) as connection:
        seated, _ = enter_as_member(connection, forum)
        listing = listing_of(seated, "contributions", query)
        found = list_contributions(
            connection, seated, wanted, after=listing.after, limit=listing.limit
        )
        row_of = _rows(connection, seated, found)
    return listing.answer(found, lambda own: own.key, row_of, ContributionSchema)


@blueprint.route("/contributions/<stix_id>", methods=["GET"])
@door(Permission.API_READ)
@listed(blueprint, VersionsQuery, ContributedObjectSchema)
def show_versions(query: dict[str, Any], forum: str, stix_id: str) -> Response:
    """The member's own versions of one object with their content, oldest first.

    That it was read is recorded before it is answered.
    """
    wanted = OwnFilter(collection=query["collection"], stix_id=stix_id, state=query["state"])
    with settled_read(current_database(), now_us=current_instant_us()) as connection:
        seated, _ = enter_as_member(connection, forum)
        _check_may_read(seated)
        if not has_contributed(connection, seated, stix_id):
            raise NotFound("sharing.unknown-object", "your member contributed no such object")
        listing = listing_of(seated, "versions", query, about=stix_id)
        found = list_contributions(
            connection, seated, wanted, after=listing.after, limit=listing.limit
        )
        page = found[: listing.limit - 1]
        contents = list_contents(connection, seated, page)
        row_of = _rows(connection, seated, page)
        served = list(_served(connection, seated, [own for own in page if own.id in contents]))
    if request.method != "HEAD":
        record_deliveries(current_database(), seated, served, now_us=current_instant_us())
    return listing.answer(
        found,
        lambda own: own.key,
        lambda own: row_of(own) | {"object": contents.get(own.id)},
        ContributedObjectSchema,
    )


@blueprint.route("/collections/<ref>/contributions", methods=["POST"])
@door(Permission.API_WRITE)
@blueprint.doc(requestBody=_BODY)
@asks(blueprint, AnswersQuery)
@blueprint.response(202, StatusResourceSchema, example=StatusResourceSchema.EXAMPLE)
def add_contributions(query: dict[str, Any], forum: str, ref: str) -> Response:
    """Contribute an envelope or a bundle; the answer says what became of each object.

    With `answers` all of it goes to exactly those who see that object.
    """
    with settled_read(current_database(), now_us=current_instant_us()) as connection:
        seated, _ = enter_as_member(connection, forum)
        place = enter_collection(connection, seated, ref)
        answers = _answered(connection, seated, query)
    most = current_settings().max_content_length
    receipt = contribute(
        current_database(),
        seated,
        place,
        read_json_body(most, *_ENVELOPES),
        now_us=current_instant_us(),
        limits=Limits(max_bytes=most),
        answers=answers,
    )
    return answer_json(receipt.document(), 202)


@blueprint.route("/collections/<ref>/contributions/<stix_id>", methods=["DELETE"])
@door(Permission.API_WRITE)
@asks(blueprint, WithdrawalQuery)
@blueprint.response(204)
def remove_contribution(query: dict[str, Any], forum: str, ref: str, stix_id: str) -> None:
    """Withdraw the version, or every version, of an object that the member contributed."""
    with settled_read(current_database(), now_us=current_instant_us()) as connection:
        seated, _ = enter_as_member(connection, forum)
        place = enter_collection(connection, seated, ref)
    if "\0" in stix_id:
        raise NotFound("sharing.unknown-object", "no such object in this collection")
    choose = _choosing(query["version"])
    withdraw(current_database(), seated, place, stix_id, choose, now_us=current_instant_us())


def _answered(connection: Connection, seated: Seated, query: dict[str, Any]) -> Answered | None:
    """What the contribution answers: for whoever may read it."""
    if query["answers"] is None:
        return None
    _check_may_read(seated)
    if not seated.reader.has_scope(Permission.API_READ.value):
        raise Forbidden("auth.scope-needed", "answering takes the scope api:read as well")
    named = Named(query["answers"], query["answers_collection"], query["answers_version"])
    return expect_answered(connection, seated, named)


def _choosing(version_us: int | None) -> Callable[[list[int]], Iterable[int]]:
    return every_version if version_us is None else lambda _versions: (version_us,)


def _check_may_read(seated: Seated) -> None:
    if not any(seated.reader.has_role(role) for role in READING_ROLES):
        raise Forbidden(
            "auth.role-needed",
            f"only a person with one of the roles {', '.join(READING_ROLES)} reads objects",
        )


def _served(
    connection: Connection, seated: Seated, page: list[OwnContribution]
) -> Iterable[Served]:
    """What the page carries of each collection."""
    for collection_id in sorted({own.collection_id for own in page}):
        instants = [own.contributed_us for own in page if own.collection_id == collection_id]
        yield Served(
            collection_id=collection_id,
            door="own",
            filters={"id": [page[0].stix_id]},
            first_us=min(instants),
            last_us=max(instants),
            head=find_head(connection, seated, collection_id).seq,
            count=len(instants),
        )


def _rows(
    connection: Connection, seated: Seated, found: list[OwnContribution]
) -> Callable[[OwnContribution], dict[str, Any]]:
    reasons = find_reasons(
        connection, seated, [own.stix_id for own in found], now_us=current_instant_us()
    )

    def row(own: OwnContribution) -> dict[str, Any]:
        return {
            "collection": own.collection,
            "id": own.stix_id,
            "type": own.stix_type,
            "version": format_version(own.version_us),
            "tlp": own.tlp.text,
            "labels": sorted(own.facts.labels),
            "state": own.state,
            "contributed": format_instant(own.contributed_us),
            "hidden_because": list(reasons.get(own.id, ())),
        }

    return row
