"""Speaks with an identity provider: OpenID Connect Core 1.0, authorization code with PKCE.

What a provider says counts only when it is signed by a key that its issuer publishes, and made
for us, now, and for the sign-in that was begun. What does not live here: whom it then signs in.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any, Final

import orjson
import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from auth.queries.providers import Provider
from auth.services.secrets import Randomness, random_bytes
from kernel.clock import SECOND_US
from kernel.errors import BadInput
from kernel.outbound.addresses import Network
from kernel.outbound.budgets import Limits
from kernel.outbound.errors import OutboundError
from kernel.outbound.lending import lend
from kernel.outbound.targets import read_url
from kernel.outbound.transport import Answer, Sockets, Transport

_PATIENCE_SECONDS: Final = 5.0
_MOST_BYTES: Final = 512 * 1024
_LIMITS: Final = Limits(
    connect_seconds=_PATIENCE_SECONDS,
    idle_seconds=_PATIENCE_SECONDS,
    deadline_seconds=_PATIENCE_SECONDS,
    most_wire_bytes=_MOST_BYTES,
    most_body_bytes=_MOST_BYTES,
)
# The operator has named the issuer, wherever it is.
_ANYWHERE: Final = (ip_network("0.0.0.0/0"), ip_network("::/0"))
_LEEWAY_SECONDS: Final = 60
# Signatures by a key that the issuer alone has: never `none`, never a shared secret.
_ALGORITHMS: Final = ["RS256", "PS256", "ES256"]
_MOST_SUBJECT: Final = 255


@dataclass(frozen=True, slots=True)
class Journey:
    """A sign-in that was begun; the browser that began it keeps this until it comes back."""

    address: str
    state: str
    nonce: str
    verifier: str


def begin_journey(
    provider: Provider,
    back: str,
    *,
    allow: Sequence[Network] = (),
    randomness: Randomness = random_bytes,
) -> Journey:
    """Where to send the browser, which the provider sends back to `back`. Raises BadInput.

    `allow` lists the networks beside the public internet where a provider's endpoints may be.
    """
    state, nonce, verifier = (randomness(32).hex() for _ in range(3))
    with _ways(provider, allow) as ways, _session(provider, "", back) as session:
        address, _ = session.create_authorization_url(
            _endpoint(_discover(provider, ways), "authorization_endpoint"),
            state=state,
            nonce=nonce,
            code_verifier=verifier,
        )
    return Journey(address, state, nonce, verifier)


def end_journey(
    provider: Provider,
    secret: str,
    back: str,
    journey: Journey,
    told: Mapping[str, str],
    *,
    allow: Sequence[Network] = (),
    now_us: int,
) -> str:
    """As whom the provider knows who came back (its subject); `told` is the query it came with.

    Raises BadInput (`auth.provider-refused`), whatever is wrong.
    """
    if not hmac.compare_digest(told.get("state", "").encode(), journey.state.encode()):
        raise _refused()
    if told.get("iss", provider.issuer) != provider.issuer or not told.get("code"):
        raise _refused()
    try:
        with _ways(provider, allow) as ways, _session(provider, secret, back) as session:
            lend(session, ways)
            found = _discover(provider, ways)
            answer = session.fetch_token(
                _endpoint(found, "token_endpoint"),
                code=told["code"],
                code_verifier=journey.verifier,
                grant_type="authorization_code",
                allow_redirects=False,
            )
            keys = KeySet.import_key_set(
                _read(ways, _endpoint(found, "jwks_uri"))  # type: ignore[arg-type]
            )
        token = jwt.decode(str(answer["id_token"]), keys, algorithms=_ALGORITHMS)
        return _subject_of(token.claims, provider, journey, now_us)
    except (AuthlibBaseError, JoseError, requests.RequestException):
        raise _refused() from None
    except (ValueError, KeyError, TypeError):
        raise _refused() from None


def _subject_of(
    claims: Mapping[str, Any], provider: Provider, journey: Journey, now_us: int
) -> str:
    """Checks the claims of an ID token (OpenID Connect Core 1.0 §3.1.3.7)."""
    registry = jwt.JWTClaimsRegistry(
        now=now_us // SECOND_US,
        leeway=_LEEWAY_SECONDS,
        iss={"essential": True, "value": provider.issuer},
        aud={"essential": True, "value": provider.client_id},
        nonce={"essential": True, "value": journey.nonce},
        exp={"essential": True},
        iat={"essential": True},
        sub={"essential": True},
    )
    registry.validate(dict(claims))
    audience = claims["aud"]
    is_shared = isinstance(audience, list) and len(audience) > 1
    if is_shared and claims.get("azp") != provider.client_id:
        raise _refused()
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= _MOST_SUBJECT:
        raise _refused()
    return subject


def _session(provider: Provider, secret: str, back: str) -> OAuth2Session:
    return OAuth2Session(
        provider.client_id,
        secret,
        scope="openid",
        redirect_uri=back,
        code_challenge_method="S256",
        token_endpoint_auth_method="client_secret_basic",  # noqa: S106 - a method, no secret
    )


@contextmanager
def _ways(provider: Provider, allow: Sequence[Network]) -> Iterator[Transport]:
    """To the issuer's own origin, wherever that is; to what it names, as to anybody's server."""
    own = Sockets(allow=_ANYWHERE, limits=_LIMITS)
    others = Sockets(allow=allow, limits=_LIMITS)

    def ask(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        is_own = read_url(url).origin == read_url(provider.issuer).origin
        return (own if is_own else others)(method, url, headers, body)

    try:
        yield ask
    finally:
        own.close()
        others.close()


def _discover(provider: Provider, ways: Transport) -> dict[str, Any]:
    """What the issuer says of itself (OpenID Connect Discovery 1.0 §4)."""
    found = _read(ways, f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration")
    if found.get("issuer") != provider.issuer:
        raise _refused()
    return found


def _endpoint(found: Mapping[str, Any], name: str) -> str:
    address = found.get(name)
    is_safe = isinstance(address, str) and (
        address.startswith("https:") or str(found["issuer"]).startswith("http:")
    )
    if not is_safe:
        raise _refused()
    return str(address)


def _read(ways: Transport, address: str) -> dict[str, Any]:
    try:
        answer = ways("GET", address, {"Accept": "application/json"}, None)
        document = orjson.loads(answer.body) if answer.status == requests.codes.ok else None
    except (OutboundError, ValueError):
        raise _refused() from None
    if not isinstance(document, dict):
        raise _refused()
    return document


def _refused() -> BadInput:
    return BadInput(
        "auth.provider-refused",
        "your member's identity provider does not answer, or what it answers does not hold",
    )
