"""The world of the doors, with a tool in it and somebody who may let it in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kernel.db import Database
from kernel.settings import Settings
from tests.auth.tools.asking import Desk, make_desk
from tests.sharing.taxii.world import World, make_world


@pytest.fixture
def world(database: Database, settings: Settings) -> World:
    """A forum of five States, on each database in turn; refusals are not slowed."""
    return make_world(database, replace(settings, failed_delay_seconds=0.0))


@pytest.fixture
def small_world(sqlite_database: Database, sqlite_settings: Settings) -> World:
    """The same on the embedded database alone, for what no database has a part in."""
    return make_world(sqlite_database, replace(sqlite_settings, failed_delay_seconds=0.0))


@pytest.fixture
def desk(world: World) -> Desk:
    """Bea of XBB, who reads and is granted what XAA shares, before a tool of her member."""
    return make_desk(world)


@pytest.fixture
def small_desk(small_world: World) -> Desk:
    """The same on the embedded database alone."""
    return make_desk(small_world)
