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


def number_again(snapshot: Snapshot, database: Database) -> None:
    """Let rows be numbered as after the snapshot, which the database holds again: what is rolled
    back takes numbers all the same."""
    if not database.is_sqlite:
        with database.content.begin() as connection:
            connection.exec_driver_sql(
                "SELECT setval(format('%%I.%%I', schemaname, sequencename)::regclass, 1, false) "
                "FROM pg_sequences"
            )
            _set_sequences(connection, snapshot.content[1])


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


def _copy_out(connection: Connection) -> tuple[dict[str, bytes], dict[str, int]]:
    """The rows of each table that has any, and how far each sequence has come."""
    rows = {}
    with connection.connection.cursor() as cursor:
        for name in _names():
            with cursor.copy(f'COPY "{name}" TO STDOUT') as copy:
                rows[name] = b"".join(bytes(part) for part in copy)
        cursor.execute(
            "SELECT quote_ident(schemaname) || '.' || quote_ident(sequencename), last_value "
            "FROM pg_sequences WHERE last_value IS NOT NULL"
        )
        sequences = dict(cursor.fetchall())
    return {name: content for name, content in rows.items() if content}, sequences


def _copy_in(connection: Connection, content: tuple[dict[str, bytes], dict[str, int]]) -> None:
    rows, sequences = content
    with connection.connection.cursor() as cursor:
        # They were checked when they were first written.
        cursor.execute("SET LOCAL session_replication_role = replica")
        for name, lines in rows.items():
            with cursor.copy(f'COPY "{name}" FROM STDIN') as copy:
                copy.write(lines)
    _set_sequences(connection, sequences)


def _set_sequences(connection: Connection, sequences: dict[str, int]) -> None:
    with connection.connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval(name::regclass, value) FROM unnest(%s::text[], %s::bigint[]) "
            "AS reached (name, value)",
            (list(sequences), list(sequences.values())),
        )


def _names() -> list[str]:
    tables = [*content_metadata.sorted_tables, *delivery_metadata.sorted_tables]
    return [table.name for table in tables]
