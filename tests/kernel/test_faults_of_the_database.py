"""What a database does wrong, as a refusal that a door or a command can tell."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import ClassVar, cast

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, ProgrammingError

import migrations
from kernel.db import Database, _faults_told, _keep_write_ahead_log
from kernel.errors import BadInput, ComityError, Forbidden, Misconfigured, StorageFull, Unavailable
from kernel.settings import Settings

ADD = text(
    "INSERT INTO forum (slug, title, tlp_ceiling, is_open, created_us)"
    " VALUES ('harbour', 'Harbour', 4, false, 0)"
)
COUNT = text("SELECT count(*) FROM forum")
OWN_PID = "SELECT pg_backend_pid()"
WIPE_DELIVERIES = text("DELETE FROM delivery")
COUNT_DELIVERIES = text("SELECT count(*) FROM delivery")


class OperationalError(Exception):
    """Named as PostgreSQL's driver names what a server or the way to it does."""


class AdminShutdown(OperationalError):
    """One of its kinds."""


def raise_as(fault: Exception, *, is_gone: bool = False) -> ComityError:
    with pytest.raises(ComityError) as told, _faults_told():
        raise DBAPIError("SELECT secret", {}, fault, connection_invalidated=is_gone)
    assert "SELECT" not in told.value.message
    return told.value


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (sqlite3.OperationalError("database or disk is full"), StorageFull),
        (OperationalError("could not extend file: No space left on device"), StorageFull),
        (psycopg.errors.DiskFull("auf dem Gerät ist kein Speicherplatz mehr"), StorageFull),
        (psycopg.errors.OutOfMemory("out of memory"), Unavailable),
        (psycopg.errors.ReadOnlySqlTransaction("cannot execute INSERT"), Unavailable),
        (sqlite3.OperationalError("attempt to write a readonly database"), Unavailable),
        (sqlite3.OperationalError("database is locked"), Unavailable),
        (sqlite3.OperationalError(""), Unavailable),
        (AdminShutdown("terminating connection"), Unavailable),
        (sqlite3.DatabaseError("file is not a database"), Misconfigured),
    ],
)
def test_a_caller_is_told_what_kind_of_fault_it_is(
    fault: Exception, kind: type[ComityError]
) -> None:
    assert type(raise_as(fault)) is kind


def test_a_connection_that_is_gone_is_worth_another_try() -> None:
    assert raise_as(ValueError("gone"), is_gone=True).status == 503


def test_a_fault_of_ours_stays_a_fault() -> None:
    with pytest.raises(ProgrammingError), _faults_told():
        raise ProgrammingError("SELECT", {}, ValueError("no such column"))
    with pytest.raises(Forbidden), _faults_told():
        raise Forbidden("x.y", "a refusal passes as it is")


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "mysql://host/name",
        "postgresql://host:port/name",
        "postgresql://[::1/name",
        "postgresql+nothing://host/name",
        "sqlite://",
        "sqlite:///:memory:",
    ],
)
def test_an_operator_is_told_how_to_write_a_database_url(url: str, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="COMITY_DATABASE_URL must be"):
        Database.open(Settings(database_url=url, data_dir=str(tmp_path)))


def test_an_operator_is_told_that_the_folder_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="ascii")
    with pytest.raises(Misconfigured, match="name another in COMITY_DATA_DIR"):
        Database.open(Settings(data_dir=str(tmp_path / "file")))


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("postgresql://nobody@127.0.0.1:1/none", Unavailable),
        ("sqlite:///folder", Unavailable),
        ("sqlite:///file", Misconfigured),
    ],
)
def test_a_database_out_of_reach_is_a_refusal_from_the_first_look(
    url: str, kind: type[ComityError], tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("no database, and long enough to be one. " * 40, "ascii")
    database = Database.open(Settings(database_url=url, data_dir=str(tmp_path)))
    try:
        with pytest.raises(kind):
            migrations.current(database)
    finally:
        database.close()


def test_an_operator_with_an_older_release_is_told_to_install_the_newer(
    database: Database,
) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    for act in (migrations.check_current, migrations.upgrade):
        with pytest.raises(Misconfigured, match=r"9999.*install the release") as told:
            act(database)
        assert told.value.code == "migrations.ahead"


def test_an_operator_goes_back_to_a_revision_that_exists(database: Database) -> None:
    for revision in ("9999", "-999", "@", ""):
        with pytest.raises(BadInput) as told:
            migrations.downgrade(database, revision)
        assert told.value.code == "migrations.unknown-revision"
    migrations.downgrade(database, "-1")
    before = f"{int(migrations.newest()['content']) - 1:04}"
    assert migrations.current(database)["content"] == before


def test_a_write_that_fails_in_the_middle_leaves_nothing(database: Database) -> None:
    def add_and_stop() -> None:
        with database.write() as connection:
            connection.execute(ADD)
            raise Forbidden("x.y", "half way")

    with pytest.raises(Forbidden):
        add_and_stop()
    with database.read() as connection:
        assert connection.execute(COUNT).scalar_one() == 0


def test_a_look_sees_one_moment_whatever_is_written_meanwhile(database: Database) -> None:
    with database.read() as looking:
        assert looking.execute(COUNT).scalar_one() == 0
        with database.write() as connection:
            connection.execute(ADD)
        assert looking.execute(COUNT).scalar_one() == 0
    with database.read() as looking:
        assert looking.execute(COUNT).scalar_one() == 1


def test_nothing_can_be_written_through_a_look(database: Database) -> None:
    for look in (database.read, database.read_deliveries):
        for _ in range(3):
            with pytest.raises(Unavailable), look() as connection:
                connection.execute(ADD if look == database.read else WIPE_DELIVERIES)
        with look() as connection:
            assert connection.execute(COUNT if look == database.read else COUNT_DELIVERIES)
    # The same connections write, when they are asked for that.
    with database.write() as connection:
        connection.execute(ADD)
    with database.record() as connection:
        connection.exec_driver_sql("DELETE FROM delivery")
    with database.read() as connection:
        assert connection.execute(COUNT).scalar_one() == 1


def test_who_opens_a_new_database_beside_others_waits_for_them() -> None:
    class Cursor:
        said: ClassVar[list[str]] = []

        def execute(self, statement: str) -> None:
            self.said.append(statement)
            if len(self.said) < 3:
                raise sqlite3.OperationalError("database is locked")

    _keep_write_ahead_log(cast("sqlite3.Cursor", Cursor()))
    assert Cursor.said == ["PRAGMA journal_mode=WAL"] * 3


def test_a_new_embedded_database_is_its_owners_whatever_its_folder_allows(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    database = Database.open(Settings(data_dir=str(tmp_path)))
    migrations.upgrade(database)
    database.close()
    files = list(tmp_path.glob("*.db*"))
    assert len(files) >= 2
    assert {file.stat().st_mode & 0o077 for file in files} == {0}


@pytest.mark.parametrize("make_settings", ["postgresql"], indirect=True)
def test_a_connection_that_the_server_ended_while_idle_is_not_used(
    database: Database, settings: Settings
) -> None:
    with database.read() as connection:
        ended = connection.exec_driver_sql(OWN_PID).scalar_one()
    with psycopg.connect(settings.database_url, autocommit=True) as operator:
        operator.execute(f"SELECT pg_terminate_backend({ended}, 5000)")
    for transaction in (database.read, database.ask, database.write):
        with transaction() as connection:
            assert connection.exec_driver_sql(OWN_PID).scalar_one() != ended
