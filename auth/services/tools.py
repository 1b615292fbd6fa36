"""Register tools that people may let in, and revoke them.

What does not live here: what a person grants a tool (auth.services.grants).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from auth.queries.members import expect_member
from auth.queries.tools import Tool, find_tool
from auth.rules import check_name, check_redirects, check_tool_scopes
from auth.services.audit import record_audit
from auth.services.secrets import (
    Randomness,
    hash_tool_secret,
    make_secret,
    make_tool_id,
    random_bytes,
)
from auth.tables import credential, tool, tool_grant, tool_redirect
from kernel.errors import NotFound
from kernel.signing import Signer


@dataclass(frozen=True, slots=True)
class NewTool:
    """What a tool is to be; without a `member_code` it is for the people of every member."""

    name: str
    redirects: Sequence[str]
    scopes: Sequence[str]
    member_code: str | None = None
    is_public: bool = False


@dataclass(frozen=True, slots=True)
class Registered:
    """A tool's client id, and its secret, which is nowhere to be read again; none if public."""

    id: str
    secret: str | None


def add_tool(
    connection: Connection,
    signer: Signer,
    new: NewTool,
    *,
    actor: str,
    now_us: int,
    randomness: Randomness = random_bytes,
) -> Registered:
    """Register a tool. Raises BadInput, and NotFound for an unknown member.

    Who may is the caller's to check: a member's administrator for the member, or the operator.
    """
    name = check_name("--name", new.name)
    redirects, scopes = check_redirects(new.redirects), check_tool_scopes(new.scopes)
    member_id = _find_member_id(connection, new.member_code)
    secret = None if new.is_public else make_secret(randomness)
    made = Registered(make_tool_id(randomness), secret)
    connection.execute(
        insert(tool).values(
            id=made.id,
            name=name,
            member_id=member_id,
            secret_hash=None if secret is None else hash_tool_secret(signer, made.id, secret),
            scopes=" ".join(scopes),
            created_us=now_us,
            created_by=actor,
        )
    )
    for uri in redirects:
        connection.execute(insert(tool_redirect).values(tool_id=made.id, uri=uri))
    record_audit(
        connection,
        actor,
        "tool.add",
        f"tool:{made.id}",
        member_id=member_id,
        detail={
            "name": name,
            "scopes": scopes,
            "redirects": redirects,
            "is_public": new.is_public,
        },
        now_us=now_us,
    )
    return made


def revoke_tool(connection: Connection, tool_id: str, *, actor: str, now_us: int) -> Tool:
    """Revoke a tool for good, with all that it was granted; what it was. Raises NotFound.

    One that is revoked already stays as it is.
    """
    found = find_tool(connection, tool_id)
    if found is None:
        raise NotFound(
            "auth.unknown-tool", f"no tool has the id {tool_id!r}; see `comity tool list`"
        )
    if found.revoked_us is not None:
        return found
    connection.execute(update(tool).where(tool.c.id == found.id).values(revoked_us=now_us))
    granted = select(tool_grant.c.credential_id).where(tool_grant.c.tool_id == found.id)
    ended = connection.execute(
        update(credential)
        .where(credential.c.id.in_(granted), credential.c.revoked_us.is_(None))
        .values(revoked_us=now_us)
    )
    record_audit(
        connection,
        actor,
        "tool.revoke",
        f"tool:{found.id}",
        member_id=found.member_id,
        detail={"name": found.name, "grants": ended.rowcount},
        now_us=now_us,
    )
    return found


def _find_member_id(connection: Connection, code: str | None) -> int | None:
    return None if code is None else expect_member(connection, code).id
