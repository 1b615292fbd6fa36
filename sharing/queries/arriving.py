"""How much came into a reader's views on each day: for a chart.

What does not live here: who sees what (visibility).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Select, func, select

from kernel.clock import DAY_US
from sharing.queries.collections import View
from sharing.queries.newest import MOST_COUNTED
from sharing.queries.ranges import MOST_KEPT, NewestFilter, Shape, merge, ranges_of
from sharing.tables import release


@dataclass(frozen=True, slots=True)
class Arrivals:
    """By day (days since 1970-01-01, UTC), how many of the last versions in the reader's views
    were added on it; `is_all` when none were left out."""

    days: dict[int, int]
    is_all: bool


def count_arrivals(connection: Connection, views: Sequence[View], *, since_us: int) -> Arrivals:
    """Since an instant, of so many of the newest in each view as facets are counted of."""
    wanted = NewestFilter(added_after_us=since_us - 1)
    ranges = ranges_of(views, wanted, most=MOST_COUNTED)
    if not ranges.views:
        return Arrivals({}, is_all=True)
    rows = connection.execute(_by_day(ranges.shape), ranges.values())
    days: Counter[int] = Counter()
    counted: Counter[int] = Counter()
    for row in rows:
        days[row.day] += row.added
        counted[row.collection_id] += row.added
    return Arrivals(dict(days), all(count < MOST_COUNTED for count in counted.values()))


@lru_cache(maxsize=MOST_KEPT)
def _by_day(shape: Shape) -> Select[Any]:
    newest = merge(shape, release.c.collection_id, release.c.date_added_us)
    day = newest.c.date_added_us // DAY_US
    columns = (newest.c.collection_id, day.label("day"))
    return select(*columns, func.count().label("added")).group_by(newest.c.collection_id, day)
