"""The world in which things break: the forum of five States that the TAXII tests use."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog

from kernel.db import Database
from kernel.settings import Settings
from tests.sharing.taxii.world import World, make_world


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Thousands of requests are made here: what they log is of no use unless it warns."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**before)


@pytest.fixture
def world(database: Database, settings: Settings) -> World:
    """The forum, on each database in turn."""
    return make_world(database, settings)


@pytest.fixture
def small_world(sqlite_database: Database, sqlite_settings: Settings) -> World:
    """The forum on the embedded database alone."""
    return make_world(sqlite_database, sqlite_settings)
