"""The register as the sharing half asks it: who is committed to what, at an instant.

`app` hands this to sharing; the two halves never import each other. Commitments take and lose
effect at 00:00Z of a day.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection

from norms.queries import committed
from norms.rules.dates import day_of, start_of


class CommitmentRegister:
    """Answers by what is on record. Holds nothing."""

    def exists_provision(self, connection: Connection, provision: str) -> bool:
        """Whether the register holds the provision."""
        return committed.exists_provision(connection, provision)

    def list_committed(
        self, connection: Connection, provisions: Collection[str], at_us: int
    ) -> dict[str, frozenset[str]]:
        """For each provision the codes of the parties whose commitment is in effect then."""
        return committed.list_committed(connection, provisions, day_of(at_us))

    def find_next_change(
        self, connection: Connection, provisions: Collection[str], after_us: int
    ) -> int | None:
        """The earliest later instant at which that changes, by what is known today."""
        day = committed.find_next_change(connection, provisions, day_of(after_us))
        return None if day is None else start_of(day)
