"""Servers to ask: one that many tests share, and those that a test starts by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.servers import Served, Start, starting


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts servers on this test's folder."""
    with starting(tmp_path) as start:
        yield start


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server on an empty installation, which no test changes or ends."""
    with starting(tmp_path_factory.mktemp("served")) as start:
        running = start()
        assert running.ask().status == 200
        yield running
