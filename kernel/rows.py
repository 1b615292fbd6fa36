"""Many rows at once: one statement for all of them, and their keys known beforehand.

For tables that an envelope fills with thousands of rows. What does not live here: statements
about a few rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import Connection, Dialect, Table, func, select, text

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite


def upserting(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that may say `on_conflict_do_update`, which the two databases spell alike."""
    # What SQLAlchemy knows of PostgreSQL takes an eighth of a command's start.
    if connection.dialect.name == "sqlite":
        from sqlalchemy.dialects import sqlite  # noqa: PLC0415 - of the database that is used

        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - likewise

    return postgresql.insert(table)


def insert_rows(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows that name the same columns, two or more; nothing for no rows.

    SQLite is handed tuples, PostgreSQL one JSON array, which it takes apart itself: that costs a
    quarter of what it costs to describe each row to the driver.
    """
    if not rows:
        return
    names = tuple(rows[0])
    statement = _inserting(connection.dialect, table, names)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(statement, list(map(itemgetter(*names), rows)))
    else:
        connection.exec_driver_sql(statement, (orjson.dumps(rows, default=_bytea).decode(),))


def insert_columns(
    connection: Connection, table: Table, columns: Mapping[str, Sequence[Any]]
) -> None:
    """Insert rows that are given as their columns, two or more, one of which holds long bytes.

    PostgreSQL is handed an array of each, in which bytes stand as they are.
    """
    if connection.dialect.name == "sqlite":
        statement = _inserting(connection.dialect, table, tuple(columns))
        connection.exec_driver_sql(statement, list(zip(*columns.values(), strict=True)))
    else:
        statement = _inserting_arrays(connection.dialect, table, tuple(columns))
        connection.exec_driver_sql(statement, tuple(map(list, columns.values())))


def take_ids(connection: Connection, table: Table, count: int) -> list[int]:
    """Keys for so many rows, which this transaction inserts before any other of the table."""
    if not count:
        return []
    if connection.dialect.name == "sqlite":
        # Nobody else writes before this transaction ends.
        last = connection.execute(select(func.max(table.c.id))).scalar() or 0
        return list(range(last + 1, last + count + 1))
    given = connection.execute(_NEXT, {"table": table.name, "count": count})
    return sorted(given.scalars())


# The name is looked up once, not for each.
_NEXT = text(
    "SELECT nextval(sequence.name) FROM generate_series(1, :count), "
    "(SELECT CAST(pg_get_serial_sequence(:table, 'id') AS regclass) AS name OFFSET 0) AS sequence"
)


@lru_cache(maxsize=64)
def _inserting(dialect: Dialect, table: Table, names: tuple[str, ...]) -> str:
    quote = dialect.identifier_preparer.quote
    into, columns = quote(table.name), ", ".join(map(quote, names))
    if dialect.name == "sqlite":
        places = ", ".join("?" for _ in names)
        return f"INSERT INTO {into} ({columns}) VALUES ({places})"  # noqa: S608 - names of ours
    given = f"json_populate_recordset(NULL::{into}, %s::json)"
    return f"INSERT INTO {into} ({columns}) SELECT {columns} FROM {given}"  # noqa: S608


@lru_cache(maxsize=64)
def _inserting_arrays(dialect: Dialect, table: Table, names: tuple[str, ...]) -> str:
    quote = dialect.identifier_preparer.quote
    into, columns = quote(table.name), ", ".join(map(quote, names))
    arrays = ", ".join(f"%b::{table.c[name].type.compile(dialect)}[]" for name in names)
    return f"INSERT INTO {into} ({columns}) SELECT * FROM unnest({arrays})"  # noqa: S608


def _bytea(content: object) -> str:
    """Bytes as PostgreSQL reads them in text."""
    if isinstance(content, bytes):
        return f"\\x{content.hex()}"
    raise TypeError(f"a column cannot hold {type(content).__name__}")
