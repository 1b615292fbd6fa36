"""Inquire: who had been served what of a member's own object, asked before it is recalled."""

from __future__ import annotations

from auth.reader import Seated
from kernel.db import Database
from sharing.queries.collections import Collection
from sharing.queries.contributions import list_copies
from sharing.queries.delivered import list_served
from sharing.queries.recalls import Told, list_as_told
from sharing.services.settling import settled_read
from sharing.services.withdraw import refuse_unknown, unknown_object


def find_served(
    database: Database,
    seated: Seated,
    place: Collection,
    stix_id: str,
    version_us: int | None,
    *,
    now_us: int,
) -> list[Told]:
    """What of the member's versions of an object, or of one of them, was served to whom.

    Raises what `withdraw` raises for an id that is not the member's.
    """
    with (
        # Whose an id is, is told to whoever sees it: by now, not by what nobody has settled.
        settled_read(database, now_us=now_us) as connection,
        database.read_deliveries() as deliveries,
    ):
        own = [
            stored
            for stored in list_copies(connection, place.id, [stix_id])
            if stored.originator_id == seated.member_id
        ]
        if not own or seated.member_id is None:
            refuse_unknown(connection, seated, place, stix_id)
        wanted = [stored.id for stored in own if version_us in (None, stored.version_us)]
        if not wanted:
            raise unknown_object()
        served = list_served(connection, deliveries, seated.member_id, wanted)
        return list_as_told(connection, seated.forum_id, served, {})
