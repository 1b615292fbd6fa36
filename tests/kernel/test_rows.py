"""Many rows at once: what is put in comes out, and keys go on where they were taken."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from kernel.db import Database
from kernel.rows import insert_columns, insert_rows, take_ids
from sharing.tables import body, ledger, mention, simulation

ODD = ["", "plain", "\\x00", 'a "quoted"\ttext\n', "naïve 😀", "{}", "NULL", "%s", "\\u0041"]


def test_rows_come_out_as_they_went_in(database: Database) -> None:
    numbers = [None, 0, -1, 2**63 - 1, -(2**63)]
    rows = [
        {
            "id": f"{place}",
            "kind": "policy",
            "forum_id": None,
            "asked_by": ODD[place % len(ODD)],
            "document_digest": bytes([0, 255, 92, 39, place]),
            "result_digest": b"",
            "epoch": numbers[place % len(numbers)] or 0,
            "result": ODD[-place % len(ODD)],
            "made_us": place,
        }
        for place in range(20)
    ]
    with database.write() as connection:
        insert_rows(connection, simulation, rows)
    with database.read() as connection:
        columns = [simulation.c[name] for name in rows[0]]
        found = connection.execute(select(*columns).order_by(simulation.c.made_us)).mappings()
        assert [dict(row) for row in found] == rows


def test_no_rows_are_no_statement(database: Database) -> None:
    with database.write() as connection:
        insert_rows(connection, mention, [])
        assert take_ids(connection, body, 0) == []


def test_keys_are_taken_once(database: Database) -> None:
    with database.write() as connection:
        connection.execute(insert(body).values(content=b"first"))
        ids = take_ids(connection, body, 3)
        connection.execute(insert(body), [{"id": each, "content": b"taken"} for each in ids])
    with database.write() as connection:
        connection.execute(insert(body).values(content=b"last"))
        found = connection.execute(select(body.c.id, body.c.content).order_by(body.c.id)).all()
    assert ids == sorted(set(ids))
    assert [bytes(row.content) for row in found] == [b"first", *[b"taken"] * 3, b"last"]
    assert [row.id for row in found[1:4]] == ids


def test_a_fault_of_a_row_leaves_none(database: Database) -> None:
    row = {"forum_id": 1, "seq": 1, "kind": "x", "subject": "x", "cause": "x", "at_us": 1}
    with pytest.raises(IntegrityError), database.write() as connection:
        insert_rows(connection, ledger, [row, row])
    with database.read() as connection:
        assert connection.execute(select(ledger)).all() == []


def test_columns_of_bytes_come_out_as_they_went_in(database: Database) -> None:
    contents = [b"", b"\x00\xff\\x41'\"{},", bytes(range(256)) * 300, "naïve 😀".encode(), b"NULL"]
    with database.write() as connection:
        ids = take_ids(connection, body, len(contents))
        insert_columns(connection, body, {"id": ids, "content": contents})
    with database.read() as connection:
        found = connection.execute(select(body.c.id, body.c.content).order_by(body.c.id)).all()
    assert [(row.id, bytes(row.content)) for row in found] == list(zip(ids, contents, strict=True))


def test_one_row_of_columns_is_inserted_too(database: Database) -> None:
    with database.write() as connection:
        insert_columns(connection, body, {"id": [2**40], "content": [b"x"]})
    with database.read() as connection:
        assert connection.execute(select(body.c.id)).scalars().all() == [2**40]
