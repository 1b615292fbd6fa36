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
from auth.queries import Credential, find_credential, list_credentials
from auth.reader import SCOPES, Reader
from auth.services import revoke_credential, rotate_credential
from auth.services.credentials import KINDS
from kernel.clock import format_instant
from kernel.errors import Forbidden, NotFound
from web.listing import Key, ListQuery, listed
from web.openapi import PREFIX
from web.shapes import Shape, instant, text, text_filter, word, word_filter, words

blueprint = Blueprint(
    "credentials",
    __name__,
    url_prefix=f"{PREFIX}/credentials",
    description="The member's credentials, never a secret",
)

STATES = ("standing", "expired", "revoked")


class CredentialSchema(Shape):
    """A credential on record. Its secret is nowhere to be read."""

    EXAMPLE: ClassVar = {
        "id": "k3v7q2m9x4b8",
        "name": "feed",
        "kind": "machine",
        "person": None,
        "scopes": ["taxii:read", "taxii:write"],
        "state": "standing",
        "created": "2026-11-27T08:30:00.000000Z",
        "expires": None,
        "revoked": None,
    }
    id = text()
    name = text()
    kind = word(*KINDS)
    person = text(nullable=True)
    scopes = words(*SCOPES)
    state = word(*STATES)
    created = instant()
    expires = instant(nullable=True)
    revoked = instant(nullable=True)


class CredentialQuery(ListQuery):
    """Which credentials to list."""

    kind = word_filter(*KINDS)
    state = word_filter(*STATES)
    person = text_filter()


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
    wanted = [
        found
        for found in own
        if query["kind"] in (None, found.kind)
        and query["state"] in (None, state_of(found, now_us))
        and query["person"] in (None, found.person_email)
    ]
    return listing.answer(
        listing.cut(wanted, _key),
        _key,
        lambda found: _credential(found, now_us),
        CredentialSchema,
    )


@blueprint.route("/<credential_id>/rotate", methods=["POST"])
@door(Permission.API_WRITE)
@blueprint.response(200, SecretSchema, example=SecretSchema.EXAMPLE)
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


@blueprint.route("/<credential_id>", methods=["DELETE"])
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


def state_of(found: Credential, now_us: int) -> str:
    """`revoked`, `expired` or `standing`; a member or person that is not active stops it too."""
    if found.revoked_us is not None:
        return "revoked"
    return "expired" if (found.expires_us or now_us + 1) <= now_us else "standing"


def _check_may_change(reader: Reader, found: Credential | None) -> None:
    """A credential changes itself; a person who may, every one of the member. Else NotFound."""
    is_admin = reader.roles is not None and "member-admin" in reader.roles
    if found is not None and (
        found.id == reader.credential_id
        or (is_admin and reader.member_id is not None and found.member_id == reader.member_id)
    ):
        return
    raise NotFound("auth.unknown-credential", "no such credential that you may change")


def _key(found: Credential) -> Key:
    return (found.created_us, found.id)


def _credential(found: Credential, now_us: int) -> dict[str, Any]:
    return {
        "id": found.id,
        "name": found.name,
        "kind": found.kind,
        "person": found.person_email,
        "scopes": list(found.scopes),
        "state": state_of(found, now_us),
        "created": format_instant(found.created_us),
        "expires": None if found.expires_us is None else format_instant(found.expires_us),
        "revoked": None if found.revoked_us is None else format_instant(found.revoked_us),
    }
