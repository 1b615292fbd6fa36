"""`/api/v1/me` and `/api/v1/forums`: whom a credential stands for, and where it has a seat."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask_smorest import Blueprint
from marshmallow import Schema, fields

from auth.doors import Permission, current_database, current_reader, door
from auth.queries import find_credential, list_seated
from auth.queries.seats import PARTNER_ROLE
from auth.reader import Reader, Seated
from auth.rules import SEAT_ROLES
from web.installation import public_base
from web.listing import Listing, ListQuery, listed, make_listing, word_filter
from web.openapi import PREFIX

blueprint = Blueprint("me", __name__, url_prefix=PREFIX, description="Who is asking")


class ForumSchema(Schema):
    """A forum in which the caller has a seat, or is a partner."""

    slug = fields.String(required=True)
    title = fields.String(required=True)
    role = fields.String(required=True)
    api_root = fields.String(
        required=True, metadata={"description": "Where its TAXII 2.1 API root is."}
    )


class ForumQuery(ListQuery):
    """Which forums to list."""

    role = word_filter(*SEAT_ROLES, PARTNER_ROLE)


class MeSchema(Schema):
    """Whom the credential stands for and what it may be used for."""

    member = fields.String(required=True, allow_none=True)
    partner = fields.String(
        required=True, allow_none=True, metadata={"description": "FORUM/NAME of a partner."}
    )
    credential = fields.String(required=True)
    kind = fields.String(required=True)
    person = fields.String(required=True, allow_none=True)
    scopes = fields.List(fields.String(), required=True)
    roles = fields.List(
        fields.String(),
        required=True,
        allow_none=True,
        metadata={"description": "The person's roles; null for a machine, which needs none."},
    )
    forums = fields.List(fields.Nested(ForumSchema), required=True)


@blueprint.route("/me", methods=["GET"])
@door(Permission.API_READ)
@blueprint.response(200, MeSchema)
def show_me() -> dict[str, Any]:
    """The credential that asks, whom it acts for, and the forums it has a seat in."""
    reader = current_reader()
    with current_database().read() as connection:
        found = find_credential(connection, reader.credential_id)
        seats = list_seated(connection, reader)
    return {
        "member": reader.member_code,
        "partner": found.partner if found else None,
        "credential": reader.credential_id,
        "kind": reader.kind,
        "person": found.person_email if found else None,
        "scopes": sorted(reader.scopes),
        "roles": None if reader.roles is None else sorted(reader.roles),
        "forums": [_forum(seated) for seated in seats],
    }


@blueprint.route("/forums", methods=["GET"])
@door(Permission.API_READ)
@listed(blueprint, ForumQuery, ForumSchema)
def list_forums(query: dict[str, Any]) -> Response:
    """The forums in which the caller has a seat, by slug."""
    reader = current_reader()
    listing = listing_of(reader, "forums", query)
    with current_database().read() as connection:
        seats = list_seated(connection, reader)
    wanted = [seated for seated in seats if query["role"] in (None, seated.role)]
    found = listing.cut(wanted, lambda seated: (seated.forum_slug,))
    return listing.answer(found, lambda seated: (seated.forum_slug,), _forum, ForumSchema)


def listing_of(reader: Reader, name: str, query: dict[str, Any]) -> Listing:
    """A list of the caller's that belongs to no forum; its cursors are good for no other."""
    return make_listing(name, f"{reader.kind} {reader.member_id} {reader.partner_id}", query)


def _forum(seated: Seated) -> dict[str, str]:
    return {
        "slug": seated.forum_slug,
        "title": seated.forum_title,
        "role": seated.role,
        "api_root": f"{public_base()}/taxii2/{seated.forum_slug}/",
    }
