"""Disks that are full when a test says so: one in memory of its own where a test may mount one,
else files that may not grow."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import psycopg
from psycopg import sql
from sqlalchemy import event
from sqlalchemy.engine import make_url

from kernel.db import Database
from kernel.settings import Settings
from tests.databases import hang_up

SIZE_MIB = 48


class Place(Protocol):
    """Where a database's files lie."""

    def fill(self) -> None:
        """Leave no room."""
        ...

    def clear(self) -> None:
        """Give back all of it."""
        ...


class Mounted:
    """A disk in memory; something else than the database takes the room that is left."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def fill(self) -> None:
        with self._ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            for size in (1 << 16, 1 << 12, 1):
                with contextlib.suppress(OSError):
                    while file.write(bytes(size)):
                        pass

    def clear(self) -> None:
        self._ballast.unlink()


class Limited:
    """Files of an embedded database that may have no page more than they have."""

    def __init__(self, database: Database) -> None:
        self._engines = (database.content, database.deliveries)

    def fill(self) -> None:
        for engine in self._engines:
            event.listen(engine, "connect", _limit)
            engine.dispose()

    def clear(self) -> None:
        for engine in self._engines:
            event.remove(engine, "connect", _limit)
            engine.dispose()


def _limit(connection: Any, _record: object) -> None:
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")


@contextmanager
def mounted() -> Iterator[Mounted | None]:
    """A disk with a folder of its own, or None where this process may not mount one."""
    # Not below a test's own folder, into which PostgreSQL's user may not look.
    path = Path(tempfile.mkdtemp(prefix="comity-disk-"))
    size = f"size={SIZE_MIB}m"
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", size, "comity-test", str(path)],
        capture_output=True,
        check=False,
    )
    is_mounted = done.returncode == 0
    try:
        if is_mounted:
            path.chmod(0o711)
        yield Mounted(path) if is_mounted else None
    finally:
        if is_mounted:
            subprocess.run(["umount", "--lazy", str(path)], check=True)
        path.rmdir()


@contextmanager
def postgresql_on(place: Mounted, settings: Settings) -> Iterator[None]:
    """Move the files of this installation's PostgreSQL database, which nobody uses, to `place`."""
    url = make_url(settings.database_url)
    server = url.set(database="postgres").render_as_string(hide_password=False)
    folder, name = place.path / "postgresql", f"small_{url.database}"
    with psycopg.connect(server, autocommit=True) as operator:
        (home,) = operator.execute("SHOW data_directory").fetchone() or ("",)
        owner = Path(home).stat()
        folder.mkdir(mode=0o700)
        os.chown(folder, owner.st_uid, owner.st_gid)
        make = sql.SQL("CREATE TABLESPACE {} LOCATION {}")
        operator.execute(make.format(sql.Identifier(name), sql.Literal(str(folder))))
        hang_up(url.database or "")
        move = sql.SQL("ALTER DATABASE {} SET TABLESPACE {}")
        database = sql.Identifier(url.database or "")
        operator.execute(move.format(database, sql.Identifier(name)))
        try:
            yield
        finally:
            gone = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(database)
            operator.execute(gone)
            operator.execute(sql.SQL("CREATE DATABASE {}").format(database))
            operator.execute(sql.SQL("DROP TABLESPACE {}").format(sql.Identifier(name)))
