"""Who takes part in an installation: names and numbers, for the operator who reads no content."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, Text, case, func, literal, select, union_all

from auth.tables import forum, member, person

MEMBER, FORUM, OPERATOR = "member", "forum", "operator"


@dataclass(frozen=True, slots=True)
class TakingPart:
    """A member, a forum or an operator (`kind`); `name` is its code, slug or address.

    `state` is a status, of a forum `open` or `shut`; `people` are a member's active persons.
    """

    kind: str
    name: str
    title: str
    state: str
    people: int


def list_taking_part(connection: Connection) -> list[TakingPart]:
    """Everybody, by kind and name; one question for all."""
    people = (
        select(func.count())
        .select_from(person)
        .where(person.c.member_id == member.c.id, person.c.status == "active")
        .correlate(member)
        .scalar_subquery()
    )
    members: Select[Any] = select(
        literal(MEMBER, Text).label("kind"),
        member.c.code.label("name"),
        member.c.name.label("title"),
        member.c.status.label("state"),
        people.label("people"),
    )
    forums: Select[Any] = select(
        literal(FORUM, Text),
        forum.c.slug,
        forum.c.title,
        case((forum.c.is_open, literal("open", Text)), else_=literal("shut", Text)),
        literal(0),
    )
    operators: Select[Any] = select(
        literal(OPERATOR, Text), person.c.email, literal("", Text), person.c.status, literal(0)
    ).where(person.c.is_operator)
    rows = connection.execute(union_all(members, forums, operators))
    found = [TakingPart(row.kind, row.name, row.title, row.state, row.people) for row in rows]
    return sorted(found, key=lambda one: (one.kind, one.name))
