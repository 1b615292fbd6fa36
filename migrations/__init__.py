"""Alembic migrations of the two schemas: `content` and `deliveries` (see kernel.db).

Each has its own line of revisions and its own version table, so that on SQLite they live in
two files and on PostgreSQL side by side. Revision ids are written as NNNN, and begin the names
of their files: whether a database is current is asked at every start, which need not wait for
Alembic and all revisions to be loaded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import MetaData, column, inspect, select, table

import auth.tables  # noqa: F401 - fills the metadata that the schemas are compared with
import kernel.leases  # noqa: F401 - likewise
import norms.tables  # noqa: F401 - likewise
import sharing.tables  # noqa: F401 - likewise
from kernel.db import Database, content_metadata, delivery_metadata
from kernel.errors import BadInput, Misconfigured

if TYPE_CHECKING:
    from alembic.config import Config

_HERE = Path(__file__).parent
_REVISION = re.compile(r"base|[0-9]{4}|-[0-9]{1,4}", re.ASCII)
SCHEMAS = {"content": content_metadata, "deliveries": delivery_metadata}


def declared(name: str) -> MetaData:
    """The tables of one schema as this release declares them.

    Which rows an index is about stands in its `info`: told to SQLAlchemy where the tables are,
    it would import all that it knows of PostgreSQL at the start of every command.
    """
    metadata = SCHEMAS[name]
    for table_ in metadata.tables.values():
        for index in table_.indexes:
            if (where := index.info.get("where")) is not None:
                index.dialect_kwargs.update(sqlite_where=where, postgresql_where=where)
    return metadata


def upgrade(database: Database) -> None:
    """Bring both schemas to the newest revision; does nothing where they are there already.

    Raises Misconfigured (`migrations.ahead`) where a newer release has been.
    """
    from alembic import command  # noqa: PLC0415 - see above

    _check_known(current(database))
    for name in SCHEMAS:
        with _bound_config(database, name) as config:
            command.upgrade(config, "head")


def downgrade(database: Database, revision: str) -> None:
    """Take the content schema back to `revision` (`base` removes all; data goes with tables).

    `base` takes the deliveries schema too. Raises BadInput on a revision that does not exist.
    """
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.util import CommandError  # noqa: PLC0415 - see above

    if _REVISION.fullmatch(revision) is None:
        # Alembic knows more spellings, and stumbles over some.
        raise BadInput(
            "migrations.unknown-revision", "name a revision of four digits, steps like -1, or base"
        )
    names = list(SCHEMAS) if revision == "base" else ["content"]
    for name in names:
        with _bound_config(database, name) as config:
            try:
                command.downgrade(config, revision)
            except CommandError:
                raise BadInput(
                    "migrations.unknown-revision",
                    f"there is no revision {revision!r} to go back to; "
                    "`comity db current` shows where the database is",
                ) from None


def current(database: Database) -> dict[str, str | None]:
    """The revision of each schema; None where it has no tables yet."""
    return {name: _revision(database, name) for name in SCHEMAS}


def newest() -> dict[str, str]:
    """The newest revision of each schema that this release of Comity knows."""
    return {name: _known(name)[-1] for name in SCHEMAS}


@cache
def _known(name: str) -> tuple[str, ...]:
    """The revisions of a schema, in order."""
    found = tuple(sorted(each.name[:4] for each in (_HERE / name).glob("[0-9]" * 4 + "_*.py")))
    if not found:
        raise Misconfigured("migrations.none", f"this release holds no revisions of {name}")
    return found


def check_current(database: Database) -> None:
    """Raise Misconfigured, naming the command that mends it, unless both schemas are newest."""
    found, wanted = current(database), newest()
    if found != wanted:
        _check_known(found)
        raise Misconfigured(
            "migrations.behind",
            f"the database is at revision {_shown(found)}, this release needs {_shown(wanted)}; "
            "run `comity db upgrade`",
        )


def _check_known(found: dict[str, str | None]) -> None:
    for name, revision in found.items():
        if revision not in {None, *_known(name)}:
            raise Misconfigured(
                "migrations.ahead",
                f"the database is at revision {_shown(found)}, which this release does not know; "
                "install the release that it was upgraded with",
            )


def is_empty(database: Database) -> bool:
    """Whether no migration has ever run here."""
    return all(revision is None for revision in current(database).values())


def _shown(revisions: dict[str, Any]) -> str:
    return ", ".join(f"{name} {revision or 'none'}" for name, revision in revisions.items())


def _version_table(name: str) -> str:
    return "alembic_version" if name == "content" else f"alembic_version_{name}"


def _revision(database: Database, name: str) -> str | None:
    look = database.read() if name == "content" else database.read_deliveries()
    with look as connection:
        if not inspect(connection).has_table(_version_table(name)):
            return None
        kept = table(_version_table(name), column("version_num"))
        revision: str | None = connection.execute(select(kept)).scalar_one_or_none()
        return revision


def _bare_config(name: str) -> Config:
    from alembic.config import Config  # noqa: PLC0415 - see above

    config = Config()
    config.set_main_option("script_location", str(_HERE))
    config.set_main_option("version_locations", str(_HERE / name))
    config.set_main_option("path_separator", "os")
    return config


@contextmanager
def _bound_config(database: Database, name: str) -> Iterator[Config]:
    """An Alembic configuration bound to one connection of one schema, in one transaction."""
    transaction = database.write() if name == "content" else database.record()
    with transaction as connection:
        config = _bare_config(name)
        config.attributes["connection"] = connection
        config.attributes["target_metadata"] = declared(name)
        config.attributes["version_table"] = _version_table(name)
        yield config
