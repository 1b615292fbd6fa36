"""Forums of the register: what they are, who belongs to them when, their sessions and chairs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row, Select, bindparam, select

from auth.reader import Reader
from auth.tables import forum
from norms.queries.verified import Confirmed, Provenance, find_confirmed, provenance
from norms.tables import (
    co_chair,
    forum_profile,
    forum_session,
    membership,
    party,
    programme,
    programme_item,
)


class NamedForum(NamedTuple):
    """A forum of the register: its number and its names."""

    id: int
    slug: str
    title: str


@dataclass(frozen=True, slots=True)
class ForumProfile:
    """A forum that the register knows; dates as given."""

    id: int
    slug: str
    title: str
    kind: str
    parent: str | None
    members_of: str | None
    decision_rule: str | None
    languages: tuple[str, ...]
    member_label: str
    begun: str | None
    ended: str | None
    basis: str | None
    rules: str | None
    cycle_years: int | None
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class Membership:
    """One party's belonging to a forum, from and to as given."""

    party: str
    name: str
    label: str
    standing: str
    from_date: str | None
    to_date: str | None
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class Session:
    """A session of a forum."""

    key: str
    forum: str
    kind: str
    title: str
    place: str | None
    starts: str
    ends: str
    first_day: int
    last_day: int
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class CoChair:
    """One of a forum's co-chairs in a cycle."""

    party: str
    cycle: str
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class ProgrammeItem:
    """An objective, goal or activity of a programme; `parent` is what it serves."""

    programme: str
    programme_title: str
    party: str | None
    id: str
    parent: str | None
    kind: str
    title: str
    due: str | None
    provenance: Provenance


def list_forums(
    connection: Connection, reader: Reader, *, kind: str | None = None, slug: str | None = None
) -> list[ForumProfile]:
    """The forums of the register, by slug. Public."""
    del reader
    parent, owner = forum.alias("parent"), forum.alias("owner")
    statement: Select[Any] = (
        select(
            forum_profile,
            forum.c.slug,
            forum.c.title,
            parent.c.slug.label("parent"),
            owner.c.slug.label("members_of"),
        )
        .join(forum, forum.c.id == forum_profile.c.forum_id)
        .outerjoin(parent, parent.c.id == forum_profile.c.parent_id)
        .outerjoin(owner, owner.c.id == forum_profile.c.members_of_id)
        .order_by(forum.c.slug)
    )
    if kind is not None:
        statement = statement.where(forum_profile.c.kind == kind)
    if slug is not None:
        statement = statement.where(forum.c.slug == slug)
    confirmed = find_confirmed(connection, "forum")
    return [_profile(row, confirmed) for row in connection.execute(statement)]


def find_profile(connection: Connection, reader: Reader, slug: str) -> ForumProfile | None:
    """One forum of the register."""
    if "\0" in slug:
        return None
    return next(iter(list_forums(connection, reader, slug=slug)), None)


def find_named_forum(connection: Connection, reader: Reader, slug: str) -> NamedForum | None:
    """The same, by its names alone."""
    del reader
    if "\0" in slug:
        return None
    row = connection.execute(_NAMED, {"slug": slug}).first()
    return None if row is None else NamedForum(*row)


# Made once: making it takes longer than running it.
_NAMED: Final = (
    select(forum.c.id, forum.c.slug, forum.c.title)
    .join(forum_profile, forum_profile.c.forum_id == forum.c.id)
    .where(forum.c.slug == bindparam("slug"))
)


def list_memberships(
    connection: Connection,
    reader: Reader,
    slug: str,
    *,
    day: int | None = None,
    standing: str | None = None,
    known: Iterable[ForumProfile] | None = None,
) -> list[Membership]:
    """Who belongs to a forum on a day, or ever, by code; those of `members_of` where so.

    `known` are all the forums, where somebody has asked for them already.
    """
    profiles = list_forums(connection, reader) if known is None else known
    by_slug = {one.slug: one for one in profiles}
    found = by_slug.get(slug)
    seen: set[str] = set()
    while found is not None and found.members_of is not None and found.slug not in seen:
        seen.add(found.slug)
        found = by_slug.get(found.members_of)
    if found is None:
        return []
    statement: Select[Any] = (
        select(membership, party.c.name)
        .join(party, party.c.code == membership.c.party_code)
        .where(membership.c.forum_id == found.id)
        .order_by(membership.c.party_code, membership.c.key)
    )
    if day is not None:
        statement = statement.where(
            membership.c.from_day.is_(None) | (membership.c.from_day <= day),
            membership.c.to_day.is_(None) | (membership.c.to_day > day),
        )
    if standing is not None:
        statement = statement.where(membership.c.standing == standing)
    confirmed = find_confirmed(connection, "membership")
    return [
        Membership(
            party=row.party_code,
            name=row.name,
            label=row.label,
            standing=row.standing,
            from_date=row.from_date,
            to_date=row.to_date,
            provenance=provenance(row, confirmed.get(row.key)),
        )
        for row in connection.execute(statement)
    ]


def list_sessions(
    connection: Connection,
    reader: Reader,
    *,
    slug: str | None = None,
    from_day: int | None = None,
    to_day: int | None = None,
) -> list[Session]:
    """Sessions by first day, then key."""
    del reader
    statement: Select[Any] = (
        select(forum_session, forum.c.slug)
        .join(forum, forum.c.id == forum_session.c.forum_id)
        .order_by(forum_session.c.first_day, forum_session.c.key)
    )
    if slug is not None:
        statement = statement.where(forum.c.slug == slug)
    if from_day is not None:
        statement = statement.where(forum_session.c.last_day >= from_day)
    if to_day is not None:
        statement = statement.where(forum_session.c.first_day <= to_day)
    confirmed = find_confirmed(connection, "session")
    return [
        Session(
            key=row.key,
            forum=row.slug,
            kind=row.kind,
            title=row.title,
            place=row.place,
            starts=row.starts,
            ends=row.ends,
            first_day=row.first_day,
            last_day=row.last_day,
            provenance=provenance(row, confirmed.get(row.key)),
        )
        for row in connection.execute(statement)
    ]


def list_co_chairs(connection: Connection, reader: Reader, slug: str) -> list[CoChair]:
    """A forum's co-chairs, by cycle and code."""
    del reader
    statement: Select[Any] = (
        select(co_chair)
        .join(forum, forum.c.id == co_chair.c.forum_id)
        .where(forum.c.slug == slug)
        .order_by(co_chair.c.cycle, co_chair.c.party_code)
    )
    confirmed = find_confirmed(connection, "co-chair")
    return [
        CoChair(row.party_code, row.cycle, provenance(row, confirmed.get(row.key)))
        for row in connection.execute(statement)
    ]


def list_programme_items(connection: Connection, reader: Reader, slug: str) -> list[ProgrammeItem]:
    """What a forum's programmes aim at, by programme and id."""
    del reader
    statement: Select[Any] = (
        select(
            programme_item,
            programme.c.title.label("programme_title"),
            programme.c.party_code,
        )
        .join(programme, programme.c.id == programme_item.c.programme_id)
        .join(forum, forum.c.id == programme.c.forum_id)
        .where(forum.c.slug == slug)
        .order_by(programme.c.id, programme_item.c.id)
    )
    confirmed = find_confirmed(connection, "programme-item")
    return [
        ProgrammeItem(
            programme=row.programme_id,
            programme_title=row.programme_title,
            party=row.party_code,
            id=row.id,
            parent=row.parent_id,
            kind=row.kind,
            title=row.title,
            due=row.due,
            provenance=provenance(row, confirmed.get(row.id)),
        )
        for row in connection.execute(statement)
    ]


def _profile(row: Row[Any], confirmed: Mapping[str, Confirmed]) -> ForumProfile:
    return ForumProfile(
        id=row.forum_id,
        slug=row.slug,
        title=row.title,
        kind=row.kind,
        parent=row.parent,
        members_of=row.members_of,
        decision_rule=row.decision_rule,
        languages=tuple(json.loads(row.languages)),
        member_label=row.member_label,
        begun=row.begun,
        ended=row.ended,
        basis=row.basis,
        rules=row.rules,
        cycle_years=row.cycle_years,
        provenance=provenance(row, confirmed.get(str(row.forum_id))),
    )
