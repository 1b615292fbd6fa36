"""The pages of the auth room, and who is looking at any page."""

from __future__ import annotations

from flask import Flask
from flask_babel import lazy_gettext as _l

from auth.pages import (
    account,
    audit,
    credentials,
    inbox,
    members,
    operator,
    passkeys,
    providers,
    signing_in,
    tools,
)
from auth.queries.sessions import Signed
from auth.sessions import find_signed
from web.inbox import add_needs
from web.pages import Place, Viewer, add_places, set_viewer

_HOME_OF_MEMBERS = "exchange.home"
_HOME_OF_DIPLOMATS = "register.home"


def init_pages_of_auth(app: Flask) -> None:
    """Put them into `app`."""
    for rule, endpoint, view, methods in (
        ("/sign-in", "sign-in", signing_in.show_sign_in, ["GET"]),
        ("/sign-in", "sign-in.send", signing_in.sign_in, ["POST"]),
        ("/sign-in/link", "sign-in.link", signing_in.show_link, ["GET"]),
        ("/sign-in/link", "sign-in.use-link", signing_in.sign_in_by_link, ["POST"]),
        ("/sign-in/passkey", "sign-in.passkey", passkeys.sign_in_by_passkey, ["POST"]),
        ("/sign-in/provider", "sign-in.provider", providers.leave_to_sign_in, ["POST"]),
        ("/sign-in/provider/return", "sign-in.returned", providers.come_back, ["GET"]),
        ("/sign-out", "sign-out", signing_in.sign_out, ["POST"]),
        ("/language", "language", signing_in.set_language, ["POST"]),
    ):
        app.add_url_rule(rule, endpoint, view, methods=methods)
    app.register_blueprint(signing_in.blueprint)
    app.register_blueprint(account.blueprint)
    app.register_blueprint(credentials.blueprint)
    app.register_blueprint(passkeys.blueprint)
    app.register_blueprint(providers.blueprint)
    app.register_blueprint(members.blueprint)
    app.register_blueprint(audit.blueprint)
    app.register_blueprint(operator.blueprint)
    app.register_blueprint(tools.of_member)
    app.register_blueprint(tools.of_operator)
    app.register_blueprint(inbox.blueprint)
    add_needs(app, inbox.find_needs)
    add_places(
        app,
        [
            Place("inbox", _l("What needs me"), "inbox.show"),
            Place("members", _l("People"), "members.show", _is_admin),
            Place("members", _l("Tools"), "member-tools.show", _is_admin),
            Place("members", _l("Audit"), "member-audit.show", _is_auditor),
            Place("account", _l("My account"), "account.show"),
            Place("account", _l("Credentials"), "own-credentials.show", _acts_for_member),
            Place("account", _l("Passkeys"), "own-passkeys.show"),
            Place("account", _l("Identity provider"), "own-provider.show", _acts_for_member),
            Place("operator", _l("State of this installation"), "operator.home", _is_operator),
            Place("operator", _l("Tools"), "operator-tools.show", _is_operator),
        ],
    )
    set_viewer(app, _find_viewer)


def _find_viewer() -> Viewer | None:
    signed = find_signed()
    if signed is None:
        return None
    return Viewer(signed.email, _acts_for(signed), _home_of(signed), signed)


def _acts_for_member(viewer: Viewer) -> bool:
    return bool(viewer.signed.reader.member_id is not None)


def _is_admin(viewer: Viewer) -> bool:
    return bool(viewer.signed.reader.has_role("member-admin"))


def _is_auditor(viewer: Viewer) -> bool:
    return bool(viewer.signed.reader.has_role("auditor"))


def _is_operator(viewer: Viewer) -> bool:
    return bool(viewer.signed.is_operator)


def _acts_for(signed: Signed) -> str:
    if signed.reader.member_code is not None:
        return f"{signed.reader.member_code} {signed.member_name}"
    return signed.forum_title or ""


def _home_of(signed: Signed) -> str:
    """Where a person's work begins: liaisons at what is shared, diplomats at the norms."""
    roles = signed.reader.roles or frozenset()
    if signed.is_operator:
        return "operator.home"
    if signed.reader.secretariat_of is not None or roles <= {"drafter", "clearance-officer"}:
        return _HOME_OF_DIPLOMATS
    return _HOME_OF_MEMBERS
