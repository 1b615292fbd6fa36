"""What a person grants a tool: agreed, exchanged for tokens, renewed, taken back.

A grant is an individual credential of the person whose secret nobody ever had: all that stops
such a credential stops the tool. What does not live here: the forms that this takes over HTTP
(auth.oauth).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import Connection, delete, insert, select, update

from auth.queries.credentials import find_by_grant, find_credential
from auth.queries.tools import Code, Refresh, Tool, find_tool
from auth.services.audit import record_audit
from auth.services.credentials import revoke_credential
from auth.services.secrets import (
    Randomness,
    hash_code,
    hash_refresh_token,
    hash_secret,
    make_code,
    make_credential_id,
    make_refresh_token,
    make_secret,
    random_bytes,
)
from auth.services.tokens import IssuedToken, issue_token
from auth.tables import credential, person, tool_code, tool_grant, tool_refresh
from kernel.clock import DAY_US, SECOND_US
from kernel.errors import Conflict, NotFound
from kernel.signing import Signer

CODE_SECONDS: Final = 60
IDLE_DAYS: Final = 30
LONGEST_DAYS: Final = 180
# Written down at most so often: reading shall not wait for a write each time.
USED_EVERY_US: Final = 300 * SECOND_US


@dataclass(frozen=True, slots=True)
class Agreement:
    """What a person let a tool do, and where the tool is told so."""

    tool: Tool
    person_id: int
    email: str
    member_id: int | None
    scopes: Collection[str]
    redirect_uri: str
    challenge: str


@dataclass(frozen=True, slots=True)
class Entered:
    """Tokens of a grant: a short one to act with, one to renew it by."""

    access: IssuedToken
    refresh: str


def agree(
    connection: Connection,
    signer: Signer,
    agreed: Agreement,
    *,
    now_us: int,
    randomness: Randomness = random_bytes,
) -> str:
    """An authorization code: good once, within a minute, for its tool and who knows the verifier
    of `challenge` (RFC 7636).
    """
    code = make_code(randomness)
    scopes = " ".join(scope for scope in agreed.tool.scopes if scope in agreed.scopes)
    connection.execute(
        insert(tool_code).values(
            hash=hash_code(signer, code),
            tool_id=agreed.tool.id,
            person_id=agreed.person_id,
            redirect_uri=agreed.redirect_uri,
            scopes=scopes,
            challenge=agreed.challenge,
            expires_us=now_us + CODE_SECONDS * SECOND_US,
        )
    )
    record_audit(
        connection,
        f"person:{agreed.email}",
        "tool.grant",
        f"tool:{agreed.tool.id}",
        member_id=agreed.member_id,
        detail={"name": agreed.tool.name, "scopes": scopes.split()},
        now_us=now_us,
    )
    return code


def redeem_code(
    connection: Connection,
    signer: Signer,
    code: Code,
    *,
    seconds: int,
    now_us: int,
    randomness: Randomness = random_bytes,
) -> Entered:
    """Exchange a code for the first tokens of a grant; the access token lives for `seconds`.

    Raises Conflict (`auth.grant-ended`) for one that was used or is too old, and where the
    person, its member or the tool may not act any more: roll back what was begun.
    """
    used = connection.execute(
        update(tool_code)
        .where(
            tool_code.c.hash == code.hash,
            tool_code.c.used_us.is_(None),
            tool_code.c.expires_us > now_us,
        )
        .values(used_us=now_us)
    )
    if used.rowcount == 0:
        raise _ended()
    credential_id = _add_grant(connection, signer, code, now_us, randomness)
    connection.execute(
        update(tool_code).where(tool_code.c.hash == code.hash).values(credential_id=credential_id)
    )
    return _enter(
        connection,
        signer,
        credential_id,
        code.scopes,
        seconds=seconds,
        now_us=now_us,
        randomness=randomness,
    )


def renew(
    connection: Connection,
    signer: Signer,
    refresh: Refresh,
    scopes: Collection[str],
    *,
    seconds: int,
    now_us: int,
    randomness: Randomness = random_bytes,
) -> Entered:
    """Exchange a refresh token for new tokens, the access token for `scopes` alone.

    The grant goes on for thirty days, and at most half a year in all. Raises as `redeem_code`.
    """
    used = connection.execute(
        update(tool_refresh)
        .where(
            tool_refresh.c.hash == refresh.hash,
            tool_refresh.c.used_us.is_(None),
            tool_refresh.c.expires_us > now_us,
        )
        .values(used_us=now_us)
    )
    if used.rowcount == 0:
        raise _ended()
    return _enter(
        connection,
        signer,
        refresh.credential_id,
        scopes,
        seconds=seconds,
        now_us=now_us,
        randomness=randomness,
    )


def end_reused(
    connection: Connection,
    credential_id: str,
    what: Literal["code", "refresh-token"],
    *,
    now_us: int,
) -> None:
    """End a grant of which a code or a refresh token came a second time (RFC 9700 §4.14.2)."""
    found = find_credential(connection, credential_id)
    if found is None or found.revoked_us is not None:
        return
    record_audit(
        connection,
        "unknown",
        f"tool.{what}-reused",
        f"credential:{found.id}",
        member_id=found.member_id,
        detail={"name": found.name, "person": found.person_email, "tool": found.tool_id},
        now_us=now_us,
    )
    revoke_credential(connection, credential_id, actor="unknown", now_us=now_us)


def take_back(connection: Connection, email: str, credential_id: str, *, now_us: int) -> str:
    """End what a person granted a tool, at the next request; the tool's name.

    Raises NotFound (`auth.unknown-grant`) for what is nobody's, or somebody else's.
    """
    found = find_credential(connection, credential_id)
    if found is None or found.tool_id is None or found.person_email != email:
        raise NotFound("auth.unknown-grant", "you have let in no such tool")
    revoke_credential(connection, found.id, actor=f"person:{email}", now_us=now_us)
    return found.name


def note_use(connection: Connection, credential_id: str, *, now_us: int) -> None:
    """Note that a tool acted under a grant."""
    connection.execute(
        update(tool_grant).where(tool_grant.c.credential_id == credential_id).values(used_us=now_us)
    )


def has_dead_codes(connection: Connection, *, now_us: int) -> bool:
    """Whether there is a code or a refresh token to forget."""
    return any(
        connection.execute(
            select(table.c.hash).where(table.c.expires_us <= now_us - DAY_US).limit(1)
        ).first()
        for table in (tool_code, tool_refresh)
    )


def forget_codes(connection: Connection, *, now_us: int) -> int:
    """Remove the codes and refresh tokens that expired a day ago; how many there were."""
    return sum(
        connection.execute(delete(table).where(table.c.expires_us <= now_us - DAY_US)).rowcount
        for table in (tool_code, tool_refresh)
    )


def _add_grant(
    connection: Connection, signer: Signer, code: Code, now_us: int, randomness: Randomness
) -> str:
    """The credential of a grant; its secret is made and forgotten here."""
    tool = find_tool(connection, code.tool_id)
    row = connection.execute(select(person).where(person.c.id == code.person_id)).one()
    if tool is None or not tool.is_for(row.member_id):
        raise _ended()
    credential_id = make_credential_id(randomness)
    connection.execute(
        insert(credential).values(
            id=credential_id,
            name=tool.name,
            kind="individual",
            member_id=row.member_id,
            forum_id=row.forum_id,
            person_id=row.id,
            scopes=" ".join(code.scopes),
            secret_hash=hash_secret(signer, credential_id, make_secret(randomness)),
            created_us=now_us,
            expires_us=now_us + IDLE_DAYS * DAY_US,
        )
    )
    connection.execute(insert(tool_grant).values(credential_id=credential_id, tool_id=tool.id))
    record_audit(
        connection,
        f"person:{row.email}",
        "credential.add",
        f"credential:{credential_id}",
        member_id=row.member_id,
        detail={
            "name": tool.name,
            "kind": "individual",
            "scopes": list(code.scopes),
            "tool": tool.id,
        },
        now_us=now_us,
    )
    return credential_id


def _enter(
    connection: Connection,
    signer: Signer,
    credential_id: str,
    scopes: Collection[str],
    *,
    seconds: int,
    now_us: int,
    randomness: Randomness,
) -> Entered:
    recognised = find_by_grant(connection, credential_id, now_us=now_us)
    usable = recognised.reader.scopes & set(scopes) if recognised is not None else frozenset()
    if not usable:
        raise _ended()
    found = find_credential(connection, credential_id)
    began_us = found.created_us if found is not None else now_us
    end_us = min(now_us + IDLE_DAYS * DAY_US, began_us + LONGEST_DAYS * DAY_US)
    connection.execute(
        update(credential).where(credential.c.id == credential_id).values(expires_us=end_us)
    )
    refresh = make_refresh_token(randomness)
    connection.execute(
        insert(tool_refresh).values(
            hash=hash_refresh_token(signer, refresh),
            credential_id=credential_id,
            expires_us=end_us,
        )
    )
    access = issue_token(
        connection,
        signer,
        credential_id,
        usable,
        seconds=seconds,
        not_after_us=end_us,
        now_us=now_us,
        randomness=randomness,
    )
    return Entered(access, refresh)


def _ended() -> Conflict:
    return Conflict(
        "auth.grant-ended",
        "what this tool was granted has ended, was used already, or is too old; let it in anew",
    )
