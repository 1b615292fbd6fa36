"""What becomes of an implementation action, from its dated events; nobody edits a status."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from norms.rules.dates import PartialDate

KINDS: Final = ("begun", "progress", "completed", "discontinued", "due-moved", "evidence")
PLANNED: Final = "planned"
UNDER_WAY: Final = "in-progress"
_STATUS: Final = {
    "begun": UNDER_WAY,
    "progress": UNDER_WAY,
    "completed": "completed",
    "discontinued": "discontinued",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One event of an action; `due` is the new due date where it is moved."""

    kind: str
    date: PartialDate
    due: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """What an action is on a day: a word, its due date, how much evidence there is."""

    status: str
    since: str | None
    due: str | None
    evidence: int


def find_progress(steps: Iterable[Step], due: str | None, day: int) -> Progress:
    """The state on a day, by the steps that have surely been taken until then."""
    status, since, evidence = PLANNED, None, 0
    for step in sorted(steps, key=lambda one: (one.date.last_day, KINDS.index(one.kind))):
        if step.date.last_day > day:
            break
        if step.kind == "evidence":
            evidence += 1
        elif step.kind == "due-moved":
            due = step.due
        else:
            status, since = _STATUS[step.kind], step.date.text
    return Progress(status, since, due, evidence)
