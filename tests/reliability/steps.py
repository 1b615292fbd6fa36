"""The steps of a database, watched from outside the product: each statement, each commit.

A watcher is told of every step before and after it is taken, and may end the process there or
raise the fault that a database would.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Engine, event

from kernel.db import Database


@dataclass(frozen=True, slots=True)
class Step:
    """One moment: before or after a statement or a commit of the content or the deliveries."""

    number: int
    when: Literal["before", "after"]
    what: str

    @property
    def is_commit(self) -> bool:
        """Whether it is a commit and no statement."""
        return self.what == "COMMIT"

    @property
    def is_of_delivery(self) -> bool:
        """Whether a delivery is being written down here."""
        return self.what.startswith("INSERT INTO delivery")


Watcher = Callable[[Step], None]


def watch(database: Database, watcher: Watcher) -> Callable[[], None]:
    """Tell `watcher` of every step of `database` from now on; the answer stops that."""
    numbers = iter(range(1, 1_000_000))
    engines = list({id(e): e for e in (database.content, database.deliveries)}.values())

    def tell(when: Literal["before", "after"], what: str) -> None:
        watcher(Step(next(numbers), when, what))

    stops = [_watch_engine(engine, tell) for engine in engines]

    def stop() -> None:
        for each in stops:
            each()

    return stop


def _watch_engine(engine: Engine, tell: Callable[[Any, str], None]) -> Callable[[], None]:
    dialect = engine.dialect
    commit = dialect.do_commit

    # Inside the try block of SQLAlchemy's own call, so that what is raised here is treated as
    # what the driver raises.
    def before(_cursor: Any, statement: str, *_rest: Any) -> None:
        tell("before", statement)

    def before_plain(_cursor: Any, statement: str, _context: Any) -> None:
        tell("before", statement)

    def after(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        tell("after", statement)

    def do_commit(connection: Any) -> None:
        tell("before", "COMMIT")
        commit(connection)
        tell("after", "COMMIT")

    listeners = [
        ("do_execute", before),
        ("do_executemany", before),
        ("do_execute_no_params", before_plain),
        ("after_cursor_execute", after),
    ]
    for name, listener in listeners:
        event.listen(engine, name, listener)
    dialect.do_commit = do_commit  # type: ignore[method-assign]

    def stop() -> None:
        for name, listener in listeners:
            event.remove(engine, name, listener)
        del dialect.do_commit

    return stop
