"""`comity db`, and the making of a new embedded database by whichever process comes first."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from sqlalchemy.engine import make_url

import migrations
from kernel.commands import Answer, Workplace, maintaining
from kernel.db import Database
from kernel.settings import Settings


def prepare_database(settings: Settings, database: Database) -> None:
    """Make a new embedded database; refuse any other that is not at the newest revision.

    Raises Misconfigured (`migrations.behind`) naming the command that mends it.
    """
    if settings.is_embedded and migrations.is_empty(database):
        with _creating(settings):
            # Another process may have made it while this one waited.
            if migrations.is_empty(database):
                migrations.upgrade(database)
    migrations.check_current(database)


@click.group()
def db() -> None:
    """The database's schema."""


@db.command("upgrade")
@maintaining
def upgrade(workplace: Workplace) -> Answer:
    """Bring the database to this release's revision; safe to repeat."""
    migrations.upgrade(workplace.database)
    return _answer(workplace.database)


@db.command("downgrade", context_settings={"ignore_unknown_options": True})
@click.argument("revision", metavar="REV")
@maintaining
def downgrade(workplace: Workplace, revision: str) -> Answer:
    """Take the database back to REV; what later revisions brought is lost."""
    migrations.downgrade(workplace.database, revision)
    return _answer(workplace.database)


@db.command("current")
@maintaining
def current(workplace: Workplace) -> Answer:
    """Show the database's revision beside this release's."""
    return _answer(workplace.database)


def _answer(database: Database) -> Answer:
    found, newest = migrations.current(database), migrations.newest()
    document = {"current": found, "newest": newest, "up_to_date": found == newest}
    lines = [
        f"{name:12}{revision or 'none':8}newest {newest[name]}" for name, revision in found.items()
    ]
    return Answer(document, "\n".join(lines))


@contextmanager
def _creating(settings: Settings) -> Iterator[None]:
    """Holds other processes back while this one makes the embedded database."""
    path = Path(make_url(settings.effective_database_url).database or "")
    with path.with_name(path.name + ".creating").open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
