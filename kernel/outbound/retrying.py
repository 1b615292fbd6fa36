"""When a request is tried again, and after how long: full jitter, and what the server asks for.

Pure: the clock and the random number are given.
"""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import Final

from kernel.outbound.errors import OutboundError, StatusRefused

RETRIED: Final = frozenset({429, 502, 503, 504})
_FIRST_SECONDS: Final = 0.5
_SECONDS: Final = re.compile(r"[0-9]{1,9}", re.ASCII)


def may_retry(fault: OutboundError) -> bool:
    """Whether another try of the same request may have another end."""
    if isinstance(fault, StatusRefused):
        return fault.answered in RETRIED
    return fault.is_passing


def delay_seconds(failed: int, random: float, *, most: float, asked: float | None) -> float:
    """How long to wait after so many tries that failed; `random` is in [0, 1).

    Full jitter: any time up to twice as much as at the try before. What the server asked for
    (`Retry-After`) comes first, and the jitter after it, so that not all come back at once.
    """
    jitter: float = random * min(most, _FIRST_SECONDS * 2**failed)
    return jitter + (asked or 0.0)


def read_retry_after(value: str | None, *, now_seconds: float) -> float | None:
    """Seconds from now (RFC 9110 §10.2.3: seconds, or a date); None for anything else.

    `now_seconds` is the wall clock, in seconds since 1970.
    """
    text = (value or "").strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        return max(parsedate_to_datetime(text).timestamp() - now_seconds, 0.0)
    except (ValueError, OverflowError):
        return None
