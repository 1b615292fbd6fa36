"""`/oauth/authorize`: a person is asked whether to let a tool in, and for what.

Nobody is led anywhere unless the tool is known and the address registered (RFC 9700 §4.11): what
is wrong before that is told on a page. Nothing is granted without the person's own button.
"""

from __future__ import annotations

from typing import Any, Final

from authlib.oauth2 import OAuth2Error
from flask import Response, request
from flask_babel import gettext as _
from marshmallow import fields, validate

from auth.doors import Permission, current_signed, door
from auth.oauth.server import ISSUER, current_server
from auth.queries.sessions import Signed
from auth.queries.tools import Tool
from auth.rules import origin_of
from auth.services.grants import IDLE_DAYS, LONGEST_DAYS, Agreement
from kernel.errors import BadInput, NotFound
from web.forms import Filled, FormSchema, empty_form, read_form
from web.pages import page

_AGREES: Final = "let-in"
# Of the tool's request, sent back by the form as they came, and looked at again.
_KEPT: Final = (
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
)


class ConsentForm(FormSchema):
    """Whether the tool is let in, and for which of what it asks."""

    answer = fields.String(load_default="", validate=validate.OneOf((_AGREES, "refuse", "")))
    granted = fields.List(fields.String(), load_default=[], metadata={"several": True})


@door(Permission.PERSON)
def show_consent() -> Response:
    """GET /oauth/authorize: who asks, to be answered where, for what; everything ticked."""
    try:
        asked: Any = current_server().get_consent_grant(end_user=current_signed())
    except OAuth2Error as fault:
        return _answer_fault(fault)
    return _consent_page(asked, empty_form(granted=_offered(asked, current_signed())))


@door(Permission.PERSON)
def answer_consent() -> Response:
    """POST /oauth/authorize: back to the tool, with a code or with `access_denied`."""
    server, signed = current_server(), current_signed()
    try:
        asked: Any = server.get_consent_grant(end_user=signed)
    except OAuth2Error as fault:
        return _answer_fault(fault)
    form = read_form(ConsentForm)
    agreed = None
    if form.values.get("answer") == _AGREES:
        granted = set(form.values["granted"]) & set(_offered(asked, signed))
        if not granted:
            form.blame("granted", _("Choose one or more, or refuse."))
            return _consent_page(asked, form, status=400)
        agreed = Agreement(
            tool=asked.client.tool,
            person_id=signed.person_id,
            email=signed.email,
            member_id=signed.reader.member_id,
            scopes=granted,
            redirect_uri=asked.redirect_uri,
            challenge=asked.request.payload.data["code_challenge"],
        )
    answer: Response = server.create_authorization_response(
        asked.request, grant_user=agreed, grant=asked
    )
    return answer


def _offered(asked: Any, signed: Signed) -> list[str]:  # noqa: ANN401 - Authlib ships no types
    """Of what the tool asks for, what the person's roles allow."""
    return [one for one in asked.request.scope.split() if one in signed.reader.scopes]


def _answer_fault(fault: OAuth2Error) -> Response:
    """Back to the tool with what is wrong, if it is known where that is. Raises otherwise."""
    if fault.redirect_uri:
        server: Any = current_server()
        answer: Response = server.handle_error_response(None, fault)
        ISSUER.add_issuer_parameter(server, answer)
        return answer
    if fault.error == "invalid_client":
        raise NotFound(
            "auth.unknown-tool",
            "no tool with this id may be let in here; its member's administrator, or the operator, "
            "registers it",
        )
    raise BadInput(
        "auth.bad-authorization",
        "this tool's request cannot be understood; nothing was granted, tell its maker",
    )


def _consent_page(asked: Any, form: Filled, *, status: int = 200) -> Response:  # noqa: ANN401
    signed, tool = current_signed(), asked.client.tool
    offered = _offered(asked, signed)
    given = request.args if request.method == "GET" else request.form
    place = origin_of(asked.redirect_uri)
    return page(
        "auth/consent.html",
        status=status,
        leads_to=place,
        form=form,
        tool=tool,
        place=_place_of(asked.redirect_uri),
        is_member_tool=_is_of_member(tool),
        kept={name: given[name] for name in _KEPT if name in given},
        offered=offered,
        beyond=[one for one in asked.request.scope.split() if one not in offered],
        signed=signed,
        agrees=_AGREES,
        idle=IDLE_DAYS,
        longest=LONGEST_DAYS,
    )


def _place_of(redirect_uri: str) -> str | None:
    """The host to which the person is led; None for the person's own computer."""
    scheme, _colon, rest = redirect_uri.partition("://")
    return rest.partition("/")[0].partition("?")[0] if scheme == "https" else None


def _is_of_member(tool: Tool) -> bool:
    return tool.member_id is not None
