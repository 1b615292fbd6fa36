"""The lock of one forum, and the end of its ledger that goes with it.

Whoever holds the lock is alone in changing what the forum's members see, so that the order
of visibility is the order of commit: a reader's cursor never passes a row that is not yet
committed (sharing policy §5, `date_added`).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from kernel.clock import DAY_US
from kernel.errors import NotFound
from kernel.rows import insert_rows
from sharing.tables import contribution, forum_head, ledger

STAMP_STEP_US = 100
"""Distance of two stamps: no millisecond holds more than ten, so that a client that cuts
`date_added` to milliseconds re-reads a few objects and never a whole page for ever."""


class LockedForum:
    """The right to write to one forum until the transaction ends; made by `lock_forum`."""

    def __init__(self, connection: Connection, head: Row[Any], *, now_us: int) -> None:
        self.connection = connection
        self.forum_id: int = head.forum_id
        # Decisions never go back in time, whatever the clocks of several processes say.
        self.now_us: int = max(now_us, head.settled_us)
        self.seq: int = head.seq
        self.due_us: int | None = head.due_us
        self.counted_us: int | None = head.counted_us
        self._date_added_us: int = head.date_added_us
        self._entries: list[dict[str, object]] = []

    def append(self, kind: str, subject: str, cause: str) -> int:
        """Add a ledger entry (written by `save`); its position in the forum's ledger."""
        self.seq += 1
        self._entries.append(
            {
                "forum_id": self.forum_id,
                "seq": self.seq,
                "kind": kind,
                "subject": subject,
                "cause": cause,
                "at_us": self.now_us,
            }
        )
        return self.seq

    def stamp(self) -> int:
        """The next `date_added`: later than every earlier one of the forum, never before now."""
        self._date_added_us = max(self.now_us, self._date_added_us + STAMP_STEP_US)
        return self._date_added_us

    def find_due(self) -> int | None:
        """The earliest instant at which something in the forum falls due; None when nothing does.

        The next 00:00Z is due while a policy asks for reciprocity (`counted_us` is set).
        """
        earliest = self.connection.execute(
            select(func.min(contribution.c.due_us)).where(
                contribution.c.forum_id == self.forum_id, contribution.c.due_us.is_not(None)
            )
        ).scalar()
        if self.counted_us is None:
            return earliest
        midnight_us = self.counted_us + DAY_US
        return midnight_us if earliest is None else min(earliest, midnight_us)

    def save(self) -> None:
        """Write the entries and the new end of the ledger; the last step before the commit."""
        insert_rows(self.connection, ledger, self._entries)
        self._entries = []
        self.due_us = self.find_due()
        self.connection.execute(
            update(forum_head)
            .where(forum_head.c.forum_id == self.forum_id)
            .values(
                seq=self.seq,
                date_added_us=self._date_added_us,
                settled_us=self.now_us,
                due_us=self.due_us,
                counted_us=self.counted_us,
            )
        )


def lock_forum(connection: Connection, forum_id: int, *, now_us: int) -> LockedForum:
    """Wait for the forum's lock and hold it until the transaction of `connection` ends.

    Raises NotFound when the forum is not open for sharing. Services do not call this: they
    `hold_forum`, which settles first what has fallen due.
    """
    row = connection.execute(
        select(forum_head).where(forum_head.c.forum_id == forum_id).with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound("sharing.forum-not-open", "this forum is not open for sharing")
    return LockedForum(connection, row, now_us=now_us)
