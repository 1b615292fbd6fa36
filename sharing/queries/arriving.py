"""How much came into a reader's views on each day: for a chart.

What does not live here: who sees what (visibility).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select, union_all

from kernel.clock import DAY_US
from sharing.queries.collections import View
from sharing.queries.newest import MOST_COUNTED, NewestFilter, last_versions
from sharing.tables import release


@dataclass(frozen=True, slots=True)
class Arrivals:
    """By day (days since 1970-01-01, UTC), how many of the last versions in the reader's views
    were added on it; `is_all` when none were left out."""

    days: dict[int, int]
    is_all: bool


def count_arrivals(connection: Connection, views: Sequence[View], *, since_us: int) -> Arrivals:
    """Since an instant, of so many of the newest in each view as facets are counted of."""
    ranges = [
        last_versions(seated, place, NewestFilter(added_after_us=since_us - 1), None)
        .order_by(release.c.date_added_us.desc())
        .limit(MOST_COUNTED)
        .subquery()
        for seated, places in views
        for place in places
        if place.may_be_read_by(seated)
    ]
    if not ranges:
        return Arrivals({}, is_all=True)
    merged = union_all(*(select(one) for one in ranges)).subquery()
    day = merged.c.date_added_us // DAY_US
    rows = connection.execute(
        select(merged.c.collection_id, day.label("day"), func.count().label("added")).group_by(
            merged.c.collection_id, day
        )
    )
    days: Counter[int] = Counter()
    counted: Counter[int] = Counter()
    for row in rows:
        days[row.day] += row.added
        counted[row.collection_id] += row.added
    return Arrivals(dict(days), all(count < MOST_COUNTED for count in counted.values()))
