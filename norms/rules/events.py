"""Events as the rules see them, and which of them stand once corrections are counted.

What does not live here: what follows from an event (`commitments`, `treaties`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from norms.rules.dates import PartialDate
from norms.rules.words import ANNULMENT


@dataclass(frozen=True, slots=True)
class Event:
    """One recorded event. `provisions` empty means all of its instrument.

    `forum` is a slug; `parties` are those that an adoption binds by name. `refers_to` and
    `corrects` are ids of other events.
    """

    id: int
    kind: str
    date: PartialDate
    instrument: str | None = None
    forum: str | None = None
    party: str | None = None
    provisions: tuple[str, ...] = ()
    parties: tuple[str, ...] = ()
    basis: str | None = None
    refers_to: int | None = None
    corrects: int | None = None

    def concerns(self, provision: str) -> bool:
        """Whether it is about this provision of its instrument."""
        return not self.provisions or provision in self.provisions


def list_standing(events: Iterable[Event]) -> list[Event]:
    """The events that count, by day, then id: of each with its corrections one, or none.

    A correction replaces what it corrects; an annulment takes it away, so that what was before
    counts again. What refers to an event refers to what counts of it now: a correction loses no
    contest, objection or withdrawal. The order of recording makes no difference.
    """
    all_of_them = list(events)
    correcting = {event.corrects: event for event in all_of_them if event.corrects is not None}
    standing = []
    now_called: dict[int, int] = {}
    for event in all_of_them:
        if event.corrects is None:
            chain, found = _last_word(event, correcting)
            if found is not None:
                standing.append(found)
                now_called.update(dict.fromkeys(chain, found.id))
    settled = [
        event
        if event.refers_to is None
        else replace(event, refers_to=now_called.get(event.refers_to, event.refers_to))
        for event in standing
    ]
    return sorted(settled, key=lambda event: (event.date.first_day, event.date.last_day, event.id))


def _last_word(event: Event, correcting: Mapping[int, Event]) -> tuple[list[int], Event | None]:
    """The ids of an event and its chain of corrections, and what counts of them."""
    # What counted after each link of the chain; before the first one, nothing.
    counted: list[Event | None] = [None, event]
    chain = [event.id]
    link = correcting.get(event.id)
    while link is not None:
        counted.append(counted[-2] if link.kind == ANNULMENT else link)
        chain.append(link.id)
        link = correcting.get(link.id)
    return chain, counted[-1]
