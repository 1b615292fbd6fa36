"""Installations for the tests of commands; the embedded one is copied from one made once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kernel.settings import Settings
from tests.sharing.cli.running import Installation, make_harbour


@pytest.fixture
def harbour(settings: Settings) -> Installation:
    """A forum of two States with a collection, on each database in turn."""
    return make_harbour(settings)


@pytest.fixture(scope="session")
def harbour_template(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the embedded database of such a forum."""
    folder = tmp_path_factory.mktemp("harbour") / "installation"
    shutil.copytree(sqlite_template, folder)
    make_harbour(Settings(data_dir=str(folder)))
    return folder


@pytest.fixture
def embedded_harbour(harbour_template: Path, tmp_path: Path) -> Installation:
    """The same on the embedded database alone, for what no database changes."""
    folder = tmp_path / "installation"
    shutil.copytree(harbour_template, folder)
    return Installation(Settings(data_dir=str(folder)))
