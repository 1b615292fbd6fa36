"""The record of a forum, and its views, as the product has stored them.

What the record lacks then is the history that reciprocity counts; who has none of it asks for
none. The content of a deleted version is gone: a stand-in of the same facts takes its place.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, func, select

from auth.queries import list_roster
from auth.tables import forum, member, member_identity
from kernel.clock import format_version
from sharing.queries.policies import find_policy
from sharing.tables import (
    accepts,
    audience_member,
    body,
    collection,
    contribution,
    forum_head,
    forum_policy,
    guard,
    release,
)
from tests.sharing.oracle import objects
from tests.sharing.oracle.objects import Object
from tests.sharing.oracle.reading import Reading, all_views
from tests.sharing.oracle.record import KINDS, Contribution, Place, Recipient, Record


@dataclass(frozen=True, slots=True)
class Seen:
    """One version in one view: which contribution, and whether it is first and last there."""

    contribution: int
    is_first: bool
    is_last: bool


@dataclass(frozen=True, slots=True)
class View:
    """Whose view of which collection."""

    recipient: str
    kind: str
    collection: int


@dataclass(frozen=True, slots=True)
class Served:
    """One version as its open release has it: what, since when, and the very value served."""

    seen: Seen
    date_added_us: int
    value: Object


def served_views(connection: Connection, forum_id: int) -> dict[View, dict[int, Served]]:
    """Every view as the open releases have it: contribution to what is served of it."""
    elements = {
        2 * row.bit + KINDS.index(kind): (row.name, kind)
        for row in list_roster(connection, forum_id)
        for kind in KINDS
    }
    views: dict[View, dict[int, Served]] = defaultdict(dict)
    values: dict[int, Object] = {}
    rows = connection.execute(
        select(release, body.c.content, audience_member.c.element)
        .join(audience_member, audience_member.c.audience_id == release.c.audience_id)
        .join(body, body.c.id == release.c.body_id)
        .where(release.c.forum_id == forum_id, release.c.closed.is_(None))
    )
    for row in rows:
        name, kind = elements[row.element]
        view = views[View(name, kind, row.collection_id)]
        assert row.contribution_id not in view, "one version twice in one view"
        if row.body_id not in values:
            values[row.body_id] = orjson.loads(row.content)
        seen = Seen(row.contribution_id, row.is_first, row.is_last)
        view[row.contribution_id] = Served(seen, row.date_added_us, values[row.body_id])
    for view in views.values():
        stamps = {each.date_added_us for each in view.values()}
        assert len(stamps) == len(view), "two objects of one view share a date_added"
    return views


def stored_views(connection: Connection, forum_id: int) -> dict[View, dict[int, tuple[Seen, int]]]:
    """The same without the values: contribution to what is seen, and its stamp."""
    return {
        view: {key: (each.seen, each.date_added_us) for key, each in shown.items()}
        for view, shown in served_views(connection, forum_id).items()
    }


def expected_views(connection: Connection, forum_id: int) -> dict[View, set[Seen]]:
    """Every view as the policy's text has it."""
    record = read_record(connection, forum_id)
    views = all_views(Reading(record, record.now_us), record)
    return {
        View(*view): {Seen(int(str(each.key)), s.is_first, s.is_last) for each, s in shown.items()}
        for view, shown in views.items()
    }


def read_record(connection: Connection, forum_id: int) -> Record:
    """What has happened in a forum, as far as the product keeps it."""
    ceiling = select(forum.c.tlp_ceiling).where(forum.c.id == forum_id)
    settled = select(func.max(forum_head.c.settled_us)).where(forum_head.c.forum_id == forum_id)
    record = Record(
        connection.execute(ceiling).scalar_one(), connection.execute(settled).scalar() or 0
    )
    for row in connection.execute(select(collection).where(collection.c.forum_id == forum_id)):
        readers, writers = (frozenset(text.split()) for text in (row.read_roles, row.write_roles))
        record.places.append(
            Place(row.id, row.uuid, readers, writers, row.unmarked_as, row.tlp_ceiling)
        )
    for row in list_roster(connection, forum_id):
        record.recipients[row.name] = _recipient(connection, forum_id, row)
    newest = (
        select(forum_policy.c.document)
        .where(forum_policy.c.forum_id == forum_id, forum_policy.c.kind == "withhold")
        .order_by(forum_policy.c.version.desc())
    )
    document = connection.execute(newest).scalars().first()
    record.forum_rules = orjson.loads(document)["rules"] if document else []
    codes = {row.id: row.code for row in connection.execute(select(member))}
    for row in connection.execute(select(member_identity)):
        record.identities[row.stix_id] = codes[row.member_id]
    _read_contributions(connection, forum_id, record, codes)
    return record


def _recipient(connection: Connection, forum_id: int, row: Any) -> Recipient:
    found = Recipient(
        row.name,
        row.role,
        row.accredited_to,
        row.jurisdiction,
        row.residency,
        row.blocs,
        is_seat_active=row.is_active,
    )
    if row.member_id is None:
        return found
    policy = find_policy(connection, forum_id, row.member_id)
    found.rules = orjson.loads(policy.document)["rules"] if policy else []
    newest = (
        select(accepts.c.document)
        .where(accepts.c.forum_id == forum_id, accepts.c.member_id == row.member_id)
        .order_by(accepts.c.version.desc())
    )
    document = connection.execute(newest).scalars().first()
    found.accepts = orjson.loads(document) if document else {}
    return found


def _read_contributions(
    connection: Connection, forum_id: int, record: Record, codes: dict[int, str]
) -> None:
    places = {place.key: place for place in record.places}
    guards: dict[int, dict[str, set[tuple[str, int, str]]]] = defaultdict(dict)
    for row in connection.execute(select(guard)):
        copies = guards[row.contribution_id].setdefault(row.stix_id, set())
        copies.add((codes[row.originator_id], row.collection_id, row.stix_id))
    rows = connection.execute(
        select(contribution, body.c.content)
        .outerjoin(body, body.c.id == contribution.c.body_id)
        .where(contribution.c.forum_id == forum_id)
        .order_by(contribution.c.seq)
    )
    by_id: dict[int, Contribution] = {}
    answering: list[tuple[Contribution, int]] = []
    for row in rows:
        value = orjson.loads(row.content) if row.content is not None else _stand_in(row)
        by_id[row.id] = Contribution(
            codes[row.originator_id],
            places[row.collection_id],
            value,
            row.seq,
            row.contributed_us,
            is_deleted=row.state == "deleted",
            is_held=row.is_held,
            guards=guards[row.id],
            key=row.id,
        )
        if row.bound_id is not None:
            answering.append((by_id[row.id], row.bound_id))
    for each, bound_id in answering:
        each.answers = by_id[bound_id]
    record.contributions += by_id.values()


def _stand_in(row: Any) -> Object:
    """An object that a deleted version's facts would also have come from."""
    facts = orjson.loads(row.facts)
    marking_of = {level: marking for marking, level in objects.MARKINGS.items()}
    value: Object = dict.fromkeys(facts["properties"], True)
    extensions = {name[11:]: True for name in value if name.startswith("extensions.")}
    value = {name: held for name, held in value.items() if not name.startswith("extensions.")}
    value |= {"type": row.stix_type, "id": row.stix_id, "labels": facts["labels"]}
    if "modified" in value or "created" in value:
        version = format_version(row.version_us)
        value |= dict.fromkeys(value.keys() & {"created", "modified"}, version)
    if facts["created_by_ref"]:
        value["created_by_ref"] = facts["created_by_ref"]
    for stix_id, units in facts["references"].items():
        value |= {unit: stix_id for unit in units if unit in value}
    if extensions:
        value["extensions"] = extensions
    if facts["releasable_to"] is not None:
        value["extensions"][objects.RELEASE] = {"releasable_to": facts["releasable_to"]}
    value["object_marking_refs"] = [marking_of[row.tlp], *facts["statements"]]
    value["granular_markings"] = [
        {"marking_ref": marking_of[level], "selectors": [unit]}
        for unit, level in facts["properties"].items()
        if level > row.tlp
    ]
    return value
