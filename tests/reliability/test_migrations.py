"""Migrations keep every row that both revisions know, and end whole or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, event

import migrations
from kernel.db import Database
from kernel.errors import ComityError
from kernel.settings import Settings
from tests.browsing import add_person
from tests.reliability.children import Say, die, run
from tests.reliability.consistency import find_faults
from tests.reliability.scenes import related
from tests.reliability.steps import Step, Watcher, watch
from tests.sharing.jobs.asking import ask_to_simulate
from tests.sharing.taxii.world import World

KILLS = 5
# What migrations find in what is there: facts of contributions, bytes of objects, releases.
FILLED = {"reference", "mention", "view_head"}
Rows = dict[str, tuple[int, str]]


@pytest.fixture
def filled(world: World) -> World:
    """Something in most tables, what was served included."""
    one = world.indicator()
    add_person(world, "all@xaa.example", "XAA", "policy-officer")
    # Long work, and the file that came in for it.
    ask_to_simulate(world, {"rules": []})
    world.contribute(one, *related(world))
    world.contribute(*world.indicators(3))
    assert world.get("xbb", world.address()).status_code == 200
    assert world.delete("xaa", world.address(rest=f"objects/{one['id']}/")).status_code == 200
    return world


def read_rows(database: Database) -> Rows:
    """Each column's count of rows and a hash of them all, by `table.column`."""
    found: Rows = {}
    engines = {id(engine): engine for engine in (database.content, database.deliveries)}
    for engine in engines.values():
        with engine.connect() as connection:
            for table in _tables(connection):
                rows = connection.execute(sa.select(table)).mappings().all()
                keys = [column.name for column in table.primary_key]
                for column in table.columns:
                    values = sorted(repr([row[k] for k in (*keys, column.name)]) for row in rows)
                    digest = hashlib.sha256("\n".join(values).encode()).hexdigest()
                    found[f"{table.name}.{column.name}"] = (len(rows), digest)
    return found


def tables_of(rows: Rows) -> set[str]:
    return {name.partition(".")[0] for name in rows}


def _tables(connection: Connection) -> list[sa.Table]:
    metadata = MetaData()
    metadata.reflect(connection)
    return [t for name, t in metadata.tables.items() if not name.startswith("alembic_version")]


def differences(database: Database) -> list[Any]:
    """Where the tables, keys and indexes are not those that this release declares."""
    if database.is_sqlite:
        parts = [
            (database.content, migrations.declared("content")),
            (database.deliveries, migrations.declared("deliveries")),
        ]
    else:
        both = MetaData(naming_convention=migrations.SCHEMAS["content"].naming_convention)
        for metadata in map(migrations.declared, migrations.SCHEMAS):
            for table in metadata.tables.values():
                table.to_metadata(both)
        parts = [(database.content, both)]
    found = []
    for engine, metadata in parts:
        with engine.connect() as connection:
            options = {"include_name": lambda name, *_: not str(name).startswith("alembic_")}
            context = MigrationContext.configure(connection, opts=options)
            found += compare_metadata(context, metadata)
    return found


def triggers(database: Database) -> set[str]:
    """The triggers that refuse changes."""
    query = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    if not database.is_sqlite:
        query = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
    with database.content.connect() as connection:
        return set(connection.execute(sa.text(query)).scalars())


def older_revisions() -> list[str]:
    """Every revision of the content before the newest, newest first."""
    number = int(migrations.newest()["content"])
    return [f"{older:04d}" for older in range(number - 1, 0, -1)]


def partial_indexes(connection: Connection) -> dict[str, str]:
    """The indexes of a database that are about some rows, and which, as the database spells it."""
    query = (
        "SELECT name, substr(sql, instr(sql, ' WHERE ') + 7) FROM sqlite_master "
        "WHERE type = 'index' AND sql LIKE '% WHERE %'"
    )
    if connection.dialect.name == "postgresql":
        query = (
            "SELECT indexrelid::regclass::text, pg_get_expr(indpred, indrelid) FROM pg_index "
            "WHERE indpred IS NOT NULL AND indrelid::regclass::text NOT LIKE 'pg_%'"
        )
    return dict(connection.execute(sa.text(query)).all())


def test_each_index_is_about_the_rows_that_are_declared(database: Database) -> None:
    # What alembic compares is its columns.
    declared = {
        index.name: str(index.dialect_options[database.content.dialect.name]["where"])
        for table in migrations.declared("content").tables.values()
        for index in table.indexes
        if index.info
    }
    with database.content.connect() as connection:
        found = partial_indexes(connection)
    assert found.keys() == declared.keys()
    if database.is_sqlite:
        # PostgreSQL tells it in words of its own.
        assert found == declared


def test_the_revisions_that_a_start_looks_for_are_those_that_alembic_knows() -> None:
    for name, newest in migrations.newest().items():
        script = ScriptDirectory.from_config(migrations._bare_config(name))
        known = [each.revision for each in script.walk_revisions()]
        assert migrations._known(name) == tuple(reversed(known))
        assert script.get_heads() == [newest]


def test_rows_survive_the_way_down_and_up_again(filled: World) -> None:
    """To the newest older revisions, which may be new themselves, and to the oldest of all."""
    older = older_revisions()
    go_down_and_up(filled, [*older[:3], older[-1]])


@pytest.mark.audit
def test_rows_survive_the_way_to_every_revision_and_back(filled: World) -> None:
    go_down_and_up(filled, older_revisions())


def go_down_and_up(filled: World, revisions: list[str]) -> None:
    database = filled.database
    before, guarded = read_rows(database), triggers(database)
    assert len(tables_of({name: row for name, row in before.items() if row[0]})) > 20
    for revision in revisions:
        migrations.downgrade(database, revision)
        kept = without_old_heads(database, read_rows(database))
        assert migrations.current(database)["content"] == revision
        assert kept.items() <= before.items()
        assert {"member", "credential", "audit", "delivery"} <= tables_of(kept)
        migrations.upgrade(database)
        migrations.check_current(database)
        after = read_rows(database)
        assert kept.items() <= after.items()
        made = tables_of(after) - tables_of(kept) - FILLED
        assert all(count == 0 for name, (count, _) in after.items() if name.split(".")[0] in made)
        assert after.keys() == before.keys()
        assert differences(database) == []
        assert triggers(database) == guarded


def without_old_heads(database: Database, rows: Rows) -> Rows:
    """The rows less those of a table that newer releases have no more, which must be right."""
    if "audience_head" not in tables_of(rows):
        return rows
    with database.content.connect() as connection:
        kept, derived = (
            set(connection.execute(sa.text(query)).all())
            for query in (
                "SELECT collection_id, audience_id, date_added_us FROM audience_head",
                "SELECT collection_id, audience_id, max(date_added_us) FROM release GROUP BY 1, 2",
            )
        )
    assert kept == derived != set()
    return {name: row for name, row in rows.items() if not name.startswith("audience_head.")}


def test_everything_goes_and_comes_back_empty(filled: World) -> None:
    database = filled.database
    before = read_rows(database)
    migrations.downgrade(database, "base")
    assert read_rows(database) == {}
    assert migrations.is_empty(database)
    migrations.upgrade(database)
    after = read_rows(database)
    assert after.keys() == before.keys()
    assert {count for count, _ in after.values()} == {0}
    assert differences(database) == []


def test_repeating_an_upgrade_changes_nothing(filled: World) -> None:
    before = read_rows(filled.database)
    migrations.upgrade(filled.database)
    assert read_rows(filled.database) == before
    assert find_faults(filled.database) == []


Act = Callable[[Database], None]


def to_oldest(database: Database) -> None:
    migrations.downgrade(database, older_revisions()[-1])


def run_watched(settings: Settings, act: Act, watcher: Watcher) -> bool:
    """Migrate in a child; whether it died where the watcher told it to."""

    def work(_say: Say) -> None:
        database = Database.open(settings)
        watch(database, watcher)
        act(database)

    ended = run(work)
    assert ended.died or ended.code == 0, ended
    return ended.died


def list_steps(settings: Settings, act: Act) -> list[Step]:
    """The steps of a migration up to the commit of its tables, which it does not do."""
    steps: list[Step] = []

    def work(say: Say) -> None:
        def watcher(step: Step) -> None:
            steps.append(step)
            if step.is_commit and any(" TABLE " in one.what for one in steps):
                say([[step.number, step.when, step.what] for step in steps])
                die()

        database = Database.open(settings)
        watch(database, watcher)
        act(database)

    return [Step(*parts) for parts in run(work).said[0]]


def moments(steps: list[Step]) -> list[int]:
    """Before and after the commit, and evenly on the way there."""
    last = steps[-1].number
    return [*(last * part // KILLS for part in range(1, KILLS)), last, last + 1]


def dying_at(number: int) -> Watcher:
    def watcher(step: Step) -> None:
        if step.number == number:
            die()

    return watcher


def test_an_upgrade_that_is_killed_at_any_moment_can_be_done_again(
    database: Database, settings: Settings
) -> None:
    migrations.downgrade(database, "base")
    database.close()
    for number in moments(list_steps(settings, migrations.upgrade)):
        migrations.downgrade(database, "base")
        database.close()
        assert run_watched(settings, migrations.upgrade, dying_at(number))
        migrations.upgrade(database)
        migrations.check_current(database)
    assert differences(database) == []


def test_a_downgrade_that_is_killed_at_any_moment_has_happened_or_has_not(
    filled: World,
) -> None:
    database = filled.database
    before = read_rows(database)
    oldest, newest = older_revisions()[-1], migrations.newest()["content"]
    database.close()
    revisions = []
    for number in moments(list_steps(filled.settings, to_oldest)):
        assert run_watched(filled.settings, to_oldest, dying_at(number))
        revision, kept = migrations.current(database)["content"], read_rows(database)
        assert kept == before if revision == newest else kept.items() <= before.items()
        revisions.append(revision)
        database.close()
    assert revisions == [newest] * KILLS + [oldest]
    migrations.upgrade(database)
    assert differences(database) == []


def test_control_a_migration_that_commits_on_its_way_is_caught(
    database: Database, settings: Settings
) -> None:
    migrations.downgrade(database, "base")
    database.close()

    def work(_say: Say) -> None:
        inner = Database.open(settings)

        @event.listens_for(inner.content, "before_cursor_execute")
        def commit_half(_connection: Any, cursor: Any, statement: str, *_rest: Any) -> None:
            if "CREATE TABLE contribution" in statement:
                other = cursor.connection.cursor()
                other.execute("COMMIT")
                die()

        migrations.upgrade(inner)

    assert run(work).died
    with pytest.raises((sa.exc.SQLAlchemyError, ComityError), match="already exists"):
        migrations.upgrade(database)
