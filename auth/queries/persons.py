"""People: a member's, a forum's secretariat, operators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, select, true

from auth.tables import credential, forum, member, person, person_role


@dataclass(frozen=True, slots=True)
class Person:
    """A person, who acts for one member, for one forum's secretariat or as an operator."""

    id: int
    email: str
    member_id: int | None
    member_code: str | None
    forum_slug: str | None
    is_operator: bool
    status: str
    roles: frozenset[str]


def find_person(connection: Connection, email: str) -> Person | None:
    """The person with this address (in any case), disabled or not."""
    if "\0" in email:
        return None
    return next(iter(_persons(connection, person.c.email == email.strip().lower())), None)


def find_person_by_id(connection: Connection, person_id: int) -> Person | None:
    """The person with this number, disabled or not."""
    return next(iter(_persons(connection, person.c.id == person_id)), None)


def find_person_behind(connection: Connection, actor: str) -> Person | None:
    """The person that an actor of the audit trail is, or whose credential it is.

    None for a machine's credential and for the operator: nobody tells who sits there.
    """
    kind, _, name = actor.partition(":")
    if kind == "person":
        return find_person(connection, name)
    if kind != "credential":
        return None
    behind = select(credential.c.person_id).where(credential.c.id == name).scalar_subquery()
    return next(iter(_persons(connection, person.c.id == behind)), None)


def list_persons(connection: Connection, member_id: int | None = None) -> list[Person]:
    """Everybody, or the people of one member, by address."""
    return _persons(connection, true() if member_id is None else person.c.member_id == member_id)


def count_of_secretariat(connection: Connection, forum_id: int) -> int:
    """How many active people a forum's secretariat has."""
    return connection.execute(
        select(func.count())
        .select_from(person)
        .where(person.c.forum_id == forum_id, person.c.status == "active")
    ).scalar_one()


def _persons(connection: Connection, condition: ColumnElement[bool]) -> list[Person]:
    roles: dict[int, set[str]] = {}
    for role in connection.execute(
        select(person_role).join(person, person.c.id == person_role.c.person_id).where(condition)
    ):
        roles.setdefault(role.person_id, set()).add(role.role)
    rows = connection.execute(
        select(person, member.c.code, forum.c.slug)
        .select_from(person)
        .outerjoin(member, member.c.id == person.c.member_id)
        .outerjoin(forum, forum.c.id == person.c.forum_id)
        .where(condition)
        .order_by(person.c.email)
    )
    return [_person(row, roles) for row in rows]


def _person(row: Row[Any], roles: dict[int, set[str]]) -> Person:
    return Person(
        id=row.id,
        email=row.email,
        member_id=row.member_id,
        member_code=row.code,
        forum_slug=row.slug,
        is_operator=bool(row.is_operator),
        status=row.status,
        roles=frozenset(roles.get(row.id, ())),
    )
