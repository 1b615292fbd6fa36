"""`/api/v1/me` and `/api/v1/forums`: whom a credential stands for, and where it has a seat."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import Response
from flask_smorest import Blueprint
from marshmallow import fields

from auth.doors import Permission, current_database, current_reader, door
from auth.queries import find_credential, list_seated
from auth.queries.seats import PARTNER_ROLE
from auth.reader import SCOPES, Reader, Seated
from auth.rules import SEAT_ROLES
from auth.services.credentials import KINDS
from web.installation import public_base
from web.listing import Listing, ListQuery, listed, make_listing
from web.openapi import PREFIX
from web.shapes import Shape, text, word, word_filter, words

blueprint = Blueprint("me", __name__, url_prefix=PREFIX, description="Who is asking")

ROLES = (*SEAT_ROLES, PARTNER_ROLE)


class ForumSchema(Shape):
    """A forum in which the caller has a seat, or is a partner."""

    EXAMPLE: ClassVar = {
        "slug": "harbour",
        "title": "Harbour",
        "role": "member",
        "api_root": "https://comity.example/taxii2/harbour/",
    }
    slug = text()
    title = text()
    role = word(*ROLES)
    api_root = text("Where its TAXII 2.1 API root is.")


class ForumQuery(ListQuery):
    """Which forums to list."""

    role = word_filter(*ROLES)


class MeSchema(Shape):
    """Whom the credential stands for and what it may be used for."""

    EXAMPLE: ClassVar = {
        "member": "XAA",
        "partner": None,
        "secretariat": None,
        "credential": "k3v7q2m9x4b8",
        "kind": "individual",
        "person": "officer@xaa.example",
        "scopes": ["api:read", "api:write"],
        "roles": ["policy-officer"],
        "forums": [ForumSchema.EXAMPLE],
    }
    member = text(nullable=True)
    partner = text("FORUM/NAME of a partner.", nullable=True)
    secretariat = text("The forum whose secretariat it is.", nullable=True)
    credential = text()
    kind = word(*KINDS)
    person = text(nullable=True)
    scopes = words(*SCOPES)
    roles = words(about="The person's roles; null for a machine, which needs none.", nullable=True)
    forums = fields.List(fields.Nested(ForumSchema), required=True)


@blueprint.route("/me", methods=["GET"])
@door(Permission.API_READ)
@blueprint.response(200, MeSchema, example=MeSchema.EXAMPLE)
def show_me() -> dict[str, Any]:
    """The credential that asks, whom it acts for, and the forums it has a seat in."""
    reader = current_reader()
    with current_database().read() as connection:
        found = find_credential(connection, reader.credential_id)
        seats = list_seated(connection, reader)
    return {
        "member": reader.member_code,
        "partner": found.partner if found else None,
        "secretariat": found.secretariat if found else None,
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
    who = f"{reader.kind} {reader.member_id} {reader.partner_id} {reader.secretariat_of}"
    return make_listing(name, who, query)


def _forum(seated: Seated) -> dict[str, str]:
    return {
        "slug": seated.forum_slug,
        "title": seated.forum_title,
        "role": seated.role,
        "api_root": f"{public_base()}/taxii2/{seated.forum_slug}/",
    }
