"""Slows whoever presents credentials that do not hold, without slowing one that does.

A credential is checked first, so a valid one never waits. After a few failures from an
address or for an id, each further failure waits; few threads may wait at a time, and the rest
is told to come back later. Kept in the memory of each process, within bounds.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from kernel.errors import TooMany

FREE_FAILURES: Final = 5
WINDOW_SECONDS: Final = 300.0
MOST_WAITING: Final = 2
MOST_KEYS: Final = 10_000
_KEY_CHARACTERS: Final = 64


class Throttle:
    """Failures by remote address and by credential id within the last window."""

    def __init__(
        self,
        delay_seconds: float,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._delay_seconds = delay_seconds
        self._monotonic = monotonic
        self._sleep = sleep
        self._lock = threading.Lock()
        self._waiting = threading.BoundedSemaphore(MOST_WAITING)
        self._failures: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()
        self._unreported = 0
        self._reported_at: float | None = None

    def slow_failure(self, address: str, credential_id: str) -> None:
        """Count a failure and wait if there were many; raises TooMany when many wait."""
        with self._lock:
            worst = self._count("address", network_of(address))
            if credential_id:
                worst = max(worst, self._count("id", credential_id[:_KEY_CHARACTERS]))
        if worst <= FREE_FAILURES:
            return
        if not self._waiting.acquire(blocking=False):
            raise TooMany(
                "auth.too-many-failures",
                "too many refused credentials; wait, then use a valid one",
                retry_after_seconds=max(1, round(self._delay_seconds * 4)),
            )
        try:
            self._sleep(self._delay_seconds)
        finally:
            self._waiting.release()

    def take_report(self) -> int | None:
        """How many failures to put on record now: once a window, None in between."""
        with self._lock:
            self._unreported += 1
            now = self._monotonic()
            if self._reported_at is not None and now - self._reported_at < WINDOW_SECONDS:
                return None
            self._reported_at = now
            count, self._unreported = self._unreported, 0
            return count

    def _count(self, kind: str, what: str) -> int:
        key, now = (kind, what), self._monotonic()
        count, since = self._failures.pop(key, (0, now))
        if now - since > WINDOW_SECONDS:
            count, since = 0, now
        self._failures[key] = (count + 1, since)
        if len(self._failures) > MOST_KEYS:
            self._failures.popitem(last=False)
        return count + 1


def network_of(address: str) -> str:
    """The address, or for IPv6 its /64: one host holds as many as it likes of those."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:_KEY_CHARACTERS]
    if isinstance(parsed, ipaddress.IPv6Address):
        mapped = parsed.ipv4_mapped
        if mapped is not None:
            return str(mapped)
        return str(ipaddress.ip_network((parsed.packed, 64), strict=False))
    return str(parsed)
