"""The database: engines, transactions, column types. SQLite and PostgreSQL through one door.

A `Database` holds two engines. `content` is everything the product knows; `deliveries` is the
log of what was served, on SQLite a second file, so that recording a poll never waits behind a
long write. On PostgreSQL both are one database.

What does not live here: tables (each room has its own), queries, migrations.
"""

from __future__ import annotations

import contextlib
import os
import select
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import BigInteger, Connection, Engine, Integer, MetaData, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import ExecutionContext
from sqlalchemy.exc import DBAPIError, DisconnectionError, NoSuchModuleError, SQLAlchemyError

from kernel.errors import ComityError, Misconfigured, StorageFull, Unavailable
from kernel.settings import Settings

if TYPE_CHECKING:
    import psycopg

_NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

content_metadata = MetaData(naming_convention=_NAMING)
delivery_metadata = MetaData(naming_convention=_NAMING)

# A 64-bit key that SQLite still fills by itself (it does so for INTEGER alone).
BigId = BigInteger().with_variant(Integer, "sqlite")

_SQLITE_WAIT_MS = 30_000
_SQLITE_RETRY_SECONDS = 0.01
_making = threading.Lock()
_READ = "comity_read"
_WRITE = "comity_write"
_AT_ONCE = "comity_at_once"
_BARE = "comity_bare"
_BINARY = "comity_binary"
_READING_SQLITE: Final[dict[str, Any]] = {_READ: True}
_READING_POSTGRESQL: Final[dict[str, Any]] = {
    "isolation_level": "REPEATABLE READ",
    "postgresql_readonly": True,
}
_ASKING_SQLITE: Final[dict[str, Any]] = {_READ: True, _BARE: True}
_ASKING_POSTGRESQL: Final[dict[str, Any]] = {"isolation_level": "AUTOCOMMIT"}
_RECORDING_SQLITE: Final[dict[str, Any]] = {_BARE: True}
_RECORDING_POSTGRESQL: Final[dict[str, Any]] = {"isolation_level": "AUTOCOMMIT"}

_PLANNED_ANEW = "comity_planned_anew"
PLANNED_ANEW: Final = {_PLANNED_ANEW: True}
"""Execution options of a statement of which PostgreSQL shall keep no plan: one that fits any values
may be many times slower than one for these, while its counts of the tables are old."""
# Else a plan is kept after so many uses.
_USES_BEFORE_A_PLAN_IS_KEPT: Final = 5

BINARY_ROWS: Final = {_BINARY: True}
"""Execution options of a statement whose rows hold long bytes: PostgreSQL then sends them as
they are, and not as hexadecimal text of twice the length. No columns of exotic types there."""


class Database:
    """The engines of one installation; one per process, which uses none before it forks."""

    def __init__(self, content: Engine, deliveries: Engine) -> None:
        self.content = content
        self.deliveries = deliveries
        # Each way of using an engine is made once: an option given to a connection copies it.
        is_sqlite = content.dialect.name == "sqlite"
        reading = _READING_SQLITE if is_sqlite else _READING_POSTGRESQL
        asking = _ASKING_SQLITE if is_sqlite else _ASKING_POSTGRESQL
        recording = _RECORDING_SQLITE if is_sqlite else _RECORDING_POSTGRESQL
        self._reading = content.execution_options(**reading)
        self._asking = content.execution_options(**asking)
        self._writing = content.execution_options(**{_WRITE: True})
        self._noting = content.execution_options(**{_WRITE: True, _AT_ONCE: True})
        self._reading_deliveries = deliveries.execution_options(**reading)
        self._recording = deliveries.execution_options(**{_WRITE: True})
        self._recording_one = deliveries.execution_options(**recording)

    @classmethod
    def open(cls, settings: Settings) -> Database:
        """Engines for `settings`; connects to nothing yet. Raises Misconfigured on a bad URL."""
        try:
            url = make_url(settings.effective_database_url)
        except (SQLAlchemyError, ValueError):
            raise _bad_url() from None
        if url.get_backend_name() == "sqlite":
            return cls._open_sqlite(url, settings)
        if url.get_backend_name() == "postgresql":
            return cls._open_postgresql(url, settings)
        raise _bad_url()

    @classmethod
    def _open_sqlite(cls, url: URL, settings: Settings) -> Database:
        if not url.database or url.database == ":memory:":
            raise _bad_url()
        path = Path(url.database)
        # What members share lies here: for nobody else on this host to read.
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as fault:
            raise Misconfigured(
                "kernel.bad-data-dir",
                f"the folder {str(path.parent)!r} cannot be made ({fault.strerror}); "
                "name another in COMITY_DATA_DIR",
            ) from None
        log = path.with_name(f"{path.stem}-deliveries{path.suffix}")
        size = settings.threads + 4
        return cls(_sqlite_engine(url, size), _sqlite_engine(url.set(database=str(log)), size))

    @classmethod
    def _open_postgresql(cls, url: URL, settings: Settings) -> Database:
        try:
            engine = create_engine(
                url,
                pool_size=settings.threads + 2,
                max_overflow=settings.threads,
                pool_use_lifo=True,
                isolation_level="READ COMMITTED",
                connect_args={"prepare_threshold": _USES_BEFORE_A_PLAN_IS_KEPT},
            )
        except NoSuchModuleError:
            raise _bad_url() from None
        event.listen(engine, "checkout", _leave_if_gone)
        event.listen(engine, "before_cursor_execute", _follow_options)
        return cls(engine, engine)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database."""
        return self.content.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent snapshot of the content; nothing can be written through it."""
        with _faults_told(), self._reading.begin() as connection:
            yield connection

    @contextmanager
    def ask(self) -> Iterator[Connection]:
        """For SELECTs each of which is a snapshot by itself: no transaction is begun and ended.

        On PostgreSQL those are two more ways to the server and back.
        """
        with _faults_told(), self._asking.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction on the content: commits at the end of the block or leaves nothing."""
        with _faults_told(), self._writing.begin() as connection:
            yield connection

    @contextmanager
    def note(self) -> Iterator[Connection]:
        """The same for what may as well be left out, of rows that nobody holds for long.

        The embedded database has one writer: where there is one this refuses at once
        (Unavailable), so that a reader who leaves a note never waits for it.
        """
        with _faults_told(), self._noting.begin() as connection:
            yield connection

    @contextmanager
    def read_deliveries(self) -> Iterator[Connection]:
        """One consistent look at the log of deliveries; nothing can be written through it."""
        with _faults_told(), self._reading_deliveries.begin() as connection:
            yield connection

    @contextmanager
    def record(self) -> Iterator[Connection]:
        """One transaction on the log of deliveries, durable when the block ends."""
        with _faults_told(), self._recording.begin() as connection:
            yield connection

    @contextmanager
    def record_one(self) -> Iterator[Connection]:
        """For one statement on the log of deliveries, durable when it has run.

        It is a transaction by itself, and none is begun and ended around it.
        """
        with _faults_told(), self._recording_one.connect() as connection:
            yield connection

    def close(self) -> None:
        """Give back every connection."""
        self.content.dispose()
        self.deliveries.dispose()


def is_one_look(connection: Connection) -> bool:
    """Whether this is one consistent look at a database: what was read once stays so in it."""
    options = connection.get_execution_options()
    is_bare = bool(options.get(_BARE))
    return not is_bare and bool(options.get(_READ) or options.get("postgresql_readonly"))


def wait_no_longer_than(connection: Connection, wait_ms: int) -> None:
    """From here on, what a transaction waits for another that long is refused (Unavailable).

    The embedded database waits for its one writer half a minute, whoever asks.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(wait_ms)}")


def is_open_elsewhere(file: Path) -> bool:
    """Whether somebody has this file of an embedded database open.

    For a file that is to be taken away: where nobody has, its log is put into it and it keeps
    none until it is opened again. SQLite itself is asked: a file that this process has open
    through it must not be opened in any other way (see `_create_for_its_owner`).
    """
    try:
        with contextlib.closing(sqlite3.connect(file, timeout=0)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as fault:
        return getattr(fault, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY
    return False


def _sqlite_engine(url: URL, size: int) -> Engine:
    engine = create_engine(
        url,
        pool_size=size,
        max_overflow=size,
        # The connection that was used last has the pages in its cache.
        pool_use_lifo=True,
        connect_args={"check_same_thread": False, "timeout": _SQLITE_WAIT_MS / 1000},
    )
    event.listen(engine, "do_connect", _create_for_its_owner)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _create_for_its_owner(
    _dialect: object, _record: object, args: list[Any], _more: object
) -> None:
    """A new file is nobody else's to read, whatever its folder allows; the log takes its mode.

    One that is there is never opened here: a process that closes a file once gives up the locks
    of all its connections to it (POSIX), and the next process to leave would take away the log
    that they go on writing to. A new one is closed before any connection of this process has it.
    """
    with _making, contextlib.suppress(OSError):  # SQLite itself says what is wrong
        os.close(os.open(args[0], os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # Transactions are begun by `_begin_sqlite`, never by the driver's guess.
    connection.isolation_level = None
    cursor = connection.cursor()
    _keep_write_ahead_log(cursor)
    for pragma in (
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={_SQLITE_WAIT_MS}",
        "cache_size=-16000",
        "temp_store=MEMORY",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _keep_write_ahead_log(cursor: sqlite3.Cursor) -> None:
    """Where others open a new database too, SQLite refuses the change at once, not waiting."""
    end = time.monotonic() + _SQLITE_WAIT_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as fault:
            if "locked" not in str(fault) or time.monotonic() > end:
                raise
            time.sleep(_SQLITE_RETRY_SECONDS)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    _allow_writes(connection, are_allowed=not options.get(_READ))
    if options.get(_BARE):
        return
    if options.get(_AT_ONCE):
        connection.exec_driver_sql("PRAGMA busy_timeout=0")
    try:
        # A writer takes its lock at the start: an upgrade in mid-transaction fails instead of
        # waiting.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get(_WRITE) else "BEGIN")
    finally:
        if options.get(_AT_ONCE):
            connection.exec_driver_sql(f"PRAGMA busy_timeout={_SQLITE_WAIT_MS}")


def _allow_writes(connection: Connection, *, are_allowed: bool) -> None:
    """Said to the driver where it is not so already: connections read and write in turn."""
    if connection.info.get(_WRITE, True) == are_allowed:
        return
    driver: Any = connection.connection.dbapi_connection
    driver.execute(f"PRAGMA query_only={'OFF' if are_allowed else 'ON'}").close()
    connection.info[_WRITE] = are_allowed


def _leave_if_gone(connection: psycopg.Connection[Any], _record: object, _proxy: object) -> None:
    """Another connection instead, where the server has ended this one while nobody used it.

    It says so and hangs up: there is something to read on a line that should be silent. Asking
    the server instead would be one more way to it and back before everything that is asked.
    """
    line = select.poll()
    line.register(connection.fileno(), select.POLLIN)
    if line.poll(0):
        raise DisconnectionError


def _follow_options(
    _connection: Connection,
    cursor: psycopg.Cursor[Any],
    _sql: str,
    _values: object,
    context: ExecutionContext | None,
    _many: object,
) -> None:
    # Here, since the embedded database need not wait for another's driver.
    from psycopg.pq import Format  # noqa: PLC0415

    options = {} if context is None else context.execution_options
    if options.get(_BINARY):
        cursor.format = Format.BINARY
    is_planned_anew = bool(options.get(_PLANNED_ANEW))
    cursor.connection.prepare_threshold = None if is_planned_anew else _USES_BEFORE_A_PLAN_IS_KEPT


@contextmanager
def _faults_told() -> Iterator[None]:
    """Turn a database's faults into refusals that a door can answer."""
    try:
        yield
    except ComityError:
        raise
    except DBAPIError as fault:
        text = str(fault.orig).lower()
        if _is_full(fault, text):
            raise StorageFull(
                "kernel.storage-full", "the database has no room left; nothing was recorded"
            ) from fault
        if "file is not a database" in text:
            raise Misconfigured(
                "kernel.not-a-database",
                "the file that COMITY_DATABASE_URL names is no database; name another",
            ) from fault
        if isinstance(fault.orig, sqlite3.OperationalError) or fault.connection_invalidated:
            raise Unavailable(
                "kernel.database-unavailable",
                f"the database cannot serve this now ({_first_line(fault)}); try again",
            ) from fault
        if not _PASSING_POSTGRESQL_FAULTS.isdisjoint(_kinds_of(fault)):
            raise Unavailable(
                "kernel.database-unavailable", "the database cannot serve this now; try again"
            ) from fault
        raise


def _is_full(fault: DBAPIError, text: str) -> bool:
    """By its number where it has one: a server may speak any language."""
    if getattr(fault.orig, "sqlstate", None) == _POSTGRESQL_FULL:
        return True
    return "disk is full" in text or "no space left" in text


_POSTGRESQL_FULL = "53100"

# Of its server or the way to it, not of what it was asked; the driver keeps dozens under these.
_PASSING_POSTGRESQL_FAULTS = frozenset({"OperationalError", "ReadOnlySqlTransaction"})


def _kinds_of(fault: DBAPIError) -> set[str]:
    """The names of the driver's classes that the fault belongs to."""
    return {kind.__name__ for kind in type(fault.orig).__mro__}


def _first_line(fault: DBAPIError) -> str:
    return (str(fault.orig).splitlines() or ["unknown fault"])[0]


def _bad_url() -> Misconfigured:
    return Misconfigured(
        "kernel.bad-database-url",
        "COMITY_DATABASE_URL must be sqlite:///FILE or postgresql://USER@HOST/DATABASE",
    )
