"""What stands in a reader's views of several collections now, in one order.

One range of each view, merged: `date_added` is strictly increasing in a view, not across
views. What does not live here: who sees what (visibility, through releases).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from auth.reader import Seated
from sharing.queries.collections import Collection
from sharing.queries.matching import Match
from sharing.queries.releases import TLP_OF_RELEASE, Asking, Columns, find_head, list_rows
from sharing.rules.tlp import Tlp
from sharing.tables import release

Key = tuple[int, str]
"""(`date_added` in µs, UUID of the collection): no two releases of a reader's views share one."""

_COLUMNS: Final[Columns] = (
    release.c.date_added_us,
    release.c.stix_id,
    release.c.version_us,
    TLP_OF_RELEASE.label("tlp"),
)


@dataclass(frozen=True, slots=True)
class Standing:
    """One version of one object in the reader's view of a collection (by UUID)."""

    date_added_us: int
    collection: str
    stix_id: str
    version_us: int
    tlp: Tlp

    @property
    def key(self) -> Key:
        """Its place in the order."""
        return (self.date_added_us, self.collection)

    @property
    def stix_type(self) -> str:
        """The type, which a canonical id begins with (STIX 2.1 §2.9)."""
        return self.stix_id.partition("--")[0]


def list_standing(
    connection: Connection,
    seated: Seated,
    places: Sequence[Collection],
    match: Match,
    *,
    added_after_us: int | None,
    after: Key | None,
    limit: int,
) -> list[Standing]:
    """The first `limit` versions that match, added after an instant and behind a key."""
    found: list[Standing] = []
    for place in places:
        after_us = _begin(place.uuid, added_after_us, after)
        head = find_head(connection, seated, place.id)
        if head.is_behind(after_us):
            continue
        asked = Asking(seated, place.id, match, after_us, limit, head)
        found += [
            Standing(row[0], place.uuid, row[1], row[2], Tlp(row[3]))
            for row in list_rows(connection, asked, _COLUMNS)
        ]
    return sorted(found, key=lambda one: one.key)[:limit]


def _begin(uuid: str, added_after_us: int | None, after: Key | None) -> int | None:
    """After which `date_added` one collection goes on, behind a key of any of them."""
    if after is None:
        return added_after_us
    date_added_us, last_uuid = after
    return date_added_us if uuid <= last_uuid else date_added_us - 1
