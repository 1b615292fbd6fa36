"""Whether a release was ever served to somebody, by the log of deliveries.

A delivery holds every release that was open at its ledger position, lies in its range and
matches its filters (sharing policy §5: what had already been served to whom is known).
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Connection

from sharing.queries.contributions import Stored
from sharing.queries.delivered import is_let_through, known_tlp, may_leave_without
from sharing.queries.served import (
    Delivered,
    PastRelease,
    list_delivered,
    list_served_elements,
)


@dataclass(frozen=True, slots=True)
class _Ranges:
    """The deliveries of one collection to one recipient, by where they begin; numbers only.

    `reach` is the furthest end of this delivery and of all before it.
    """

    first: array[int] = field(default_factory=lambda: array("q"))
    last: array[int] = field(default_factory=lambda: array("q"))
    reach: array[int] = field(default_factory=lambda: array("q"))
    head: array[int] = field(default_factory=lambda: array("q"))
    asked: array[int] = field(default_factory=lambda: array("l"))


class ServedLog:
    """The log of deliveries of one forum; each recipient's part is read when it is asked for."""

    def __init__(self, deliveries: Connection, forum_id: int) -> None:
        self._deliveries = deliveries
        self._forum_id = forum_id
        self._ranges: dict[int, dict[int, _Ranges]] = {}
        self._asked: list[tuple[str, dict[str, Any]]] = []
        self._numbers: dict[tuple[str, str], int] = {}
        elements = list_served_elements(deliveries, forum_id)
        self.served = sum(1 << element for element in elements)

    def is_served(self, element: int, stored: Stored, release: PastRelease) -> bool:
        """Whether an answer to this recipient and kind of credential held the release."""
        if not release.mask >> element & 1:
            return False
        ranges = self._of(element).get(release.collection_id)
        if ranges is None:
            return False
        at_us = release.date_added_us
        number = bisect_right(ranges.first, at_us) - 1
        while number >= 0 and ranges.reach[number] >= at_us:
            if (
                ranges.last[number] >= at_us
                and release.opened <= ranges.head[number]
                and (release.closed is None or ranges.head[number] < release.closed)
                and is_let_through(
                    *self._asked[ranges.asked[number]],
                    release,
                    known_tlp(stored.tlp, stored.feed_id, release.closed),
                    lambda: may_leave_without(stored.facts, release.omitted, stored.tlp),
                )
            ):
                return True
            number -= 1
        return False

    def _of(self, element: int) -> dict[int, _Ranges]:
        found = self._ranges.get(element)
        if found is None:
            found = self._ranges[element] = {}
            for one in list_delivered(self._deliveries, self._forum_id, element):
                ranges = found.setdefault(one.collection_id, _Ranges())
                ranges.first.append(one.first_us)
                ranges.last.append(one.last_us)
                ranges.reach.append(
                    max(one.last_us, ranges.reach[-1]) if ranges.reach else one.last_us
                )
                ranges.head.append(one.head)
                ranges.asked.append(self._number_of(one))
        return found

    def _number_of(self, one: Delivered) -> int:
        """The number of what was asked for: few questions are asked again and again."""
        asked = orjson.loads(one.filters)
        # Where a walk had come to does not tell what its page holds; the range does.
        asked = {name: value for name, value in asked.items() if name not in ("after", "limit")}
        key = (one.door, orjson.dumps(asked).decode())
        if key not in self._numbers:
            self._numbers[key] = len(self._asked)
            self._asked.append((one.door, asked))
        return self._numbers[key]
