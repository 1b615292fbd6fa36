"""Tools that people let in: who is registered, what was granted, and by which code or token.

What does not live here: whether a presented grant holds now (auth.queries.credentials).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, or_, select, true

from auth.rules import is_tool_id
from auth.tables import (
    credential,
    member,
    person,
    tool,
    tool_code,
    tool_grant,
    tool_redirect,
    tool_refresh,
)


@dataclass(frozen=True, slots=True)
class Tool:
    """A registered client (RFC 6749 §2); `member_code` None: for the people of every member.

    `secret_hash` is None for a public client; `granted` counts the grants that stand.
    """

    id: str
    name: str
    member_id: int | None
    member_code: str | None
    secret_hash: bytes | None
    scopes: tuple[str, ...]
    redirects: tuple[str, ...]
    created_us: int
    created_by: str
    revoked_us: int | None
    granted: int = 0

    @property
    def is_public(self) -> bool:
        """Whether it can keep no secret, and therefore has none."""
        return self.secret_hash is None

    def is_for(self, member_id: int | None) -> bool:
        """Whether people of this member, or of none, may let it in."""
        return self.revoked_us is None and self.member_id in (None, member_id)


@dataclass(frozen=True, slots=True)
class Code:
    """What was agreed when an authorization code was given; `credential_id` since its use."""

    hash: bytes
    tool_id: str
    person_id: int
    redirect_uri: str
    scopes: tuple[str, ...]
    challenge: str
    expires_us: int
    used_us: int | None
    credential_id: str | None


@dataclass(frozen=True, slots=True)
class Refresh:
    """A refresh token, and the scopes of its grant."""

    hash: bytes
    credential_id: str
    tool_id: str
    scopes: tuple[str, ...]
    expires_us: int
    used_us: int | None


@dataclass(frozen=True, slots=True)
class Grant:
    """A tool that a person has let in, until `expires_us`."""

    credential_id: str
    tool_name: str
    scopes: tuple[str, ...]
    created_us: int
    used_us: int | None
    expires_us: int


def find_tool(connection: Connection, tool_id: str) -> Tool | None:
    """The tool with this client id, revoked or not."""
    if not is_tool_id(tool_id):
        return None
    return next(iter(_tools(connection, tool.c.id == tool_id, now_us=0)), None)


def list_tools(connection: Connection, *, now_us: int) -> list[Tool]:
    """Every tool of the installation, oldest first."""
    return _tools(connection, true(), now_us=now_us)


def list_tools_for(connection: Connection, member_id: int, *, now_us: int) -> list[Tool]:
    """The tools that a member's people may let in or might have, oldest first.

    Of grants, those of the member's people are counted.
    """
    ours = or_(tool.c.member_id == member_id, tool.c.member_id.is_(None))
    return _tools(connection, ours, now_us=now_us, granted_by=credential.c.member_id == member_id)


def find_code(connection: Connection, code_hash: bytes) -> Code | None:
    """What was agreed under this code, used and expired or not."""
    row = connection.execute(select(tool_code).where(tool_code.c.hash == code_hash)).first()
    if row is None:
        return None
    return Code(
        hash=bytes(row.hash),
        tool_id=row.tool_id,
        person_id=row.person_id,
        redirect_uri=row.redirect_uri,
        scopes=tuple(row.scopes.split()),
        challenge=row.challenge,
        expires_us=row.expires_us,
        used_us=row.used_us,
        credential_id=row.credential_id,
    )


def find_refresh(connection: Connection, token_hash: bytes) -> Refresh | None:
    """The refresh token, used and expired or not."""
    row = connection.execute(
        select(tool_refresh, tool_grant.c.tool_id, credential.c.scopes)
        .join(tool_grant, tool_grant.c.credential_id == tool_refresh.c.credential_id)
        .join(credential, credential.c.id == tool_refresh.c.credential_id)
        .where(tool_refresh.c.hash == token_hash)
    ).first()
    if row is None:
        return None
    return Refresh(
        hash=bytes(row.hash),
        credential_id=row.credential_id,
        tool_id=row.tool_id,
        scopes=tuple(row.scopes.split()),
        expires_us=row.expires_us,
        used_us=row.used_us,
    )


def list_grants(connection: Connection, person_id: int, *, now_us: int) -> list[Grant]:
    """What a person has let in, the latest first: what is revoked or over is not there."""
    rows = connection.execute(
        select(credential, tool.c.name.label("tool_name"), tool_grant.c.used_us)
        .join(tool_grant, tool_grant.c.credential_id == credential.c.id)
        .join(tool, tool.c.id == tool_grant.c.tool_id)
        .where(
            credential.c.person_id == person_id,
            credential.c.revoked_us.is_(None),
            credential.c.expires_us > now_us,
            tool.c.revoked_us.is_(None),
        )
        .order_by(credential.c.created_us.desc(), credential.c.id)
    )
    return [
        Grant(
            credential_id=row.id,
            tool_name=row.tool_name,
            scopes=tuple(row.scopes.split()),
            created_us=row.created_us,
            used_us=row.used_us,
            expires_us=row.expires_us,
        )
        for row in rows
    ]


def _tools(
    connection: Connection,
    condition: ColumnElement[bool],
    *,
    now_us: int,
    granted_by: ColumnElement[bool] | None = None,
) -> list[Tool]:
    granted: ColumnElement[Any] = (
        select(func.count())
        .select_from(tool_grant)
        .join(credential, credential.c.id == tool_grant.c.credential_id)
        .join(person, person.c.id == credential.c.person_id)
        .where(
            tool_grant.c.tool_id == tool.c.id,
            credential.c.revoked_us.is_(None),
            credential.c.expires_us > now_us,
            person.c.status == "active",
            true() if granted_by is None else granted_by,
        )
        .correlate(tool)
        .scalar_subquery()
    )
    redirects: dict[str, list[str]] = {}
    for one in connection.execute(
        select(tool_redirect)
        .join(tool, tool.c.id == tool_redirect.c.tool_id)
        .where(condition)
        .order_by(tool_redirect.c.uri)
    ):
        redirects.setdefault(one.tool_id, []).append(one.uri)
    rows = connection.execute(
        select(tool, member.c.code, granted.label("granted"))
        .outerjoin(member, member.c.id == tool.c.member_id)
        .where(condition)
        .order_by(tool.c.created_us, tool.c.id)
    )
    return [
        Tool(
            id=row.id,
            name=row.name,
            member_id=row.member_id,
            member_code=row.code,
            secret_hash=None if row.secret_hash is None else bytes(row.secret_hash),
            scopes=tuple(row.scopes.split()),
            redirects=tuple(redirects.get(row.id, ())),
            created_us=row.created_us,
            created_by=row.created_by,
            revoked_us=row.revoked_us,
            granted=row.granted,
        )
        for row in rows
    ]
