"""Databases of a PostgreSQL server that tests have one after the other, emptied between them.

Making one copies six hundred files, and each new connection to it learns its tables anew: that
was half of the server's time. What cannot be emptied for certain (its tables were changed,
somebody is still connected, there is much in it) is dropped instead.
"""

from __future__ import annotations

import os
import select
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus
from sqlalchemy import Dialect, Engine, event
from sqlalchemy.engine import make_url

_MOST_USES = 25
"""So often is one had: what was deleted still takes room in it."""
_MOST_ROWS = 2000
_MOST_IDLE = 4
_OURS = os.getpid()
"""What a test forks has the same connections, and is not the one to use them."""
_FRESH = "RESET ALL; SELECT pg_advisory_unlock_all(); UNLISTEN *; DISCARD TEMP; DISCARD SEQUENCES"
# Whatever changes a schema writes a row of these: there are more, fewer or later ones.
_CATALOGUES = (
    *("pg_attrdef", "pg_attribute", "pg_class", "pg_constraint", "pg_event_trigger", "pg_index"),
    *("pg_namespace", "pg_proc", "pg_rewrite", "pg_trigger", "pg_type"),
)
_REVISIONS = ("alembic_version", "alembic_version_deliveries")


class _Connection(psycopg.Connection[Any]):
    """One that is set back when it is closed, and waits for whoever connects there next."""

    idle: list[_Connection] | None = None

    def close(self) -> None:
        """Of one that broke or is in a transaction, and in another process: really."""
        idle = self.idle
        if idle is None or len(idle) >= _MOST_IDLE or os.getpid() != _OURS or self.closed:
            self.leave()
        elif self._is_set_back():
            idle.append(self)
        else:
            self.leave()

    def leave(self) -> None:
        super().close()

    def is_gone(self) -> bool:
        """Whether the server has hung up: there is something to read where all is silent."""
        line = select.poll()
        if not self.closed:
            line.register(self.fileno(), select.POLLIN)
        return self.closed or bool(line.poll(0))

    def _is_set_back(self) -> bool:
        if self.info.transaction_status is not TransactionStatus.IDLE:
            return False
        try:
            self.isolation_level = self.read_only = self.deferrable = None
            self.autocommit = True
            self.execute(_FRESH, prepare=False)
            self.autocommit = False
        except psycopg.Error:
            return False
        return True


# By database: connections that wait, by what they were made with.
_idle: defaultdict[str, defaultdict[str, list[_Connection]]] = defaultdict(
    lambda: defaultdict(list)
)


@event.listens_for(Engine, "do_connect")
def _connect(
    dialect: Dialect, _record: object, given: tuple[Any, ...], more: dict[str, Any]
) -> _Connection | None:
    """An engine's new connection is one that another closed, where it is to a kept database."""
    name = more.get("dbname")
    if dialect.name != "postgresql" or name not in _idle or os.getpid() != _OURS:
        return None
    # What each engine makes for itself (its adapters) is the same in all.
    kind = sorted((key, value) for key, value in more.items() if key != "context")
    waiting = _idle[name][repr((given, kind))]
    while waiting:
        connection = waiting.pop()
        if not connection.is_gone():
            return connection
        connection.leave()
    made = _Connection.connect(*given, **more)
    made.idle = waiting
    return made


def hang_up(name: str) -> None:
    """Close what waits for whoever connects to this database next."""
    for waiting in _idle[name].values():
        while waiting:
            waiting.pop().leave()


class Databases:
    """Copies of the database `template` of a server; `make_name` names them."""

    def __init__(self, server: str, template: str, make_name: Callable[[], str]) -> None:
        self._server, self._template, self._make_name = server, template, make_name
        self._admin = psycopg.connect(server, autocommit=True)
        self._free: list[str] = []
        self._uses: dict[str, int] = {}
        with psycopg.connect(self.at(template), autocommit=True) as connection:
            self._untouched = connection.execute(_ASK).fetchone()
            names = connection.execute(_TABLES, (list(_REVISIONS),)).fetchall()
        exist = [f"CASE WHEN EXISTS (SELECT FROM {name}) THEN '{name}' END" for (name,) in names]
        self._ask_filled = f"SELECT array_remove(ARRAY[{', '.join(exist)}], NULL)"

    def at(self, name: str) -> str:
        """The address of a database on the server."""
        return make_url(self._server).set(database=name).render_as_string(hide_password=False)

    def take(self) -> str:
        """The name of one in which there is nothing."""
        if self._free:
            return self._free.pop()
        name = self._make_name()
        # Its files are copied: a page at a time through the log takes five times as long.
        copy = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        self._admin.execute(copy.format(sql.Identifier(name), sql.Identifier(self._template)))
        self._uses[name] = 0
        _idle[name].clear()
        return name

    def give_back(self, name: str) -> None:
        """It is another's from now on, if it can be emptied."""
        self._uses[name] += 1
        if self._uses[name] < _MOST_USES and self._is_emptied(name):
            self._free.append(name)
        else:
            self._drop(name)

    def close(self) -> None:
        """Drop them."""
        for name in list(self._uses):
            self._drop(name)
        self._admin.close()

    def _is_emptied(self, name: str) -> bool:
        waiting = [each for one in _idle[name].values() for each in one if not each.is_gone()]
        if not waiting:
            return False
        try:
            return self._empty(waiting)
        except psycopg.Error:
            return False

    def _empty(self, waiting: list[_Connection]) -> bool:
        known = [each.info.backend_pid for each in waiting]
        connection = waiting[-1]
        with connection.transaction():
            others = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND backend_type = 'client backend' AND pid <> ALL(%s)",
                (known,),
            ).fetchone()
            if others != (0,) or connection.execute(_ASK).fetchone() != self._untouched:
                return False
            [(filled,)] = connection.execute(self._ask_filled).fetchall()
            # Nothing refers to what is left, and no trigger keeps it.
            connection.execute("SET LOCAL session_replication_role = replica")
            deleted = sum(connection.execute(f"DELETE FROM {each}").rowcount for each in filled)
            connection.execute(
                "SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, "
                "start_value, false) FROM pg_sequences WHERE last_value IS NOT NULL"
            )
        return deleted < _MOST_ROWS

    def _drop(self, name: str) -> None:
        hang_up(name)
        del _idle[name], self._uses[name]
        self._admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


_TABLES = (
    "SELECT quote_ident(tablename) FROM pg_tables "
    "WHERE schemaname = 'public' AND tablename <> ALL(%s) ORDER BY tablename"
)


def _newest(catalogue: str) -> str:
    return f"(SELECT (count(*), max(xmin::text::bigint))::text FROM {catalogue})"


_SETTINGS = (
    "(SELECT count(*) FROM pg_db_role_setting "
    "JOIN pg_database ON setdatabase = pg_database.oid WHERE datname = current_database())"
)
_ASK = "SELECT " + ", ".join(
    [
        *(_newest(each) for each in _CATALOGUES),
        *(f"(SELECT string_agg(version_num, ' ') FROM {each})" for each in _REVISIONS),
        _SETTINGS,
    ]
)
