"""Stop what is pushed to a partner that is taken up again, until somebody has looked at it.

What does not live here: what stops a push while its partner is suspended or has ended (pushing).
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, select, update

from auth.services import record_audit
from sharing.services.feeds.runs import Ending, write_unrun
from sharing.tables import feed

_ANEW: Final = (
    "the partner had ended and was added again: see that the address and the credentials are still "
    "its own, then resume the feed"
)


def pause_pushes(connection: Connection, actor: str, recipient_id: int, *, now_us: int) -> None:
    """Pause what pushes the view of a partner that is taken up again, and say why at the feed.

    Not sooner: while the partner has ended, its pushes have deleted what they sent.
    """
    rows = connection.execute(
        select(feed.c.id, feed.c.name, feed.c.member_id)
        .where(feed.c.recipient_id == recipient_id, feed.c.removed_us.is_(None))
        .order_by(feed.c.id)
    ).all()
    for row in rows:
        connection.execute(
            update(feed).where(feed.c.id == row.id).values(state="paused", next_us=None)
        )
        write_unrun(
            connection, row.id, Ending("failed", "here", "sharing.feed-paused", _ANEW), now_us
        )
        record_audit(
            connection,
            actor,
            "feed.pause",
            f"feed:{row.name}",
            member_id=row.member_id,
            detail={"because": _ANEW},
            now_us=now_us,
        )
