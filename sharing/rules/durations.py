"""ISO 8601 durations in policies, as microseconds.

Weeks, days, hours, minutes and seconds have one length each; years and months have not,
so they are refused.
"""

from __future__ import annotations

import re
from typing import Final

from kernel.clock import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from sharing.rules.node import Node, quote

MAX_DURATION_US: Final = 36_525 * DAY_US
"""A hundred years: longer ones are mistakes, and would pass the end of the calendar."""

_DURATION: Final = re.compile(
    r"P(?=[\dT])(?:(\d{1,9})W)?(?:(\d{1,9})D)?"
    r"(?:T(?=\d)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})(?:[.,](\d{1,6}))?S)?)?",
    re.ASCII,
)
_YEARS_OR_MONTHS: Final = re.compile(r"P(?:\d+Y|(?:\d+W)?\d+M)", re.ASCII)
_UNITS_US: Final = (7 * DAY_US, DAY_US, HOUR_US, MINUTE_US, SECOND_US)


def read_duration(node: Node) -> int:
    """An ISO 8601 duration such as `P7D` or `PT1H30M`, in microseconds. Refuses all else."""
    text = node.text()
    match = _DURATION.fullmatch(text)
    if match is None:
        raise node.refused(_reason(text))
    amounts = (int(amount or 0) for amount in match.groups()[:5])
    fraction_us = int((match[6] or "").ljust(6, "0"))
    whole_us = sum(amount * unit for amount, unit in zip(amounts, _UNITS_US, strict=True))
    if whole_us + fraction_us > MAX_DURATION_US:
        raise node.refused("this is more than a hundred years; write a shorter duration")
    return whole_us + fraction_us


def _reason(text: str) -> str:
    if _YEARS_OR_MONTHS.match(text):
        return "years and months vary in length, so they are ambiguous; count in weeks or days"
    return f"{quote(text)} is not an ISO 8601 duration; write one like P7D, P2W or PT1H30M"
