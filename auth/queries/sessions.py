"""Sessions: whom a cookie's token stands for, and the sessions that a person has."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from sqlalchemy import BigInteger, Connection, and_, bindparam, func, or_, select

from auth.reader import SCOPES, Reader
from auth.rules import bound_scopes
from auth.tables import forum, member, person, person_role, session

_NAME_DIGITS: Final = 24


@dataclass(frozen=True, slots=True)
class Signed:
    """A person who is signed in, as the reader that it is, and the session that says so.

    `email` names the person; `forum_slug` and `forum_title` the forum whose secretariat it is.
    """

    reader: Reader
    session_id: int
    person_id: int
    email: str
    member_name: str | None
    forum_slug: str | None
    forum_title: str | None
    is_operator: bool
    seen_us: int
    method: str


@dataclass(frozen=True, slots=True)
class Session:
    """One session of a person that goes on.

    `name` is what addresses call it: a number of ours would count the sessions of others.
    """

    id: int
    name: str
    method: str
    agent: str
    created_us: int
    seen_us: int


def find_by_session(
    connection: Connection, token_hash: bytes, *, now_us: int, idle_us: int
) -> Signed | None:
    """Who the session is of; None unless it, its person and the person's member hold now."""
    row = connection.execute(
        _BY_SESSION, {"token_hash": token_hash, "now_us": now_us, "since_us": now_us - idle_us}
    ).first()
    if row is None:
        return None
    roles = frozenset((row.roles or "").split())
    name = f"person:{row.email}"
    reader = Reader(
        actor=name,
        credential_id=name,
        kind="individual",
        scopes=bound_scopes(SCOPES, of_partner=False, roles=roles),
        member_id=row.member_id,
        member_code=row.code,
        roles=roles,
        secretariat_of=row.forum_id,
    )
    return Signed(
        reader=reader,
        session_id=row.id,
        person_id=row.person_id,
        email=row.email,
        member_name=row.member_name,
        forum_slug=row.slug,
        forum_title=row.title,
        is_operator=bool(row.is_operator),
        seen_us=row.seen_us,
        method=row.method,
    )


def list_sessions(
    connection: Connection, person_id: int, *, since_us: int, now_us: int
) -> list[Session]:
    """The sessions of a person that were used since then and go on, the latest first."""
    rows = connection.execute(
        select(session)
        .where(
            session.c.person_id == person_id,
            session.c.revoked_us.is_(None),
            session.c.seen_us > since_us,
            session.c.expires_us > now_us,
        )
        .order_by(session.c.seen_us.desc(), session.c.id.desc())
        .limit(100)
    )
    return [
        Session(
            id=row.id,
            name=hashlib.sha256(b"session-name\0" + row.hash).hexdigest()[:_NAME_DIGITS],
            method=row.method,
            agent=row.agent,
            created_us=row.created_us,
            seen_us=row.seen_us,
        )
        for row in rows
    ]


# Made once: making a statement takes longer than running it, and each page runs one.
_BY_SESSION: Final = (
    select(
        session.c.id,
        session.c.person_id,
        session.c.seen_us,
        session.c.method,
        person.c.email,
        person.c.member_id,
        person.c.forum_id,
        person.c.is_operator,
        member.c.code,
        member.c.name.label("member_name"),
        forum.c.slug,
        forum.c.title,
        select(func.aggregate_strings(person_role.c.role, " "))
        .where(person_role.c.person_id == session.c.person_id)
        .correlate(session)
        .scalar_subquery()
        .label("roles"),
    )
    .select_from(session)
    .join(person, person.c.id == session.c.person_id)
    .outerjoin(member, member.c.id == person.c.member_id)
    .outerjoin(forum, forum.c.id == person.c.forum_id)
    .where(
        session.c.hash == bindparam("token_hash"),
        session.c.revoked_us.is_(None),
        session.c.expires_us > bindparam("now_us", type_=BigInteger),
        session.c.seen_us > bindparam("since_us", type_=BigInteger),
        person.c.status == "active",
        # Never by the absence of a row alone: whom the person acts for must be there and active.
        or_(
            member.c.status == "active",
            and_(person.c.member_id.is_(None), or_(forum.c.id.is_not(None), person.c.is_operator)),
        ),
    )
)
