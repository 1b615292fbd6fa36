"""Whether a database holds together: what must be true of it at any moment whatever happened.

Each check answers with sentences about what is wrong; none is what should be. The checks read
tables alone and share no code with the services that write them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

import orjson
from sqlalchemy import Connection, func, select

from auth.tables import forum, seat
from kernel.clock import parse_instant
from kernel.db import Database
from sharing.tables import (
    audience,
    audience_member,
    body,
    collection,
    contribution,
    delivery,
    forum_head,
    ledger,
    release,
    status,
    variant,
    view_head,
)
from tests.sharing.oracle.stored import expected_views, stored_views


def find_faults(database: Database) -> list[str]:
    """Everything that is wrong with the records, cheaply: without deciding anything anew."""
    with database.read() as connection:
        faults = [
            *_of_engine(connection),
            *_of_ledger(connection),
            *_of_contributions(connection),
            *_of_audiences(connection),
            *_of_heads(connection),
            *_of_releases(connection),
            *_of_statuses(connection),
        ]
        heads = dict(connection.execute(select(forum_head.c.forum_id, forum_head.c.seq)).all())
    with database.record() as connection:
        return faults + [
            f"delivery {row.id} is of a ledger position that never was"
            for row in connection.execute(select(delivery))
            if row.head > heads[row.forum_id] or row.count < 1
        ]


def find_wrong_views(database: Database) -> list[str]:
    """The views that are not what the rules, applied from scratch, say."""
    faults = []
    with database.read() as connection:
        for forum_id in connection.execute(select(forum.c.id)).scalars().all():
            stored = stored_views(connection, forum_id)
            expected = expected_views(connection, forum_id)
            found = {view: {seen for seen, _ in rows.values()} for view, rows in stored.items()}
            faults += [
                f"{view} is not what the rules say"
                for view in found.keys() | expected.keys()
                if found.get(view, set()) != expected.get(view, set())
            ]
    return faults


def _of_engine(connection: Connection) -> Iterator[str]:
    if connection.dialect.name != "sqlite":
        return
    for pragma in ("integrity_check", "foreign_key_check"):
        for row in connection.exec_driver_sql(f"PRAGMA {pragma}"):
            if tuple(row) != ("ok",):
                yield f"{pragma}: {tuple(row)}"


def _of_ledger(connection: Connection) -> Iterator[str]:
    positions: defaultdict[int, list[int]] = defaultdict(list)
    for forum_id, seq in connection.execute(
        select(ledger.c.forum_id, ledger.c.seq).order_by(ledger.c.forum_id, ledger.c.seq)
    ):
        positions[forum_id].append(seq)
    for forum_id, seq in connection.execute(select(forum_head.c.forum_id, forum_head.c.seq)):
        if positions.pop(forum_id, []) != list(range(1, seq + 1)):
            yield f"the ledger of forum {forum_id} is not 1 to {seq}"
    if positions:
        yield "a forum has a ledger and no head"


def _of_contributions(connection: Connection) -> Iterator[str]:
    """Each has its entry and its bytes; each entry has its contribution, all bytes an owner."""
    entries = {
        (row.forum_id, row.seq): row.subject
        for row in connection.execute(select(ledger).where(ledger.c.kind == "version"))
    }
    bodies = set(connection.execute(select(body.c.id)).scalars())
    # Forms that lack something have bytes of their own, for as long as there is a whole.
    bodies -= set(
        connection.execute(
            select(variant.c.body_id)
            .join(contribution, contribution.c.id == variant.c.contribution_id)
            .where(contribution.c.state != "deleted")
        ).scalars()
    )
    owners: Counter[int] = Counter()
    for row in connection.execute(select(contribution)):
        subject = entries.pop((row.forum_id, row.seq), None)
        if subject != f"{row.stix_id} {row.version_us}":
            yield f"contribution {row.id} has no ledger entry of its own"
        if (row.body_id is None) != (row.state == "deleted"):
            yield f"contribution {row.id} is {row.state} with body {row.body_id}"
        if row.body_id is not None:
            owners[row.body_id] += 1
    for subject in entries.values():
        yield f"the ledger tells of {subject}, which is not there"
    if set(owners) != bodies or any(count > 1 for count in owners.values()):
        yield "bodies and contributions do not match one to one"


def _of_audiences(connection: Connection) -> Iterator[str]:
    elements: defaultdict[int, int] = defaultdict(int)
    for row in connection.execute(select(audience_member)):
        elements[row.audience_id] |= 1 << row.element
    for row in connection.execute(select(audience)):
        if elements.pop(row.id, 0) != int.from_bytes(row.mask, "big"):
            yield f"audience {row.id} and its members differ"
    if elements:
        yield "an audience has members and no row"


def _of_releases(connection: Connection) -> Iterator[str]:
    """Each is of a contribution, within the ledger, with the contribution's bytes while open."""
    of = {row.id: row for row in connection.execute(select(contribution))}
    heads = {row.forum_id: row for row in connection.execute(select(forum_head))}
    reached = set()
    forms = {
        (row.contribution_id, row.omitted): row.body_id
        for row in connection.execute(select(variant))
    }
    for row in connection.execute(select(release)):
        given, head = of.get(row.contribution_id), heads[row.forum_id]
        if given is None:
            yield f"release {row.id} is of no contribution"
            continue
        reached.add(given.id)
        if (row.stix_id, row.version_us) != (given.stix_id, given.version_us):
            yield f"release {row.id} names another object than its contribution"
        whole = given.body_id
        content = whole if row.omitted is None else forms.get((given.id, row.omitted))
        if row.body_id != content and (row.closed is None or row.body_id is not None):
            yield f"release {row.id} has not the bytes of its contribution"
        if not 0 < row.opened <= (row.closed or row.opened) <= head.seq:
            yield f"release {row.id} is opened or closed outside the ledger"
        if row.date_added_us > head.date_added_us:
            yield f"release {row.id} is stamped after the forum's last stamp"
    copies = {(row.collection_id, row.stix_id, row.originator_id) for row in of.values()}
    rivals = Counter((place, name) for place, name, _ in copies)
    active = {
        (row.forum_id, row.member_id)
        for row in connection.execute(select(seat).where(seat.c.status == "active"))
    }
    for row in of.values():
        # A statement marking is seen where it is carried, a copy where no other's stands before
        # it, and a request that a suspension overtook by nobody; all else by its originator.
        is_alone = rivals[(row.collection_id, row.stix_id)] == 1
        was_seen = is_alone and (row.forum_id, row.originator_id) in active
        if was_seen and row.id not in reached and not orjson.loads(row.facts)["is_statement"]:
            yield f"contribution {row.id} was never released to anybody"


def _of_heads(connection: Connection) -> Iterator[str]:
    """Each view's head knows of every release that was ever opened for it, and of its stamp."""
    shown = (
        select(
            release.c.collection_id,
            audience_member.c.element,
            func.max(release.c.date_added_us),
            func.count(),
        )
        .join(audience_member, audience_member.c.audience_id == release.c.audience_id)
        .group_by(release.c.collection_id, audience_member.c.element)
    )
    due = {(row[0], row[1]): (row[2], row[3]) for row in connection.execute(shown)}
    for row in connection.execute(select(view_head)):
        newest_us, count = due.pop((row.collection_id, row.element), (0, 0))
        if newest_us > row.date_added_us or count != row.opened:
            yield f"the head of view {row.element} of collection {row.collection_id} is behind it"
    if due:
        yield "a view has no head"
    opened = dict(
        connection.execute(
            select(release.c.collection_id, func.count()).group_by(release.c.collection_id)
        ).all()
    )
    for place in connection.execute(select(collection.c.id, collection.c.opened)):
        if place.opened != opened.get(place.id, 0):
            yield f"collection {place.id} has not counted its releases"


def _of_statuses(connection: Connection) -> Iterator[str]:
    """What a status resource calls a success was contributed by its member."""
    known = {
        (row.collection_id, row.originator_id, row.stix_id, row.version_us)
        for row in connection.execute(select(contribution))
    }
    written = 0
    for row in connection.execute(select(status)):
        document = orjson.loads(row.document)
        for one in document.get("successes", []):
            version_us = parse_instant(one["version"])
            if (row.collection_id, row.member_id, one["id"], version_us) not in known:
                yield f"status {row.id} claims {one['id']}, which is not there"
        written += 1
    contributed = select(func.count()).where(ledger.c.kind == "contribute")
    if written < connection.execute(contributed).scalar_one():
        yield "something was contributed without a status"


def count_copies(database: Database, stix_ids: Iterable[str]) -> dict[str, int]:
    """How many contributions there are of each of these ids, whoever made them."""
    wanted = set(stix_ids)
    with database.read() as connection:
        rows = connection.execute(
            select(contribution.c.stix_id, func.count()).group_by(contribution.c.stix_id)
        ).all()
    counts = {stix_id: count for stix_id, count in rows if stix_id in wanted}
    return {stix_id: counts.get(stix_id, 0) for stix_id in wanted}


def count_deliveries(database: Database) -> int:
    """How many pages are on record as served."""
    with database.record() as connection:
        return connection.execute(select(func.count()).select_from(delivery)).scalar_one()
