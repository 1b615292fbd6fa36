"""The token endpoint: Authlib's client-credentials grant (RFC 6749 §4.4), revocation (RFC 7009).

A credential's id and secret are the client's; they come as HTTP Basic or in the form. Tokens
are opaque and die with their credential. What does not live here: checking a presented token
(authentication).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.integrations.flask_oauth2.requests import FlaskOAuth2Payload, FlaskOAuth2Request
from authlib.oauth2.rfc6749 import ClientMixin, OAuth2Request
from authlib.oauth2.rfc6749.errors import InvalidClientError, InvalidRequestError, InvalidScopeError
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc7009 import RevocationEndpoint
from flask import Flask, Response, current_app, request
from werkzeug.datastructures import MultiDict

from auth.authentication import CredentialRefused, Presented, authenticate, read_authorization
from auth.doors import Permission, door
from auth.queries.credentials import Recognised
from auth.reader import SCOPES
from auth.services.tokens import issue_token, revoke_token
from kernel.errors import ComityError
from web.errors import REALM, register_renderer
from web.installation import (
    current_database,
    current_instant_us,
    current_settings,
    current_signer,
)

_SERVER: Final = "comity.oauth"
_MOST_FORM_BYTES: Final = 64 * 1024
_METHODS: Final = ["client_secret_basic", "client_secret_post"]


class Client(ClientMixin):  # type: ignore[misc] # Authlib ships no types
    """A recognised credential as Authlib's client."""

    def __init__(self, recognised: Recognised) -> None:
        self.recognised = recognised

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:  # noqa: ARG002
        """It has authenticated already; either method serves at either endpoint."""
        return True

    def check_grant_type(self, grant_type: str) -> bool:
        """Credentials know one grant."""
        return grant_type == "client_credentials"

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """The scopes of a token: those asked for, or all; None refuses (`invalid_scope`)."""
        allowed = self.recognised.reader.scopes
        asked = set((scope or "").split()) or allowed
        if not asked or not asked <= allowed:
            return None
        return " ".join(name for name in SCOPES if name in asked)


class _FormPayload(FlaskOAuth2Payload):  # type: ignore[misc] # Authlib ships no types
    """The parameters of the form alone: a grant or a secret in a query string is not read."""

    @property
    def data(self) -> MultiDict[str, str]:
        return request.form


class _Request(FlaskOAuth2Request):  # type: ignore[misc] # Authlib ships no types
    def __init__(self) -> None:
        # Authlib refuses any address that is neither https nor of this host. Where TLS ends is
        # for the operator to say: a proxy that is not believed leaves http in the address.
        OAuth2Request.__init__(
            self,
            method=request.method,
            uri=request.url.replace("http://", "https://", 1),
            headers=request.headers,
        )
        self._request = request


class _Server(AuthorizationServer):  # type: ignore[misc] # Authlib ships no types
    def create_oauth2_request(self, _request: object) -> FlaskOAuth2Request:
        """The current request, read from its form."""
        made = _Request()
        made.payload = _FormPayload(request)
        return made

    def handle_response(self, status: int, body: Any, headers: Any) -> Response:  # noqa: ANN401
        """Authlib's answer; a 401 names our realm."""
        content = json.dumps(body) if isinstance(body, dict) else body
        response = Response(content, status=status, headers=headers)
        if status == 401:
            response.headers["WWW-Authenticate"] = f'Basic realm="{REALM}", charset="UTF-8"'
        return response


class _Grant(ClientCredentialsGrant):  # type: ignore[misc] # Authlib ships no types
    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar = _METHODS


class _Revocation(RevocationEndpoint):  # type: ignore[misc] # Authlib ships no types
    CLIENT_AUTH_METHODS: ClassVar = _METHODS

    def authenticate_token(self, asked: FlaskOAuth2Request, _client: Client) -> str:
        """The text to revoke: every one is answered alike (RFC 7009 §2.2)."""
        if "token" not in asked.form:
            raise InvalidRequestError(description="token is needed")
        return str(asked.form["token"])

    def revoke_token(self, token: str, asked: FlaskOAuth2Request) -> None:
        """Revoke it if it is the client's own."""
        reader = asked.client.recognised.reader
        with current_database().write() as connection:
            revoke_token(
                connection,
                current_signer(),
                reader.credential_id,
                token,
                now_us=current_instant_us(),
            )


def init_oauth(app: Flask) -> None:
    """Put the token endpoint into `app`."""
    server = _Server()
    # The generator has written the token down already.
    server.init_app(app, save_token=lambda _token, _request: None)
    server.register_client_auth_method("client_secret_basic", _authenticate_basic)
    server.register_client_auth_method("client_secret_post", _authenticate_post)
    server.register_token_generator("default", _generate_token)
    server.register_grant(_Grant)
    server.register_endpoint(_Revocation)
    app.extensions[_SERVER] = server
    app.add_url_rule("/oauth/token", "oauth.token", issue, methods=["POST"])
    app.add_url_rule("/oauth/revoke", "oauth.revoke", revoke, methods=["POST"])
    register_renderer(app, "/oauth/", render_oauth_error)


@door(Permission.PUBLIC)
def issue() -> Response:
    """POST /oauth/token: a Bearer token for a credential."""
    server: Any = current_app.extensions[_SERVER]
    fault = _find_fault(needed="grant_type")
    answer: Response = (
        server.handle_error_response(None, fault) if fault else server.create_token_response()
    )
    return answer


@door(Permission.PUBLIC)
def revoke() -> Response:
    """POST /oauth/revoke: a token of the calling credential is dead from now on."""
    server: Any = current_app.extensions[_SERVER]
    fault = _find_fault(needed="token")
    answer: Response = (
        server.handle_error_response(None, fault)
        if fault
        else server.create_endpoint_response(_Revocation.ENDPOINT_NAME)
    )
    return answer


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


def _authenticate_basic(_query: object, _request: object) -> Client | None:
    header = request.headers.get("Authorization")
    if not header:
        return None
    presented = read_authorization(header)
    if presented is not None and presented.scheme != "basic":
        presented = None
    return _client(presented)


def _authenticate_post(_query: object, _request: object) -> Client | None:
    credential_id, secret = request.form.get("client_id"), request.form.get("client_secret")
    if credential_id is None or secret is None:
        return None
    return _client(Presented("basic", credential_id, secret))


def _client(presented: Presented | None) -> Client:
    try:
        return Client(authenticate(presented))
    except CredentialRefused:
        raise InvalidClientError(
            description="unknown, wrong, revoked or expired", status_code=401
        ) from None


def _generate_token(client: Client, scope: str | None, **_other: object) -> dict[str, Any]:
    """Makes and records a token; Authlib's answer to the client."""
    allowed = client.get_allowed_scope(scope)
    if allowed is None:
        raise InvalidScopeError(description="this credential may not be used for all of that scope")
    reader = client.recognised.reader
    with current_database().write() as connection:
        issued = issue_token(
            connection,
            current_signer(),
            reader.credential_id,
            allowed.split(),
            seconds=current_settings().token_seconds,
            not_after_us=client.recognised.expires_us,
            now_us=current_instant_us(),
        )
    return {
        "token_type": "Bearer",
        "access_token": issued.token,
        "expires_in": issued.expires_in_seconds,
        "scope": " ".join(issued.scopes),
    }
