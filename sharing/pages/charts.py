"""Counts per day as pages show them: a table that script turns into a chart.

Counted is what the reader is shown, and nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import orjson

from kernel.clock import DAY_US, format_instant
from sharing.queries.newest import Seen

_DATE_CHARACTERS: Final = 10


@dataclass(frozen=True, slots=True)
class Day:
    """One day (`2026-01-31`, UTC) and how many there were on it."""

    date: str
    count: int


def days_of(counts: dict[int, int]) -> list[Day]:
    """By days since 1970-01-01, the first one first."""
    return [Day(show_date(day * DAY_US), counts[day]) for day in sorted(counts)]


def show_date(at_us: int) -> str:
    """The day (UTC) on which an instant is."""
    return format_instant(at_us)[:_DATE_CHARACTERS]


def sightings_by_day(stix_id: str, pointing: Iterable[Seen]) -> list[Day]:
    """How often an object was seen on each day, by the sightings of it among what points at it.

    A sighting counts on the last day that it tells of, else on the first, else on that of its
    making; as often as it says, and once where several collections hold it.
    """
    found: dict[str, tuple[str, int]] = {}
    for seen in pointing:
        value: dict[str, Any] = orjson.loads(seen.content)
        if value.get("type") == "sighting" and value.get("sighting_of_ref") == stix_id:
            told = value.get("last_seen") or value.get("first_seen") or value["created"]
            found.setdefault(value["id"], (told[:_DATE_CHARACTERS], value.get("count", 1)))
    days: Counter[str] = Counter()
    for date, count in found.values():
        days[date] += count
    return [Day(date, days[date]) for date in sorted(days)]
