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
    words = find_last_words(events)
    settled = [
        event
        if event.refers_to is None
        else replace(event, refers_to=_now_called(event.refers_to, words))
        for event in {one.id: one for one in words.values() if one is not None}.values()
    ]
    return sorted(settled, key=lambda event: (event.date.first_day, event.date.last_day, event.id))


def find_last_words(events: Iterable[Event]) -> dict[int, Event | None]:
    """By the id of each event, corrections too, what counts of it now; None when nothing does."""
    all_of_them = list(events)
    correcting = {event.corrects: event for event in all_of_them if event.corrects is not None}
    found: dict[int, Event | None] = {}
    for event in all_of_them:
        if event.corrects is None:
            chain, word = _last_word(event, correcting)
            found.update(dict.fromkeys(chain, word))
    return found


def _now_called(event_id: int, words: Mapping[int, Event | None]) -> int:
    word = words.get(event_id)
    return event_id if word is None else word.id


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
