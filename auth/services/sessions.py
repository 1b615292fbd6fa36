"""Sessions of people at a browser: begun, kept alive, ended. Kept here, so that they can be ended.

What does not live here: how a person proves who it is (passwords, links, passkeys).
"""

from __future__ import annotations

from typing import Final, Literal

from sqlalchemy import Connection, delete, insert, select, update

from auth.queries.persons import Person
from auth.reader import Reader
from auth.services.audit import record_audit
from auth.services.secrets import (
    Randomness,
    hash_session_token,
    make_session_token,
    random_bytes,
)
from auth.tables import session
from kernel.clock import DAY_US, SECOND_US
from kernel.errors import NotFound
from kernel.signing import Signer

Method = Literal["password", "passkey", "link", "provider"]

IDLE_US: Final = 4 * 3600 * SECOND_US
LONGEST_US: Final = 12 * 3600 * SECOND_US
# Written down at most so often: a page that is read shall not wait for a write each time.
SEEN_EVERY_US: Final = 300 * SECOND_US
_AGENT_CHARACTERS: Final = 200


def begin_session(
    connection: Connection,
    signer: Signer,
    person: Person,
    method: Method,
    *,
    agent: str,
    now_us: int,
    randomness: Randomness = random_bytes,
) -> str:
    """Begin a session of a person who has proved who it is; the token for its cookie.

    `agent` is what the browser calls itself, for the person to tell sessions apart. The session
    ends four hours after its last use and twelve hours after now.
    """
    token = make_session_token(randomness)
    printable = "".join(letter for letter in agent if letter.isprintable())
    connection.execute(
        insert(session).values(
            hash=hash_session_token(signer, token),
            person_id=person.id,
            method=method,
            agent=printable[:_AGENT_CHARACTERS],
            created_us=now_us,
            seen_us=now_us,
            expires_us=now_us + LONGEST_US,
        )
    )
    record_audit(
        connection,
        f"person:{person.email}",
        "session.begin",
        f"person:{person.email}",
        member_id=person.member_id,
        detail={"method": method},
        now_us=now_us,
    )
    return token


def keep_session(connection: Connection, session_id: int, *, now_us: int) -> None:
    """Note that a session was used."""
    connection.execute(update(session).where(session.c.id == session_id).values(seen_us=now_us))


def end_session(
    connection: Connection, person_id: int, reader: Reader, session_id: int, *, now_us: int
) -> None:
    """End one of a person's own sessions. Raises NotFound for any other."""
    ended = connection.execute(
        update(session)
        .where(
            session.c.id == session_id,
            session.c.person_id == person_id,
            session.c.revoked_us.is_(None),
        )
        .values(revoked_us=now_us)
    )
    if ended.rowcount == 0:
        raise _unknown_session()
    record_audit(
        connection,
        reader.actor,
        "session.end",
        reader.actor,
        member_id=reader.member_id,
        now_us=now_us,
    )


def end_sessions(
    connection: Connection, person_id: int, *, but: int | None = None, now_us: int
) -> int:
    """End all sessions of a person, or all but one; how many there were."""
    going_on = update(session).where(
        session.c.person_id == person_id,
        session.c.revoked_us.is_(None),
        session.c.expires_us > now_us,
    )
    if but is not None:
        going_on = going_on.where(session.c.id != but)
    return connection.execute(going_on.values(revoked_us=now_us)).rowcount


def has_dead_sessions(connection: Connection, *, now_us: int) -> bool:
    """Whether there is a session to forget."""
    dead = select(session.c.id).where(session.c.expires_us <= now_us - DAY_US)
    return connection.execute(dead.limit(1)).first() is not None


def forget_sessions(connection: Connection, *, now_us: int) -> int:
    """Remove the sessions that expired a day ago or earlier; how many there were."""
    dead = session.c.expires_us <= now_us - DAY_US
    return connection.execute(delete(session).where(dead)).rowcount


def _unknown_session() -> NotFound:
    return NotFound("auth.unknown-session", "no such session of yours goes on")
