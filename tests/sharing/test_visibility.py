"""The one clause: what it lets through, and that the databases walk it as they should."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, select, text

from auth.reader import Seated
from kernel.db import Database
from kernel.settings import Settings
from sharing.queries.matching import ALL_VERSIONS, Match
from sharing.queries.newest import count_facets, list_newest
from sharing.queries.pointing import list_pointing
from sharing.queries.ranges import NewestFilter
from sharing.queries.releases import Head, find_head, has_version, list_manifest, list_objects
from sharing.services.jobs import ask_export
from sharing.tables import audience, audience_member, job, reference, release
from sharing.visibility import Known, asked_by, given, visible, visible_by_known, visible_in_forum
from tests.sharing.taxii.world import World, make_world

MANY = 4000


NUMBERS = (
    "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {many}) "
)
CROWD = (
    "INSERT INTO body (id, content) " + NUMBERS + "SELECT n, {content} FROM number",
    "INSERT INTO contribution (id, forum_id, collection_id, originator_id, stix_id, stix_type,"
    " version_us, digest, tlp, facts, body_id, state, seq, contributed_us) "
    + NUMBERS
    + "SELECT n, {forum}, {place}, {originator}, 'indicator--' || (n / 2), 'indicator', n,"
    " {content}, 0, '{{}}', n, 'standing', n, n FROM number",
    "INSERT INTO release (forum_id, collection_id, date_added_us, contribution_id, body_id,"
    " audience_id, stix_id, stix_type, version_us, is_first, is_last, opened, closed) "
    + NUMBERS
    + "SELECT {forum}, {place}, n * 100, n, n, 100 + n % 8, 'indicator--' || (n / 2),"
    " CASE WHEN n % 1000 = 7 THEN 'tool' ELSE 'indicator' END, n, n % 2 = 0, n % 2 = 1, n,"
    " CASE WHEN n % 10 = 3 THEN n END FROM number",
)


@pytest.fixture
def crowded(database: Database, settings: Settings) -> World:
    """A collection with many rows, of which XBB's feed sees a half, in four audiences of eight."""
    world = make_world(database, settings)
    element = world.seated("XBB").element
    values = {
        "many": MANY,
        "forum": world.forum_id,
        "place": world.collection().id,
        "originator": world.member_id("XAA"),
        "content": "x'7b7d'" if database.is_sqlite else "'\\x7b7d'::bytea",
    }
    with database.write() as connection:
        for number in range(8):
            seen = {"audience_id": 100 + number, "forum_id": world.forum_id}
            connection.execute(
                insert(audience).values(
                    id=100 + number, forum_id=world.forum_id, digest=bytes([number]), mask=b""
                )
            )
            elements = [900, element] if number % 2 else [900]
            connection.execute(
                insert(audience_member), [seen | {"element": one} for one in elements]
            )
        for statement in CROWD:
            connection.execute(text(statement.format(**values)))
    if not database.is_sqlite:
        with database.write() as connection:
            connection.exec_driver_sql("ANALYZE")
    return world


def stamps(world: World, seated: Seated, match: Match, **rest: Any) -> list[int]:
    """The stamps of one page of objects, in units of 100 µs; its manifest says the same."""
    asked = {"after_us": None, "limit": 5} | rest
    place = world.collection().id
    with world.database.read() as connection:
        page = list_objects(connection, seated, place, match, **asked)
        listed = list_manifest(connection, seated, place, match, **asked)
        # Whichever way is the shorter one, the answer is the same.
        assert list_objects(connection, seated, place, match, head=FEW, **asked) == page
        assert list_manifest(connection, seated, place, match, head=FEW, **asked) == listed
        known = knowing(connection)
        assert list_objects(connection, seated, place, match, head=known, **asked) == page
        assert list_manifest(connection, seated, place, match, head=known, **asked) == listed
    found = [stamp_us // 100 for stamp_us in page.stamps_us]
    assert [row.date_added_us // 100 for row in listed.items] == found
    assert page.has_more == listed.has_more
    return found


def knowing(connection: Connection) -> Head:
    """The head of a view that holds much, read by what is known of the reader's audiences."""
    newest = select(audience.c.id, audience.c.digest).order_by(audience.c.id.desc()).limit(1)
    row = connection.execute(newest).one()
    return replace(MUCH, newest=(row.id, bytes(row.digest)))


def test_an_audience_that_came_after_what_is_known_is_asked_for(crowded: World) -> None:
    place = crowded.collection().id
    columns = (release.c.date_added_us,)
    with crowded.database.read() as connection:
        for seated in (crowded.seated("XBB"), crowded.seated("XCC")):
            values = given(seated, place)
            plain = visible(*columns).order_by(*columns)
            shown = connection.execute(plain, values).scalars().all()
            assert bool(shown) == (seated.reader.member_code == "XBB")
            holds = bytes(number % 2 if shown else 0 for number in range(8))
            for many in (1, 3, 8):
                known = Known(100, 99 + many, holds[:many])
                statement = visible_by_known(*columns).order_by(*columns)
                found = connection.execute(statement, values | known.values).scalars().all()
                assert found == shown


def test_a_reader_sees_the_open_releases_of_its_own_audiences(crowded: World) -> None:
    seated = crowded.seated("XBB")
    every = Match(versions=ALL_VERSIONS)
    assert stamps(crowded, seated, every) == [1, 5, 7, 9, 11]
    assert stamps(crowded, seated, Match(), after_us=500) == [7, 9, 11, 15, 17]
    rare = replace(every, types=frozenset({"tool"}))
    assert stamps(crowded, seated, rare) == [7, 1007, 2007, 3007]
    two = replace(every, types=frozenset({"tool", "indicator"}))
    assert stamps(crowded, seated, two) == [1, 5, 7, 9, 11]
    some = replace(every, ids=frozenset({"indicator--3", "indicator--900"}))
    assert stamps(crowded, seated, some) == [7, 1801]


def test_nobody_else_sees_them(crowded: World) -> None:
    bystander = crowded.seated("XCC")
    person = crowded.seated("XBB", "individual")
    elsewhere = replace(crowded.seated("XBB"), forum_id=crowded.forum_id + 1)
    for reader in (bystander, person, elsewhere):
        assert stamps(crowded, reader, Match(versions=ALL_VERSIONS)) == []
        with crowded.database.read() as connection:
            assert not has_version(
                connection, reader, crowded.collection().id, "indicator--3", ALL_VERSIONS
            )


def test_a_statement_that_is_kept_shows_each_reader_its_own(crowded: World) -> None:
    bystander = crowded.seated("XCC")
    seated = crowded.seated("XBB")
    elsewhere = replace(seated, forum_id=crowded.forum_id + 1)
    places = [crowded.collection(), crowded.collection("second")]
    seen = []
    for reader in (seated, bystander, elsewhere, seated):
        with crowded.database.read() as connection:
            newest = list_newest(connection, reader, places, NewestFilter(), limit=4)
            facets = count_facets(connection, reader, places, NewestFilter())
        stamps = [one.standing.date_added_us // 100 for one in newest]
        seen.append((stamps, facets.types))
    shown = ([3999, 3997, 3995, 3991], {"indicator": 1596, "tool": 4})
    assert seen == [shown, ([], {}), ([], {}), shown]


def test_a_collection_of_another_forum_shows_nothing_whatever_its_audiences(
    crowded: World,
) -> None:
    """Elements are numbered per forum: the same number elsewhere is somebody else."""
    with crowded.database.write() as connection:
        connection.exec_driver_sql(f"UPDATE release SET forum_id = {crowded.forum_id + 1}")
    assert stamps(crowded, crowded.seated("XBB"), Match(versions=ALL_VERSIONS)) == []


MUCH = Head(seq=1, newest_us=1, opened=1_000_000, opened_for_all=1_000_000)
"""The head of a view that holds all of its collection."""
FEW = Head(seq=1, newest_us=1, opened=1, opened_for_all=1_000_000)
"""The head of a view that holds next to nothing of its collection."""


def test_little_is_looked_for_by_audience_and_much_is_not() -> None:
    assert FEW.is_gathered(1)
    assert not replace(FEW, opened=1_000_000).is_gathered(1000)
    assert not replace(FEW, opened=1000, opened_for_all=1000).is_gathered(100)
    assert replace(FEW, opened=1000, opened_for_all=100_000).is_gathered(100)
    assert not replace(FEW, opened=10_000, opened_for_all=100_000).is_gathered(1000)


def test_what_is_looked_for_by_audience_passes_nothing_hidden(crowded: World) -> None:
    # PostgreSQL takes the few releases of a type one audience at a time.
    for match, indexes in (
        (Match(), {"ix_release_audience_id"}),
        (
            Match(types=frozenset({"tool", "malware"})),
            {"ix_release_audience_id", "ix_release_type"},
        ),
    ):
        with crowded.database.read() as connection:
            plan = explain(connection, crowded, crowded.seated("XBB"), match, None, FEW)
        assert any(index in plan for index in indexes), plan
        assert "SCAN release" not in plan
        assert "Seq Scan on release" not in plan


def test_postgresql_keeps_no_plan_of_what_is_looked_for_by_audience(crowded: World) -> None:
    """One that fits any values is many times slower while the counts of its tables are old."""
    if crowded.database.is_sqlite:
        pytest.skip("the embedded database plans without values: there is one plan to keep")
    asked = {"after_us": None, "limit": 5}
    place, seated = crowded.collection().id, crowded.seated("XBB")
    with crowded.database.read() as connection:
        for head in (FEW, knowing(connection)):
            for _ in range(10):
                list_objects(connection, seated, place, Match(), head=head, **asked)
                list_manifest(connection, seated, place, Match(), head=head, **asked)
        kept = connection.exec_driver_sql("SELECT statement FROM pg_prepared_statements")
        statements = [row.statement for row in kept]
    assert any("FROM release" in one for one in statements), "others are kept as ever"
    assert not any("LATERAL" in one for one in statements)


PLANS: list[tuple[str, Match, int | None, set[str]]] = [
    ("the first page", Match(), None, {"ix_release_open_last"}),
    ("a later page", Match(), MANY * 50, {"ix_release_open_last"}),
    ("every version", Match(versions=ALL_VERSIONS), MANY * 50, {"ix_release_open"}),
    ("a rare type", Match(types=frozenset({"tool"})), None, {"ix_release_type"}),
    (
        "two types",
        Match(types=frozenset({"tool", "malware"})),
        None,
        {"ix_release_type"},
    ),
    (
        "a few ids",
        Match(ids=frozenset({"indicator--3", "indicator--900"})),
        None,
        {"ix_release_stix_id"},
    ),
]


def test_every_kind_of_page_is_a_range_of_the_index_made_for_it(crowded: World) -> None:
    seated = crowded.seated("XBB")
    for name, match, after_us, indexes in PLANS:
        with crowded.database.read() as connection:
            known = knowing(connection)
            # Once before, so that nothing is asked but the page.
            list_objects(connection, seated, 1, match, after_us=None, limit=1, head=known)
            plans = [
                explain(connection, crowded, seated, match, after_us, head)
                for head in (None, known)
            ]
        for plan in plans:
            assert any(index in plan for index in indexes), (name, plan)
            assert "SCAN release" not in plan, (name, plan)
            assert "Seq Scan on release" not in plan, (name, plan)


def test_what_points_at_an_object_is_found_by_its_id_and_not_by_the_collection(
    crowded: World,
) -> None:
    seated, places = crowded.seated("XBB"), [crowded.collection()]
    named = [{"contribution_id": number, "stix_id": f"tool--{number}"} for number in range(1, MANY)]
    with crowded.database.write() as connection:
        connection.execute(insert(reference), named)
        if not crowded.database.is_sqlite:
            connection.exec_driver_sql("ANALYZE reference")
    with crowded.database.read() as connection:
        plan = explain_first(
            connection, lambda: list_pointing(connection, seated, places, "tool--7", limit=9)
        )
    assert "ix_reference_stix_id" in plan
    assert "ix_release_contribution_id" in plan
    assert "collection_id=?" not in plan


def explain(
    connection: Connection,
    world: World,
    seated: Seated,
    match: Match,
    after_us: int | None,
    head: Head | None = None,
) -> str:
    """The plan of one page, as the database tells it."""
    place = world.collection().id

    def ask() -> None:
        list_objects(connection, seated, place, match, after_us=after_us, limit=10, head=head)

    return explain_first(connection, ask)


def explain_first(connection: Connection, ask: Callable[[], object]) -> str:
    """The plan of the first statement that is asked."""
    sent: list[tuple[str, Any]] = []

    def listen(_c: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        sent.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", listen)
    ask()
    event.remove(connection, "before_cursor_execute", listen)
    how = "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN "
    rows = connection.exec_driver_sql(how + sent[0][0], sent[0][1])
    return "\n".join(str(row[-1]) for row in rows)


def test_the_head_answers_polls_that_have_nothing_to_bring(world_of_three: World) -> None:
    place = world_of_three.collection().id
    with world_of_three.database.read() as connection:
        granted = find_head(connection, world_of_three.seated("XBB"), place)
        denied = find_head(connection, world_of_three.seated("XCC"), place)
    assert granted.seq == denied.seq
    assert granted.newest_us is not None
    assert not granted.is_behind(None)
    assert not granted.is_behind(granted.newest_us - 1)
    assert granted.is_behind(granted.newest_us)
    assert denied.newest_us is None
    assert denied.is_behind(None)


@pytest.fixture
def world_of_three(database: Database, settings: Settings) -> World:
    """A collection with three objects that XBB is granted."""
    world = make_world(database, settings)
    world.contribute(*world.indicators(3))
    return world


def test_long_work_is_found_by_who_asked_for_it_as_what_it_was_then(
    database: Database, settings: Settings
) -> None:
    world = make_world(database, settings)
    seated = world.seated("XAA")
    job_id = ask_export(database, seated, world.collection(), now_us=world.clock())
    others = (
        replace(seated.reader, actor="another"),
        replace(seated.reader, member_id=world.member_id("XBB")),
        replace(seated.reader, member_id=None),
    )
    with database.read() as connection:
        statement = select(job.c.id).where(asked_by(seated.reader))
        assert connection.execute(statement).scalars().all() == [job_id]
        for other in others:
            assert connection.execute(select(job.c.id).where(asked_by(other))).all() == []


def test_a_whole_forum_shows_each_its_own(small_forum: World) -> None:
    shown = small_forum.indicator()
    small_forum.contribute(shown)
    small_forum.contribute(small_forum.indicator(), who="xcc")

    def ids(code: str) -> list[str]:
        statement = visible_in_forum(small_forum.seated(code), release.c.stix_id)
        with small_forum.database.read() as connection:
            return list(connection.execute(statement).scalars())

    assert ids("XBB") == [shown["id"]]
    assert ids("XAA") == [shown["id"]]
    assert len(ids("XCC")) == 1
    assert shown["id"] not in ids("XCC")


@pytest.fixture
def small_forum(database: Database, settings: Settings) -> World:
    return make_world(database, settings)
