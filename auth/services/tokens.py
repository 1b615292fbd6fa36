"""Bearer tokens: opaque, random, of one credential, kept as keyed hashes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, or_, select, update

from auth.reader import SCOPES
from auth.services.secrets import Randomness, hash_token, make_token, random_bytes
from auth.tables import token
from kernel.clock import DAY_US, SECOND_US
from kernel.signing import Signer

# A client that asks for a token per request replaces its own oldest, nobody else's.
_MOST_TOKENS = 200
_KEPT_US = DAY_US


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token, what it may be used for, and for how many seconds."""

    token: str
    scopes: tuple[str, ...]
    expires_in_seconds: int


def issue_token(
    connection: Connection,
    signer: Signer,
    credential_id: str,
    scopes: Collection[str],
    *,
    seconds: int,
    not_after_us: int | None,
    now_us: int,
    randomness: Randomness = random_bytes,
) -> IssuedToken:
    """Issue a token for `scopes`, for `seconds` but never past `not_after_us`."""
    end_us = now_us + seconds * SECOND_US
    if not_after_us is not None:
        end_us = min(end_us, not_after_us)
    _make_room(connection, credential_id, now_us)
    ordered = tuple(scope for scope in SCOPES if scope in scopes)
    text = make_token(randomness)
    connection.execute(
        insert(token).values(
            hash=hash_token(signer, text),
            credential_id=credential_id,
            scopes=" ".join(ordered),
            issued_us=now_us,
            expires_us=end_us,
        )
    )
    return IssuedToken(text, ordered, max(0, (end_us - now_us) // SECOND_US))


def revoke_token(
    connection: Connection, signer: Signer, credential_id: str, text: str, *, now_us: int
) -> None:
    """Revoke a token of this credential; any other text is left alone (RFC 7009 §2.2)."""
    connection.execute(
        update(token)
        .where(
            token.c.hash == hash_token(signer, text),
            token.c.credential_id == credential_id,
            token.c.revoked_us.is_(None),
        )
        .values(revoked_us=now_us)
    )


def find_granted(connection: Connection, signer: Signer, text: str) -> str | None:
    """The id of the credential that a token was issued for, whatever became of either."""
    kept = select(token.c.credential_id).where(token.c.hash == hash_token(signer, text))
    credential_id: str | None = connection.execute(kept).scalar()
    return credential_id


def has_dead_tokens(connection: Connection, *, now_us: int) -> bool:
    """Whether there is a token to forget."""
    dead = select(token.c.hash).where(token.c.expires_us <= now_us - _KEPT_US)
    return connection.execute(dead.limit(1)).first() is not None


def forget_tokens(connection: Connection, *, now_us: int) -> int:
    """Remove the tokens that expired a day ago or earlier; how many there were."""
    dead = token.c.expires_us <= now_us - _KEPT_US
    return connection.execute(delete(token).where(dead)).rowcount


def _make_room(connection: Connection, credential_id: str, now_us: int) -> None:
    """Forget the credential's dead tokens, everybody's long expired ones, and the surplus."""
    dead = or_(token.c.expires_us <= now_us, token.c.revoked_us.is_not(None))
    connection.execute(delete(token).where(token.c.credential_id == credential_id, dead))
    forget_tokens(connection, now_us=now_us)
    surplus = (
        select(token.c.hash)
        .where(token.c.credential_id == credential_id)
        .order_by(token.c.issued_us.desc(), token.c.hash)
        .offset(_MOST_TOKENS - 1)
    )
    hashes = connection.execute(surplus.limit(_MOST_TOKENS)).scalars().all()
    if hashes:
        connection.execute(delete(token).where(token.c.hash.in_(hashes)))
