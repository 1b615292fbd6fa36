"""Reservations and objections: what may be reserved, until when it may be objected to.

VCLT Art. 20(5): a reservation is taken to be accepted by a State that has raised no objection by
the end of twelve months after it was notified of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from norms.rules.dates import PartialDate, add_months
from norms.rules.events import Event
from norms.rules.words import UNQUALIFYING, WITHDRAWN_OBJECTION

WINDOW_MONTHS = 12


def is_permitted(provisions: Iterable[str], reservable: Iterable[str] | None) -> bool | None:
    """Whether a treaty lets these be reserved against; None where it says nothing (VCLT 19(b)).

    `provisions` and `reservable` are paths. A reservation to the whole is to more than a list.
    """
    if reservable is None:
        return None
    asked = set(provisions)
    return bool(asked) and asked <= set(reservable)


def find_window_end(notified: PartialDate) -> int:
    """The last day on which an objection is in time, by the last day of notification."""
    return add_months(notified.last_day, WINDOW_MONTHS)


def is_in_time(objected: PartialDate, notified: PartialDate) -> bool:
    """Whether an objection was surely made within the window."""
    return objected.last_day <= find_window_end(notified)


def list_left(acts: Iterable[Event]) -> list[Event]:
    """Of acts that stand, those of which something is left: not taken back as a whole, nor in all
    that they name."""
    everything = list(acts)
    taken_back: defaultdict[int | None, list[Event]] = defaultdict(list)
    for one in everything:
        if one.kind in UNQUALIFYING or one.kind == WITHDRAWN_OBJECTION:
            taken_back[one.refers_to].append(one)
    return [one for one in everything if not _is_undone(one, taken_back[one.id])]


def _is_undone(act: Event, taken_back: list[Event]) -> bool:
    if any(not one.provisions for one in taken_back):
        return True
    left = set(act.provisions).difference(*(one.provisions for one in taken_back))
    return bool(act.provisions) and not left


def is_open(notified: PartialDate, day: int) -> bool:
    """Whether an objection made on a day would be in time."""
    return day <= find_window_end(notified)
