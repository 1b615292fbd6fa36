"""A world with people at browsers: XAA's contribute and decide, XBB's read, XCC's see nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kernel.db import Database
from kernel.settings import Settings
from tests.browsing import Browser, add_person
from tests.sharing.taxii.world import World, make_world

ROLES = ("reader", "contributor", "policy-officer", "release-approver")


@pytest.fixture
def world(database: Database, settings: Settings) -> World:
    made = make_world(database, replace(settings, failed_delay_seconds=0.0))
    for code in ("XAA", "XBB", "XCC"):
        add_person(made, f"all@{code.lower()}.example", code, *ROLES)
        add_person(made, f"reads@{code.lower()}.example", code, "reader")
    return made


@pytest.fixture
def small(sqlite_database: Database, sqlite_settings: Settings) -> World:
    """The same on one database, for what does not differ between them."""
    made = make_world(sqlite_database, replace(sqlite_settings, failed_delay_seconds=0.0))
    for code in ("XAA", "XBB", "XCC"):
        add_person(made, f"all@{code.lower()}.example", code, *ROLES)
        add_person(made, f"reads@{code.lower()}.example", code, "reader")
    return made


def browse(world: World, code: str = "xaa", who: str = "all") -> Browser:
    return Browser(world, f"{who}@{code}.example")
