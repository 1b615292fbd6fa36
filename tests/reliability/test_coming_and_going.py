"""Other processes open and leave the embedded database while one goes on writing to it.

SQLite's last connection to leave takes the log of writes away. It knows of the others by the
locks of their processes, and a process gives up all its locks on a file as soon as it closes
that file once, for whatever reason: what it acknowledges after that is lost.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import event

from kernel.db import Database
from kernel.errors import Conflict
from kernel.leases import Leases
from kernel.settings import Settings
from sharing.demo.folder import MARKER, fresh_folder

_ROOT = Path(__file__).parents[2]
_LOOK = """
import sys
from kernel.db import Database
from kernel.leases import Leases
from kernel.settings import Settings
database = Database.open(Settings(data_dir=sys.argv[1]))
with database.record() as connection:
    connection.exec_driver_sql("SELECT 1")
print(*sorted(Leases(database, "other").list_taken()))
database.close()
"""


def seen_by_another(settings: Settings) -> list[str]:
    """What another process finds that comes, looks at both files, and leaves."""
    looked = subprocess.run(
        [sys.executable, "-c", _LOOK, settings.data_dir],
        cwd=_ROOT,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return looked.stdout.split()


def use_more_connections(database: Database) -> None:
    """One more is opened to each file while others stay open."""
    with database.read(), database.read(), database.read_deliveries(), database.record():
        pass


def logs(settings: Settings) -> set[str]:
    return {path.name for path in Path(settings.data_dir).glob("*-wal")}


def test_nothing_acknowledged_is_lost_when_another_process_leaves(
    sqlite_settings: Settings, sqlite_database: Database
) -> None:
    ours = Leases(sqlite_database, "ours")
    assert ours.take("first")
    use_more_connections(sqlite_database)
    there = logs(sqlite_settings)
    assert there == {"comity.db-wal", "comity-deliveries.db-wal"}
    assert seen_by_another(sqlite_settings) == ["first"]
    assert logs(sqlite_settings) == there
    assert ours.take("second")
    assert seen_by_another(sqlite_settings) == ["first", "second"]


def test_control_a_process_that_closes_the_file_loses_what_it_acknowledges(
    sqlite_settings: Settings, sqlite_database: Database
) -> None:
    def close_it_once(
        _dialect: object, _record: object, arguments: list[str], _more: object
    ) -> None:
        os.close(os.open(arguments[0], os.O_RDWR))

    ours = Leases(sqlite_database, "ours")
    assert ours.take("first")
    for engine in (sqlite_database.content, sqlite_database.deliveries):
        event.listen(engine, "do_connect", close_it_once)
    use_more_connections(sqlite_database)
    assert seen_by_another(sqlite_settings) == ["first"]
    assert logs(sqlite_settings) == set()
    assert ours.take("second")
    assert seen_by_another(sqlite_settings) == ["first"]


def test_a_new_file_is_its_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    database = Database.open(Settings(data_dir=str(folder)))
    use_more_connections(database)
    database.close()
    files = sorted(folder.iterdir())
    assert [file.name for file in files] == ["comity-deliveries.db", "comity.db"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


@pytest.mark.parametrize("kept", ["comity.db", "comity-deliveries.db"])
def test_a_file_that_is_there_keeps_its_mode(sqlite_settings: Settings, kept: str) -> None:
    file = Path(sqlite_settings.data_dir) / kept
    file.chmod(0o640)
    database = Database.open(sqlite_settings)
    use_more_connections(database)
    database.close()
    assert file.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("place", [".", "second"])
def test_a_demo_takes_no_database_from_under_whoever_has_it_open(
    tmp_path: Path, place: str
) -> None:
    folder = tmp_path / "demo"
    with fresh_folder(folder):
        database = Database.open(Settings(data_dir=str(folder / place)))
        use_more_connections(database)
    with pytest.raises(Conflict, match="open; stop it first"), fresh_folder(folder):
        pass
    assert logs(Settings(data_dir=str(folder / place))) != set()
    with database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE kept (id INTEGER)")
    database.close()
    with fresh_folder(folder):
        assert [file.name for file in folder.iterdir()] == [MARKER]
