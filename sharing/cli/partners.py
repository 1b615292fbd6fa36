"""`comity partner`: recipients of a forum that are no members, and what stopping one withdraws."""

from __future__ import annotations

from typing import Any

import click

from auth.queries import Forum, RosterRow, find_forum, list_roster
from auth.services import OPERATOR
from kernel.commands import Answer, Workplace, showing_progress, working
from kernel.errors import NotFound
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
    _place, rows = _roster(workplace, forum)
    found = [row for row in rows if row.is_partner]
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
    _place, rows = _roster(workplace, forum)
    row = next(row for row in rows if row.name == name and row.is_partner)
    text = (
        f"{name} in {forum}: {row.role}, {row.status}; "
        f"versions gained {change.gained}, lost {change.lost}"
    )
    counts = {"gained": change.gained, "lost": change.lost}
    return Answer(partner_document(forum, row) | counts, text)


def _roster(workplace: Workplace, forum: str) -> tuple[Forum, list[RosterRow]]:
    with workplace.database.read() as connection:
        found = find_forum(connection, forum)
        if found is None:
            raise NotFound(
                "auth.unknown-forum", f"there is no forum {forum!r}; see `comity forum list`"
            )
        return found, list_roster(connection, found.id)
