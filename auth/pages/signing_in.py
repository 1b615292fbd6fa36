"""`/sign-in` and `/sign-out`: by password, or by a link that works once."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from flask import Blueprint, Response, request, session, url_for
from flask_babel import gettext as _
from marshmallow import fields, validate
from sqlalchemy import Connection

from auth.authentication import slow_failure
from auth.doors import Permission, current_signed, door
from auth.queries.persons import Person
from auth.services.links import find_by_link, use_link
from auth.services.passkeys import Site, ask_to_sign_in
from auth.services.passwords import MOST_CHARACTERS, find_by_password
from auth.services.sessions import Method, begin_session, end_session
from auth.sessions import find_signed, put_cookie, take_cookie
from kernel.clock import HOUR_US
from kernel.logs import get_logger
from web.forms import Filled, FormSchema, empty_form, read_form
from web.installation import (
    current_database,
    current_instant_us,
    current_settings,
    current_signer,
    public_base,
)
from web.language import choose_language
from web.pages import page, see_other

blueprint = Blueprint("signing-in", __name__, template_folder="templates")

_MOST_ADDRESS: Final = 2000
# Of an address that a browser keeps in a cookie, and how long it leads anywhere.
_MOST_KEPT: Final = 1500
_KEPT_US: Final = HOUR_US
_WANTED: Final = "wanted"

log = get_logger(__name__)


class SignInForm(FormSchema):
    """An address and a password."""

    email = fields.String(required=True, validate=validate.Length(1, 254))
    password = fields.String(required=True, validate=validate.Length(1, MOST_CHARACTERS))


@door(Permission.VISITOR)
def show_sign_in() -> Response:
    """GET /sign-in: the form. What was asked for is kept for who signs in by a link."""
    if find_signed() is not None:
        return see_other(_next_of(request.args.get("next")))
    _keep_wanted(request.args.get("next"))
    return _sign_in_page(empty_form(next=request.args.get("next", "")))


@door(Permission.VISITOR)
def sign_in() -> Response:
    """POST /sign-in: a session, or the form again; every failure answers alike."""
    form = read_form(SignInForm)
    if form.errors:
        return _sign_in_page(form, status=400)
    with current_database().read() as connection:
        found = find_by_password(connection, form.values["email"], form.values["password"])
    if found is None:
        # Under the address that was tried: nobody's sign-in is slowed but by failures for it.
        slow_failure(form.values["email"].strip().lower(), "person:")
        form.blame("", _("This address and this password do not belong together, or not any more."))
        return _sign_in_page(form, status=403)
    return _begin(found, "password", form.text("next"))


@door(Permission.VISITOR)
def show_link() -> Response:
    """GET /sign-in/link: whom the link would sign in; it is used by the button alone.

    Programs that look at links before people do shall not use them up.
    """
    token = request.args.get("token", "")
    with current_database().read() as connection:
        found = find_by_link(connection, current_signer(), token, now_us=current_instant_us())
    return page(
        "auth/link.html",
        status=200 if found else 404,
        found=found,
        token=token,
        goes_on=wanted_or("") != "",
    )


@door(Permission.VISITOR)
def sign_in_by_link() -> Response:
    """POST /sign-in/link: a session of the person whose link this is. Raises BadInput."""
    with current_database().write() as connection:
        found = use_link(
            connection,
            current_signer(),
            request.form.get("token", ""),
            now_us=current_instant_us(),
        )
        return _begin_in(connection, found, "link", wanted_or(url_for("account.show")))


@door(Permission.PERSON)
def sign_out() -> Response:
    """POST /sign-out: the session ends here and now."""
    signed = current_signed()
    with current_database().write() as connection:
        end_session(
            connection,
            signed.person_id,
            signed.reader,
            signed.session_id,
            now_us=current_instant_us(),
        )
    answer = see_other(url_for("landing"))
    take_cookie(answer)
    return answer


@door(Permission.VISITOR)
def set_language() -> Response:
    """POST /language: the pages' language at this browser."""
    choose_language(request.form.get("language", ""))
    return see_other(_next_of(request.form.get("back")))


def begin_in(connection: Connection, found: Person, method: Method, address: str) -> Response:
    """Sign in somebody who has proved who it is, and lead on to `address` if it is ours."""
    return _begin_in(connection, found, method, address)


def wanted_or(address: str) -> str:
    """What this browser asked for before its person went to sign in elsewhere; else `address`.

    Kept for an hour, looked at again when it is used, and forgotten when somebody signs in.
    """
    kept, at_us = session.get(_WANTED) or ("", 0)
    return kept if kept and current_instant_us() - at_us < _KEPT_US else address


def _keep_wanted(address: str | None) -> None:
    wanted = _next_of(address)
    if address is None or wanted != address or len(wanted) > _MOST_KEPT or not wanted.isascii():
        return
    session[_WANTED] = (wanted, current_instant_us())


def show_refused(message: str) -> Response:
    """The form to sign in from, with what every failure of one way to sign in is told."""
    form = empty_form(next=request.form.get("next", ""))
    form.blame("", message)
    return _sign_in_page(form, status=403)


def _begin(found: Person, method: Method, address: str) -> Response:
    with current_database().write() as connection:
        return _begin_in(connection, found, method, address)


def _begin_in(connection: Connection, found: Person, method: Method, address: str) -> Response:
    before = find_signed()
    if before is not None:
        # This browser forgets it: nobody else shall go on in it.
        end_session(
            connection,
            before.person_id,
            before.reader,
            before.session_id,
            now_us=current_instant_us(),
        )
    token = begin_session(
        connection,
        current_signer(),
        found,
        method,
        agent=request.headers.get("User-Agent", ""),
        now_us=current_instant_us(),
    )
    answer = see_other(_next_of(address))
    put_cookie(answer, token)
    return answer


def _sign_in_page(form: Filled, *, status: int = 200) -> Response:
    site, now_us = current_site(), current_instant_us()
    options = ask_to_sign_in(current_signer(), site, now_us=now_us)
    return page("auth/sign-in.html", status=status, form=form, options=options)


def current_site() -> Site:
    """Where this installation's passkeys belong: `public_url`, or the address of the request."""
    parts = urlsplit(public_base())
    return Site(parts.hostname or "", f"{parts.scheme}://{parts.netloc}", current_settings().title)


def _next_of(address: str | None) -> str:
    """The address on this site that was wanted; `/` for any other."""
    is_ours = (
        address is not None
        and len(address) <= _MOST_ADDRESS
        and address.startswith("/")
        and not address.startswith(("//", "/\\"))
        and address.isprintable()
        and "\\" not in address
    )
    return address if is_ours and address is not None else url_for("landing")
