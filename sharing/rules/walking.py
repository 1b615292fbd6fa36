"""How a pull goes on from page to page, whatever the partner's server does.

Pure: positions in, positions out. Times with the server's own quirks are dealt with by name (an
oddity that people are shown); what can make no progress is stopped with a sentence, never asked
for ever. What does not live here: the pages themselves and what becomes of their objects.

TAXII 2.1 §3.4 to §3.6, §5.4: `date_added` of the server's own making, `next`, `more`.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields, replace
from typing import Any, Final

import orjson

from kernel.clock import SECOND_US
from kernel.errors import BadInput

_MILLISECOND_US: Final = 1000
_DRIFT_US: Final = 2 * SECOND_US
"""A `Date` header has whole seconds, and an answer takes its time."""
_ANSWER_US: Final = 60 * SECOND_US
"""The longest that an answer may have taken."""
_EMPTY_PAGES: Final = 3
_KINDS: Final[dict[str, tuple[type, ...]]] = {
    "bool": (bool,),
    "int": (int,),
    "int | None": (int, type(None)),
    "str | None": (str, type(None)),
    "Walk | None": (dict, type(None)),
}
"""What each kind of field is in JSON."""
_SETTLING_US: Final = 10 * SECOND_US
"""What a server is adding while it is asked may be dated before what it shows already."""

ODDITIES: Final = {
    "clock-went-back": "its clock went back: what it may have dated again is asked for again",
    "dates-out-of-order": "it does not give objects in the order of their dates: a walk that is "
    "cut off begins again",
    "empty-page-with-more": "it said `more` with an empty page",
    "more-without-next": "it said `more` without `next`: the walk goes on by date",
    "next-forgotten": "it did not know its own `next` any more: the walk went on by date",
    "no-dates": "it does not say when objects were added: what is added while it is asked comes "
    "with the next run",
    "page-too-big": "a page of it held more than is taken at once: smaller pages are asked for",
    "second-precision": "its dates have no fractions: the last second is asked for again each time",
}
"""What a partner's server may do by name, and what is done about it."""


@dataclass(frozen=True, slots=True)
class Walk:
    """A walk that has not ended: asked `after_us` (the filter of all its pages), `next` to come.

    `last_us` is the latest date that it met, `is_clean` whether `next` was certainly not asked
    for yet, `begun_us` the server's clock (ours, where it shows none) when it began.
    """

    after_us: int | None
    begun_us: int
    next: str | None = None
    last_us: int | None = None
    is_ordered: bool = True
    is_clean: bool = False
    empty: int = 0


@dataclass(frozen=True, slots=True)
class Position:
    """Where a pull stands: everything that was added up to `after_us` has been taken.

    `server_us` is the server's clock at the last answer, `local_us` ours.
    """

    after_us: int | None = None
    server_us: int | None = None
    local_us: int | None = None
    walk: Walk | None = None

    def dump(self) -> str:
        """As it is kept."""
        return orjson.dumps(self, option=orjson.OPT_SORT_KEYS).decode()


def load_position(text: str) -> Position:
    """A position from what `dump` wrote, of this release or an earlier one.

    What a release before this one did not write is as it is by default. Raises BadInput
    (`sharing.feed-lost`) for what no release before this one has written.
    """
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise lost() from None
    known = _read(document, Position)
    walk = known.pop("walk", None)
    return Position(**known, walk=None if walk is None else Walk(**_read(walk, Walk)))


def lost() -> BadInput:
    """What is said of a position that cannot be read."""
    return BadInput(
        "sharing.feed-lost",
        "where this feed stands cannot be read: a newer release may have written it; replay the "
        "feed (from the beginning does no harm)",
    )


def _read(document: object, kind: type[Position | Walk]) -> dict[str, Any]:
    """The fields of a `kind` that are there, each of the kind that it is to be."""
    if not isinstance(document, dict):
        raise lost()
    allowed = {one.name: one for one in fields(kind)}
    for name, value in document.items():
        if name not in allowed or type(value) not in _KINDS[str(allowed[name].type)]:
            raise lost()
    for name, one in allowed.items():
        if one.default is MISSING and name not in document:
            raise lost()
    return document


@dataclass(frozen=True, slots=True)
class Ask:
    """The next page to ask for."""

    after_us: int | None
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Got:
    """What a page said of itself: dates from its headers, `count` of its objects, `server_us` the
    server's clock."""

    count: int
    more: bool
    next: str | None
    first_us: int | None
    last_us: int | None
    server_us: int | None


@dataclass(frozen=True, slots=True)
class Step:
    """Where a pull stands after a page, what it asks next (None: the walk has ended)."""

    position: Position
    ask: Ask | None
    oddities: tuple[str, ...] = ()


def begin(position: Position, *, now_us: int) -> Step:
    """What a run asks first: where a walk was left, else what was added since the last one."""
    walk = position.walk
    if walk is None:
        after_us = position.after_us
        if after_us is not None and _was_settling(position):
            after_us -= _SETTLING_US
        elif after_us is not None and after_us % _MILLISECOND_US == 0:
            after_us = _before(after_us)
        walk = Walk(after_us, now_us)
        return Step(replace(position, walk=walk), Ask(after_us))
    if walk.is_clean or walk.last_us is None or not walk.is_ordered:
        asked = walk.next if walk.is_clean else None
        # A page that was asked for and perhaps served is not asked for again by its `next`:
        # some servers take that for the page after it.
        walk = replace(walk, next=asked, is_clean=False)
        return Step(replace(position, walk=walk), Ask(walk.after_us, asked))
    return forget_next(position)


def forget_next(position: Position) -> Step:
    """Go on by date alone: from the last date that was met, where they come in order."""
    walk = position.walk
    if walk is None:
        raise ValueError("no walk to go on with")
    after_us = walk.after_us
    if walk.is_ordered and walk.last_us is not None:
        after_us = _latest(after_us, _before(walk.last_us))
    walk = replace(walk, after_us=after_us, next=None, is_clean=False)
    return Step(replace(position, walk=walk), Ask(after_us))


def advance(position: Position, ask: Ask, got: Got, *, asked_us: int, now_us: int) -> Step:
    """Where a pull stands after a page that was asked for at `asked_us`.

    Raises BadInput (`sharing.feed-stuck`) on a page after which no progress can be made.
    """
    walk = position.walk
    if walk is None:
        raise ValueError("a page without a walk")
    oddities: list[str] = []
    # Its clock was read at some moment of its answer, which may take long: it has certainly gone
    # back only if it has even by the first of them.
    if (drift_us := _drift(position, got, asked_us)) < -_DRIFT_US:
        # What was dated since the clock went back lies before what we have; it can be no
        # further back than the step.
        after_us = _before(position.after_us)
        if after_us is not None:
            after_us += drift_us - _DRIFT_US - _ANSWER_US - (now_us - asked_us)
            after_us = max(after_us, 0)
        position = replace(position, server_us=got.server_us, local_us=now_us)
        again = Walk(after_us, got.server_us or now_us, last_us=None)
        return Step(replace(position, walk=again), Ask(after_us), ("clock-went-back",))
    if got.server_us is not None:
        position = replace(position, server_us=got.server_us, local_us=now_us)
        # Ours, by which the walk began, may be ahead.
        walk = replace(walk, begun_us=min(walk.begun_us, got.server_us))
    walk = _met(walk, got, oddities)
    if not got.more:
        return Step(_ended(position, walk, got, oddities), None, tuple(oddities))
    if got.count == 0:
        oddities.append("empty-page-with-more")
        walk = replace(walk, empty=walk.empty + 1)
        if walk.empty > _EMPTY_PAGES or got.next is None:
            raise _stuck("it says `more` with empty pages and never comes to an end")
    if got.next is not None:
        if got.next == ask.next:
            raise _stuck("its `next` leads to the same page again")
        walk = replace(walk, next=got.next, is_clean=False)
        following = Ask(ask.after_us, got.next)
    else:
        oddities.append("more-without-next")
        following = _by_date(ask, got)
        walk = replace(walk, after_us=following.after_us, next=None, is_clean=False)
    return Step(replace(position, walk=walk), following, tuple(oddities))


def reach(position: Position, date_us: int) -> Position:
    """The position within a page, when all of it up to a date has been taken."""
    walk = position.walk
    if walk is None or not walk.is_ordered:
        return position
    last_us = _latest(walk.last_us, date_us)
    return replace(position, walk=replace(walk, last_us=last_us, next=None, is_clean=False))


def leave(position: Position) -> Position:
    """The position of a run that ends between two pages: its `next` was not asked for."""
    if position.walk is None:
        return position
    return replace(position, walk=replace(position.walk, is_clean=True))


def _met(walk: Walk, got: Got, oddities: list[str]) -> Walk:
    """The walk with what a page showed of the server's dates."""
    if got.count == 0:
        return walk
    if got.last_us is None:
        oddities.append("no-dates")
        return replace(walk, is_ordered=False)
    first_us = got.last_us if got.first_us is None else got.first_us
    is_ordered = first_us <= got.last_us and (walk.last_us is None or walk.last_us <= first_us)
    if not is_ordered:
        oddities.append("dates-out-of-order")
    if got.last_us % SECOND_US == 0 and first_us % SECOND_US == 0:
        oddities.append("second-precision")
    return replace(
        walk,
        last_us=_latest(_latest(walk.last_us, got.last_us), first_us),
        is_ordered=walk.is_ordered and is_ordered,
        empty=0,
    )


def _ended(position: Position, walk: Walk, got: Got, oddities: list[str]) -> Position:
    reached_us = walk.last_us
    if reached_us is None and (got.count or "no-dates" in oddities or not walk.is_ordered):
        # Nothing was said of dates: what the server holds was asked for when the walk began.
        reached_us = walk.begun_us - _DRIFT_US
    after_us = _latest(position.after_us, reached_us)
    if after_us is not None and got.server_us is not None and after_us > got.server_us + SECOND_US:
        # It holds dates that its clock has not reached (again): others will come before them.
        after_us = got.server_us
    return replace(position, after_us=after_us, walk=None)


def _was_settling(position: Position) -> bool:
    """Whether the last answer showed something that had been added just before."""
    if position.after_us is None or position.server_us is None:
        return False
    return position.server_us - position.after_us < _SETTLING_US


def _by_date(ask: Ask, got: Got) -> Ask:
    """The page after this one, of a server that gave no `next`: ties at its end come once more."""
    if got.last_us is None:
        raise _stuck("it says `more` and gives neither `next` nor dates to go on by")
    after_us = got.last_us - 1
    if ask.after_us is not None and after_us <= ask.after_us:
        raise _stuck(
            "it has more objects of one date than a page holds and gives no `next`; ask its "
            "operator for larger pages"
        )
    return Ask(after_us)


def _drift(position: Position, got: Got, now_us: int) -> int:
    """How much the server's clock has moved against ours since the last answer."""
    if position.server_us is None or position.local_us is None or got.server_us is None:
        return 0
    return (got.server_us - position.server_us) - (now_us - position.local_us)


def _before(instant_us: int | None) -> int | None:
    """An `added_after` that lets what shares this date come again, as coarse as the date is."""
    if instant_us is None:
        return None
    if instant_us % SECOND_US == 0:
        return instant_us - SECOND_US
    return instant_us - (_MILLISECOND_US if instant_us % _MILLISECOND_US == 0 else 1)


def _latest(one_us: int | None, other_us: int | None) -> int | None:
    if one_us is None or other_us is None:
        return other_us if one_us is None else one_us
    return max(one_us, other_us)


def _stuck(how: str) -> BadInput:
    return BadInput("sharing.feed-stuck", f"the partner's server cannot be walked: {how}")
