"""Spans of days, and how a status that changes from day to day is written as few of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

Span = tuple[int, int | None, T]
"""[from_day, to_day) and what holds in it; without an end: until further notice."""


def sweep(changes: Iterable[int], holds_on: Callable[[int], T | None]) -> Iterator[Span[T]]:
    """What holds, from the first day on which something may change to the last.

    `holds_on` is asked for each day of `changes`, and for no other; None is nothing, and makes
    a gap. Neighbours that are equal become one.
    """
    begun: int | None = None
    held: T | None = None
    for day in sorted(set(changes)):
        now = holds_on(day)
        if now == held:
            continue
        if held is not None and begun is not None:
            yield begun, day, held
        begun, held = day, now
    if held is not None and begun is not None:
        yield begun, None, held
