"""Objects of a reader's views that point at an object: relationships, sightings, reports.

By the form that the reader is served: a reference that was taken out of it points nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from sqlalchemy import Connection, select, union_all

from auth.reader import Seated
from kernel.db import BINARY_ROWS
from sharing.queries.collections import Collection
from sharing.queries.newest import Seen, seen_of
from sharing.queries.releases import TLP_OF_RELEASE
from sharing.tables import body, reference, release
from sharing.visibility import visible_among


def list_pointing(
    connection: Connection,
    seated: Seated,
    places: Sequence[Collection],
    stix_id: str,
    *,
    limit: int,
) -> list[Seen]:
    """The last versions in the views that name this id, newest first, at most `limit` of each."""
    if "\0" in stix_id:
        return []
    pointing = select(reference.c.contribution_id).where(reference.c.stix_id == stix_id)
    ranges = [
        # By what names the id, which is little; not by the collection, which may be everything.
        visible_among(
            seated,
            [place.id],
            release.c.collection_id,
            release.c.date_added_us,
            release.c.stix_id,
            release.c.version_us,
            release.c.body_id,
            TLP_OF_RELEASE.label("tlp"),
        )
        .where(release.c.is_last, release.c.contribution_id.in_(pointing))
        .order_by((release.c.date_added_us + 0).desc())
        .limit(limit)
        .subquery()
        for place in places
        if place.may_be_read_by(seated)
    ]
    if not ranges:
        return []
    merged = union_all(*(select(one) for one in ranges)).subquery()
    rows = connection.execute(
        select(merged, body.c.content)
        .join(body, body.c.id == merged.c.body_id)
        .execution_options(**BINARY_ROWS)
    )
    wanted = orjson.dumps(stix_id)
    found = [seen_of(row, places) for row in rows if wanted in bytes(row.content)]
    return sorted(found, key=lambda one: one.standing.key, reverse=True)[:limit]
