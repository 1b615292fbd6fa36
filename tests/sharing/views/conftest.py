"""The world that the tests of whole views share."""

from __future__ import annotations

import pytest

from kernel.db import Database
from kernel.settings import Settings
from tests.sharing.taxii.world import World, make_world


@pytest.fixture
def world(database: Database, settings: Settings) -> World:
    """A forum of five States, on each database in turn."""
    return make_world(database, settings)


@pytest.fixture
def small_world(sqlite_database: Database, sqlite_settings: Settings) -> World:
    """The same on the embedded database alone, for what no database has a part in."""
    return make_world(sqlite_database, sqlite_settings)
