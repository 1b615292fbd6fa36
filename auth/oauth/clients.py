"""Who asks for tokens: a credential for itself, or a tool for a person who let it in.

A client id tells which of the two it is. Secrets come as HTTP Basic or in the form.
"""

from __future__ import annotations

import hmac
from typing import Final

from authlib.oauth2.rfc6749 import ClientMixin
from authlib.oauth2.rfc6749.errors import InvalidClientError
from flask import request

from auth.authentication import (
    CredentialRefused,
    Presented,
    authenticate,
    read_authorization,
    slow_failure,
)
from auth.queries.credentials import Recognised
from auth.queries.tools import Tool, find_tool
from auth.reader import SCOPES
from auth.rules import is_redirect_to, is_tool_id
from auth.services.secrets import hash_tool_secret
from web.installation import current_database, current_signer

WITH_SECRET: Final = ["client_secret_basic", "client_secret_post"]
WITH_OR_WITHOUT: Final = [*WITH_SECRET, "none"]
_NO_HASH: Final = bytes(32)


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
        return _allowed(scope, self.recognised.reader.scopes)


class ToolClient(ClientMixin):  # type: ignore[misc] # Authlib ships no types
    """A registered tool as Authlib's client."""

    def __init__(self, tool: Tool) -> None:
        self.tool = tool

    def get_client_id(self) -> str:
        """Its id, as registered."""
        return self.tool.id

    def get_default_redirect_uri(self) -> str | None:
        """None: where it wants to be answered is said in each request."""
        return None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Whether it registered that address (RFC 9700 §2.1)."""
        return any(is_redirect_to(one, redirect_uri) for one in self.tool.redirects)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:  # noqa: ARG002
        """A tool with a secret proves that it has it, one without says its id."""
        return (method == "none") == self.tool.is_public

    def check_response_type(self, response_type: str) -> bool:
        """Codes, and nothing else."""
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        """Tools act for people, never for themselves."""
        return grant_type in {"authorization_code", "refresh_token"}

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """The scopes that are asked for, or all that it may ask for; None refuses."""
        return _allowed(scope, frozenset(self.tool.scopes))


def authenticate_basic(_query: object, _request: object) -> ClientMixin | None:
    """The client whose id and secret are in the header; None where there is no header."""
    header = request.headers.get("Authorization")
    if not header:
        return None
    presented = read_authorization(header)
    return _client(presented if presented is not None and presented.scheme == "basic" else None)


def authenticate_post(_query: object, _request: object) -> ClientMixin | None:
    """The client whose id and secret are in the form; None unless both are."""
    client_id, secret = request.form.get("client_id"), request.form.get("client_secret")
    if client_id is None or secret is None:
        return None
    return _client(Presented("basic", client_id, secret))


def authenticate_none(_query: object, _request: object) -> ToolClient | None:
    """The public tool whose id is in the form, with no secret beside it."""
    client_id = request.form.get("client_id", "")
    if "client_secret" in request.form or not is_tool_id(client_id):
        return None
    found = _find(client_id)
    if found is None or not found.is_public:
        raise _refused(client_id)
    return ToolClient(found)


def _client(presented: Presented | None) -> ClientMixin:
    if presented is not None and is_tool_id(presented.id):
        return _tool(presented.id, presented.secret)
    try:
        return Client(authenticate(presented))
    except CredentialRefused:
        raise InvalidClientError(
            description="unknown, wrong, revoked or expired", status_code=401
        ) from None


def _tool(tool_id: str, secret: str) -> ToolClient:
    found = _find(tool_id)
    # Hashed and compared for an unknown id too, so that time tells nothing.
    kept = found.secret_hash if found is not None else None
    given = hash_tool_secret(current_signer(), tool_id, secret)
    if not hmac.compare_digest(given, kept or _NO_HASH) or found is None:
        raise _refused(tool_id)
    return ToolClient(found)


def _find(tool_id: str) -> Tool | None:
    with current_database().read() as connection:
        found = find_tool(connection, tool_id)
    return found if found is not None and found.revoked_us is None else None


def _refused(tool_id: str) -> InvalidClientError:
    slow_failure(tool_id, f"tool:{tool_id}")
    return InvalidClientError(description="unknown, wrong, revoked or expired", status_code=401)


def _allowed(scope: str | None, allowed: frozenset[str]) -> str | None:
    asked = set((scope or "").split()) or allowed
    if not asked or not asked <= allowed:
        return None
    return " ".join(name for name in SCOPES if name in asked)
