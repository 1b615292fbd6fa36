"""Events, instruments and memberships for the tests of the rules, each with what it is about."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from norms.rules.commitments import Bound, CommitmentSpan, Unit, derive
from norms.rules.dates import parse_date, parse_day
from norms.rules.events import Event, list_standing
from norms.rules.force import read_force_rule
from norms.rules.memberships import Belonging
from norms.rules.treaties import Treaty, find_force, list_party_spans

# Far from those that a test gives by itself.
_numbers = itertools.count(1000)
UNITS = (Unit("xx:1"), Unit("xx:2"))


def make_event(kind: str, date: str, party: str | None = None, **more: Any) -> Event:
    """An event with a number of its own, on the instrument `xx`."""
    number = more.pop("id", None) or next(_numbers)
    return Event(number, kind, parse_date(date), instrument="xx", party=party, **more)


def belongs(
    party: str, begins: str | None = None, ends: str | None = None, standing: str = "member"
) -> Belonging:
    """A belonging from one day to before another."""
    return Belonging(
        party, standing, parse_day(begins) if begins else None, parse_day(ends) if ends else None
    )


def make_treaty(threshold: int = 2, **more: Any) -> Treaty:
    """A treaty that enters into force ninety days after so many instruments."""
    rule = {"threshold": threshold, "then": "90th day after deposit", **more}
    return Treaty("xx", rule=read_force_rule(rule))


def spans_of(
    events: Iterable[Event],
    members: Sequence[Belonging] = (),
    *,
    bound: Bound = Bound("harbour"),  # noqa: B008 - frozen
    units: Sequence[Unit] = UNITS,
    treaty: Treaty | None = None,
    belongings: Mapping[str, Sequence[Belonging]] | None = None,
) -> list[CommitmentSpan]:
    """Every commitment that follows."""
    standing = list_standing(events)
    spans = {}
    if treaty is not None:
        spans = list_party_spans(treaty, standing, find_force(treaty, standing))
    there = belongings if belongings is not None else {"harbour": members}
    return list(derive(bound, units, standing, there, spans))


def status_on(
    spans: Iterable[CommitmentSpan], day: str, party: str, unit: str = "xx:1"
) -> str | None:
    """The status of a commitment on a day; None where there is none. Never two."""
    at = parse_day(day)
    found = [
        one.standing.status
        for one in spans
        if (one.party, one.provision) == (party, unit)
        and one.from_day <= at
        and (one.to_day is None or at < one.to_day)
    ]
    assert len(found) <= 1
    return found[0] if found else None
