"""Issue, revoke and rotate API credentials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from auth.queries.credentials import Credential, find_credential
from auth.queries.forums import find_forum
from auth.queries.members import expect_member
from auth.queries.persons import find_person
from auth.queries.seats import find_partner
from auth.reader import Reader
from auth.rules import check_name, check_one_of, check_scopes
from auth.services.audit import record_audit
from auth.services.secrets import (
    Randomness,
    hash_secret,
    make_credential_id,
    make_secret,
    random_bytes,
)
from auth.tables import credential, partner, token
from kernel.errors import BadInput, Conflict, NotFound
from kernel.signing import Signer

KINDS = ("machine", "individual")


@dataclass(frozen=True, slots=True)
class NewCredential:
    """What a credential is to be: a member's (by code), a partner's (`FORUM/NAME`), or that of
    a forum's secretariat (by slug).
    """

    name: str
    member_code: str | None = None
    partner: str | None = None
    kind: str = "machine"
    person_email: str | None = None
    scopes: Sequence[str] = ()
    expires_us: int | None = None
    secretariat: str | None = None


@dataclass(frozen=True, slots=True)
class Issued:
    """A credential with its secret, which is nowhere to be read again."""

    id: str
    secret: str


@dataclass(frozen=True, slots=True)
class _Owner:
    member_id: int | None = None
    partner_id: int | None = None
    forum_id: int | None = None


def add_credential(
    connection: Connection,
    signer: Signer,
    new: NewCredential,
    *,
    actor: str,
    now_us: int,
    randomness: Randomness = random_bytes,
) -> Issued:
    """Issue a credential to a member, a partner or a secretariat.

    Raises BadInput, NotFound for an unknown member, partner or person, and Conflict when the
    person acts for somebody else or the partner has ended.
    """
    name = check_name("--name", new.name)
    check_one_of("--kind", new.kind, KINDS)
    scopes = check_scopes(new.scopes, of_partner=new.partner is not None)
    if new.expires_us is not None and new.expires_us <= now_us:
        raise BadInput("auth.bad-expiry", "--expires must be an instant in the future")
    owner = _find_owner(connection, new)
    person_id = _find_person_id(connection, new, owner)
    issued = Issued(make_credential_id(randomness), make_secret(randomness))
    connection.execute(
        insert(credential).values(
            id=issued.id,
            name=name,
            kind=new.kind,
            member_id=owner.member_id,
            partner_id=owner.partner_id,
            forum_id=owner.forum_id,
            person_id=person_id,
            scopes=" ".join(scopes),
            secret_hash=hash_secret(signer, issued.id, issued.secret),
            created_us=now_us,
            expires_us=new.expires_us,
        )
    )
    record_audit(
        connection,
        actor,
        "credential.add",
        f"credential:{issued.id}",
        member_id=owner.member_id,
        detail={"name": name, "kind": new.kind, "scopes": scopes},
        now_us=now_us,
    )
    return issued


def revoke_credential(
    connection: Connection, credential_id: str, *, actor: str, now_us: int
) -> Credential:
    """Revoke a credential and its tokens for good; what it was. Raises NotFound.

    One that is revoked already stays as it is.
    """
    found = _expect(connection, credential_id)
    if found.revoked_us is not None:
        return found
    connection.execute(
        update(credential).where(credential.c.id == found.id).values(revoked_us=now_us)
    )
    _revoke_tokens(connection, found.id, now_us)
    _record(connection, "credential.revoke", found, actor, now_us)
    return found


def rotate_credential(
    connection: Connection,
    signer: Signer,
    credential_id: str,
    *,
    actor: str,
    now_us: int,
    randomness: Randomness = random_bytes,
) -> Issued:
    """Give a credential a new secret; the old one and all tokens are dead at once.

    Raises NotFound, and Conflict for a revoked or expired credential, and for what a person
    granted a tool, which never has a secret.
    """
    found = _expect(connection, credential_id)
    if found.tool_id is not None:
        raise Conflict(
            "auth.credential-of-tool",
            "a tool acts under this one by its tokens alone; revoke it, and let the tool in anew",
        )
    if found.revoked_us is not None or (found.expires_us or now_us + 1) <= now_us:
        raise Conflict(
            "auth.credential-ended",
            "this credential was revoked or has expired; add a new one with "
            "`comity credential add`",
        )
    issued = Issued(found.id, make_secret(randomness))
    connection.execute(
        update(credential)
        .where(credential.c.id == found.id)
        .values(secret_hash=hash_secret(signer, found.id, issued.secret))
    )
    _revoke_tokens(connection, found.id, now_us)
    _record(connection, "credential.rotate", found, actor, now_us)
    return issued


def may_change(reader: Reader, found: Credential) -> bool:
    """A credential changes itself, a person its own, a member-admin every one of the member.

    A tool changes no other than its own, whoever let it in: it would rise above its scopes.
    """
    if found.id == reader.credential_id:
        return True
    if reader.tool_id is not None:
        return False
    if reader.member_id is None or found.member_id != reader.member_id:
        return False
    is_own = found.person_email is not None and reader.actor == f"person:{found.person_email}"
    return is_own or (reader.roles is not None and "member-admin" in reader.roles)


def check_may_change(reader: Reader, found: Credential | None) -> None:
    """Raises NotFound, for one of somebody else and one that never was alike."""
    if found is None or not may_change(reader, found):
        raise NotFound("auth.unknown-credential", "no such credential that you may change")


def _expect(connection: Connection, credential_id: str) -> Credential:
    found = find_credential(connection, credential_id)
    if found is None:
        raise NotFound(
            "auth.unknown-credential",
            f"no credential has the id {credential_id!r}; see `comity credential list CODE`",
        )
    return found


def _revoke_tokens(connection: Connection, credential_id: str, now_us: int) -> None:
    connection.execute(
        update(token)
        .where(token.c.credential_id == credential_id, token.c.revoked_us.is_(None))
        .values(revoked_us=now_us)
    )


def _record(
    connection: Connection, action: str, found: Credential, actor: str, now_us: int
) -> None:
    record_audit(
        connection,
        actor,
        action,
        f"credential:{found.id}",
        member_id=found.member_id,
        now_us=now_us,
    )


def _find_owner(connection: Connection, new: NewCredential) -> _Owner:
    owners = (new.member_code, new.partner, new.secretariat)
    if sum(one is not None for one in owners) != 1:
        raise BadInput(
            "auth.bad-owner",
            "a credential acts for one of: a member (CODE), a partner (--partner), "
            "a forum's secretariat (--secretariat)",
        )
    if new.secretariat is not None:
        forum = find_forum(connection, new.secretariat)
        if forum is None:
            raise NotFound(
                "auth.unknown-forum",
                f"there is no forum {new.secretariat!r}; see `comity forum list`",
            )
        return _Owner(forum_id=forum.id)
    if new.partner is not None:
        return _Owner(partner_id=_find_partner_id(connection, new.partner))
    return _Owner(member_id=expect_member(connection, new.member_code or "").id)


def _find_partner_id(connection: Connection, written: str) -> int:
    slug, _, name = written.partition("/")
    forum = find_forum(connection, slug)
    found = find_partner(connection, forum.id, name) if forum is not None else None
    if found is None:
        raise NotFound(
            "auth.unknown-partner",
            f"there is no partner {written!r}; write FORUM/NAME, see `comity partner list FORUM`",
        )
    # Held until this is committed: ending the partner revokes what it finds, and waits for this.
    standing = select(partner.c.status).where(partner.c.recipient_id == found.recipient_id)
    if connection.execute(standing.with_for_update(read=True)).scalar_one() == "ended":
        raise Conflict(
            "auth.partner-ended", f"the partner {written} has ended; `comity partner add` it first"
        )
    return found.recipient_id


def _find_person_id(connection: Connection, new: NewCredential, owner: _Owner) -> int | None:
    """The person behind an individual credential, who must act for the credential's owner."""
    if new.kind == "machine" and owner.forum_id is not None:
        raise BadInput(
            "auth.bad-kind", "a secretariat's credential is a person's; use --kind individual"
        )
    if new.kind == "machine":
        if new.person_email is not None:
            raise BadInput(
                "auth.bad-kind", "a machine's credential has no person; use --kind individual"
            )
        return None
    if owner.partner_id is not None:
        raise BadInput("auth.bad-kind", "a partner's credential is always of the kind machine")
    if new.person_email is None:
        raise BadInput("auth.bad-kind", "an individual credential needs --person EMAIL")
    found = find_person(connection, new.person_email)
    if found is None or found.status != "active":
        raise NotFound(
            "auth.unknown-person",
            f"no active person has the address {new.person_email!r}; see `comity person list`",
        )
    if found.member_id != owner.member_id or found.forum_slug != new.secretariat:
        whom = (
            f"the member {new.member_code}"
            if new.secretariat is None
            else f"the secretariat of {new.secretariat}"
        )
        raise Conflict("auth.persons-body", f"{found.email} does not act for {whom}")
    return found.id
