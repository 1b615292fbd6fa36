"""Add and disable people, and change their roles. How they sign in is elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, update

from auth.queries.forums import find_forum
from auth.queries.members import expect_member
from auth.queries.persons import Person, find_person
from auth.reader import Reader
from auth.rules import (
    FORUM_PERSON_ROLES,
    MEMBER_PERSON_ROLES,
    OPERATOR_PERSON_ROLES,
    check_email,
    check_roles,
)
from auth.services.audit import record_audit
from auth.services.unique import refusing_duplicates
from auth.tables import person, person_role
from kernel.errors import BadInput, Forbidden, NotFound


@dataclass(frozen=True, slots=True)
class PersonsBody:
    """For whom a person acts: exactly one of a member, a forum's secretariat, operators."""

    member_code: str | None = None
    forum_slug: str | None = None
    is_operator: bool = False

    def __post_init__(self) -> None:
        if (self.member_code is not None) + (self.forum_slug is not None) + self.is_operator != 1:
            raise BadInput(
                "auth.bad-person", "a person acts for one of: a member, --forum or --operator"
            )

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles that such a person may have."""
        if self.member_code is not None:
            return MEMBER_PERSON_ROLES
        return OPERATOR_PERSON_ROLES if self.is_operator else FORUM_PERSON_ROLES


def add_person(
    connection: Connection,
    body: PersonsBody,
    email: str,
    roles: Sequence[str],
    *,
    actor: str,
    now_us: int,
) -> int:
    """Add a person with these roles; the person's number.

    Raises BadInput, NotFound for an unknown member or forum, Conflict on a known address.
    """
    address = check_email(email)
    checked = check_roles(roles, body.roles)
    member_id, forum_id = _find_body(connection, body)
    with refusing_duplicates("auth.person-exists", f"there is a person {address} already"):
        number = connection.execute(
            insert(person)
            .values(
                email=address,
                member_id=member_id,
                forum_id=forum_id,
                is_operator=body.is_operator,
                status="active",
                created_us=now_us,
            )
            .returning(person.c.id)
        ).scalar_one()
    for role in checked:
        connection.execute(insert(person_role).values(person_id=number, role=role))
    record_audit(
        connection,
        actor,
        "person.add",
        f"person:{address}",
        member_id=member_id,
        detail={"roles": checked},
        now_us=now_us,
    )
    return int(number)


def disable_person(connection: Connection, email: str, *, actor: str, now_us: int) -> None:
    """Disable a person: the credentials that carry its roles are refused from now on."""
    found = find_person(connection, email)
    if found is None:
        raise NotFound(
            "auth.unknown-person", f"no person has the address {email!r}; see `comity person list`"
        )
    connection.execute(update(person).where(person.c.id == found.id).values(status="disabled"))
    record_audit(
        connection,
        actor,
        "person.disable",
        f"person:{found.email}",
        member_id=found.member_id,
        now_us=now_us,
    )


def check_may_administer(reader: Reader, found: Person | None) -> Person:
    """The person, if the reader is an administrator of the member that it acts for.

    Raises NotFound, for one of another member and one that never was alike, and Forbidden
    (`auth.own-record`): no role rises, and no administrator locks itself out, by its own hand.
    """
    is_admin = reader.roles is not None and "member-admin" in reader.roles
    is_of_member = found is not None and found.member_id is not None
    if found is None or not is_admin or not is_of_member or found.member_id != reader.member_id:
        raise NotFound("auth.unknown-person", "no such person of your member")
    if reader.actor == f"person:{found.email}":
        raise Forbidden(
            "auth.own-record", "nobody changes their own; ask another administrator of your member"
        )
    return found


def change_roles(
    connection: Connection, found: Person, roles: Sequence[str], *, actor: str, now_us: int
) -> list[str]:
    """Give a person of a member these roles and no others, from its next request on.

    The roles, sorted. Raises BadInput. Who may is the caller's to check.
    """
    checked = check_roles(roles, MEMBER_PERSON_ROLES)
    if set(checked) == found.roles:
        return checked
    connection.execute(delete(person_role).where(person_role.c.person_id == found.id))
    for role in checked:
        connection.execute(insert(person_role).values(person_id=found.id, role=role))
    record_audit(
        connection,
        actor,
        "person.roles",
        f"person:{found.email}",
        member_id=found.member_id,
        detail={"roles": checked, "before": sorted(found.roles)},
        now_us=now_us,
    )
    return checked


def _find_body(connection: Connection, body: PersonsBody) -> tuple[int | None, int | None]:
    """The number of the member, or of the forum, that the person is to act for."""
    if body.member_code is not None:
        return expect_member(connection, body.member_code).id, None
    if body.forum_slug is not None:
        forum = find_forum(connection, body.forum_slug)
        if forum is None:
            raise NotFound(
                "auth.unknown-forum",
                f"there is no forum {body.forum_slug!r}; see `comity forum list`",
            )
        return None, forum.id
    return None, None
