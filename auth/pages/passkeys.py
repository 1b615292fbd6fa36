"""`/account/passkeys` and `/sign-in/passkey`: the one thing here that needs JavaScript."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, flash, request, url_for
from flask_babel import gettext as _
from marshmallow import ValidationError, fields, validate
from sqlalchemy import Connection

from auth.authentication import slow_failure
from auth.doors import Permission, current_signed, door
from auth.pages.signing_in import begin_in, current_site, show_refused
from auth.queries.passkeys import list_passkeys
from auth.queries.persons import Person, find_person_by_id
from auth.services.passkeys import (
    add_passkey,
    ask_for_new,
    remove_passkey,
    use_passkey,
    write_id,
)
from auth.services.passwords import MOST_CHARACTERS, find_by_password, has_password
from kernel.errors import BadInput, Conflict
from web.forms import Filled, FormSchema, empty_form, read_form
from web.installation import (
    current_database,
    current_instant_us,
    current_signer,
)
from web.pages import page, see_other

blueprint = Blueprint(
    "own-passkeys", __name__, url_prefix="/account/passkeys", template_folder="templates"
)

_NAME_CHARACTERS: Final = 100


def _check_line(text: str) -> None:
    if not text.strip() or not text.isprintable():
        raise ValidationError(_("Write one line of text."))


class PasskeyForm(FormSchema):
    """A name for the passkey, what the browser made, and the password of now if there is one."""

    name = fields.String(
        required=True, validate=[validate.Length(1, _NAME_CHARACTERS), _check_line]
    )
    current = fields.String(load_default="", validate=validate.Length(max=MOST_CHARACTERS))
    answer = fields.String(load_default="")


@blueprint.get("", endpoint="show")
@door(Permission.PERSON)
def show_passkeys() -> Response:
    """GET /account/passkeys: one's own, and the form to add one."""
    return _passkeys_page(empty_form())


@blueprint.post("", endpoint="add")
@door(Permission.PERSON)
def add_own_passkey() -> Response:
    """POST /account/passkeys: what the browser made, under a name."""
    signed, form = current_signed(), read_form(PasskeyForm)
    if form.errors:
        return _passkeys_page(form, status=400)
    # A browser left open must not be enough to come back by later.
    if _asks_password() and not _is_password_of_now(form.values["current"]):
        slow_failure(signed.email, "person:")
        form.blame("current", _("This is not your password of now."))
        return _passkeys_page(form, status=403)
    try:
        with current_database().write() as connection:
            add_passkey(
                connection,
                current_signer(),
                current_site(),
                _me(connection),
                form.values["name"].strip(),
                form.values["answer"],
                actor=signed.reader.actor,
                now_us=current_instant_us(),
            )
    except (BadInput, Conflict) as refused:
        form.blame_error(refused)
        return _passkeys_page(form, status=refused.status)
    flash(_("The passkey is added; you can sign in with it from now on."))
    return see_other(url_for("own-passkeys.show"))


@blueprint.post("/<passkey_id>/remove", endpoint="remove")
@door(Permission.PERSON)
def remove_own_passkey(passkey_id: str) -> Response:
    """POST /account/passkeys/ID/remove: it opens nothing from now on."""
    with current_database().write() as connection:
        remove_passkey(
            connection,
            _me(connection),
            passkey_id,
            actor=current_signed().reader.actor,
            now_us=current_instant_us(),
        )
    flash(_("That passkey is removed. Sessions begun with it go on until you end them."))
    return see_other(url_for("own-passkeys.show"))


@door(Permission.VISITOR)
def sign_in_by_passkey() -> Response:
    """POST /sign-in/passkey: a session, or the form again; every failure answers alike."""
    try:
        with current_database().write() as connection:
            found = use_passkey(
                connection,
                current_signer(),
                current_site(),
                request.form.get("answer", ""),
                now_us=current_instant_us(),
            )
            return begin_in(connection, found, "passkey", request.form.get("next", ""))
    except BadInput:
        slow_failure("", "person:")
        return show_refused(_("This passkey opens nothing here, or not any more. Try it again."))


def _me(connection: Connection) -> Person:
    found = find_person_by_id(connection, current_signed().person_id)
    if found is None:
        raise BadInput("auth.unknown-person", "this person is no longer known here")
    return found


def _asks_password() -> bool:
    signed = current_signed()
    with current_database().read() as connection:
        return signed.method == "password" and has_password(connection, signed.person_id)


def _is_password_of_now(given: str) -> bool:
    with current_database().read() as connection:
        return find_by_password(connection, current_signed().email, given) is not None


def _passkeys_page(form: Filled, *, status: int = 200) -> Response:
    now_us = current_instant_us()
    with current_database().read() as connection:
        person = _me(connection)
        own = list_passkeys(connection, person.id)
        options = ask_for_new(connection, current_signer(), current_site(), person, now_us=now_us)
    return page(
        "auth/passkeys.html",
        status=status,
        form=form,
        rows=[(write_id(one.id), one) for one in own],
        options=options,
        asks_current=_asks_password(),
    )
