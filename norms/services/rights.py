"""Who may write what in the register: a State its own, a secretariat its forums', nobody else.

Only individual credentials write. What does not live here: who may see what (`visibility`).
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, select

from auth.reader import Reader
from kernel.errors import Forbidden
from norms.rules import words
from norms.tables import forum_profile

DRAFTER: Final = "drafter"
CLEARANCE: Final = "clearance-officer"

OWN_ACTS: Final = frozenset(
    {
        words.COMMITMENT,
        *words.QUALIFYING,
        *words.UNQUALIFYING,
        *words.OBJECTIONS,
        "withdrawal-of-objection",
        words.DISSOCIATION,
        "commitment-withdrawal",
        "commitment-suspension",
        "commitment-resumption",
        "declaration-under-treaty",
        "designation-of-authority",
        "communication",
        words.CONTEST,
        words.CONTEST_WITHDRAWAL,
        words.ANNULMENT,
    }
)
"""What a State puts on record itself. Consents to a treaty are their depositary's to record."""


def check_writes_for(reader: Reader, role: str) -> str:
    """The party that the reader writes for in a role. Raises Forbidden (`auth.role-needed`)."""
    if reader.kind != "individual" or reader.member_code is None or not _has(reader, role):
        raise Forbidden(
            "auth.role-needed",
            f"only a State's own person with the role {role}, through an individual credential, "
            "does this",
        )
    return reader.member_code


def is_secretariat_of(connection: Connection, reader: Reader, forum_id: int) -> bool:
    """Whether the reader is the secretariat of a forum, or of one above it."""
    if reader.secretariat_of is None or reader.kind != "individual":
        return False
    above: dict[int, int | None] = {
        row.forum_id: row.parent_id
        for row in connection.execute(select(forum_profile.c.forum_id, forum_profile.c.parent_id))
    }
    place: int | None = forum_id
    seen: set[int] = set()
    while place is not None and place not in seen:
        if place == reader.secretariat_of:
            return True
        seen.add(place)
        place = above.get(place)
    return False


def check_secretariat_of(connection: Connection, reader: Reader, forum_id: int) -> None:
    """Raises Forbidden (`norms.not-its-secretariat`) for everybody else."""
    if not is_secretariat_of(connection, reader, forum_id):
        raise Forbidden(
            "norms.not-its-secretariat", "only the secretariat of this forum records this"
        )


def _has(reader: Reader, role: str) -> bool:
    return reader.roles is not None and role in reader.roles
