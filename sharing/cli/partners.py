"""`comity partner`: recipients of a forum that are no members, and what stopping one withdraws."""

from __future__ import annotations

from typing import Any

import click

from auth.queries import RosterRow, list_roster
from auth.services import OPERATOR
from kernel.commands import Answer, Workplace, showing_progress, working
from sharing.cli.named import expect_forum
from sharing.services.reconsider import Change
from sharing.services.seating import add_partner, change_partner


@click.group()
def partner() -> None:
    """Systems outside a forum that receive from it and are no members."""


@partner.command("add")
@click.argument("forum")
@click.argument("name")
@working
def add(workplace: Workplace, forum: str, name: str) -> Answer:
    """Add a partner to a forum, or take one up again that has ended."""
    with showing_progress(name) as progress:
        change = add_partner(
            workplace.database, OPERATOR, forum, name, now_us=workplace.now_us, progress=progress
        )
    return _answer(workplace, forum, name, change)


@partner.command("list")
@click.argument("forum")
@working
def list_(workplace: Workplace, forum: str) -> Answer:
    """List a forum's partners, each with its status."""
    found = _list_partners(workplace, forum)
    return Answer(
        [partner_document(forum, row) for row in found],
        "\n".join(f"{forum}/{row.name}  {row.status}" for row in found),
    )


@partner.command("suspend")
@click.argument("forum")
@click.argument("name")
@working
def suspend(workplace: Workplace, forum: str, name: str) -> Answer:
    """Suspend a partner: it is refused from now on and receives nothing."""
    return _change(workplace, forum, name, "suspended")


@partner.command("reinstate")
@click.argument("forum")
@click.argument("name")
@working
def reinstate(workplace: Workplace, forum: str, name: str) -> Answer:
    """Reinstate a suspended partner: what it may see is released to it."""
    return _change(workplace, forum, name, "active")


@partner.command("end")
@click.argument("forum")
@click.argument("name")
@working
def end(workplace: Workplace, forum: str, name: str) -> Answer:
    """End a partner and revoke its credentials; `comity partner add` takes it up again."""
    return _change(workplace, forum, name, "ended")


def partner_document(forum: str, row: RosterRow) -> dict[str, Any]:
    """A partner as JSON."""
    return {"forum": forum, "name": row.name, "status": row.status}


def _change(workplace: Workplace, forum: str, name: str, status: str) -> Answer:
    with showing_progress(name) as progress:
        change = change_partner(
            workplace.database,
            OPERATOR,
            forum,
            name,
            status,
            now_us=workplace.now_us,
            progress=progress,
        )
    return _answer(workplace, forum, name, change)


def _answer(workplace: Workplace, forum: str, name: str, change: Change) -> Answer:
    row = next(row for row in _list_partners(workplace, forum) if row.name == name)
    text = (
        f"{name} in {forum}: {row.role}, {row.status}; "
        f"versions gained {change.gained}, lost {change.lost}"
    )
    counts = {"gained": change.gained, "lost": change.lost}
    return Answer(partner_document(forum, row) | counts, text)


def _list_partners(workplace: Workplace, forum: str) -> list[RosterRow]:
    with workplace.database.read() as connection:
        rows = list_roster(connection, expect_forum(connection, forum).id)
    return [row for row in rows if row.is_partner]
