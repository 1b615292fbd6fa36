"""`/oauth/token`, `/oauth/revoke` and the metadata of both (RFC 6749 §3.2, RFC 7009, RFC 8414).

Credentials and tools authenticate as HTTP Basic or in the form, tools that can keep no secret by
their id. Tokens are opaque.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from authlib.oauth2.rfc6749.errors import InvalidRequestError
from flask import Flask, Response, request, url_for

from auth.doors import Permission, door
from auth.oauth.clients import (
    WITH_OR_WITHOUT,
    authenticate_basic,
    authenticate_none,
    authenticate_post,
)
from auth.oauth.consent import answer_consent, show_consent
from auth.oauth.grants import (
    Challenge,
    CodeGrant,
    CredentialsGrant,
    RenewingGrant,
    Revocation,
    make_first_tokens,
    make_next_tokens,
    make_own_token,
)
from auth.oauth.server import ISSUER, Server, current_server, keep_server
from auth.reader import SCOPES
from kernel.errors import ComityError
from web.errors import register_renderer
from web.installation import public_base
from web.pages import render_refusal

_MOST_FORM_BYTES: Final = 64 * 1024


def init_oauth(app: Flask) -> None:
    """Put the addresses of OAuth into `app`."""
    server = Server()
    server.register_client_auth_method("client_secret_basic", authenticate_basic)
    server.register_client_auth_method("client_secret_post", authenticate_post)
    server.register_client_auth_method("none", authenticate_none)
    server.register_token_generator("default", make_own_token)
    server.register_token_generator(CodeGrant.GRANT_TYPE, make_first_tokens)
    server.register_token_generator(RenewingGrant.GRANT_TYPE, make_next_tokens)
    server.register_grant(CredentialsGrant)
    server.register_grant(CodeGrant, [Challenge(required=True)])
    server.register_grant(RenewingGrant)
    server.register_endpoint(Revocation)
    server.register_extension(ISSUER)
    keep_server(app, server)
    for rule, endpoint, view, method in (
        ("/oauth/authorize", "oauth.authorize", show_consent, "GET"),
        ("/oauth/authorize", "oauth.agree", answer_consent, "POST"),
        ("/oauth/token", "oauth.token", issue, "POST"),
        ("/oauth/revoke", "oauth.revoke", revoke, "POST"),
        ("/.well-known/oauth-authorization-server", "oauth.metadata", show_metadata, "GET"),
    ):
        app.add_url_rule(rule, endpoint, view, methods=[method])
    register_renderer(app, "/oauth/", render_oauth_error)
    # There it is a person who is told.
    register_renderer(app, "/oauth/authorize", render_refusal)


@door(Permission.PUBLIC)
def issue() -> Response:
    """POST /oauth/token: a Bearer token for a credential, or tokens for a tool's grant."""
    server: Any = current_server()
    fault = _find_fault(needed="grant_type")
    answer: Response = (
        server.handle_error_response(None, fault) if fault else server.create_token_response()
    )
    return answer


@door(Permission.PUBLIC)
def revoke() -> Response:
    """POST /oauth/revoke: a token of the calling client is dead from now on."""
    server: Any = current_server()
    fault = _find_fault(needed="token")
    answer: Response = (
        server.handle_error_response(None, fault)
        if fault
        else server.create_endpoint_response(Revocation.ENDPOINT_NAME)
    )
    return answer


@door(Permission.PUBLIC)
def show_metadata() -> Response:
    """GET /.well-known/oauth-authorization-server: what is spoken here (RFC 8414 §2)."""
    base = public_base()
    told = {
        "issuer": base,
        "authorization_endpoint": base + url_for("oauth.authorize"),
        "token_endpoint": base + url_for("oauth.token"),
        "revocation_endpoint": base + url_for("oauth.revoke"),
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [
            "authorization_code",
            "refresh_token",
            "client_credentials",
        ],
        "token_endpoint_auth_methods_supported": WITH_OR_WITHOUT,
        "revocation_endpoint_auth_methods_supported": WITH_OR_WITHOUT,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
    }
    return Response(json.dumps(told), content_type="application/json")


def render_oauth_error(error: ComityError, _headers: Mapping[str, str]) -> Response:
    """A refusal that Authlib does not know of, in the form of RFC 6749 §5.2."""
    name = "invalid_request"
    if error.status in {429, 503}:
        name = "temporarily_unavailable"
    elif error.status >= 500:
        name = "server_error"
    content = json.dumps({"error": name, "error_description": error.message})
    return Response(content, status=error.status, content_type="application/json")


def _find_fault(*, needed: str) -> InvalidRequestError | None:
    """What is wrong with the form itself (RFC 6749 §3.2, §2.3)."""
    length = request.content_length
    if length is None or length > _MOST_FORM_BYTES:
        # Anybody may send a form: one that is small is here before a thread waits for it.
        return InvalidRequestError(description="send a form with a Content-Length, a small one")
    form = request.form
    for name in form:
        if len(form.getlist(name)) > 1:
            return InvalidRequestError(description="a parameter is given more than once")
    if not form.get(needed):
        return InvalidRequestError(description=f"{needed} is needed, in a form")
    if "client_secret" in form and request.headers.get("Authorization"):
        return InvalidRequestError(description="authenticate in one way, not in two")
    return None
