"""The log of deliveries changes its index; what it holds stays, upwards and downwards."""

from __future__ import annotations

from typing import Any

from alembic import command
from sqlalchemy import inspect, select

import migrations
from kernel.db import Database
from kernel.settings import Settings
from sharing.tables import delivery
from tests.sharing.taxii.world import make_world

BEFORE, AFTER = "ix_delivery_forum_id_element", "ix_delivery_forum_id_element_at_us"


def look(database: Database) -> tuple[list[Any], set[str | None]]:
    """The rows of the log, and the names of its indexes."""
    with database.read_deliveries() as connection:
        rows = list(connection.execute(select(delivery).order_by(delivery.c.id)))
        names = {index["name"] for index in inspect(connection).get_indexes("delivery")}
    return rows, names


def test_the_log_of_deliveries_keeps_its_rows_on_the_way_down_and_up(
    database: Database, settings: Settings
) -> None:
    world = make_world(database, settings)
    world.contribute(world.indicator())
    world.get("xbb", world.address())
    before, names = look(database)
    assert len(before) == 1
    assert AFTER in names
    with migrations._bound_config(database, "deliveries") as config:
        command.downgrade(config, "0001")
    rows, names = look(database)
    assert rows == before
    assert BEFORE in names
    assert AFTER not in names
    migrations.upgrade(database)
    migrations.check_current(database)
    rows, names = look(database)
    assert rows == before
    assert BEFORE not in names
    assert AFTER in names
