"""Authlib's server as this installation has it: what it reads of a request, how it answers."""

from __future__ import annotations

import json
from typing import Any, Final

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.integrations.flask_oauth2.requests import FlaskOAuth2Payload, FlaskOAuth2Request
from authlib.oauth2.rfc6749 import OAuth2Request
from authlib.oauth2.rfc9207 import IssuerParameter
from flask import Flask, Response, current_app, request
from werkzeug.datastructures import MultiDict

from auth.doors import current_signed
from auth.oauth.clients import ToolClient
from auth.queries.tools import find_tool
from web.errors import REALM
from web.installation import current_database, public_base

_SERVER: Final = "comity.oauth"


class _Payload(FlaskOAuth2Payload):  # type: ignore[misc] # Authlib ships no types
    """The parameters of a form, or of an address that is looked at; never of both.

    A grant or a secret in a query string is not read.
    """

    @property
    def data(self) -> MultiDict[str, str]:
        return request.args if request.method in {"GET", "HEAD"} else request.form

    @property
    def response_type(self) -> str:
        # Authlib repeats what it does not know, and fails on letters that may not stand there.
        return "code" if self.data.get("response_type") == "code" else "other"


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


class _Issuer(IssuerParameter):  # type: ignore[misc] # Authlib ships no types
    """Every answer to a tool's request says by whom it is (RFC 9207)."""

    def get_issuer(self) -> str:
        return public_base()


ISSUER: Final = _Issuer()


class Server(AuthorizationServer):  # type: ignore[misc] # Authlib ships no types
    """Whoever makes a token writes it down: nothing is saved here."""

    def __init__(self) -> None:
        super().__init__(query_client=find_client, save_token=lambda _token, _request: None)

    def create_oauth2_request(self, _request: object) -> FlaskOAuth2Request:
        """The current request."""
        made = _Request()
        made.payload = _Payload(request)
        return made

    def handle_response(self, status: int, body: Any, headers: Any) -> Response:  # noqa: ANN401
        """Authlib's answer; a 401 names our realm, and who is led on looks there (HTTP 303)."""
        content = json.dumps(body) if isinstance(body, dict) else body
        response = Response(content, status=303 if status == 302 else status, headers=headers)
        if status == 401:
            response.headers["WWW-Authenticate"] = f'Basic realm="{REALM}", charset="UTF-8"'
        return response


def keep_server(app: Flask, server: Server) -> None:
    """Let `app` answer by this server."""
    app.extensions[_SERVER] = server


def current_server() -> Server:
    """The server of the application that answers this request."""
    server: Server = current_app.extensions[_SERVER]
    return server


def find_client(client_id: str) -> ToolClient | None:
    """The tool with this id that the person who is signed in may let in.

    One of another member, one that is revoked and one that never was are alike.
    """
    with current_database().read() as connection:
        found = find_tool(connection, client_id)
    may = found is not None and found.is_for(current_signed().reader.member_id)
    return ToolClient(found) if may and found is not None else None
