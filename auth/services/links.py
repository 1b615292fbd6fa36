"""One-time sign-in links: for the first sign-in, for recovery, and for the demonstration."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, delete, insert, select, update

from auth.queries.persons import Person, find_person_by_id
from auth.services.audit import record_audit
from auth.services.secrets import Randomness, hash_link_token, make_link_token, random_bytes
from auth.tables import sign_in_link
from kernel.clock import DAY_US, SECOND_US
from kernel.errors import BadInput, Conflict
from kernel.signing import Signer

LIFE_SECONDS: Final = 24 * 3600


def make_link(
    connection: Connection,
    signer: Signer,
    person: Person,
    *,
    actor: str,
    seconds: int = LIFE_SECONDS,
    now_us: int,
    randomness: Randomness = random_bytes,
) -> str:
    """A token that signs a person in once; earlier ones of the person are dead.

    Raises Conflict (`auth.person-disabled`).
    """
    if person.status != "active":
        raise Conflict("auth.person-disabled", f"{person.email} is disabled and cannot sign in")
    connection.execute(delete(sign_in_link).where(sign_in_link.c.person_id == person.id))
    connection.execute(delete(sign_in_link).where(sign_in_link.c.expires_us <= now_us - DAY_US))
    token = make_link_token(randomness)
    connection.execute(
        insert(sign_in_link).values(
            hash=hash_link_token(signer, token),
            person_id=person.id,
            created_us=now_us,
            expires_us=now_us + seconds * SECOND_US,
        )
    )
    record_audit(
        connection,
        actor,
        "person.link",
        f"person:{person.email}",
        member_id=person.member_id,
        now_us=now_us,
    )
    return token


def find_by_link(
    connection: Connection, signer: Signer, token: str, *, now_us: int
) -> Person | None:
    """The active person whom a link would sign in now."""
    row = connection.execute(
        select(sign_in_link.c.person_id).where(
            sign_in_link.c.hash == hash_link_token(signer, token),
            sign_in_link.c.used_us.is_(None),
            sign_in_link.c.expires_us > now_us,
        )
    ).first()
    found = None if row is None else find_person_by_id(connection, row.person_id)
    return found if found is not None and found.status == "active" else None


def use_link(connection: Connection, signer: Signer, token: str, *, now_us: int) -> Person:
    """Use a link up; whom it signs in. Raises BadInput (`auth.bad-link`) for a dead one."""
    found = find_by_link(connection, signer, token, now_us=now_us)
    used = connection.execute(
        update(sign_in_link)
        .where(
            sign_in_link.c.hash == hash_link_token(signer, token),
            sign_in_link.c.used_us.is_(None),
        )
        .values(used_us=now_us)
    )
    if found is None or used.rowcount == 0:
        raise BadInput(
            "auth.bad-link",
            "this link was used already, has expired or never was; ask your member's "
            "administrator for a new one",
        )
    return found
