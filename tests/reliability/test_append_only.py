"""Ledger, audit trail and events of the register only grow: no database rewrites a row."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import DBAPIError

from auth.tables import audit
from kernel.db import Database
from norms.services.catalogue import record_document
from norms.services.provenance import Scribe
from norms.tables import norm_event
from sharing.tables import ledger
from tests.sharing.taxii.world import World

TABLES = {"ledger": ledger, "audit": audit, "norm_event": norm_event}
REWRITES = {
    "update of a row": "UPDATE {table} SET {column} = 'another' WHERE {key} = 1",
    "update of every row": "UPDATE {table} SET {column} = 'another'",
    "deletion of a row": "DELETE FROM {table} WHERE {key} = 1",
    "deletion of every row": "DELETE FROM {table}",
}
REWRITES_OF_SQLITE = {
    "update or replace": "UPDATE OR REPLACE {table} SET {key} = 2 WHERE {key} = 1",
    "replacement": ("REPLACE INTO {table} SELECT {columns} FROM {table} WHERE {key} = 1"),
    "upsert": (
        "INSERT INTO {table} SELECT * FROM {table} WHERE {key} = 1 "
        "ON CONFLICT DO UPDATE SET {column} = 'another'"
    ),
}
REWRITES_OF_POSTGRESQL = {
    "truncation": "TRUNCATE {table} CASCADE",
    "upsert": (
        "INSERT INTO {table} SELECT * FROM {table} WHERE {key} = 1 "
        "ON CONFLICT ({keys}) DO UPDATE SET {column} = 'another'"
    ),
    "merge": (
        "MERGE INTO {table} USING (SELECT 1 AS one) AS other ON {key} = one "
        "WHEN MATCHED THEN DELETE"
    ),
}


def rewrites(table: str, *, is_sqlite: bool) -> dict[str, str]:
    """Statements that would change what has been written."""
    column = {"ledger": "subject", "audit": "subject", "norm_event": "kind"}[table]
    key = {"ledger": "seq", "audit": "id", "norm_event": "id"}[table]
    columns = ", ".join(
        f"'another' AS {one.name}" if one.name == column else one.name
        for one in TABLES[table].columns
    )
    keys = ", ".join(one.name for one in TABLES[table].primary_key.columns)
    found = REWRITES | (REWRITES_OF_SQLITE if is_sqlite else REWRITES_OF_POSTGRESQL)
    return {
        name: statement.format(table=table, column=column, key=key, columns=columns, keys=keys)
        for name, statement in found.items()
    }


def agree(database: Database) -> None:
    """Put an event into the register."""
    adopted = {"kind": "adoption", "instrument": "xx", "date": "2020", "symbol": "HD/1"}
    rows = {
        "instruments": [
            {
                "id": "xx",
                "symbol": "HD/1",
                "title": "T",
                "legal_character": "voluntary-non-binding",
                "forum": "harbour",
            }
        ],
        "events": [adopted] * 6,
    }
    with database.write() as connection:
        record_document(connection, rows, Scribe("operator", 0))


def contents(connection: Connection, table: str) -> list[tuple[object, ...]]:
    return sorted(tuple(row) for row in connection.execute(select(TABLES[table])))


@pytest.mark.parametrize("table", TABLES)
def test_what_is_written_is_never_rewritten(world: World, table: str) -> None:
    database = world.database
    agree(database)
    with database.read() as connection:
        before = contents(connection, table)
    for name, statement in rewrites(table, is_sqlite=database.is_sqlite).items():
        assert refuses(database, statement), name
    with database.read() as connection:
        assert contents(connection, table) == before
    assert len(before) > 5


def refuses(database: Database, statement: str) -> bool:
    """Whether the database itself says no."""
    try:
        with database.content.begin() as connection:
            connection.execute(text(statement))
    except DBAPIError as fault:
        return "append-only" in str(fault)
    return False


def test_entries_are_added_all_the_same(world: World) -> None:
    with world.database.read() as connection:
        before = connection.execute(select(func.count()).select_from(ledger)).scalar_one()
    world.contribute(world.indicator())
    with world.database.read() as connection:
        after = connection.execute(select(func.count()).select_from(ledger)).scalar_one()
    assert after == before + 2


@pytest.mark.parametrize("table", TABLES)
def test_control_without_its_triggers_each_of_these_rewrites_a_row(
    world: World, table: str
) -> None:
    """Each statement is one that the database would do if it were not refused."""
    database = world.database
    agree(database)
    if database.is_sqlite:
        named = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table"
        drop = "DROP TRIGGER {}"
    else:
        named = "SELECT DISTINCT tgname FROM pg_trigger WHERE tgrelid = CAST(:table AS regclass)"
        drop = f"DROP TRIGGER {{}} ON {table}"
    with database.content.begin() as connection:
        for name in connection.execute(text(named), {"table": table}).scalars().all():
            if not name.startswith("RI_"):
                connection.execute(text(drop.format(name)))
    for name, statement in rewrites(table, is_sqlite=database.is_sqlite).items():
        with database.content.connect() as connection:
            before = contents(connection, table)
            connection.execute(text(statement))
            changed = contents(connection, table) != before
            connection.rollback()
        assert changed, name
