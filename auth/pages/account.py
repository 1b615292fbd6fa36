"""`/account`: a person's own password, sessions, and the tools that it let in."""

from __future__ import annotations

from flask import Blueprint, Response, flash, url_for
from flask_babel import gettext as _
from marshmallow import fields, validate

from auth.authentication import slow_failure
from auth.doors import Permission, current_signed, door
from auth.queries.persons import find_person_by_id
from auth.queries.sessions import Signed, list_sessions
from auth.queries.tools import list_grants
from auth.services.grants import take_back
from auth.services.passwords import (
    FEWEST_CHARACTERS,
    MOST_CHARACTERS,
    find_by_password,
    has_password,
    set_password,
)
from auth.services.sessions import IDLE_US, end_session
from kernel.errors import BadInput, NotFound
from web.forms import Filled, FormSchema, empty_form, read_form
from web.installation import current_database, current_instant_us
from web.pages import page, see_other

blueprint = Blueprint("account", __name__, url_prefix="/account", template_folder="templates")


class PasswordForm(FormSchema):
    """The password of before, where there is one, and the new one twice."""

    current = fields.String(load_default="", validate=validate.Length(max=MOST_CHARACTERS))
    password = fields.String(required=True)
    again = fields.String(required=True)


@blueprint.get("", endpoint="show")
@door(Permission.PERSON)
def show_account() -> Response:
    """GET /account: who one is here, one's sessions, and the form for the password."""
    return _account_page(empty_form())


@blueprint.post("/password", endpoint="set-password")
@door(Permission.PERSON)
def set_own_password() -> Response:
    """POST /account/password: all other sessions end."""
    signed, form = current_signed(), read_form(PasswordForm)
    if not form.errors and form.values["password"] != form.values["again"]:
        form.blame("again", _("This is not what you wrote the first time."))
    if form.errors:
        return _account_page(form, status=400)
    # A browser left open must not be enough to lock its owner out, but for a fresh link.
    if not _is_password_of_now(signed, form.values["current"]):
        slow_failure(signed.email, "person:")
        form.blame("current", _("This is not your password of now."))
        return _account_page(form, status=403)
    with current_database().write() as connection:
        person = find_person_by_id(connection, signed.person_id)
        if person is None:
            raise BadInput("auth.unknown-person", "this person is no longer known here")
        try:
            set_password(
                connection,
                person,
                form.values["password"],
                actor=signed.reader.actor,
                keep_session=signed.session_id,
                now_us=current_instant_us(),
            )
        except BadInput as refused:
            form.blame_error(refused, "password")
            return _account_page(form, status=400)
    flash(_("Your password is set. Your other sessions have ended."))
    return see_other(url_for("account.show"))


@blueprint.post("/sessions/<name>/end", endpoint="end-session")
@door(Permission.PERSON)
def end_own_session(name: str) -> Response:
    """POST /account/sessions/NAME/end: one of one's own sessions ends."""
    signed, now_us = current_signed(), current_instant_us()
    with current_database().write() as connection:
        going_on = list_sessions(
            connection, signed.person_id, since_us=now_us - IDLE_US, now_us=now_us
        )
        found = next((one for one in going_on if one.name == name), None)
        if found is None:
            raise NotFound("auth.unknown-session", "no such session of yours goes on")
        end_session(connection, signed.person_id, signed.reader, found.id, now_us=now_us)
    flash(_("That session has ended."))
    return see_other(url_for("account.show"))


@blueprint.post("/tools/<credential_id>/take-back", endpoint="take-back")
@door(Permission.PERSON)
def take_back_from_tool(credential_id: str) -> Response:
    """POST /account/tools/ID/take-back: a tool acts for one no more, from the next request on."""
    with current_database().write() as connection:
        name = take_back(
            connection, current_signed().email, credential_id, now_us=current_instant_us()
        )
    flash(_("%(name)s may do nothing in your name any more.", name=name))
    return see_other(url_for("account.show"))


def _is_password_of_now(signed: Signed, given: str) -> bool:
    """Whether it is, where one is asked for. Looked at without holding up who writes."""
    with current_database().read() as connection:
        if signed.method == "link" or not has_password(connection, signed.person_id):
            return True
        return find_by_password(connection, signed.email, given) is not None


def _account_page(form: Filled, *, status: int = 200) -> Response:
    signed = current_signed()
    with current_database().read() as connection:
        now_us = current_instant_us()
        sessions = list_sessions(
            connection, signed.person_id, since_us=now_us - IDLE_US, now_us=now_us
        )
        has_one = has_password(connection, signed.person_id)
        grants = list_grants(connection, signed.person_id, now_us=now_us)
    return page(
        "auth/account.html",
        status=status,
        form=form,
        signed=signed,
        sessions=sessions,
        grants=grants,
        has_scopes=bool(signed.reader.scopes),
        asks_current=has_one and signed.method != "link",
        fewest=FEWEST_CHARACTERS,
    )
