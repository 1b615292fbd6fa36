"""Members' own identity providers: set, removed, and bound to people by issuer and subject.

What does not live here: speaking with a provider (auth.services.oidc).
"""

from __future__ import annotations

import base64
from typing import Final
from urllib.parse import urlsplit

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import Connection, delete, insert

from auth.queries.members import expect_member, find_member
from auth.queries.persons import Person
from auth.queries.providers import Provider
from auth.services.audit import record_audit
from auth.services.unique import refusing_duplicates
from auth.tables import identity_provider, person_identity
from kernel.errors import BadInput, Misconfigured, NotFound
from kernel.signing import Signer

_PURPOSES: Final = ("provider-secret",)
_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_MOST_CHARACTERS: Final = 500


def set_provider(
    connection: Connection,
    signer: Signer,
    member_code: str,
    *,
    issuer: str,
    client_id: str,
    secret: str,
    actor: str,
    now_us: int,
) -> None:
    """Let a member's people sign in at its own provider. Raises BadInput and NotFound.

    People whom an earlier provider of the member knew have to be bound again.
    """
    _check(issuer, client_id, secret)
    member = expect_member(connection, member_code)
    connection.execute(delete(identity_provider).where(identity_provider.c.member_id == member.id))
    connection.execute(
        insert(identity_provider).values(
            member_id=member.id,
            issuer=issuer,
            client_id=client_id,
            secret=_cipher(signer).encrypt(secret.encode()),
            created_us=now_us,
        )
    )
    record_audit(
        connection,
        actor,
        "provider.set",
        f"member:{member.code}",
        member_id=member.id,
        detail={"issuer": issuer, "client_id": client_id},
        now_us=now_us,
    )


def remove_provider(connection: Connection, member_code: str, *, actor: str, now_us: int) -> None:
    """Let nobody sign in there any more. Raises NotFound."""
    member = find_member(connection, member_code)
    own = identity_provider.c.member_id == (member.id if member is not None else None)
    if member is None or connection.execute(delete(identity_provider).where(own)).rowcount == 0:
        raise NotFound(
            "auth.unknown-provider", f"no identity provider is set for a member {member_code!r}"
        )
    record_audit(
        connection,
        actor,
        "provider.remove",
        f"member:{member.code}",
        member_id=member.id,
        now_us=now_us,
    )


def open_secret(signer: Signer, provider: Provider) -> str:
    """The client's secret at the provider. Raises Misconfigured under another secret key."""
    try:
        return _cipher(signer).decrypt(provider.secret).decode()
    except InvalidToken:
        raise Misconfigured(
            "auth.provider-secret-lost",
            "the provider's secret was kept under another secret key; set the provider again",
        ) from None


def bind_identity(
    connection: Connection,
    provider: Provider,
    person: Person,
    subject: str,
    *,
    actor: str,
    now_us: int,
) -> None:
    """Let whom the provider knows as `subject` sign in as this person.

    Raises Conflict (`auth.identity-bound`) where that is somebody already.
    """
    connection.execute(delete(person_identity).where(person_identity.c.person_id == person.id))
    with refusing_duplicates("auth.identity-bound", "that identity signs somebody in already"):
        connection.execute(
            insert(person_identity).values(
                issuer=provider.issuer, subject=subject, person_id=person.id, created_us=now_us
            )
        )
    _record(connection, "identity.bind", person, provider.issuer, actor, now_us)


def free_identity(
    connection: Connection, provider: Provider, person: Person, *, actor: str, now_us: int
) -> None:
    """Let nobody sign in as this person at the provider. Raises NotFound."""
    own = person_identity.c.person_id == person.id
    if connection.execute(delete(person_identity).where(own)).rowcount == 0:
        raise NotFound("auth.unknown-identity", "your member's provider does not know you here")
    _record(connection, "identity.free", person, provider.issuer, actor, now_us)


def _check(issuer: str, client_id: str, secret: str) -> None:
    parts = urlsplit(issuer)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL)
    if not is_safe or not parts.hostname or parts.query or parts.fragment:
        raise BadInput(
            "auth.bad-provider", "the issuer is an address that begins with https:, without query"
        )
    for text in (issuer, client_id, secret):
        if not text or len(text) > _MOST_CHARACTERS or not text.isprintable():
            raise BadInput(
                "auth.bad-provider",
                f"issuer, client and secret are 1 to {_MOST_CHARACTERS} characters in one line",
            )


def _cipher(signer: Signer) -> MultiFernet:
    """Of the installation's key: the first encrypts, each of them opens."""
    keys = [base64.urlsafe_b64encode(signer.hash(purpose, "")) for purpose in _PURPOSES]
    return MultiFernet([Fernet(key) for key in keys])


def _record(
    connection: Connection, action: str, person: Person, issuer: str, actor: str, now_us: int
) -> None:
    record_audit(
        connection,
        actor,
        action,
        f"person:{person.email}",
        member_id=person.member_id,
        detail={"issuer": issuer},
        now_us=now_us,
    )
