"""`comity doctor`: what is misconfigured, one line each with its mend."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from kernel.checkup import (
    Finding,
    check_database,
    check_folder,
    check_secrets,
    check_settings,
)
from kernel.commands import Answer, Prepare, Workplace, maintaining
from kernel.errors import ComityError
from sharing.queries.checkup import check_records


@click.command()
@maintaining
def doctor(workplace: Workplace) -> Answer:
    """Say what is misconfigured and how to mend it; nothing is changed.

    Exits with 0 whatever it finds.
    """
    findings = list(_examine(workplace))
    text = "\n".join(f"{finding.problem}; mend: {finding.mend}" for finding in findings)
    return Answer([_document(finding) for finding in findings], text or "nothing to mend")


def _examine(workplace: Workplace) -> Iterator[Finding]:
    settings = workplace.settings
    yield from check_settings(settings)
    yield from check_folder(settings)
    yield from check_secrets(settings)
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
        return Finding("database-unfit", fault.message, "comity db upgrade")
    return None


def _document(finding: Finding) -> dict[str, Any]:
    return {"code": finding.code, "problem": finding.problem, "mend": finding.mend}
