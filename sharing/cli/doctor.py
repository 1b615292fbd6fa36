"""`comity doctor`: what is misconfigured, one line each with its mend."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from kernel import clock
from kernel.checkup import (
    Finding,
    check_database,
    check_folder,
    check_secrets,
    check_settings,
    is_made,
)
from kernel.commands import Answer, Prepare, Workplace, answering
from kernel.db import Database
from kernel.errors import ComityError, Misconfigured
from kernel.logs import configure_logging
from kernel.settings import read_settings
from sharing.queries.checkup import check_records


@click.command()
@answering
def doctor() -> Answer:
    """Say what is misconfigured and how to mend it; nothing is changed.

    Exits with 0 whatever it finds.
    """
    findings = list(_examine())
    text = "\n".join(f"{finding.problem}; mend: {finding.mend}" for finding in findings)
    return Answer([_document(finding) for finding in findings], text or "nothing to mend")


def _examine() -> Iterator[Finding]:
    settings, refused = read_settings()
    for fault in refused:
        yield Finding("setting-refused", fault.message, "correct it, or leave it out")
    configure_logging(settings)
    yield from check_settings(settings)
    yield from check_folder(settings)
    yield from check_secrets(settings)
    if not is_made(settings):
        # A new installation; the first command that works with it makes the database.
        return
    try:
        database = Database.open(settings)
    except Misconfigured as fault:
        yield Finding("database-url-refused", fault.message, "correct COMITY_DATABASE_URL")
        return
    try:
        yield from _examine_database(Workplace(settings, database, clock.now_us()))
    finally:
        database.close()


def _examine_database(workplace: Workplace) -> Iterator[Finding]:
    unreachable = list(check_database(workplace.database))
    yield from unreachable
    if any(finding.code == "database-unreachable" for finding in unreachable):
        return
    unfit = _find_unfit(workplace)
    if unfit is not None:
        yield unfit
        return
    with workplace.database.read() as connection:
        yield from check_records(connection, now_us=workplace.now_us)


def _find_unfit(workplace: Workplace) -> Finding | None:
    """Why no other command would work with this database; the root command knows."""
    prepare: Prepare | None = click.get_current_context().find_root().obj
    try:
        if prepare is not None:
            prepare(workplace.settings, workplace.database)
    except ComityError as fault:
        mend = "comity db upgrade" if fault.code == "migrations.behind" else "as it says"
        return Finding("database-unfit", fault.message, mend)
    return None


def _document(finding: Finding) -> dict[str, Any]:
    return {"code": finding.code, "problem": finding.problem, "mend": finding.mend}
