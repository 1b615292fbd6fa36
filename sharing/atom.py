"""What came into a reader's views, as entries of a feed: what it is, never what it says.

A feed reader keeps what it reads, and may keep it anywhere: as in every file that a list is
taken as, objects are named and nothing of them is shown. Reads nothing, decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import quote, urlencode

from kernel.clock import format_version
from sharing.queries.standing import Standing
from web.atom import Entry

MOST: Final = 100
"""Entries that a feed holds, the newest first."""


def new_entries(
    found: Iterable[Standing], forum: str, titles: Mapping[str, str], base: str
) -> list[Entry]:
    """In the order given; `titles` are those of collections by UUID, `base` our public address."""
    return [
        Entry(
            # Given anew it is the same, as of later.
            key=f"{one.collection}\n{one.stix_id}\n{one.version_us}",
            title=f"{one.stix_type}, TLP:{one.tlp.text.upper()}",
            summary=(
                f"{one.stix_id}, version {format_version(one.version_us)}, "
                f"in {titles[one.collection]}"
            ),
            updated_us=one.date_added_us,
            address=(
                f"{base}/sharing/{quote(forum, safe='')}/objects/{quote(one.stix_id, safe='')}?"
                f"{urlencode({'collection': one.collection})}"
            ),
            category=one.stix_type,
        )
        for one in found
    ]
