"""`/sign-in/provider` and `/account/provider`: a member's own identity provider.

A browser leaves by a link, which no policy of ours stops, and comes back with what it was given
when it left. What does not live here: who sets a provider (the operator's command).
"""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response, flash, request, session, url_for
from flask_babel import gettext as _
from sqlalchemy import Connection

from auth.authentication import slow_failure
from auth.doors import Permission, current_signed, door
from auth.pages.signing_in import begin_in, show_refused, wanted_or
from auth.queries.persons import Person, find_person_by_id
from auth.queries.providers import (
    Provider,
    find_by_identity,
    find_provider,
    find_provider_of,
    find_subject,
)
from auth.services.oidc import Journey, begin_journey, end_journey
from auth.services.providers import bind_identity, free_identity, open_secret
from auth.sessions import find_signed
from kernel.clock import MINUTE_US
from kernel.errors import BadInput, Conflict, Misconfigured, NotFound
from web.installation import (
    current_database,
    current_instant_us,
    current_settings,
    current_signer,
    public_base,
)
from web.pages import page, see_other

blueprint = Blueprint(
    "own-provider", __name__, url_prefix="/account/provider", template_folder="templates"
)

_KEPT: Final = "provider"
_LIFE_US: Final = 15 * MINUTE_US
_MOST_CODE: Final = 16
_MOST_TOLD: Final = 4096


@door(Permission.VISITOR)
def leave_to_sign_in() -> Response:
    """POST /sign-in/provider: the way to the provider of the member whose code is given."""
    code = request.form.get("member", "").strip().upper()
    with current_database().read() as connection:
        provider = find_provider_of(connection, code[:_MOST_CODE])
    try:
        return _leave(_expect(provider), None)
    except (BadInput, NotFound):
        return _refuse()


@door(Permission.VISITOR)
def come_back() -> Response:
    """GET /sign-in/provider/return: a session, or an identity that is bound from now on."""
    try:
        kept = _take_kept()
        with current_database().read() as connection:
            provider = _expect(find_provider(connection, kept["member_id"]))
        subject = end_journey(
            provider,
            open_secret(current_signer(), provider),
            _back(),
            Journey("", kept["state"], kept["nonce"], kept["verifier"]),
            {name: request.args[name][:_MOST_TOLD] for name in request.args},
            allow=current_settings().egress_networks,
            now_us=current_instant_us(),
        )
        if kept["person_id"] is not None:
            return _bind(provider, kept["person_id"], subject)
        return _sign_in(provider, subject)
    except (BadInput, NotFound, Misconfigured):
        return _refuse()


@blueprint.get("", endpoint="show")
@door(Permission.MEMBER)
def show_own_provider() -> Response:
    """GET /account/provider: whether one can sign in at one's member's provider."""
    with current_database().read() as connection:
        provider = _own_provider(connection)
        subject = provider and find_subject(connection, provider, current_signed().person_id)
    return page("auth/provider.html", provider=provider, subject=subject)


@blueprint.post("", endpoint="bind")
@door(Permission.MEMBER)
def leave_to_bind() -> Response:
    """POST /account/provider: the way to the provider, to be known by it from now on."""
    with current_database().read() as connection:
        provider = _expect_own(connection)
    return _leave(provider, current_signed().person_id)


@blueprint.post("/remove", endpoint="free")
@door(Permission.MEMBER)
def free_own_identity() -> Response:
    """POST /account/provider/remove: nobody signs in as oneself there from now on."""
    with current_database().write() as connection:
        free_identity(
            connection,
            _expect_own(connection),
            _me(connection, current_signed().person_id),
            actor=current_signed().reader.actor,
            now_us=current_instant_us(),
        )
    flash(_("Your member's provider signs you in no more."))
    return see_other(url_for("own-provider.show"))


def _take_kept() -> dict[str, Any]:
    """What this browser was given when it left; once."""
    kept = session.pop(_KEPT, None)
    if not isinstance(kept, dict) or kept["until_us"] <= current_instant_us():
        raise BadInput("auth.provider-refused", "this was begun elsewhere, or too long ago")
    return kept


def _leave(provider: Provider, person_id: int | None) -> Response:
    journey = begin_journey(provider, _back(), allow=current_settings().egress_networks)
    session[_KEPT] = {
        "member_id": provider.member_id,
        "person_id": person_id,
        "state": journey.state,
        "nonce": journey.nonce,
        "verifier": journey.verifier,
        "until_us": current_instant_us() + _LIFE_US,
    }
    return page("auth/leaving.html", provider=provider, address=journey.address)


def _sign_in(provider: Provider, subject: str) -> Response:
    with current_database().write() as connection:
        found = find_by_identity(connection, provider, subject)
        if found is not None:
            return begin_in(connection, found, "provider", wanted_or(url_for("landing")))
    raise BadInput("auth.provider-refused", "the provider knows nobody here by that name")


def _bind(provider: Provider, person_id: int, subject: str) -> Response:
    signed = find_signed()
    # Who comes back must be who left: else a stranger's identity would sign in as them.
    if signed is None or signed.person_id != person_id:
        raise BadInput("auth.provider-refused", "another person is signed in now")
    if signed.reader.member_id != provider.member_id:
        raise BadInput("auth.provider-refused", "this is another member's provider")
    try:
        with current_database().write() as connection:
            bind_identity(
                connection,
                provider,
                _me(connection, person_id),
                subject,
                actor=signed.reader.actor,
                now_us=current_instant_us(),
            )
    except Conflict:
        flash(_("That identity signs somebody else in already."))
    else:
        flash(_("You can sign in at your member's provider from now on."))
    return see_other(url_for("own-provider.show"))


def _refuse() -> Response:
    slow_failure("", "person:")
    return show_refused(_("You could not be signed in at your member's identity provider."))


def _own_provider(connection: Connection) -> Provider | None:
    member_id = current_signed().reader.member_id
    return None if member_id is None else find_provider(connection, member_id)


def _expect_own(connection: Connection) -> Provider:
    return _expect(_own_provider(connection))


def _expect(found: Provider | None) -> Provider:
    if found is None:
        raise NotFound("auth.unknown-provider", "no identity provider is set for that member")
    return found


def _me(connection: Connection, person_id: int) -> Person:
    found = find_person_by_id(connection, person_id)
    if found is None:
        raise NotFound("auth.unknown-person", "this person is no longer known here")
    return found


def _back() -> str:
    return f"{public_base()}{url_for('sign-in.returned')}"
