"""Two installations of a forum of fictional States, each a partner of the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from kernel.db import Database
from kernel.settings import Settings
from tests.sharing.feeds.nodes import Network, Node
from tests.sharing.taxii.world import make_world


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
def make_node(
    make_settings: Callable[[], Settings], network: Network
) -> Iterator[Callable[[str], Node]]:
    """Makes one more installation under a host name, on each database in turn."""
    opened: list[Database] = []

    def make(host: str) -> Node:
        settings = make_settings()
        database = Database.open(settings)
        opened.append(database)
        world = make_world(database, settings)
        network.worlds[host] = world
        return Node(host, world, network)

    yield make
    for database in opened:
        database.close()


@pytest.fixture
def source(make_node: Callable[[str], Node]) -> Node:
    """Where XAA contributes, and XBB reads."""
    return make_node("source.example")


@pytest.fixture
def home(make_node: Callable[[str], Node]) -> Node:
    """Where XAA has a feed from `source`."""
    return make_node("home.example")
