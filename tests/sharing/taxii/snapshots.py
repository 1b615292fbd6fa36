"""Rows of a database once filled, put into another that was just migrated: worlds in no time."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine

from kernel.db import Database, content_metadata, delivery_metadata


@dataclass(frozen=True)
class Snapshot:
    """What both engines of a database held: a file's bytes each, or rows by table."""

    content: Any
    deliveries: Any


def take(database: Database) -> Snapshot:
    """Everything that the database holds."""
    if database.is_sqlite:
        return Snapshot(_dump(database.content), _dump(database.deliveries))
    with database.content.connect() as connection:
        return Snapshot(_copy_out(connection), None)


def put(snapshot: Snapshot, database: Database) -> None:
    """Put it into a freshly migrated database of the same kind."""
    if database.is_sqlite:
        _load(database.content, snapshot.content)
        _load(database.deliveries, snapshot.deliveries)
        return
    with database.content.begin() as connection:
        _copy_in(connection, snapshot.content)


def _dump(engine: Engine) -> bytes:
    with engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        content = bytearray(raw.serialize())
    # A database in memory has no write-ahead log: say in its head that it needs none.
    content[18:20] = b"\x01\x01"
    return bytes(content)


def _load(engine: Engine, content: bytes) -> None:
    held = sqlite3.connect(":memory:")
    held.deserialize(content)
    with engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        held.backup(raw)
    held.close()


def _copy_out(connection: Connection) -> dict[str, bytes]:
    rows = {}
    with connection.connection.cursor() as cursor:
        for name in _names():
            with cursor.copy(f'COPY "{name}" TO STDOUT') as copy:
                rows[name] = b"".join(bytes(part) for part in copy)
    return {name: content for name, content in rows.items() if content}


def _copy_in(connection: Connection, rows: dict[str, bytes]) -> None:
    with connection.connection.cursor() as cursor:
        for name, content in rows.items():
            with cursor.copy(f'COPY "{name}" FROM STDIN') as copy:
                copy.write(content)
            cursor.execute(
                "SELECT column_name FROM information_schema.columns WHERE table_name = %s "
                "AND (column_default LIKE 'nextval%%' OR is_identity = 'YES')",
                (name,),
            )
            for (column,) in cursor.fetchall():
                cursor.execute(
                    "SELECT setval(pg_get_serial_sequence(%s, %s), "
                    f'(SELECT max("{column}") FROM "{name}"))',
                    (f'"{name}"', column),
                )


def _names() -> list[str]:
    tables = [*content_metadata.sorted_tables, *delivery_metadata.sorted_tables]
    return [table.name for table in tables]
