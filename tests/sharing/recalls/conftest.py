"""The world that the tests of recalls share."""

from __future__ import annotations

import pytest

from kernel.db import Database
from kernel.settings import Settings
from tests.sharing.taxii.world import World, make_world


@pytest.fixture
def world(database: Database, settings: Settings) -> World:
    """A forum of five States, on each database in turn."""
    return make_world(database, settings)
