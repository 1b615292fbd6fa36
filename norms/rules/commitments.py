"""Commitments: from events to spans of days, one party and one provision at a time.

A commitment has a ground: the adoption of an instrument in a forum (which binds those who are
members that day, and later members only where the instrument says so), a party's own act, or
its being party to a treaty. Other events qualify, suspend or end it (domain brief §3.3).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from norms.rules import words
from norms.rules.dates import format_day
from norms.rules.events import Event
from norms.rules.memberships import Belonging, list_members
from norms.rules.spans import Span, sweep
from norms.rules.treaties import PartyStanding

_ENDS = words.WITHDRAWALS | {words.DISSOCIATION}
_ENDS_OF_TEXT = {words.TERMINATION: "lapsed", words.SUPERSESSION: "superseded"}
"""What ends an instrument, for all or (superseded) for one, and what a commitment is then."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What is fixed about an instrument as far as it commits: its forum and its two flags."""

    forum: str
    binds_later_members: bool = False
    lapses_on_leaving: bool = False


@dataclass(frozen=True, slots=True)
class Unit:
    """A provision, and the day from which it exists; None: for as long as its instrument."""

    id: str
    from_day: int | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What a commitment is for a while: status, basis, since when (as given), by which event."""

    status: str
    basis: str
    since: str
    event: int
    is_reserved: bool = False
    is_contested: bool = False


@dataclass(frozen=True, slots=True)
class Ground:
    """Why a party is committed from `start` on; `end` is when that lapses by itself.

    `may_begin` is the first day on which it may have begun: an act that ended surely before that
    was about something else. `suspended` are spans in which it is not in operation.
    """

    forum: str
    basis: str
    since: str
    start: int
    may_begin: int
    event: Event
    end: int | None = None
    ended_as: str = "lapsed"
    suspended: tuple[tuple[int, int | None], ...] = ()


@dataclass(frozen=True, slots=True)
class CommitmentSpan:
    """One row of the register: who, to what, in which forum, for which days, how."""

    party: str
    provision: str
    forum: str
    from_day: int
    to_day: int | None
    standing: Standing


def derive(
    bound: Bound,
    units: Sequence[Unit],
    events: Sequence[Event],
    belongings: Mapping[str, Sequence[Belonging]],
    treaty_spans: Mapping[str, Sequence[Span[PartyStanding]]],
) -> Iterator[CommitmentSpan]:
    """Every span that follows from the standing events of one instrument, by party.

    `belongings` are those of each forum that adopted something, by slug.
    """
    by_party = _by_party(events)
    of_instrument = [one for one in events if one.party is None and one.kind in _ENDS_OF_TEXT]
    grounds = _grounds(bound, events, belongings, treaty_spans)
    for party in sorted(grounds):
        every = (*by_party.get(party, ()), *of_instrument)
        for unit in units:
            acts = _Acts(one for one in every if one.concerns(unit.id))
            yield from _spans_of(party, unit, grounds[party], acts)


class _Acts:
    """What else happened of one party and one provision, by what it does to a commitment."""

    def __init__(self, events: Iterable[Event]) -> None:
        self.ends: list[Event] = []
        self.suspensions: list[Event] = []
        self.resumptions: list[Event] = []
        self.ends_of_text: list[Event] = []
        self.qualifying: list[Event] = []
        self.contests: list[Event] = []
        self.undoing: defaultdict[int | None, list[Event]] = defaultdict(list)
        self.days: set[int] = set()
        for one in events:
            self.days |= {one.date.first_day, one.date.last_day}
            if one.kind in _ENDS:
                self.ends.append(one)
            elif one.kind in words.SUSPENSIONS:
                self.suspensions.append(one)
            elif one.kind in words.RESUMPTIONS:
                self.resumptions.append(one)
            elif one.kind in _ENDS_OF_TEXT:
                self.ends_of_text.append(one)
            elif one.kind in words.QUALIFYING:
                self.qualifying.append(one)
            elif one.kind == words.CONTEST:
                self.contests.append(one)
            elif one.kind in words.UNQUALIFYING or one.kind == words.CONTEST_WITHDRAWAL:
                self.undoing[one.refers_to].append(one)

    def holds(self, one: Event, day: int) -> bool:
        """Whether it was said by a day, and not taken back since."""
        return one.date.first_day <= day and not any(
            undoing.date.last_day <= day for undoing in self.undoing.get(one.id, ())
        )

    def is_contested(self, event: Event, day: int) -> bool:
        """Whether the party contests an event that was recorded of it."""
        return any(one.refers_to == event.id and self.holds(one, day) for one in self.contests)


def _spans_of(
    party: str, unit: Unit, grounds: Sequence[Ground], acts: _Acts
) -> Iterator[CommitmentSpan]:
    by_forum: defaultdict[str, list[Ground]] = defaultdict(list)
    for ground in grounds:
        if ground.event.concerns(unit.id):
            by_forum[ground.forum].append(ground)
    for forum, of_forum in sorted(by_forum.items()):
        days = list(_days(unit, of_forum, acts))

        def holds_on(day: int, of_forum: list[Ground] = of_forum) -> Standing | None:
            found = [_standing(unit, ground, acts, day) for ground in of_forum]
            return _strongest([one for one in found if one is not None])

        for from_day, to_day, standing in sweep(days, holds_on):
            yield CommitmentSpan(party, unit.id, forum, from_day, to_day, standing)


def _days(unit: Unit, grounds: Iterable[Ground], acts: _Acts) -> Iterator[int]:
    if unit.from_day is not None:
        yield unit.from_day
    for ground in grounds:
        yield ground.start
        if ground.end is not None:
            yield ground.end
        for begun, over in ground.suspended:
            yield begun
            if over is not None:
                yield over
    yield from acts.days


def _standing(unit: Unit, ground: Ground, acts: _Acts, day: int) -> Standing | None:
    start = ground.start if unit.from_day is None else max(ground.start, unit.from_day)
    if day < start:
        return None
    if any(_stands_apart(one, ground) and one.date.first_day <= day for one in acts.ends):
        return None
    over = _find_end(ground, acts, day)
    if over is not None:
        status, since, by = over
        contested = acts.is_contested(by, day)
        return Standing(status, ground.basis, since, by.id, is_contested=contested)
    contested = acts.is_contested(ground.event, day)
    live = [one for one in acts.qualifying if _is_about(one, ground) and acts.holds(one, day)]
    reserved = any(one.kind == words.RESERVATION for one in live)
    status = "qualified" if live else "in-effect"
    if _is_suspended(ground, acts, day):
        status = "suspended"
    return Standing(status, ground.basis, ground.since, ground.event.id, reserved, contested)


def _is_suspended(ground: Ground, acts: _Acts, day: int) -> bool:
    if any(begun <= day and (over is None or day < over) for begun, over in ground.suspended):
        return True
    begun_days = [
        one.date.first_day
        for one in acts.suspensions
        if _is_about(one, ground) and one.date.first_day <= day
    ]
    if not begun_days:
        return False
    resumed = [
        one.date.last_day
        for one in acts.resumptions
        if _is_about(one, ground) and one.date.last_day <= day
    ]
    return max(resumed, default=0) < max(begun_days)


def _is_about(one: Event, ground: Ground) -> bool:
    """Whether an act is about what was committed to in the ground's forum."""
    return one.forum is None or one.forum == ground.forum


def _stands_apart(one: Event, ground: Ground) -> bool:
    """Whether the party stood apart from what others adopted. What it says itself later, stands."""
    return (
        one.kind == words.DISSOCIATION
        and ground.event.kind == words.ADOPTION
        and one.date.first_day <= ground.start
        and _is_about(one, ground)
    )


def _find_end(ground: Ground, acts: _Acts, day: int) -> tuple[str, str, Event] | None:
    """How the commitment has ended by a day, since when (as given), by which event."""

    def has_ended(one: Event) -> bool:
        # What was surely before the ground ended another; where nobody knows, it ended this one.
        return (
            ground.may_begin <= one.date.last_day
            and one.date.first_day <= day
            and _is_about(one, ground)
        )

    for one in filter(has_ended, acts.ends):
        return "withdrawn", one.date.text, one
    if ground.end is not None and ground.end <= day:
        return ground.ended_as, format_day(ground.end), ground.event
    for one in filter(has_ended, acts.ends_of_text):
        return _ENDS_OF_TEXT[one.kind], one.date.text, one
    return None


_RANKS = {"in-effect": 3, "qualified": 3, "suspended": 2}


def _strongest(found: Sequence[Standing]) -> Standing | None:
    """Of several grounds: one that holds, the first; else the one that ended last."""
    best: Standing | None = None
    for one in found:
        rank = _RANKS.get(one.status, 0)
        best_rank = -1 if best is None else _RANKS.get(best.status, 0)
        if rank > best_rank or rank == best_rank == 0:
            best = one
    return best


def _grounds(
    bound: Bound,
    events: Sequence[Event],
    belongings: Mapping[str, Sequence[Belonging]],
    treaty_spans: Mapping[str, Sequence[Span[PartyStanding]]],
) -> dict[str, list[Ground]]:
    """By party, its grounds in the order in which they begin."""
    found: defaultdict[str, list[Ground]] = defaultdict(list)
    for event in events:
        if event.kind == words.ADOPTION:
            for party, ground in _adopted(bound, event, belongings):
                found[party].append(ground)
        elif event.kind == words.COMMITMENT and event.party is not None:
            found[event.party].append(
                Ground(
                    event.forum or bound.forum,
                    event.basis or "unilateral-declaration",
                    event.date.text,
                    event.date.last_day,
                    event.date.first_day,
                    event,
                )
            )
    by_id = {event.id: event for event in events}
    for party, spans in treaty_spans.items():
        found[party] += _by_treaty(bound, spans, by_id)
    return {
        party: sorted(grounds, key=lambda one: (one.start, one.event.id))
        for party, grounds in found.items()
    }


def _adopted(
    bound: Bound, event: Event, belongings: Mapping[str, Sequence[Belonging]]
) -> Iterator[tuple[str, Ground]]:
    forum, day = event.forum or bound.forum, event.date.last_day
    there = belongings.get(forum, ())
    basis = event.basis or "consensus-adoption"
    named = frozenset(event.parties) or list_members(there, day)
    for party in sorted(named):
        end = _leaving(there, party, day) if bound.lapses_on_leaving else None
        begins = event.date.first_day
        yield party, Ground(forum, basis, event.date.text, day, begins, event, end)
    if not bound.binds_later_members or event.parties:
        return
    for one in there:
        begins_later = one.from_day is not None and one.from_day > day
        if one.standing in words.BELONGING and begins_later and one.party not in named:
            start = one.from_day or day
            end = _leaving(there, one.party, start) if bound.lapses_on_leaving else None
            later = "membership-on-accession-of-forum"
            yield one.party, Ground(forum, later, format_day(start), start, start, event, end)


def _leaving(there: Sequence[Belonging], party: str, day: int) -> int | None:
    """When the belonging that holds on a day ends, if it does."""
    ends = [
        one.to_day
        for one in there
        if one.party == party and one.standing in words.BELONGING and one.holds_on(day)
    ]
    return None if None in ends else max((end for end in ends if end is not None), default=None)


def _by_treaty(
    bound: Bound, spans: Sequence[Span[PartyStanding]], by_id: Mapping[int, Event]
) -> Iterator[Ground]:
    """Being party to a treaty, from when it binds to when that ends, with its suspensions."""
    ground: tuple[int, PartyStanding] | None = None
    suspended: list[tuple[int, int | None]] = []
    for from_day, to_day, standing in spans:
        if standing.status == "party" and ground is None:
            ground = (from_day, standing)
        elif standing.status == "suspended" and ground is not None:
            suspended.append((from_day, to_day))
        elif standing.status == "former-party" and ground is not None:
            yield _treaty_ground(bound, ground, by_id, from_day, suspended)
            ground, suspended = None, []
    if ground is not None:
        yield _treaty_ground(bound, ground, by_id, None, suspended)


def _treaty_ground(
    bound: Bound,
    begun: tuple[int, PartyStanding],
    by_id: Mapping[int, Event],
    end: int | None,
    suspended: Sequence[tuple[int, int | None]],
) -> Ground:
    start, standing = begun
    event = by_id[standing.event]
    return Ground(
        bound.forum,
        event.kind,
        standing.since,
        start,
        event.date.first_day,
        event,
        end,
        "withdrawn",
        tuple(suspended),
    )


def _by_party(events: Iterable[Event]) -> dict[str, list[Event]]:
    found: defaultdict[str, list[Event]] = defaultdict(list)
    for event in events:
        if event.party is not None:
            found[event.party].append(event)
    return found
