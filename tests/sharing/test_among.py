"""A list in one parameter finds what a parameter for each value finds, and by an index."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, ColumnElement, Connection, insert, select, text

from kernel.db import Database
from kernel.settings import Settings
from sharing.queries.among import among
from sharing.tables import body, mention, reference
from tests.sharing.taxii.world import World, make_world

WORDS = ["", "a", "A", "a'b", 'a"b', "{a,b}", "a\\b", "é", "\U0001f600", "null", "1", "%s", ":x"]
NUMBERS = [1, 2, 3, 2**31, 2**63 - 1]


@pytest.fixture(scope="module")
def filled(shared_settings: Settings) -> Any:
    opened = Database.open(shared_settings)
    with opened.write() as connection:
        connection.execute(insert(body), [{"id": each, "content": b"x"} for each in NUMBERS])
        connection.execute(
            insert(mention), [{"body_id": n, "value": word} for n in NUMBERS for word in WORDS]
        )
    yield opened
    opened.close()


def found(connection: Connection, condition: ColumnElement[bool]) -> set[tuple[int, str]]:
    rows = connection.execute(select(mention.c.body_id, mention.c.value).where(condition))
    return {(row.body_id, row.value) for row in rows}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    words=st.lists(st.sampled_from([*WORDS, "none of them"])),
    numbers=st.lists(st.sampled_from([*NUMBERS, 4, -1])),
)
def test_it_finds_what_a_list_of_parameters_finds(
    filled: Database, words: list[str], numbers: list[int]
) -> None:
    asked: list[tuple[Column[Any], list[Any]]] = [
        (mention.c.value, words),
        (mention.c.body_id, numbers),
    ]
    with filled.read() as connection:
        for column, values in asked:
            assert found(connection, among(connection, column, values)) == found(
                connection, column.in_(values)
            )


def test_an_index_is_asked_for_each_value(database: Database, settings: Settings) -> None:
    """Not the table looked through: on PostgreSQL where it is long and nothing is known of it."""
    world: World = make_world(database, settings)
    world.contribute(*(world.indicator() for _ in range(3)))
    with database.write() as connection:
        connection.execute(
            text(
                "INSERT INTO reference (contribution_id, stix_id) WITH RECURSIVE n(i) AS "
                "(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT c.id, "
                "'x' || n.i FROM n, (SELECT min(id) AS id FROM contribution) c"
            )
        )
        values = [f"x{number}" for number in range(50, 5001, 50)]
        statement = select(reference.c.contribution_id).where(
            among(connection, reference.c.stix_id, values)
        )
        assert len(connection.execute(statement).all()) == 100
        sent = statement.compile(connection)
        explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
        plan = connection.exec_driver_sql(f"{explain} {sent}", _params(sent)).all()
    assert any("ix_reference_stix_id" in str(row) for row in plan), plan


def _params(sent: Any) -> Any:
    return tuple(sent.params[name] for name in sent.positiontup) if sent.positional else sent.params
