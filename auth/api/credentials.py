"""`/api/v1/credentials`: those of the caller's member, to list, rotate and revoke.

A credential of another member, and one that never was, are refused in the same words.
"""

from __future__ import annotations

from typing import Any, ClassVar

from flask import Response
from flask_smorest import Blueprint

from auth.api.me import listing_of
from auth.doors import (
    Permission,
    current_database,
    current_instant_us,
    current_reader,
    current_signer,
    door,
)
from auth.queries import find_credential, list_credentials
from auth.schemas.credentials import (
    CredentialQuery,
    CredentialSchema,
    credential_row,
    is_wanted,
    key_of_credential,
)
from auth.services import revoke_credential, rotate_credential
from auth.services.credentials import check_may_change
from kernel.errors import Forbidden
from web.listing import listed
from web.openapi import PREFIX
from web.shapes import Shape, text

blueprint = Blueprint(
    "credentials",
    __name__,
    url_prefix=f"{PREFIX}/credentials",
    description="The member's credentials, never a secret",
)


class SecretSchema(Shape):
    """A credential with its new secret, shown this once."""

    EXAMPLE: ClassVar = {"id": "k3v7q2m9x4b8", "secret": "shown-once-and-never-again"}
    id = text()
    secret = text()


@blueprint.route("", methods=["GET"])
@door(Permission.API_READ)
@listed(blueprint, CredentialQuery, CredentialSchema)
def list_own_credentials(query: dict[str, Any]) -> Response:
    """The credentials of the caller's member, oldest first, never a secret."""
    reader, now_us = current_reader(), current_instant_us()
    if reader.member_id is None:
        raise Forbidden("auth.role-needed", "only a member lists its credentials, not a partner")
    listing = listing_of(reader, "credentials", query)
    with current_database().read() as connection:
        own = list_credentials(connection, member_id=reader.member_id)
    wanted = [found for found in own if is_wanted(found, query, now_us)]
    return listing.answer(
        listing.cut(wanted, key_of_credential),
        key_of_credential,
        lambda found: credential_row(found, now_us),
        CredentialSchema,
    )


@blueprint.route("/<credential_id>/rotate", methods=["POST"])
@door(Permission.API_WRITE)
@blueprint.response(200, SecretSchema, example=SecretSchema.EXAMPLE)
def rotate(credential_id: str) -> dict[str, str]:
    """Give a credential a new secret; the old one and its tokens end at once."""
    reader = current_reader()
    with current_database().write() as connection:
        check_may_change(reader, find_credential(connection, credential_id))
        issued = rotate_credential(
            connection,
            current_signer(),
            credential_id,
            actor=reader.actor,
            now_us=current_instant_us(),
        )
    return {"id": credential_id, "secret": issued.secret}


@blueprint.route("/<credential_id>", methods=["DELETE"])
@door(Permission.API_WRITE)
@blueprint.response(204)
def revoke(credential_id: str) -> None:
    """Revoke a credential: refused from the next request on."""
    reader = current_reader()
    with current_database().write() as connection:
        check_may_change(reader, find_credential(connection, credential_id))
        revoke_credential(
            connection, credential_id, actor=reader.actor, now_us=current_instant_us()
        )
