"""Forget status resources whose time is over (docs/operations.md says how long they are kept)."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, delete, select

from kernel.clock import DAY_US
from sharing.tables import status

STATUS_KEPT_US: Final = 7 * DAY_US


def has_old_statuses(connection: Connection, *, now_us: int) -> bool:
    """Whether there is a status resource to forget."""
    old = select(status.c.id).where(status.c.requested_us < now_us - STATUS_KEPT_US)
    return connection.execute(old.limit(1)).first() is not None


def forget_statuses(connection: Connection, *, now_us: int) -> int:
    """Remove those requested longer ago than they are kept; how many there were."""
    old = status.c.requested_us < now_us - STATUS_KEPT_US
    return connection.execute(delete(status).where(old)).rowcount
