"""Contributions by what rules can ask about them: many at once, few of them told apart.

It takes the forum's lock: it serves nobody, it decides for everybody.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from sharing.facts import ruled_part
from sharing.queries.contributions import STORED_COLUMNS, Stored, mask_from, stored_of
from sharing.queries.references import Group
from sharing.tables import contribution

_FETCHED = 1000


@dataclass(frozen=True, slots=True)
class Ruled:
    """One contribution: its id in its collection, and when it was contributed.

    Rules that hold at all times do not tell contributions of equal `likeness` apart.
    """

    group: Group
    originator_id: int
    likeness: Hashable
    contributed_us: int
    is_bound: bool
    row: Row[Any]

    @property
    def seen(self) -> int:
        """Who was decided to see it."""
        return mask_from(self.row.seen)

    def load(self) -> Stored:
        """The contribution itself."""
        return stored_of(self.row, {})


def list_ruled(
    connection: Connection, forum_id: int, originator_id: int | None = None
) -> Iterator[Ruled]:
    """Every contribution of the forum, or one member's; not all of them in memory at once."""
    statement: Select[Any] = select(*STORED_COLUMNS).where(contribution.c.forum_id == forum_id)
    if originator_id is not None:
        statement = statement.where(contribution.c.originator_id == originator_id)
    for row in connection.execute(statement.execution_options(yield_per=_FETCHED)):
        yield Ruled(
            group=(row.collection_id, row.stix_id),
            originator_id=row.originator_id,
            likeness=(
                row.collection_id,
                row.originator_id,
                row.stix_type,
                row.tlp,
                ruled_part(row.facts),
            ),
            contributed_us=row.contributed_us,
            is_bound=row.bound_id is not None,
            row=row,
        )
