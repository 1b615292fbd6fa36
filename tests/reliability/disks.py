"""A disk that forgets what was not synced: a file system under SQLite, by apsw.

Everything that SQLite asks of its files is done, and noted in order beside what clients were told
meanwhile. From such a record any power cut can be made afterwards: what had been synced is there,
of what had not any part may be, in pieces of a sector and in any order.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

import apsw
from sqlalchemy import Engine, event

from kernel.db import Database

SECTOR: Final = 512
_NAME: Final = "comity-recording"


@dataclass(frozen=True, slots=True)
class Written:
    """Bytes that were handed to a file and may be anywhere until it is synced."""

    path: str
    offset: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Cut:
    """A file made shorter."""

    path: str
    size: int


@dataclass(frozen=True, slots=True)
class Synced:
    """From here on, all that was written to this file before is kept."""

    path: str


@dataclass(frozen=True, slots=True)
class Told:
    """A client has its answer: a promise, whatever becomes of the power."""

    what: Any


Noted = Written | Cut | Synced | Told


class _File(apsw.VFSFile):
    def __init__(self, name: str | apsw.URIFilename, flags: list[int], noted: list[Noted]) -> None:
        super().__init__("", name, flags)
        self._path = name if isinstance(name, str) else name.filename()
        self._noted = noted

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802 - SQLite's own name
        super().xWrite(data, offset)
        self._noted.append(Written(self._path, offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        super().xTruncate(newsize)
        self._noted.append(Cut(self._path, newsize))

    def xSync(self, flags: int) -> None:  # noqa: N802
        super().xSync(flags)
        self._noted.append(Synced(self._path))


class Recorder(apsw.VFS):
    """The file system; `noted` is the record, `before` what each file held at its start."""

    def __init__(self) -> None:
        super().__init__(_NAME, "")
        self.noted: list[Noted] = []
        self.before: dict[str, bytes] = {}
        self.is_over = False

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        assert name is not None, "the product keeps what is temporary in memory"
        return _File(name, flags, self.noted)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        assert self.is_over, f"{filename} is deleted: the model knows no such thing"
        super().xDelete(filename, syncdir)

    def end(self, database: Database) -> None:
        """The run is over: what its end in good order does is not on record."""
        self.noted, self.is_over = list(self.noted), True
        database.close()
        self.unregister()

    def tell(self, what: Any) -> None:
        """A client has received `what`."""
        self.noted.append(Told(what))

    def carry(self, database: Database) -> None:
        """Put both files of `database`, not opened yet, on this disk."""
        for engine in (database.content, database.deliveries):
            path = str(engine.url.database)
            self.before[path] = Path(path).read_bytes()
            event.listen(engine, "do_connect", _connect)


@dataclass(slots=True)
class Disk:
    """What has come to the disk for good, and what is on its way, at one place of a record."""

    kept: dict[str, bytearray]
    pending: dict[str, list[Written | Cut]] = field(default_factory=dict)

    def take(self, one: Noted) -> None:
        """The next entry of the record."""
        if isinstance(one, Synced):
            content = self.kept.setdefault(one.path, bytearray())
            for step in self.pending.pop(one.path, []):
                _apply(content, step)
        elif not isinstance(one, Told):
            self.pending.setdefault(one.path, []).append(one)

    def lose_power(self, random: Random, folder: Path) -> None:
        """Write into `folder` what is found when the power is back."""
        # From a disk that wrote nothing by itself to one that had nearly everything.
        share = random.choice([0.0, 0.0, 0.1, 0.5, 0.9])
        for path in {*self.kept, *self.pending}:
            content = bytearray(self.kept.get(path, b""))
            for piece in _pieces(self.pending.get(path, [])):
                if random.random() < share:
                    _apply(content, piece)
            (folder / Path(path).name).write_bytes(content)


def _pieces(steps: Sequence[Written | Cut]) -> Iterator[Written | Cut]:
    for step in steps:
        if isinstance(step, Cut):
            yield step
            continue
        start = 0
        while start < len(step.content):
            end = start + SECTOR - (step.offset + start) % SECTOR
            yield Written(step.path, step.offset + start, step.content[start:end])
            start = end


def _apply(content: bytearray, step: Written | Cut) -> None:
    if isinstance(step, Cut):
        del content[step.size :]
        return
    content.extend(bytes(max(0, step.offset - len(content))))
    content[step.offset : step.offset + len(step.content)] = step.content


def _connect(_dialect: object, _record: object, args: list[Any], _more: object) -> Any:
    return _Connection(apsw.Connection(args[0], vfs=_NAME))


def watch_connections(engine: Engine, *pragmas: str) -> None:
    """Say these to every connection that `engine` opens, after the product has said its own."""

    def say(connection: Any, _record: object) -> None:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    event.listen(engine, "connect", say)


class _Connection:
    """As much of `sqlite3.Connection` as the product and SQLAlchemy use, on apsw."""

    isolation_level: str | None = None

    def __init__(self, real: apsw.Connection) -> None:
        self._real = real

    def cursor(self, _factory: object = None) -> _Cursor:
        return _Cursor(self._real)

    def execute(self, statement: str, values: Sequence[Any] = ()) -> _Cursor:
        return self.cursor().execute(statement, values)

    def create_function(self, *_args: object, **_more: object) -> None:
        """SQLAlchemy's own `regexp`, which the product does not use."""

    def commit(self) -> None:
        self._end("COMMIT")

    def rollback(self) -> None:
        self._end("ROLLBACK")

    def close(self) -> None:
        self._real.close()

    def _end(self, how: str) -> None:
        if self._real.in_transaction:
            self.execute(how)


class _Cursor:
    """As much of `sqlite3.Cursor`; rows are fetched at once."""

    arraysize = 1

    def __init__(self, real: apsw.Connection) -> None:
        self._real = real
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    def execute(self, statement: str, values: Sequence[Any] = ()) -> _Cursor:
        return self._do(statement, [values])

    def executemany(self, statement: str, values: Sequence[Sequence[Any]]) -> _Cursor:
        return self._do(statement, values)

    def _do(self, statement: str, values: Sequence[Sequence[Any]]) -> _Cursor:
        cursor = self._real.cursor()
        cursor.exec_trace = self._describe
        before = self._real.total_changes()
        try:
            self._rows = list(cursor.executemany(statement, [tuple(each) for each in values]))
        except apsw.ConstraintError as fault:
            raise sqlite3.IntegrityError(str(fault)) from fault
        except apsw.Error as fault:
            raise sqlite3.OperationalError(str(fault)) from fault
        self.rowcount = self._real.total_changes() - before
        self.lastrowid = self._real.last_insert_rowid()
        return self

    def _describe(self, cursor: apsw.Cursor, _statement: str, _values: object) -> bool:
        # Asked before it runs: apsw forgets the columns of what has no rows.
        self.description = cursor.get_description() or None
        return True

    def fetchone(self) -> Any:
        return self._rows.pop(0) if self._rows else None

    def fetchmany(self, size: int = 1) -> list[Any]:
        taken, self._rows = self._rows[:size], self._rows[size:]
        return taken

    def fetchall(self) -> list[Any]:
        taken, self._rows = self._rows, []
        return taken

    def close(self) -> None:
        self._rows = []
