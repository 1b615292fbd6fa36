"""What deriving needs of one instrument, read in a few statements. For services alone.

These are the inputs of rules, not answers: nothing here goes to an asker.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import CTE, ColumnElement, Connection, Row, Select, and_, bindparam, select

from auth.tables import forum
from norms.rules import words
from norms.rules.commitments import Bound, Unit
from norms.rules.dates import PartialDate, parse_date
from norms.rules.events import Event, list_standing
from norms.rules.force import read_force_rule
from norms.rules.memberships import Belonging, list_members
from norms.rules.treaties import Treaty
from norms.tables import forum_profile, instrument, membership, norm_event, party, provision


@dataclass(frozen=True, slots=True)
class Scope:
    """One instrument with its provisions, its standing events and who belonged to its forums."""

    bound: Bound
    treaty: Treaty
    is_treaty: bool
    units: Sequence[Unit]
    events: Sequence[Event]
    belongings: Mapping[str, Sequence[Belonging]]
    reio: frozenset[str]

    def group_on(self, day: int) -> frozenset[str]:
        """The members, on a day, of the group of which some must have consented."""
        rule = self.treaty.rule
        there = self.belongings.get(rule.group, ()) if rule is not None and rule.group else ()
        return list_members(there, day)


def find_scope(connection: Connection, instrument_id: str) -> Scope | None:
    """All that the spans of one instrument follow from; None when there is no such instrument."""
    row = connection.execute(
        select(instrument, forum.c.slug)
        .join(forum, forum.c.id == instrument.c.forum_id)
        .where(instrument.c.id == instrument_id)
    ).first()
    if row is None:
        return None
    events = list_standing(list_events_of(connection, instrument_id))
    treaty = _treaty(row)
    forums = {event.forum for event in events if event.forum} | {row.slug}
    if treaty.rule and treaty.rule.group:
        forums.add(treaty.rule.group)
    return Scope(
        bound=Bound(row.slug, bool(row.binds_later_members), bool(row.lapses_on_leaving)),
        treaty=treaty,
        is_treaty=row.kind == "treaty",
        units=[
            Unit(one.id, one.from_day)
            for one in connection.execute(
                select(provision.c.id, provision.c.from_day)
                .where(provision.c.instrument_id == instrument_id)
                .order_by(provision.c.position, provision.c.id)
            )
        ],
        events=events,
        belongings=list_belongings(connection, forums),
        reio=frozenset(
            connection.execute(select(party.c.code).where(party.c.kind == words.REIO)).scalars()
        ),
    )


def list_events_of(connection: Connection, instrument_id: str) -> list[Event]:
    """Every event of an instrument, corrected or not."""
    rows = connection.execute(
        select(norm_event, forum.c.slug)
        .outerjoin(forum, forum.c.id == norm_event.c.forum_id)
        .where(norm_event.c.instrument_id == instrument_id)
        .order_by(norm_event.c.id)
    )
    return [event_of(row) for row in rows]


def list_belongings(
    connection: Connection, slugs: Iterable[str], parties: Sequence[str] | None = None
) -> dict[str, list[Belonging]]:
    """Who (of `parties`, or of all) belonged to each of these forums when, by slug; through
    `members_of` where so."""
    values: dict[str, Any] = {"slugs": sorted(set(slugs))}
    statement = _BELONGINGS
    if parties is not None:
        statement, values["parties"] = _BELONGINGS_OF, parties
    ids: dict[str, int] = {}
    above: dict[int, int | None] = {}
    found: defaultdict[int, list[Belonging]] = defaultdict(list)
    rows = connection.execute(statement, values).all()
    for forum_id, slug, members_of_id, party_code, standing, from_day, to_day in rows:
        ids[slug], above[forum_id] = forum_id, members_of_id
        if party_code is not None:
            found[forum_id].append(Belonging(party_code, standing, from_day, to_day))
    return {slug: found[_owner(ids[slug], above)] for slug in values["slugs"] if slug in ids}


def _with_owners() -> CTE:
    """The forums that are asked for, and those whose membership lists count for them."""
    profile = forum_profile
    first = (
        select(forum.c.id, forum.c.slug, profile.c.members_of_id)
        .outerjoin(profile, profile.c.forum_id == forum.c.id)
        .where(forum.c.slug.in_(bindparam("slugs", expanding=True)))
        .cte("asked", recursive=True)
    )
    owner, owners = forum.alias("owner"), forum_profile.alias("owner_profile")
    further = (
        select(owner.c.id, owner.c.slug, owners.c.members_of_id)
        .select_from(first)
        .join(owner, owner.c.id == first.c.members_of_id)
        .outerjoin(owners, owners.c.forum_id == owner.c.id)
    )
    return first.union(further)


def _belongings(*conditions: ColumnElement[bool]) -> Select[Any]:
    asked = _with_owners()
    belongs = and_(membership.c.forum_id == asked.c.id, *conditions)
    return (
        select(
            asked.c.id,
            asked.c.slug,
            asked.c.members_of_id,
            membership.c.party_code,
            membership.c.standing,
            membership.c.from_day,
            membership.c.to_day,
        )
        .select_from(asked.outerjoin(membership, belongs))
        .order_by(membership.c.party_code, membership.c.id)
    )


# Made once, and no column more: it is asked for with each page of the status.
_BELONGINGS: Final = _belongings()
_BELONGINGS_OF: Final = _belongings(
    membership.c.party_code.in_(bindparam("parties", expanding=True))
)


def _owner(forum_id: int, above: Mapping[int, int | None]) -> int:
    """The forum whose membership list counts for this one."""
    seen: set[int] = set()
    while (other := above[forum_id]) is not None and forum_id not in seen:
        seen.add(forum_id)
        forum_id = other
    return forum_id


def _treaty(row: Row[Any]) -> Treaty:
    return Treaty(
        id=row.id,
        adopted=_date(row.adopted),
        opens=_date(row.opens),
        closes=_date(row.closes),
        in_force=_date(row.in_force),
        rule=read_force_rule(json.loads(row.force_rule)) if row.force_rule else None,
    )


def event_of(row: Row[Any]) -> Event:
    """An event from a row of `norm_event` with its forum's `slug`."""
    return Event(
        id=row.id,
        kind=row.kind,
        date=PartialDate(row.date, row.first_day, row.last_day),
        instrument=row.instrument_id,
        forum=row.slug,
        party=row.party_code,
        provisions=tuple(json.loads(row.provisions)),
        parties=tuple(json.loads(row.parties)),
        basis=row.basis,
        refers_to=row.refers_to_id,
        corrects=row.corrects_id,
    )


def _date(text: str | None) -> PartialDate | None:
    return parse_date(text) if text else None
