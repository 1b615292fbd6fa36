"""Passwords of people, as argon2id hashes.

What does not live here: who may set whose (pages, commands), slowing guesses (authentication).
"""

from __future__ import annotations

from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy import Connection, delete, insert, select

from auth.queries.persons import Person, find_person
from auth.services.audit import record_audit
from auth.services.sessions import end_sessions
from auth.tables import person_password
from kernel.errors import BadInput

FEWEST_CHARACTERS: Final = 12
MOST_CHARACTERS: Final = 200


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _nobodys_hash() -> str:
    return _hasher().hash("nobody's")


def set_password(
    connection: Connection,
    person: Person,
    password: str,
    *,
    actor: str,
    keep_session: int | None = None,
    now_us: int,
) -> None:
    """Give a person a password; every session but `keep_session` ends. Raises BadInput."""
    _check_password(password, person.email)
    connection.execute(delete(person_password).where(person_password.c.person_id == person.id))
    connection.execute(
        insert(person_password).values(
            person_id=person.id, hash=_hasher().hash(password), changed_us=now_us
        )
    )
    end_sessions(connection, person.id, but=keep_session, now_us=now_us)
    record_audit(
        connection,
        actor,
        "person.password",
        f"person:{person.email}",
        member_id=person.member_id,
        now_us=now_us,
    )


def find_by_password(connection: Connection, email: str, password: str) -> Person | None:
    """The active person with this address and password.

    As much is computed for an address that nobody has, so that time tells nothing.
    """
    found = find_person(connection, email)
    kept = None
    if found is not None and found.status == "active":
        kept = connection.execute(
            select(person_password.c.hash).where(person_password.c.person_id == found.id)
        ).scalar()
    holds = _is_hash_of(kept or _nobodys_hash(), password[:MOST_CHARACTERS])
    return found if holds and kept is not None else None


def has_password(connection: Connection, person_id: int) -> bool:
    """Whether the person has set a password."""
    asked = select(person_password.c.person_id).where(person_password.c.person_id == person_id)
    return connection.execute(asked).first() is not None


def _is_hash_of(kept: str, password: str) -> bool:
    try:
        return _hasher().verify(kept, password)
    except (Argon2Error, InvalidHashError):
        return False


def _check_password(password: str, email: str) -> None:
    if not FEWEST_CHARACTERS <= len(password) <= MOST_CHARACTERS:
        raise BadInput(
            "auth.bad-password",
            f"a password has {FEWEST_CHARACTERS} to {MOST_CHARACTERS} characters; "
            "a few words that belong to no sentence are easy to keep",
        )
    if len(set(password)) < 5 or email.partition("@")[0] in password.lower():
        raise BadInput(
            "auth.bad-password",
            "this password is too easy to guess; take one without your address in it, and with "
            "five different characters or more",
        )
