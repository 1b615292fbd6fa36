"""A world with people whose long work is done by hand, step by step, or by real workers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kernel.db import Database
from kernel.settings import Settings
from tests.browsing import add_person
from tests.sharing.taxii.world import World, make_world

ROLES = ("reader", "contributor", "policy-officer", "release-approver")


def peopled(database: Database, settings: Settings) -> World:
    made = make_world(database, replace(settings, failed_delay_seconds=0.0))
    for code in ("XAA", "XBB", "XCC"):
        add_person(made, f"all@{code.lower()}.example", code, *ROLES)
        add_person(made, f"reads@{code.lower()}.example", code, "reader")
    return made


@pytest.fixture
def world(database: Database, settings: Settings) -> World:
    return peopled(database, settings)


@pytest.fixture
def small(sqlite_database: Database, sqlite_settings: Settings) -> World:
    """The same on one database, for what does not differ between them."""
    return peopled(sqlite_database, sqlite_settings)
