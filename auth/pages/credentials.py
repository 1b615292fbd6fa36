"""`/account/credentials`: those of one's member, one's own to add, an administrator's to change.

The secret of a credential is shown on the page that answers the form, and never again.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, Final

from flask import Blueprint, Response, flash, request, url_for
from flask_babel import gettext as _
from marshmallow import fields, validate
from sqlalchemy import Connection

from auth.doors import Permission, current_reader, current_signed, door
from auth.queries.credentials import find_credential, list_credentials
from auth.reader import SCOPES, Reader
from auth.schemas.credentials import (
    STATES,
    CredentialQuery,
    CredentialSchema,
    credential_row,
    is_wanted,
    key_of_credential,
    state_of,
)
from auth.services.credentials import (
    KINDS,
    Issued,
    NewCredential,
    add_credential,
    check_may_change,
    may_change,
    revoke_credential,
    rotate_credential,
)
from auth.services.once import make_once, spend_once
from kernel.clock import SECOND_US
from web.forms import Filled, FormSchema, check_line, empty_form, read_form
from web.installation import current_database, current_instant_us, current_signer
from web.listing import is_export, make_listing, read_filters
from web.pages import page, see_other

blueprint = Blueprint(
    "own-credentials", __name__, url_prefix="/account/credentials", template_folder="templates"
)

_NAME_CHARACTERS: Final = 200


class CredentialForm(FormSchema):
    """What a new credential is to be."""

    name = fields.String(required=True, validate=[validate.Length(1, _NAME_CHARACTERS), check_line])
    kind = fields.String(load_default="individual", validate=validate.OneOf(KINDS))
    scopes = fields.List(
        fields.String(validate=validate.OneOf(SCOPES)),
        load_default=[],
        metadata={"several": True},
    )
    expires = fields.Date(load_default=None)


@blueprint.get("", endpoint="show")
@door(Permission.MEMBER)
def show_credentials() -> Response:
    """GET /account/credentials: the member's credentials, never a secret; JSON and CSV too."""
    return _credentials_page(empty_form(kind="individual", scopes=[]))


@blueprint.post("", endpoint="add")
@door(Permission.MEMBER)
def add_own_credential() -> Response:
    """POST /account/credentials: a credential of one's own; a machine's by an administrator."""
    reader, form, now_us = current_reader(), read_form(CredentialForm), current_instant_us()
    if not form.errors:
        _check_new(reader, form, now_us)
    if form.errors:
        return _credentials_page(form, status=400)
    with current_database().write() as connection:
        _spend(connection)
        issued = add_credential(
            connection,
            current_signer(),
            _new_credential(reader, form.values),
            actor=reader.actor,
            now_us=now_us,
        )
    return _secret_page(issued, form.values["name"])


@blueprint.post("/<credential_id>/rotate", endpoint="rotate")
@door(Permission.MEMBER)
def rotate_own_credential(credential_id: str) -> Response:
    """POST …/rotate: a new secret; the old one and its tokens end at once."""
    reader = current_reader()
    with current_database().write() as connection:
        found = find_credential(connection, credential_id)
        check_may_change(reader, found)
        _spend(connection)
        issued = rotate_credential(
            connection,
            current_signer(),
            credential_id,
            actor=reader.actor,
            now_us=current_instant_us(),
        )
    return _secret_page(issued, found.name if found is not None else "")


@blueprint.post("/<credential_id>/revoke", endpoint="revoke")
@door(Permission.MEMBER)
def revoke_own_credential(credential_id: str) -> Response:
    """POST …/revoke: refused from the next request on, for good."""
    reader = current_reader()
    with current_database().write() as connection:
        check_may_change(reader, find_credential(connection, credential_id))
        revoke_credential(
            connection, credential_id, actor=reader.actor, now_us=current_instant_us()
        )
    flash(_("That credential is revoked."))
    return see_other(url_for("own-credentials.show"))


def _check_new(reader: Reader, form: Filled, now_us: int) -> None:
    # A machine needs no roles: who could add one by its own hand would rise above its own.
    if form.values["kind"] == "machine" and not reader.has_role("member-admin"):
        form.blame("kind", _("Only your member's administrator adds a machine's credential."))
    if form.values["expires"] is not None and _first_instant_us(form.values["expires"]) <= now_us:
        form.blame("expires", _("Choose a day that is to come."))


def _new_credential(reader: Reader, values: dict[str, Any]) -> NewCredential:
    is_individual = values["kind"] == "individual"
    return NewCredential(
        name=values["name"],
        member_code=reader.member_code,
        kind=values["kind"],
        person_email=current_signed().email if is_individual else None,
        scopes=values["scopes"],
        expires_us=None if values["expires"] is None else _first_instant_us(values["expires"]),
    )


def _first_instant_us(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * SECOND_US


def _spend(connection: Connection) -> None:
    spend_once(
        connection, current_signer(), request.form.get("once", ""), now_us=current_instant_us()
    )


def _secret_page(issued: Issued, name: str) -> Response:
    return page("auth/secret.html", issued=issued, name=name)


def _credentials_page(form: Filled, *, status: int = 200) -> Response:
    reader, now_us = current_reader(), current_instant_us()
    query = read_filters(CredentialQuery)
    listing = make_listing("credentials", f"page {reader.member_id}", query)
    with current_database().read() as connection:
        own = list_credentials(connection, member_id=reader.member_id)
    wanted = [found for found in own if is_wanted(found, query, now_us)]
    found = listing.cut(wanted, key_of_credential)
    if is_export():
        return listing.answer(
            found, key_of_credential, lambda one: credential_row(one, now_us), CredentialSchema
        )
    rows, following = listing.split(found, key_of_credential)
    return page(
        "auth/credentials.html",
        status=status,
        form=form,
        rows=[(one, state_of(one, now_us), may_change(reader, one)) for one in rows],
        next=following,
        once=lambda: make_once(current_signer(), now_us=now_us),
        kinds=KINDS if reader.has_role("member-admin") else (),
        scopes=SCOPES,
        states=STATES,
    )
