"""Remove a feed: it runs never again, its secrets are gone, and what it moved stays on record.

Its row stays, as what it brought, sent and was refused names it: nothing of that goes back to where
it came from, and people can look at it. What does not live here: pausing one (keeping).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from sqlalchemy import Connection, update

from auth.reader import Reader
from kernel.clock import format_instant
from sharing.queries.feeds import Feed
from sharing.services.feeds.keeping import check_stands, record_steering
from sharing.tables import feed, feed_sent

KEPT: Final = "the feed was removed: the partner keeps it, and nothing here takes it back any more"


def remove_feed(connection: Connection, reader: Reader, found: Feed, *, now_us: int) -> int:
    """Remove a feed; how many versions that it sent the partner keeps (listed as recalled).

    A run that goes on records nothing more. Raises Conflict (`sharing.feed-removed`).
    """
    check_stands(found)
    connection.execute(
        update(feed)
        .where(feed.c.id == found.id)
        .values(
            # As no name is that may be given: this one is free again.
            name=f"{found.name} (removed {format_instant(now_us)[:10]}, {found.uuid[:8]})",
            state="paused",
            next_us=None,
            failures=0,
            position=replace(found.position, walk=None).dump(),
            auth="none",
            user_name=None,
            secret=None,
            client_cert=None,
            ca=None,
            removed_us=now_us,
        )
    )
    kept = connection.execute(
        update(feed_sent)
        .where(feed_sent.c.feed_id == found.id, feed_sent.c.state == "sent")
        .values(state="recalled", reason=KEPT, sent_us=now_us)
    ).rowcount
    detail = {"kept_by_partner": kept, "url": found.url, "remote": found.remote}
    record_steering(connection, reader, "feed.remove", found, detail, now_us)
    return kept
