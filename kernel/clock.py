"""Instants. Inside the product an instant is an int: microseconds since 1970-01-01T00:00:00Z.

Only this module turns text into instants and back. Every function that needs the time is
given it; only doors and commands call `now_us`.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from kernel.errors import BadInput

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_IN_UTC = _EPOCH.replace(tzinfo=None)  # written without its offset
_FIRST_SECOND = int((datetime(1, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds())
_LAST_SECOND = int((datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC) - _EPOCH).total_seconds())
_RFC3339 = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d{0,9}))?"
    r"(?:([Zz])|([+-])(\d{2}):?(\d{2}))",
    re.ASCII,
)


def now_us() -> int:
    """The wall clock, in microseconds since the epoch."""
    return time.time_ns() // 1000


@lru_cache(maxsize=1024)
def parse_instant(text: str) -> int:
    """RFC 3339 text as microseconds; 0 to 9 fraction digits (cut to 6), `Z` or any offset.

    A leap second (`:60`) is read as the first instant of the next minute; at the end of the year
    9999 as the last instant there is.
    Raises BadInput (`kernel.bad-instant`) for anything else.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise _bad_instant(text)
    year, month, day, hour, minute, second = map(int, match.groups()[:6])
    leap, second = (1, 59) if second == 60 else (0, second)
    try:
        since = datetime(year, month, day, hour, minute, second, tzinfo=UTC) - _EPOCH
    except ValueError:
        raise _bad_instant(text) from None
    fraction_us = int((match[7] or "").ljust(6, "0")[:6])
    offset_minutes = _offset_minutes(match, text)
    seconds = since.days * 86_400 + since.seconds + leap - offset_minutes * 60
    if leap and seconds == _LAST_SECOND + 1:
        return seconds * SECOND_US - 1
    if not _FIRST_SECOND <= seconds <= _LAST_SECOND:
        # Its offset takes it out of the years that can be written again.
        raise _bad_instant(text)
    return seconds * SECOND_US + fraction_us


def _offset_minutes(match: re.Match[str], text: str) -> int:
    if match[8]:
        return 0
    hours, minutes = int(match[10]), int(match[11])
    if hours > 23 or minutes > 59:
        raise _bad_instant(text)
    return (hours * 60 + minutes) * (-1 if match[9] == "-" else 1)


def _bad_instant(text: str) -> BadInput:
    shown = text if len(text) <= 60 else text[:57] + "..."
    return BadInput(
        "kernel.bad-instant",
        f"{shown!r} is not an instant; write one like 2026-11-27T08:30:00.000000Z",
    )


def format_instant(instant_us: int, *, digits: int = 6) -> str:
    """Microseconds as RFC 3339 in UTC with `digits` (3 or 6) fraction digits and `Z`."""
    moment = _EPOCH_IN_UTC + timedelta(microseconds=instant_us)
    written = moment.isoformat(timespec="microseconds")
    return f"{written[: len(written) - 6 + digits]}Z"


def format_version(version_us: int) -> str:
    """A STIX version as text: milliseconds, or microseconds where the version has them."""
    return format_instant(version_us, digits=6 if version_us % 1000 else 3)
