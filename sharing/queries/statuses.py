"""Status resources: what became of a member's own requests (TAXII 2.1 §4.3)."""

from __future__ import annotations

from sqlalchemy import Connection, select

from auth.reader import Seated
from sharing.tables import status


def find_status(connection: Connection, seated: Seated, status_id: str) -> bytes | None:
    """The status resource as it was written, for the member that made the request alone."""
    if seated.member_id is None or "\0" in status_id:
        return None
    return connection.execute(
        select(status.c.document).where(
            status.c.id == status_id.lower(),
            status.c.forum_id == seated.forum_id,
            status.c.member_id == seated.member_id,
        )
    ).scalar()
