"""Tables that only grow: a trigger refuses every update and delete of their rows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def refuse_changes(table: str) -> None:
    """Make `table` append-only, on either database."""
    refusal = f"{table} is append-only"
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_refuse_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
            )
        _refuse_replacement(table, refusal)
        return
    op.execute(
        f"CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{refusal}'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse()"
    )


def allow_changes(table: str) -> None:
    """Undo `refuse_changes`, for a table that is about to be dropped."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("update", "delete", "replace"):
            op.execute(f"DROP TRIGGER {table}_refuse_{verb}")
        return
    op.execute(f"DROP TRIGGER {table}_refuse ON {table}")
    op.execute(f"DROP FUNCTION {table}_refuse()")


def _refuse_replacement(table: str, refusal: str) -> None:
    """SQLite's REPLACE deletes the row that is in its way without asking a trigger."""
    keys = sa.inspect(op.get_bind()).get_pk_constraint(table)["constrained_columns"]
    same = " AND ".join(f"{key} = NEW.{key}" for key in keys)
    there = f"SELECT 1 FROM {table} WHERE {same}"  # noqa: S608 - names of our own tables
    op.execute(
        f"CREATE TRIGGER {table}_refuse_replace BEFORE INSERT ON {table} WHEN EXISTS ({there}) "
        f"BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
    )
