"""Silence procedures: adopted if nobody objects by the deadline; the state follows from events.

A clock never adopts on anybody's behalf: once the deadline has passed unbroken the procedure is
`held`, and `adopted` when the secretariat records the adoption (domain brief, rule 12).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from kernel.errors import Conflict

CIRCULATED: Final = "circulated"
EXTENDED: Final = "extended"
BROKEN: Final = "broken"
WITHDRAWN: Final = "withdrawn"
ADOPTED: Final = "adopted"
RUNNING: Final = "silence-running"
HELD: Final = "held"
_MAY_FOLLOW: Final[dict[str, frozenset[str]]] = {
    EXTENDED: frozenset({RUNNING}),
    BROKEN: frozenset({RUNNING}),
    WITHDRAWN: frozenset({RUNNING, HELD}),
    ADOPTED: frozenset({HELD}),
}
"""After which states an event of a kind may happen."""


@dataclass(frozen=True, slots=True)
class SilenceEvent:
    """What happened to a procedure at an instant; `deadline_us` when it sets one."""

    kind: str
    at_us: int
    deadline_us: int | None = None
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class SilenceState:
    """What a procedure is at an instant, and the deadline that counts (with its zone)."""

    status: str
    deadline_us: int
    zone: str
    since_us: int


def find_state(events: Iterable[SilenceEvent], now_us: int) -> SilenceState | None:
    """The state at an instant, by what had happened until then; None before it was circulated.

    An extension or an objection counts only while silence was running.
    """
    state: SilenceState | None = None
    for event in sorted(events, key=lambda one: one.at_us):
        if event.at_us > now_us:
            break
        state = _after(_at(state, event.at_us), event)
    return _at(state, now_us)


def check_may_follow(state: SilenceState | None, kind: str) -> None:
    """Refuse an event that cannot happen now. Raises Conflict (`norms.silence-over`)."""
    status = None if state is None else state.status
    if status not in _MAY_FOLLOW[kind]:
        raise Conflict(
            "norms.silence-over",
            f"the silence procedure is {status or 'not circulated'}; it cannot be {kind} now",
        )


def _at(state: SilenceState | None, now_us: int) -> SilenceState | None:
    if state is not None and state.status == RUNNING and now_us >= state.deadline_us:
        return SilenceState(HELD, state.deadline_us, state.zone, state.deadline_us)
    return state


def _after(state: SilenceState | None, event: SilenceEvent) -> SilenceState | None:
    if event.kind == CIRCULATED:
        return SilenceState(RUNNING, event.deadline_us or 0, event.zone or "UTC", event.at_us)
    if state is None or state.status not in _MAY_FOLLOW[event.kind]:
        return state
    if event.kind == EXTENDED:
        deadline_us = max(state.deadline_us, event.deadline_us or 0)
        return SilenceState(RUNNING, deadline_us, event.zone or state.zone, event.at_us)
    return SilenceState(event.kind, state.deadline_us, state.zone, event.at_us)
