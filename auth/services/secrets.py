"""Secrets of credentials and tokens: 256 random bits, shown once, kept as keyed hashes."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from typing import Final

from kernel.signing import Signer

Randomness = Callable[[int], bytes]
"""So many random bytes; tests give their own."""

random_bytes: Final[Randomness] = secrets.token_bytes

_SECRET_BYTES: Final = 32
_ID_BYTES: Final = 10
# A word of our own in front lets scanners of repositories and logs find a secret that leaked.
_CREDENTIAL_PREFIX: Final = "comity_"
_TOKEN_PREFIX: Final = "comity_at_"  # noqa: S105 - a prefix, no secret
_SESSION_PREFIX: Final = "comity_se_"
_LINK_PREFIX: Final = "comity_li_"
_CODE_PREFIX: Final = "comity_ac_"
_REFRESH_PREFIX: Final = "comity_rt_"
# No credential is called so: whose id a client gives can be told from it.
_TOOL_PREFIX: Final = "tool-"


def make_credential_id(randomness: Randomness) -> str:
    """A short random id: 16 small letters and digits."""
    return base64.b32encode(randomness(_ID_BYTES)).decode().lower()


def make_secret(randomness: Randomness) -> str:
    """A credential's secret; letters and digits only, so that it survives any shell."""
    return _CREDENTIAL_PREFIX + randomness(_SECRET_BYTES).hex()


def make_token(randomness: Randomness) -> str:
    """A Bearer token."""
    return _TOKEN_PREFIX + randomness(_SECRET_BYTES).hex()


def hash_secret(signer: Signer, credential_id: str, secret: str) -> bytes:
    """What is kept of a credential's secret; useless for any other credential."""
    return signer.hash(f"credential:{credential_id}", secret)


def hash_token(signer: Signer, token: str) -> bytes:
    """What is kept of a token."""
    return signer.hash("token", token)


def make_session_token(randomness: Randomness) -> str:
    """What a browser's session cookie holds."""
    return _SESSION_PREFIX + randomness(_SECRET_BYTES).hex()


def hash_session_token(signer: Signer, token: str) -> bytes:
    """What is kept of a session's token."""
    return signer.hash("session", token)


def make_link_token(randomness: Randomness) -> str:
    """What the address of a one-time sign-in link holds."""
    return _LINK_PREFIX + randomness(_SECRET_BYTES).hex()


def hash_link_token(signer: Signer, token: str) -> bytes:
    """What is kept of a sign-in link's token."""
    return signer.hash("sign-in-link", token)


def make_tool_id(randomness: Randomness) -> str:
    """A tool's client id."""
    return _TOOL_PREFIX + make_credential_id(randomness)


def hash_tool_secret(signer: Signer, tool_id: str, secret: str) -> bytes:
    """What is kept of a tool's secret; useless for any other tool."""
    return signer.hash(f"tool:{tool_id}", secret)


def make_code(randomness: Randomness) -> str:
    """An authorization code (RFC 6749 §4.1.2)."""
    return _CODE_PREFIX + randomness(_SECRET_BYTES).hex()


def hash_code(signer: Signer, code: str) -> bytes:
    """What is kept of an authorization code."""
    return signer.hash("tool-code", code)


def make_refresh_token(randomness: Randomness) -> str:
    """A refresh token."""
    return _REFRESH_PREFIX + randomness(_SECRET_BYTES).hex()


def hash_refresh_token(signer: Signer, token: str) -> bytes:
    """What is kept of a refresh token."""
    return signer.hash("tool-refresh", token)
