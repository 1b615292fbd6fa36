"""Credentials: what is on record, and in one statement whom a presented one stands for.

What does not live here: whether a presented secret is right (auth.authentication).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    func,
    null,
    or_,
    select,
)

from auth.reader import CredentialKind, Reader
from auth.rules import bound_scopes, is_credential_id
from auth.tables import (
    credential,
    forum,
    member,
    partner,
    person,
    person_role,
    token,
    tool,
    tool_grant,
)


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential on record, without its secret. Its owner is a member, a partner or (by the
    forum's slug) a secretariat. `tool_id` is the tool to which a person granted it.
    """

    id: str
    name: str
    kind: CredentialKind
    member_id: int | None
    member_code: str | None
    partner: str | None
    person_email: str | None
    scopes: tuple[str, ...]
    created_us: int
    expires_us: int | None
    revoked_us: int | None
    secretariat: str | None = None
    tool_id: str | None = None


@dataclass(frozen=True, slots=True)
class Recognised:
    """A credential that may be used now, if its secret is right.

    `secret_hash` is the keyed hash on record; `expires_us` the end of the credential. `used_us`
    is when a tool last acted under a grant, to within minutes.
    """

    reader: Reader
    secret_hash: bytes
    expires_us: int | None
    used_us: int | None = None


def find_credential(connection: Connection, credential_id: str) -> Credential | None:
    """The credential with this id, revoked and expired ones too."""
    if not is_credential_id(credential_id):
        return None
    return next(iter(_credentials(connection, credential.c.id == credential_id)), None)


def list_credentials(
    connection: Connection,
    *,
    member_id: int | None = None,
    partner_id: int | None = None,
    secretariat_of: int | None = None,
) -> list[Credential]:
    """The credentials of one owner, oldest first; of nobody without one."""
    if member_id is not None:
        return _credentials(connection, credential.c.member_id == member_id)
    if secretariat_of is not None:
        return _credentials(connection, credential.c.forum_id == secretariat_of)
    return _credentials(connection, credential.c.partner_id == partner_id)


def find_by_credential(
    connection: Connection, credential_id: str, *, now_us: int
) -> Recognised | None:
    """Who the credential stands for; None unless it, its owner and its person hold now."""
    if not is_credential_id(credential_id):
        return None
    given = {"credential_id": credential_id, "now_us": now_us}
    row = connection.execute(_BY_CREDENTIAL, given).first()
    return _recognised(row, row.scopes.split()) if row else None


def find_by_token(connection: Connection, token_hash: bytes, *, now_us: int) -> Recognised | None:
    """Who the token's credential stands for; None unless both, and the owner, hold now."""
    row = connection.execute(_BY_TOKEN, {"token_hash": token_hash, "now_us": now_us}).first()
    if row is None:
        return None
    granted = set(row.token_scopes.split())
    scopes = [scope for scope in row.scopes.split() if scope in granted]
    return _recognised(row, scopes, tool_id=row.tool_id, used_us=row.used_us)


def find_by_grant(connection: Connection, credential_id: str, *, now_us: int) -> Recognised | None:
    """Who a tool acts as under this grant; None unless it, its tool and its person hold now."""
    given = {"credential_id": credential_id, "now_us": now_us}
    row = connection.execute(_BY_GRANT, given).first()
    if row is None:
        return None
    return _recognised(row, row.scopes.split(), tool_id=row.tool_id, used_us=row.used_us)


def _standing(*more: ColumnElement[Any]) -> Select[Any]:
    """Credentials that hold at `now_us`, with everything a Reader is made of."""
    now_us = bindparam("now_us", type_=BigInteger)
    roles = (
        select(func.aggregate_strings(person_role.c.role, " "))
        .where(person_role.c.person_id == credential.c.person_id)
        .correlate(credential)
        .scalar_subquery()
    )
    return (
        select(
            credential.c.id,
            credential.c.kind,
            credential.c.member_id,
            credential.c.partner_id,
            credential.c.forum_id,
            credential.c.scopes,
            credential.c.secret_hash,
            credential.c.expires_us,
            member.c.code,
            roles.label("roles"),
            *more,
        )
        .select_from(credential)
        .outerjoin(member, member.c.id == credential.c.member_id)
        .outerjoin(partner, partner.c.recipient_id == credential.c.partner_id)
        .outerjoin(person, person.c.id == credential.c.person_id)
        .where(
            credential.c.revoked_us.is_(None),
            or_(credential.c.expires_us.is_(null()), credential.c.expires_us > now_us),
            # Never by the absence of a row alone: the owner must be there and active.
            or_(
                member.c.status == "active",
                partner.c.status == "active",
                # A secretariat is there as long as its forum and its person are.
                and_(credential.c.forum_id.is_not(None), credential.c.kind == "individual"),
            ),
            or_(
                and_(credential.c.kind == "machine", credential.c.person_id.is_(None)),
                and_(
                    person.c.status == "active",
                    or_(
                        person.c.member_id == credential.c.member_id,
                        person.c.forum_id == credential.c.forum_id,
                    ),
                ),
            ),
        )
    )


# Made once: making a statement takes longer than running it, and each request runs one.
_BY_CREDENTIAL: Final = _standing().where(credential.c.id == bindparam("credential_id"))
_GRANTED: Final = (tool_grant.c.tool_id, tool_grant.c.used_us)
_BY_TOKEN: Final = (
    _standing(token.c.scopes.label("token_scopes"), *_GRANTED)
    .join(token, token.c.credential_id == credential.c.id)
    .outerjoin(tool_grant, tool_grant.c.credential_id == credential.c.id)
    .outerjoin(tool, tool.c.id == tool_grant.c.tool_id)
    .where(
        # Of a grant the tool must be there and stand.
        or_(
            tool_grant.c.credential_id.is_(None),
            and_(tool.c.id.is_not(None), tool.c.revoked_us.is_(None)),
        ),
        token.c.hash == bindparam("token_hash"),
        token.c.revoked_us.is_(None),
        token.c.expires_us > bindparam("now_us", type_=BigInteger),
    )
)
_BY_GRANT: Final = (
    _standing(*_GRANTED)
    .join(tool_grant, tool_grant.c.credential_id == credential.c.id)
    .join(tool, tool.c.id == tool_grant.c.tool_id)
    .where(credential.c.id == bindparam("credential_id"), tool.c.revoked_us.is_(None))
)


def _recognised(
    row: Row[Any], scopes: list[str], *, tool_id: str | None = None, used_us: int | None = None
) -> Recognised:
    roles = None if row.kind == "machine" else frozenset((row.roles or "").split())
    reader = Reader(
        actor=f"credential:{row.id}",
        credential_id=row.id,
        kind=row.kind,
        scopes=bound_scopes(scopes, of_partner=row.partner_id is not None, roles=roles),
        member_id=row.member_id,
        member_code=row.code,
        partner_id=row.partner_id,
        roles=roles,
        secretariat_of=row.forum_id,
        tool_id=tool_id,
    )
    return Recognised(reader, bytes(row.secret_hash), row.expires_us, used_us)


def _credentials(connection: Connection, condition: ColumnElement[bool]) -> list[Credential]:
    seat_of = forum.alias("secretariat_forum")
    rows = connection.execute(
        select(
            credential,
            member.c.code,
            forum.c.slug,
            seat_of.c.slug.label("secretariat"),
            partner.c.name.label("partner"),
            person.c.email,
            tool_grant.c.tool_id,
        )
        .select_from(credential)
        .outerjoin(tool_grant, tool_grant.c.credential_id == credential.c.id)
        .outerjoin(member, member.c.id == credential.c.member_id)
        .outerjoin(partner, partner.c.recipient_id == credential.c.partner_id)
        .outerjoin(forum, forum.c.id == partner.c.forum_id)
        .outerjoin(seat_of, seat_of.c.id == credential.c.forum_id)
        .outerjoin(person, person.c.id == credential.c.person_id)
        .where(condition)
        .order_by(credential.c.created_us, credential.c.id)
    )
    return [_credential(row) for row in rows]


def _credential(row: Row[Any]) -> Credential:
    return Credential(
        id=row.id,
        name=row.name,
        kind=row.kind,
        member_id=row.member_id,
        member_code=row.code,
        partner=f"{row.slug}/{row.partner}" if row.partner_id is not None else None,
        person_email=row.email,
        scopes=tuple(row.scopes.split()),
        created_us=row.created_us,
        expires_us=row.expires_us,
        revoked_us=row.revoked_us,
        secretariat=row.secretariat,
        tool_id=row.tool_id,
    )
