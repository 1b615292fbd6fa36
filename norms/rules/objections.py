"""Objections to reservations: until when they may be made, and what silence means.

VCLT Art. 20(5): a reservation is taken to be accepted by a State that has raised no objection by
the end of twelve months after it was notified of it.
"""

from __future__ import annotations

from norms.rules.dates import PartialDate, add_months

WINDOW_MONTHS = 12


def find_window_end(notified: PartialDate) -> int:
    """The last day on which an objection is in time, by the last day of notification."""
    return add_months(notified.last_day, WINDOW_MONTHS)


def is_in_time(objected: PartialDate, notified: PartialDate) -> bool:
    """Whether an objection was surely made within the window."""
    return objected.last_day <= find_window_end(notified)


def is_open(notified: PartialDate, day: int) -> bool:
    """Whether an objection made on a day would be in time."""
    return day <= find_window_end(notified)
