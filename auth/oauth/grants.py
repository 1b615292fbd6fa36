"""What can be exchanged for tokens, as Authlib's grants; and revoking them.

A token is written down by whoever makes it. A code or a refresh token that comes a second time
ends its grant: one of the two who had it should not have had it (RFC 9700 §4.14.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from authlib.integrations.flask_oauth2.requests import FlaskOAuth2Request
from authlib.oauth2.rfc6749.errors import (
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
)
from authlib.oauth2.rfc6749.grants import (
    AuthorizationCodeGrant,
    ClientCredentialsGrant,
    RefreshTokenGrant,
)
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc7636.challenge import compare_s256_code_challenge

from auth.authentication import slow_failure
from auth.oauth.clients import WITH_OR_WITHOUT, WITH_SECRET, Client, ToolClient
from auth.queries.credentials import find_by_grant
from auth.queries.tools import Code, Refresh, find_code, find_refresh
from auth.rules import is_s256_challenge
from auth.services.credentials import revoke_credential
from auth.services.grants import Agreement, Entered, agree, end_reused, redeem_code, renew
from auth.services.secrets import hash_code, hash_refresh_token
from auth.services.tokens import IssuedToken, find_granted, issue_token, revoke_token
from kernel.errors import BadInput, Conflict
from web.installation import (
    current_database,
    current_instant_us,
    current_settings,
    current_signer,
)


class CredentialsGrant(ClientCredentialsGrant):  # type: ignore[misc] # Authlib ships no types
    """RFC 6749 §4.4: a credential asks for itself."""

    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar = WITH_SECRET


@dataclass(frozen=True, slots=True)
class _AuthlibsCode:
    """A code as Authlib looks at one."""

    kept: Code

    @property
    def code_challenge(self) -> str:
        return self.kept.challenge

    @property
    def code_challenge_method(self) -> str:
        return "S256"

    def get_redirect_uri(self) -> str:
        return self.kept.redirect_uri

    def get_scope(self) -> str:
        return " ".join(self.kept.scopes)


@dataclass(frozen=True, slots=True)
class _AuthlibsRefresh:
    """A refresh token as Authlib looks at one."""

    kept: Refresh

    def check_client(self, client: ToolClient) -> bool:
        return self.kept.tool_id == client.tool.id

    def get_scope(self) -> str:
        return " ".join(self.kept.scopes)


class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc] # Authlib ships no types
    """RFC 6749 §4.1: a tool comes back with what a person agreed to."""

    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar = WITH_OR_WITHOUT

    @staticmethod
    def validate_authorization_redirect_uri(asked: FlaskOAuth2Request, client: ToolClient) -> str:
        """Where the tool is answered. Raises BadInput: nobody is ever led to another address."""
        wanted: str = asked.payload.redirect_uri or ""
        if len(asked.payload.datalist["redirect_uri"]) != 1 or not client.check_redirect_uri(
            wanted
        ):
            raise BadInput(
                "auth.bad-redirect",
                "this tool asks to be answered at an address that it is not registered with; "
                "nothing was granted, and you are not led there",
            )
        return wanted

    def save_authorization_code(self, code: str, asked: FlaskOAuth2Request) -> None:
        """Nothing: it was written down when it was made."""

    def generate_authorization_code(self) -> str:
        """The code for what the person agreed to."""
        agreed: Agreement = self.request.user
        with current_database().write() as connection:
            return agree(connection, current_signer(), agreed, now_us=current_instant_us())

    def query_authorization_code(self, code: str, client: ToolClient) -> _AuthlibsCode | None:
        """The code, if it is this client's and good; a used one ends its grant."""
        with current_database().read() as connection:
            found = find_code(connection, hash_code(current_signer(), code))
        if found is None or found.tool_id != client.tool.id:
            slow_failure(client.tool.id, f"tool:{client.tool.id}")
            return None
        if found.used_us is not None:
            _end_reused(found.credential_id, "code")
            return None
        return _AuthlibsCode(found) if found.expires_us > current_instant_us() else None

    def authenticate_user(self, authorization_code: _AuthlibsCode) -> _AuthlibsCode:
        """What the tokens are made from; whether its person may act is looked at there."""
        return authorization_code

    def delete_authorization_code(self, authorization_code: _AuthlibsCode) -> None:
        """Nothing: it is kept, used, to tell a second use."""


class Challenge(CodeChallenge):  # type: ignore[misc] # Authlib ships no types
    """RFC 7636 with S256 alone, for every tool."""

    DEFAULT_CODE_CHALLENGE_METHOD = "S256"
    SUPPORTED_CODE_CHALLENGE_METHOD: ClassVar = ["S256"]
    CODE_CHALLENGE_METHODS: ClassVar = {"S256": compare_s256_code_challenge}

    def validate_code_challenge(self, grant: CodeGrant, redirect_uri: str) -> None:
        """Refuse a request without one; `plain`, and no method at all, are none."""
        payload = grant.request.payload
        super().validate_code_challenge(grant, redirect_uri)
        if payload.data.get("code_challenge_method") != "S256" or not is_s256_challenge(
            payload.data.get("code_challenge", "")
        ):
            raise InvalidRequestError(
                "a code_challenge of the method S256 is needed", redirect_uri=redirect_uri
            )


class RenewingGrant(RefreshTokenGrant):  # type: ignore[misc] # Authlib ships no types
    """RFC 6749 §6: each refresh token is used once, for new tokens."""

    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar = WITH_OR_WITHOUT
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> _AuthlibsRefresh | None:
        """The token, if it is this client's and good; a used one ends its grant."""
        tool = self.request.client.tool
        with current_database().read() as connection:
            found = find_refresh(connection, hash_refresh_token(current_signer(), refresh_token))
        if found is None or found.tool_id != tool.id:
            slow_failure(tool.id, f"tool:{tool.id}")
            return None
        if found.used_us is not None:
            _end_reused(found.credential_id, "refresh-token")
            return None
        return _AuthlibsRefresh(found)

    def _validate_token_scope(self, token: _AuthlibsRefresh) -> None:
        # A client asks again for what the person ticked off: it is answered with less (RFC 6749
        # §3.3), and refused where nothing is left.
        asked = (self.request.payload.scope or "").split()
        if asked and set(asked).isdisjoint(token.kept.scopes):
            raise InvalidScopeError

    def authenticate_user(self, refresh_token: _AuthlibsRefresh) -> _AuthlibsRefresh:
        """What the tokens are made from; whether its person may act is looked at there."""
        return refresh_token

    def revoke_old_credential(self, refresh_token: _AuthlibsRefresh) -> None:
        """Nothing: it was marked as used when the new one was made."""


class Revocation(RevocationEndpoint):  # type: ignore[misc] # Authlib ships no types
    """RFC 7009: a client ends a token of its own."""

    CLIENT_AUTH_METHODS: ClassVar = WITH_OR_WITHOUT

    def authenticate_token(self, asked: FlaskOAuth2Request, _client: object) -> str:
        """The text to revoke: every one is answered alike (RFC 7009 §2.2)."""
        if "token" not in asked.form:
            raise InvalidRequestError(description="token is needed")
        return str(asked.form["token"])

    def revoke_token(self, token: str, asked: FlaskOAuth2Request) -> None:
        """Revoke it if it is the client's own; a refresh token takes its grant along."""
        client, now_us = asked.client, current_instant_us()
        if isinstance(client, ToolClient):
            _revoke_of_tool(client, token, now_us)
            return
        with current_database().write() as connection:
            revoke_token(
                connection,
                current_signer(),
                client.recognised.reader.credential_id,
                token,
                now_us=now_us,
            )


def make_own_token(client: Client, scope: str | None, **_other: object) -> dict[str, Any]:
    """Makes and records a token for a credential; Authlib's answer to the client."""
    allowed = client.get_allowed_scope(scope)
    if allowed is None:
        raise InvalidScopeError(description="this credential may not be used for all of that scope")
    with current_database().write() as connection:
        issued = issue_token(
            connection,
            current_signer(),
            client.recognised.reader.credential_id,
            allowed.split(),
            seconds=current_settings().token_seconds,
            not_after_us=client.recognised.expires_us,
            now_us=current_instant_us(),
        )
    return _told(issued)


def make_first_tokens(user: _AuthlibsCode, **_other: object) -> dict[str, Any]:
    """Makes and records the tokens for a code; Authlib's answer to the tool."""
    try:
        with current_database().write() as connection:
            entered = redeem_code(
                connection,
                current_signer(),
                user.kept,
                seconds=current_settings().token_seconds,
                now_us=current_instant_us(),
            )
    except Conflict:
        # Somebody else may have come with it meanwhile.
        with current_database().read() as connection:
            found = find_code(connection, user.kept.hash)
        if found is not None and found.used_us is not None:
            _end_reused(found.credential_id, "code")
        raise InvalidGrantError from None
    return _told_with_refresh(entered)


def make_next_tokens(user: _AuthlibsRefresh, scope: str, **_other: object) -> dict[str, Any]:
    """Makes and records the tokens for a refresh token; Authlib's answer to the tool."""
    try:
        with current_database().write() as connection:
            entered = renew(
                connection,
                current_signer(),
                user.kept,
                scope.split(),
                seconds=current_settings().token_seconds,
                now_us=current_instant_us(),
            )
    except Conflict:
        with current_database().read() as connection:
            found = find_refresh(connection, user.kept.hash)
        if found is not None and found.used_us is not None:
            _end_reused(found.credential_id, "refresh-token")
        raise InvalidGrantError from None
    return _told_with_refresh(entered)


def _end_reused(credential_id: str | None, what: Literal["code", "refresh-token"]) -> None:
    if credential_id is not None:
        with current_database().write() as connection:
            end_reused(connection, credential_id, what, now_us=current_instant_us())


def _revoke_of_tool(client: ToolClient, text: str, now_us: int) -> None:
    signer = current_signer()
    with current_database().write() as connection:
        refresh = find_refresh(connection, hash_refresh_token(signer, text))
        if refresh is not None and refresh.tool_id == client.tool.id:
            actor = f"credential:{refresh.credential_id}"
            revoke_credential(connection, refresh.credential_id, actor=actor, now_us=now_us)
            return
        credential_id = find_granted(connection, signer, text)
        granted = find_by_grant(connection, credential_id, now_us=now_us) if credential_id else None
        if granted is not None and granted.reader.tool_id == client.tool.id:
            revoke_token(connection, signer, granted.reader.credential_id, text, now_us=now_us)


def _told(issued: IssuedToken) -> dict[str, Any]:
    return {
        "token_type": "Bearer",
        "access_token": issued.token,
        "expires_in": issued.expires_in_seconds,
        "scope": " ".join(issued.scopes),
    }


def _told_with_refresh(entered: Entered) -> dict[str, Any]:
    return _told(entered.access) | {"refresh_token": entered.refresh}
