"""What a power cut may not take: every connection of the embedded database waits for the disk.

With `synchronous=NORMAL` SQLite loses acknowledged commits in a power cut, though not in a kill;
so the setting is looked at on every connection that the product can be given.
"""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy import Engine, event

from kernel.db import Database
from tests.sharing.taxii.world import World

WANTED = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def settings_of(engine: Engine, connections: int) -> list[dict[str, object]]:
    """The settings of so many connections held at once, the overflow of the pool among them."""
    opened = [engine.connect() for _ in range(connections)]
    found = [
        {name: one.exec_driver_sql(f"PRAGMA {name}").scalar() for name in WANTED} for one in opened
    ]
    for one in opened:
        one.close()
    return found


def test_every_connection_waits_for_the_disk(small_world: World) -> None:
    database, most = small_world.database, small_world.settings.threads + 6
    assert settings_of(database.content, most) == [WANTED] * most
    assert settings_of(database.deliveries, most) == [WANTED] * most


def test_no_statement_of_a_request_weakens_them(small_world: World) -> None:
    small_world.contribute(small_world.indicator())
    assert small_world.get("xbb", small_world.address()).status_code == 200
    for engine in (small_world.database.content, small_world.database.deliveries):
        assert settings_of(engine, 1) == [WANTED]


@pytest.mark.parametrize("make_settings", ["postgresql"], indirect=True)
def test_no_session_on_postgresql_commits_without_waiting(database: Database) -> None:
    for transaction in (database.write, database.record):
        with transaction() as connection:
            for name in ("synchronous_commit", "fsync"):
                shown = connection.exec_driver_sql(f"SHOW {name}").scalar_one()
                # The test's own server may be set up to be quick; the session may not lower it.
                reset = connection.exec_driver_sql(
                    f"SELECT reset_val FROM pg_settings WHERE name = '{name}'"
                ).scalar_one()
                assert shown == reset


def test_control_a_connection_that_does_not_wait_is_seen(small_world: World) -> None:
    engine = small_world.database.content

    def weaken(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA synchronous = NORMAL")

    engine.dispose()
    event.listen(engine, "connect", weaken)
    assert settings_of(engine, 1) == [WANTED | {"synchronous": 1}]
