"""The lock of one forum, and the end of its ledger that goes with it.

Whoever holds the lock is alone in changing what the forum's members see, so that the order
of visibility is the order of commit: a reader's cursor never passes a row that is not yet
committed (sharing policy §5, `date_added`).
"""

from __future__ import annotations

from sqlalchemy import Connection, insert, select, update

from kernel.errors import NotFound
from sharing.tables import forum_head, ledger

STAMP_STEP_US = 100
"""Distance of two stamps: no millisecond holds more than ten, so that a client that cuts
`date_added` to milliseconds re-reads a few objects and never a whole page for ever."""


class LockedForum:
    """The right to write to one forum until the transaction ends; made by `lock_forum`."""

    def __init__(
        self, connection: Connection, forum_id: int, *, seq: int, date_added_us: int, now_us: int
    ) -> None:
        self.connection = connection
        self.forum_id = forum_id
        self.now_us = now_us
        self.seq = seq
        self._date_added_us = date_added_us
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

    def save(self) -> None:
        """Write the entries and the new end of the ledger; the last step before the commit."""
        if self._entries:
            self.connection.execute(insert(ledger), self._entries)
            self._entries = []
        self.connection.execute(
            update(forum_head)
            .where(forum_head.c.forum_id == self.forum_id)
            .values(seq=self.seq, date_added_us=self._date_added_us)
        )


def lock_forum(connection: Connection, forum_id: int, *, now_us: int) -> LockedForum:
    """Wait for the forum's lock and hold it until the transaction of `connection` ends.

    Raises NotFound when the forum is not open for sharing.
    """
    row = connection.execute(
        select(forum_head).where(forum_head.c.forum_id == forum_id).with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound("sharing.forum-not-open", "this forum is not open for sharing")
    return LockedForum(
        connection, forum_id, seq=row.seq, date_added_us=row.date_added_us, now_us=now_us
    )
