"""Installations for the tests of the register; a catalogue is loaded once and copied."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kernel.db import Database
from kernel.settings import Settings
from tests.norms.states import Register, make_register
from tests.sharing.cli.running import Installation


@pytest.fixture
def registry(settings: Settings) -> Installation:
    """An installation with nothing in its register, on each database in turn."""
    return Installation(settings)


@pytest.fixture(scope="session")
def catalogue_template(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the embedded database into which the catalogue was loaded."""
    folder = tmp_path_factory.mktemp("catalogue") / "installation"
    shutil.copytree(sqlite_template, folder)
    Installation(Settings(data_dir=str(folder))).done("norms", "load")
    return folder


@pytest.fixture
def loaded(catalogue_template: Path, tmp_path: Path) -> Installation:
    """An embedded installation with the catalogue in its register."""
    folder = tmp_path / "installation"
    shutil.copytree(catalogue_template, folder)
    return Installation(Settings(data_dir=str(folder)))


@pytest.fixture
def register(database: Database, settings: Settings) -> Register:
    """Three States, a decision that two of them adopted, and the secretariat of their forum."""
    return make_register(database, settings, with_decision=True)


@pytest.fixture
def embedded_register(sqlite_database: Database, sqlite_settings: Settings) -> Register:
    """The same on the embedded database alone, for what no database has a part in."""
    return make_register(sqlite_database, sqlite_settings, with_decision=True)
