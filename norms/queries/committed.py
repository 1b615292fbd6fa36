"""Who is committed to what: the questions that the sharing half asks through its port.

The one place without a reader: commitments are public facts, the same for every asker, and
who asks is a rule, not a person. A commitment counts while it is in effect, is not reserved
against and is not contested by the State itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import Connection, func, select, union_all

from norms.rules.words import IN_EFFECT
from norms.tables import commitment, provision


def exists_provision(connection: Connection, provision_id: str) -> bool:
    """Whether the register holds a provision."""
    statement = select(provision.c.id).where(provision.c.id == provision_id)
    return connection.execute(statement).first() is not None


def list_committed(
    connection: Connection, provisions: Collection[str], day: int
) -> dict[str, frozenset[str]]:
    """For each provision, the parties whose commitment to it is in effect on a day."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    rows = connection.execute(
        select(commitment.c.provision_id, commitment.c.party_code).where(
            commitment.c.provision_id.in_(sorted(provisions)),
            commitment.c.status.in_(sorted(IN_EFFECT)),
            commitment.c.is_reserved.is_(False),
            commitment.c.is_contested.is_(False),
            commitment.c.from_day <= day,
            commitment.c.to_day.is_(None) | (commitment.c.to_day > day),
        )
    )
    for row in rows:
        found[row.provision_id].add(row.party_code)
    return {name: frozenset(found[name]) for name in provisions}


def find_next_change(
    connection: Connection, provisions: Collection[str], after_day: int
) -> int | None:
    """The next day on which a commitment to one of these begins, changes or ends."""
    about = commitment.c.provision_id.in_(sorted(provisions))
    days = union_all(
        select(commitment.c.from_day.label("day")).where(about, commitment.c.from_day > after_day),
        select(commitment.c.to_day.label("day")).where(about, commitment.c.to_day > after_day),
    ).subquery()
    return connection.execute(select(func.min(days.c.day))).scalar()
