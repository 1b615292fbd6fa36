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

    `suspended` are spans in which it is not in operation.
    """

    forum: str
    basis: str
    since: str
    start: int
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
    grounds = _grounds(bound, events, belongings, treaty_spans)
    for party in sorted(grounds):
        acts = _Acts(by_party.get(party, ()))
        for unit in units:
            yield from _spans_of(party, unit, grounds[party], acts)


class _Acts:
    """What one party did beside committing itself, by what it does to a commitment."""

    def __init__(self, events: Iterable[Event]) -> None:
        self.ends: list[Event] = []
        self.suspensions: list[Event] = []
        self.resumptions: list[Event] = []
        self.supersessions: list[Event] = []
        self.qualifying: list[tuple[Event, int | None]] = []
        self.contests: list[tuple[Event, int | None]] = []
        every = list(events)
        undone = {
            one.refers_to: one.date.last_day
            for one in every
            if one.kind in words.UNQUALIFYING or one.kind == words.CONTEST_WITHDRAWAL
        }
        for one in every:
            if one.kind in _ENDS:
                self.ends.append(one)
            elif one.kind in words.SUSPENSIONS:
                self.suspensions.append(one)
            elif one.kind in words.RESUMPTIONS:
                self.resumptions.append(one)
            elif one.kind == words.SUPERSESSION:
                self.supersessions.append(one)
            elif one.kind in words.QUALIFYING:
                self.qualifying.append((one, undone.get(one.id)))
            elif one.kind == words.CONTEST:
                self.contests.append((one, undone.get(one.id)))


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
    for one in (*acts.ends, *acts.suspensions, *acts.supersessions):
        yield one.date.first_day
    for one in acts.resumptions:
        yield one.date.last_day
    for one, undone in (*acts.qualifying, *acts.contests):
        yield one.date.first_day
        if undone is not None:
            yield undone


def _standing(unit: Unit, ground: Ground, acts: _Acts, day: int) -> Standing | None:
    start = ground.start if unit.from_day is None else max(ground.start, unit.from_day)
    if day < start:
        return None
    # A first end; the party committing itself anew is a ground of its own.
    for one in acts.ends:
        if _is_about(one, unit, ground) and one.date.first_day <= day:
            if one.date.first_day < start or (
                one.kind == words.DISSOCIATION and one.date.first_day <= start
            ):
                if one.kind == words.DISSOCIATION:
                    return None
                continue
            return Standing("withdrawn", ground.basis, one.date.text, one.id)
    if ground.end is not None and ground.end <= day:
        return Standing(ground.ended_as, ground.basis, format_day(ground.end), ground.event.id)
    for one in acts.supersessions:
        if _is_about(one, unit, ground) and start <= one.date.first_day <= day:
            return Standing("superseded", ground.basis, one.date.text, one.id)
    contested = any(
        one.refers_to == ground.event.id and _holds(one, undone, day)
        for one, undone in acts.contests
    )
    live = [
        one
        for one, undone in acts.qualifying
        if _is_about(one, unit, ground) and _holds(one, undone, day)
    ]
    reserved = any(one.kind == words.RESERVATION and one.provisions for one in live)
    status = "qualified" if live else "in-effect"
    if _is_suspended(unit, ground, acts, day):
        status = "suspended"
    return Standing(status, ground.basis, ground.since, ground.event.id, reserved, contested)


def _is_suspended(unit: Unit, ground: Ground, acts: _Acts, day: int) -> bool:
    if any(begun <= day and (over is None or day < over) for begun, over in ground.suspended):
        return True
    begun_days = [
        one.date.first_day
        for one in acts.suspensions
        if _is_about(one, unit, ground) and one.date.first_day <= day
    ]
    if not begun_days:
        return False
    resumed = [
        one.date.last_day
        for one in acts.resumptions
        if _is_about(one, unit, ground) and one.date.last_day <= day
    ]
    return max(resumed, default=0) < max(begun_days)


def _is_about(one: Event, unit: Unit, ground: Ground) -> bool:
    """Whether an act concerns this provision as committed to in the ground's forum."""
    return one.concerns(unit.id) and (one.forum is None or one.forum == ground.forum)


def _holds(one: Event, undone: int | None, day: int) -> bool:
    return one.date.first_day <= day and (undone is None or day < undone)


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
        yield party, Ground(forum, basis, event.date.text, day, event, end)
    if not bound.binds_later_members or event.parties:
        return
    for one in there:
        begins_later = one.from_day is not None and one.from_day > day
        if one.standing in words.BELONGING and begins_later and one.party not in named:
            start = one.from_day or day
            end = _leaving(there, one.party, start) if bound.lapses_on_leaving else None
            later = "membership-on-accession-of-forum"
            yield one.party, Ground(forum, later, format_day(start), start, event, end)


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
