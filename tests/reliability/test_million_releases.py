"""Reading stays bounded with a million releases, 200 members and 500 audiences, on PostgreSQL.

What is counted are the blocks that the database touches for a request, everything included, which
no other work on the machine changes. In one run, and in one table, beside a collection of a
hundredth of the size. The rows are written in bulk: an object of each type goes through the door,
and the others are its copies with ids of their own, as the product writes them (body, contribution,
release, heads); what is looked up on pages (`mention`) they lack, and their ledger.
"""

from __future__ import annotations

import hashlib
import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from sqlalchemy import Connection, insert, select, text, update

from auth import services as auth_services
from auth.queries import find_member, list_roster
from kernel.clock import format_instant
from sharing.queries.contributions import mask_bytes
from sharing.services.collections import NewCollection, add_collection
from sharing.services.lock import STAMP_STEP_US
from sharing.services.plan import list_elements
from sharing.tables import audience, audience_member, collection, contribution, forum_head
from tests.sharing.taxii.world import World

RELEASES = int(os.environ.get("COMITY_AUDIT_RELEASES", "1000000"))
SMALL = RELEASES // 100
MEMBERS = 200
AUDIENCES = 500
OF_FEW = 20
"""So many audiences hold the State that is shown one in a hundred."""

WHOLE, FEW, NONE = "xww", "xff", "xnn"
TYPES = ("indicator", "malware", "campaign", "attack-pattern")
RARE = "tool"
ASKED_TIMES = 30
SLACK = 50
"""Blocks of a request that may be the server's own work beside it."""
MOST_FOR_FEW = 3
"""A page for who is shown one in a hundred, in pages for who is shown everything."""

# Release n of a collection; every hundredth is for the few as well, every 5,000th is rare.
_AUDIENCE = f"""(CASE WHEN n % 100 = 50 THEN (n / 100) % {OF_FEW}
    ELSE {OF_FEW} + (n * 7) % {AUDIENCES - OF_FEW} END)"""
_KIND = f"(CASE WHEN n % 5000 = 2500 THEN {len(TYPES)} ELSE n % {len(TYPES)} END)"

FILL = f"""
CREATE TEMPORARY TABLE made ON COMMIT DROP AS
SELECT n, :first_id + n AS id, t.id AS like_id, a.id AS audience_id, a.mask,
       t.stix_type || '--' || lpad(to_hex(:first_id + n), 8, '0') || '-0000-4000-8000-000000000000'
         AS stix_id
FROM generate_series(0, :count - 1) AS n
JOIN like_this AS l ON l.kind = {_KIND}
JOIN contribution AS t ON t.id = l.id
JOIN numbered AS m ON m.place = {_AUDIENCE}
JOIN audience AS a ON a.id = m.id;

INSERT INTO body (id, content)
SELECT made.id,
       convert_to(replace(convert_from(b.content, 'UTF8'), t.stix_id, made.stix_id), 'UTF8')
FROM made JOIN contribution AS t ON t.id = made.like_id JOIN body AS b ON b.id = t.body_id
ORDER BY n;

INSERT INTO contribution (id, forum_id, collection_id, originator_id, stix_id, stix_type,
    version_us, digest, tlp, facts, body_id, state, seq, contributed_us, seen, seen_since_us,
    contributed_by)
SELECT made.id, t.forum_id, :collection_id, t.originator_id, made.stix_id, t.stix_type,
    t.version_us, sha256(made.stix_id::bytea), t.tlp, t.facts, made.id, t.state,
    t.seq + n / 500, t.contributed_us + n * {STAMP_STEP_US}, made.mask,
    t.contributed_us + n * {STAMP_STEP_US}, t.contributed_by
FROM made JOIN contribution AS t ON t.id = made.like_id ORDER BY n;

INSERT INTO release (id, forum_id, collection_id, date_added_us, contribution_id, body_id,
    audience_id, stix_id, stix_type, version_us, is_first, is_last, opened)
SELECT made.id, t.forum_id, :collection_id, :start_us + n * {STAMP_STEP_US}, made.id, made.id,
    made.audience_id, made.stix_id, t.stix_type, t.version_us, true, true, t.seq + n / 500
FROM made JOIN contribution AS t ON t.id = made.like_id ORDER BY n;

INSERT INTO view_head (collection_id, element, date_added_us, opened)
SELECT :collection_id, m.element, max(counted.newest_us), sum(counted.count)
FROM (SELECT audience_id, max(date_added_us) AS newest_us, count(*) AS count FROM release
      WHERE collection_id = :collection_id GROUP BY audience_id) AS counted
JOIN audience_member AS m ON m.audience_id = counted.audience_id
GROUP BY m.element;
"""


@dataclass(frozen=True)
class Asked:
    """What a request brought, and how many blocks it touched."""

    count: int
    blocks: float


@dataclass
class Large:
    """The world with its two collections, and an eye on the database from outside."""

    world: World
    watching: psycopg.Connection[Any]
    database_name: str

    def ask(self, who: str, place: str, query: str = "") -> Asked:
        """A request, often enough for every way in which PostgreSQL may plan its statements."""
        self.settle()
        before = self.touched()
        for _ in range(ASKED_TIMES):
            answer = self.world.get(who, self.world.address(place) + query)
            assert answer.status_code == 200
        self.settle()
        blocks = (self.touched() - before) / ASKED_TIMES
        return Asked(len(answer.get_json().get("objects", [])), blocks)

    def settle(self) -> None:
        """End the connections, which then tell what they did."""
        self.world.database.close()
        busy = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
        for _ in range(600):
            if self._one(busy) == 0:
                return
            time.sleep(0.05)
        raise AssertionError("a connection does not end")

    def touched(self) -> int:
        blocks = "SELECT blks_hit + blks_read FROM pg_stat_database WHERE datname = %s"
        return int(self._one(blocks))

    def _one(self, query: str) -> Any:
        row = self.watching.execute(query, (self.database_name,)).fetchone()
        assert row is not None
        return row[0]


@pytest.fixture
def large(world: World, postgresql_url: str) -> Iterator[Large]:
    seat_many(world)
    for name in ("small", "large"):
        world.collections[name] = add_collection(
            world.database, "operator", "harbour", NewCollection(name), now_us=world.clock()
        )
    templates = contribute_templates(world)
    with world.database.write() as connection:
        # Foreign keys are checked when rows are written one by one; here they hold by themselves.
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        number_what_is_there(connection, templates, make_audiences(world, connection))
        fill(world, connection, "small", SMALL, first_id=1 << 24)
        fill(world, connection, "large", RELEASES, first_id=1 << 25)
    name = world.database.content.url.database or ""
    with in_autocommit(world) as connection:
        connection.execute(text("VACUUM ANALYZE"))
    with psycopg.connect(postgresql_url, autocommit=True) as watching:
        yield Large(world, watching, name)


@contextmanager
def in_autocommit(world: World) -> Iterator[Connection]:
    with world.database.content.connect() as connection:
        yield connection.execution_options(isolation_level="AUTOCOMMIT")


def seat_many(world: World) -> None:
    """So many members that there are 200 in the forum, and three whose views are asked for."""
    codes = [f"X{one}{two}" for one in "GHIJKLMO" for two in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"]
    codes = [*codes[: MEMBERS - 7], *(code.upper() for code in (WHOLE, FEW, NONE))]
    said = {"actor": "operator", "now_us": world.clock()}
    with world.database.write() as connection:
        for code in codes:
            new = auth_services.NewMember(code=code, name=code, accredited_to=4)
            auth_services.add_member(connection, new, **said)
        for who in (WHOLE, FEW, NONE):
            new_credential = auth_services.NewCredential("feed", who.upper())
            issued = auth_services.add_credential(connection, world.signer, new_credential, **said)
            world.secrets[who] = (issued.id, issued.secret)
        for code in codes:
            member = find_member(connection, code)
            assert member is not None
            # Nothing is shared yet: nothing follows from a seat.
            auth_services.add_seat(connection, world.forum_id, member.id, "member", **said)


def contribute_templates(world: World) -> list[int]:
    """An object of each type, contributed through the door; the ids of the contributions."""
    common = {"modified": "2026-01-01T00:00:00.000Z", "description": "seen " * 20}
    made = [
        world.indicator(description=common["description"]),
        *(
            {
                "type": kind,
                "spec_version": "2.1",
                "id": f"{kind}--00000000-0000-4000-8000-000000000001",
                "created": "2026-01-01T00:00:00.000Z",
                "name": f"a {kind}",
                **common,
                **({"is_family": False} if kind == "malware" else {}),
            }
            for kind in (*TYPES[1:], RARE)
        ),
    ]
    world.contribute(*made)
    with world.database.read() as connection:
        known = connection.execute(select(contribution.c.stix_type, contribution.c.id))
        rows = {row.stix_type: row.id for row in known}
    return [rows[kind] for kind in (*TYPES, RARE)]


def make_audiences(world: World, connection: Connection) -> list[int]:
    """The ids of 500 audiences, all with one State, twenty with another, none with a third."""
    dice = random.Random(2026)
    bits = {row.name: row.bit for row in list_roster(connection, world.forum_id)}
    whole, few, none = (bits.pop(who.upper()) for who in (WHOLE, FEW, NONE))
    assert none not in bits.values()
    others = sorted(bits.values())
    ids = []
    for place in range(AUDIENCES):
        chosen = [whole, *dice.sample(others, dice.randrange(1, 120))]
        mask = sum(3 << 2 * bit for bit in (*chosen, *([few] if place < OF_FEW else [])))
        content = mask_bytes(mask)
        made: int = connection.execute(
            insert(audience)
            .values(forum_id=world.forum_id, digest=hashlib.sha256(content).digest(), mask=content)
            .returning(audience.c.id)
        ).scalar_one()
        connection.execute(
            insert(audience_member),
            [
                {"audience_id": made, "element": element, "forum_id": world.forum_id}
                for element in list_elements(mask)
            ],
        )
        ids.append(made)
    return ids


def number_what_is_there(
    connection: Connection, templates: list[int], audiences: list[int]
) -> None:
    for name, key, ids in (("like_this", "kind", templates), ("numbered", "place", audiences)):
        connection.execute(
            text(f"CREATE TEMPORARY TABLE {name} ({key} int, id bigint) ON COMMIT DROP")
        )
        rows = [{"key": number, "id": each} for number, each in enumerate(ids)]
        connection.execute(text(f"INSERT INTO {name} VALUES (:key, :id)"), rows)


def fill(world: World, connection: Connection, name: str, count: int, *, first_id: int) -> None:
    place = connection.execute(
        select(collection.c.id).where(collection.c.uuid == world.collections[name])
    ).scalar_one()
    start_us = world.clock() + 1_000_000
    given = {"first_id": first_id, "count": count, "collection_id": place, "start_us": start_us}
    for statement in FILL.split(";\n\n"):
        used = {key: value for key, value in given.items() if f":{key}" in statement}
        connection.execute(text(statement), used)
    connection.execute(text("DROP TABLE made"))
    world.clock.now_us = start_us + count * STAMP_STEP_US + 1_000_000
    connection.execute(update(collection).where(collection.c.id == place).values(opened=count))
    connection.execute(
        update(forum_head)
        .where(forum_head.c.forum_id == world.forum_id)
        .values(date_added_us=world.clock(), seq=forum_head.c.seq + count // 500 + 1)
    )


def middle_of(world: World) -> str:
    """Where half of the large collection has been read."""
    half_us = world.clock() - 1_000_000 - RELEASES * STAMP_STEP_US // 2
    return f"&added_after={quote(format_instant(half_us), safe='')}"


@pytest.mark.audit
@pytest.mark.parametrize("make_settings", ["postgresql"], indirect=True)
def test_with_a_million_releases_nothing_that_is_read_grows(large: Large) -> None:
    asked = {
        "page": "?limit=100",
        "middle": f"?limit=100{middle_of(large.world)}",
        "rare": f"?limit=100&match[type]={RARE}",
        "empty": "?added_after=2999-01-01T00:00:00.000000Z",
    }
    found = {
        (what, who, place): large.ask(who, place, query)
        for what, query in asked.items()
        for who in (WHOLE, FEW, NONE)
        for place in ("small", "large")
    }
    for key, told in found.items():
        print(*key, told.count, round(told.blocks))  # noqa: T201 - for docs/benchmarks.md
    check_counts(found)
    check_blocks({key: told.blocks for key, told in found.items()})


Found = dict[tuple[str, str, str], Asked]


def check_counts(found: Found) -> None:
    """Everybody is answered what there is."""
    for place, there in (("small", SMALL), ("large", RELEASES)):
        assert found["page", WHOLE, place].count == min(100, there)
        assert found["page", FEW, place].count == min(100, there // 100)
        assert found["rare", WHOLE, place].count == min(100, there // 5000)
    for who, there in ((WHOLE, RELEASES), (FEW, RELEASES // 100), (NONE, 0)):
        assert found["middle", who, "large"].count == min(100, there // 2)
    assert {found["rare", who, "large"].count for who in (FEW, NONE)} == {0}
    assert {told.count for (what, _, _), told in found.items() if what == "empty"} == {0}


def check_blocks(blocks: dict[tuple[str, str, str], float]) -> None:
    """What is touched follows from what is answered, not from what is there."""
    page, nothing = blocks["page", WHOLE, "small"], blocks["empty", NONE, "small"]
    for what in ("page", "middle", "rare"):
        assert blocks[what, WHOLE, "large"] < 2 * page, what
    for who in (WHOLE, FEW, NONE):
        assert blocks["empty", who, "large"] < nothing + SLACK, who
    for what in ("page", "middle", "rare"):
        assert blocks[what, NONE, "large"] < nothing + SLACK, what
    for what in ("page", "middle", "rare"):
        assert blocks[what, FEW, "large"] < MOST_FOR_FEW * page, what
