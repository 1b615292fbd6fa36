"""What is due, and what was recorded, as entries of feeds. Reads nothing, decides nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import quote, urlencode

from kernel.clock import DAY_US, format_instant
from norms.queries.due import Due
from norms.queries.events import RecordedEvent
from norms.rules.dates import format_day, start_of
from web.atom import Entry

AHEAD_DAYS: Final = 30
"""What is due comes into its feed so many days before it is."""
MOST: Final = 100
"""Entries that a feed holds, the newest first."""


def due_entries(found: Iterable[Due], base: str) -> list[Entry]:
    """What is due, in the order in which it came into the feed; `base` is our public address."""
    entries = [
        Entry(
            key=f"{one.kind}\n{one.id}\n{one.day}",
            title=f"{format_day(one.day)}: {one.title}",
            summary=_when(one),
            updated_us=start_of(one.day) - AHEAD_DAYS * DAY_US,
            address=f"{base}/norms/due?{urlencode({'kind': one.kind})}",
            category=one.kind,
        )
        for one in found
    ]
    return sorted(entries, key=lambda one: -one.updated_us)[:MOST]


def event_entries(found: Iterable[RecordedEvent], base: str) -> list[Entry]:
    """Events in the order in which they were recorded, the last first."""
    newest = sorted(found, key=lambda one: (one.recorded_us, one.id), reverse=True)[:MOST]
    return [
        Entry(
            key=one.id,
            title=" ".join(filter(None, (one.date, one.party, one.kind, one.instrument))),
            summary=one.provenance.source,
            updated_us=one.recorded_us,
            address=f"{base}/norms/events/{quote(one.id, safe='')}",
            category=one.kind,
        )
        for one in newest
    ]


def _when(one: Due) -> str:
    if one.at_us is not None:
        return format_instant(one.at_us)
    first, last = format_day(one.day), format_day(one.last_day)
    return first if first == last else f"{first} to {last}"
