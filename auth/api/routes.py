"""`/api/v1/me`, `/api/v1/forums` and `/api/v1/credentials`.

A credential of another member, and one that never was, are refused in the same words.
"""

from __future__ import annotations

from typing import Any, Final

from flask import Response
from flask_smorest import Blueprint
from marshmallow import Schema, fields

from auth.doors import (
    Permission,
    current_database,
    current_instant_us,
    current_reader,
    current_signer,
    door,
)
from auth.queries import Credential, find_credential, list_credentials, list_seated
from auth.reader import Reader, Seated
from auth.services import revoke_credential, rotate_credential
from kernel.clock import format_instant
from kernel.errors import BadInput, Forbidden, NotFound
from web.installation import public_base
from web.openapi import PREFIX, ListQuery, answer_list

blueprint = Blueprint("me", __name__, url_prefix=PREFIX, description="Who is asking")

_COLUMNS: Final = ("id", "name", "kind", "person", "scopes", "created", "expires", "revoked")


class ForumSchema(Schema):
    """A forum in which the caller has a seat."""

    slug = fields.String(required=True)
    title = fields.String(required=True)
    role = fields.String(required=True)
    api_root = fields.String(required=True)


class MeSchema(Schema):
    """Who the credential stands for and what it may be used for."""

    member = fields.String(allow_none=True)
    credential = fields.String(required=True)
    kind = fields.String(required=True)
    scopes = fields.List(fields.String(), required=True)
    roles = fields.List(fields.String(), allow_none=True)
    forums = fields.List(fields.Nested(ForumSchema), required=True)


class SecretSchema(Schema):
    """A credential with its new secret, shown this once."""

    id = fields.String(required=True)
    secret = fields.String(required=True)


@blueprint.route("/me", methods=["GET"])
@door(Permission.API_READ)
@blueprint.response(200, MeSchema)
def show_me() -> dict[str, Any]:
    """The credential that asks, whom it acts for, and the forums it has a seat in."""
    reader = current_reader()
    with current_database().read() as connection:
        seats = list_seated(connection, reader)
    return {
        "member": reader.member_code,
        "credential": reader.credential_id,
        "kind": reader.kind,
        "scopes": sorted(reader.scopes),
        "roles": None if reader.roles is None else sorted(reader.roles),
        "forums": [_forum(seated) for seated in seats],
    }


@blueprint.route("/forums", methods=["GET"])
@door(Permission.API_READ)
@blueprint.response(200, ForumSchema(many=True))
def list_forums() -> list[dict[str, str]]:
    """The forums in which the caller has a seat."""
    with current_database().read() as connection:
        return [_forum(seated) for seated in list_seated(connection, current_reader())]


@blueprint.route("/credentials", methods=["GET"])
@door(Permission.API_READ)
@blueprint.arguments(ListQuery, location="query")
def list_own_credentials(query: dict[str, Any]) -> Response:
    """The credentials of the caller's member, oldest first, never a secret."""
    reader = current_reader()
    if reader.member_id is None:
        raise Forbidden("auth.role-needed", "only a member lists its credentials, not a partner")
    with current_database().read() as connection:
        found = list_credentials(connection, member_id=reader.member_id)
    # The id of the last one seen is all that a cursor needs: it is the caller's own.
    ids = [credential.id for credential in found]
    if query["next"] is not None and query["next"] not in ids:
        raise BadInput(
            "web.bad-next", "this next was not given to you for this list; start again without it"
        )
    start = 0 if query["next"] is None else ids.index(query["next"]) + 1
    page = found[start : start + query["limit"]]
    following = page[-1].id if start + len(page) < len(found) else None
    rows = [_credential(credential) for credential in page]
    return answer_list(rows, _COLUMNS, following=following, form=query["format"])


@blueprint.route("/credentials/<credential_id>/rotate", methods=["POST"])
@door(Permission.API_WRITE)
@blueprint.response(200, SecretSchema)
def rotate(credential_id: str) -> dict[str, str]:
    """Give a credential a new secret; the old one and its tokens end at once."""
    reader = current_reader()
    with current_database().write() as connection:
        _check_may_change(reader, find_credential(connection, credential_id))
        issued = rotate_credential(
            connection,
            current_signer(),
            credential_id,
            actor=reader.actor,
            now_us=current_instant_us(),
        )
    return {"id": credential_id, "secret": issued.secret}


@blueprint.route("/credentials/<credential_id>", methods=["DELETE"])
@door(Permission.API_WRITE)
@blueprint.response(204)
def revoke(credential_id: str) -> None:
    """Revoke a credential: refused from the next request on."""
    reader = current_reader()
    with current_database().write() as connection:
        _check_may_change(reader, find_credential(connection, credential_id))
        revoke_credential(
            connection, credential_id, actor=reader.actor, now_us=current_instant_us()
        )


def _check_may_change(reader: Reader, found: Credential | None) -> None:
    """A credential changes itself; a person who may, every one of the member. Else NotFound."""
    is_admin = reader.roles is not None and "member-admin" in reader.roles
    if found is not None and (
        found.id == reader.credential_id
        or (is_admin and reader.member_id is not None and found.member_id == reader.member_id)
    ):
        return
    raise NotFound("auth.unknown-credential", "no such credential that you may change")


def _forum(seated: Seated) -> dict[str, str]:
    return {
        "slug": seated.forum_slug,
        "title": seated.forum_title,
        "role": seated.role,
        "api_root": f"{public_base()}/taxii2/{seated.forum_slug}/",
    }


def _credential(found: Credential) -> dict[str, Any]:
    return {
        "id": found.id,
        "name": found.name,
        "kind": found.kind,
        "person": found.person_email,
        "scopes": list(found.scopes),
        "created": format_instant(found.created_us),
        "expires": None if found.expires_us is None else format_instant(found.expires_us),
        "revoked": None if found.revoked_us is None else format_instant(found.revoked_us),
    }
