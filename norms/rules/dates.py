"""Partial dates: a year, a month or a day, kept as given, and the days that they may mean.

What begins on a partial date counts from its last possible day, what ends from its first: where
nobody knows, nothing is taken to hold. Days are proleptic day numbers (`date.toordinal`).
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime

from kernel.clock import DAY_US
from kernel.errors import BadInput

_FORM = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)
_EPOCH_DAY = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class PartialDate:
    """`text` as it was given; `first_day` and `last_day` are the days it may mean."""

    text: str
    first_day: int
    last_day: int

    def is_before(self, other: PartialDate) -> bool:
        """Whether it was surely earlier; of dates that overlap nobody knows."""
        return self.last_day < other.first_day


def parse_date(text: str) -> PartialDate:
    """`2019`, `2019-07` or `2019-07-12`. Raises BadInput (`norms.bad-date`)."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise _bad_date(text)
    year, month, day = (int(part) if part else None for part in match.groups())
    try:
        first = date(year or 0, month or 1, day or 1)
    except ValueError:
        raise _bad_date(text) from None
    if month is None:
        last = date(first.year, 12, 31)
    elif day is None:
        last = date(first.year, month, calendar.monthrange(first.year, month)[1])
    else:
        last = first
    return PartialDate(text, first.toordinal(), last.toordinal())


def parse_day(text: str) -> int:
    """A whole date as a day number. Raises BadInput (`norms.bad-date`)."""
    found = parse_date(text)
    if found.first_day != found.last_day:
        raise BadInput("norms.bad-date", f"{text!r} is no day; write one like 2017-01-01")
    return found.first_day


def format_day(day: int) -> str:
    """A day number as `2019-07-12`."""
    return date.fromordinal(day).isoformat()


def day_of(instant_us: int) -> int:
    """The day of an instant, in UTC."""
    return _EPOCH_DAY + instant_us // DAY_US


def start_of(day: int) -> int:
    """The first instant of a day in UTC, in microseconds."""
    return (day - _EPOCH_DAY) * DAY_US


def add_months(day: int, months: int) -> int:
    """The same day of a later month, or its last where it has no such day."""
    begun = date.fromordinal(day)
    index = begun.year * 12 + begun.month - 1 + months
    year, month = divmod(index, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(begun.day, last)).toordinal()


def first_of_next_month(day: int) -> int:
    """The first day of the month after that of `day`."""
    return add_months(date.fromordinal(day).replace(day=1).toordinal(), 1)


def today(instant_us: int) -> str:
    """The date of an instant in UTC, as text."""
    return datetime.fromtimestamp(instant_us / 1_000_000, tz=UTC).date().isoformat()


def _bad_date(text: str) -> BadInput:
    shown = text if len(text) <= 40 else text[:37] + "..."
    return BadInput("norms.bad-date", f"{shown!r} is no date; write a year, 2019-07 or 2019-07-12")
