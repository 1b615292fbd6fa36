"""What a room declares to have its due work done: which of it is ready, and how it is done.

The records say what is due, and there is no other queue: nothing is due that the records do not
say, and nothing is lost with a queue. What does not live here: who does it when (kernel.worker).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from kernel.db import Database

Details = Mapping[str, object]
"""What a log may tell of a task that was done: counts and instants, never content."""


class Run(Protocol):
    """Does one piece of work, in transactions of its own; safe to repeat."""

    def __call__(self, database: Database, key: str, /, *, now_us: int) -> Details:
        """Do what `key` names."""
        ...


class ListReady(Protocol):
    """The keys of what is ready now; quick, for it is asked often."""

    def __call__(self, database: Database, /, *, now_us: int) -> Sequence[str]:
        """Keys in the order in which they are best done."""
        ...


@dataclass(frozen=True, slots=True)
class Task:
    """A kind of due work; workers look for it every `every_seconds`, or as often as they look.

    A process does `most` pieces of it at once, 0 being as many as it has threads. `is_tidying`
    is work that nobody waits for: what is over is forgotten, what is asked for seldom made ready.
    """

    name: str
    list_ready: ListReady
    run: Run
    every_seconds: float = 0.0
    most: int = 0
    is_tidying: bool = False


Tasks = Callable[[], Sequence[Task]]
"""Gives the tasks of all rooms, importing them only then."""
