"""`comity seat`: which members are recipients of a forum."""

from __future__ import annotations

from typing import Any

import click

from auth.queries import RosterRow, expect_member, list_roster
from auth.services import OPERATOR
from kernel.commands import Answer, Workplace, showing_progress, working
from sharing.cli.named import expect_forum
from sharing.cli.simulations import refuse_both, simulation_answer
from sharing.services.reconsider import Change
from sharing.services.seating import change_seat, seat_member
from sharing.services.simulations import apply_seat, trial_of_seat, try_out


@click.group()
def seat() -> None:
    """Which members read and write in which forum."""


@seat.command("add")
@click.argument("forum")
@click.argument("code")
@click.option("--role", default="member", metavar="[member|partner-state|observer]")
@click.option(
    "--simulate", "is_trial", is_flag=True, help="Tell what would change; change nothing."
)
@click.option("--simulation", metavar="ID", help="Only if it does exactly what this one said.")
@working
def add(
    workplace: Workplace,
    forum: str,
    code: str,
    role: str,
    *,
    is_trial: bool,
    simulation: str | None,
) -> Answer:
    """Give a member a seat: what it may see is released to it."""
    refuse_both(simulation, is_trial=is_trial)
    database, now_us = workplace.database, workplace.now_us
    with showing_progress(code) as progress:
        if is_trial or simulation is not None:
            with database.read() as connection:
                place, member = expect_forum(connection, forum), expect_member(connection, code)
            trial = trial_of_seat(place, member, role)
        if is_trial:
            made = try_out(database, OPERATOR, trial, now_us=now_us, progress=progress)
            return simulation_answer(made, f"comity seat add {forum} {code} --role {role}")
        if simulation is not None:
            change = apply_seat(
                database, OPERATOR, code, trial, simulation, now_us=now_us, progress=progress
            )
        else:
            change = seat_member(
                database, OPERATOR, forum, code, role, now_us=now_us, progress=progress
            )
    return _answer(workplace, forum, code, change)


@seat.command("suspend")
@click.argument("forum")
@click.argument("code")
@working
def suspend(workplace: Workplace, forum: str, code: str) -> Answer:
    """Suspend a seat: its forum is unknown to the member from now on."""
    return _change(workplace, forum, code, "suspended")


@seat.command("reinstate")
@click.argument("forum")
@click.argument("code")
@working
def reinstate(workplace: Workplace, forum: str, code: str) -> Answer:
    """Reinstate a suspended seat: what it may see is released to it."""
    return _change(workplace, forum, code, "active")


@seat.command("end")
@click.argument("forum")
@click.argument("code")
@working
def end(workplace: Workplace, forum: str, code: str) -> Answer:
    """End a seat; `comity seat add` takes it up again."""
    return _change(workplace, forum, code, "ended")


def seat_document(forum: str, row: RosterRow) -> dict[str, Any]:
    """A seat as JSON; `active` says whether it counts now, its member's standing included."""
    return {
        "forum": forum,
        "member": row.name,
        "role": row.role,
        "status": row.status,
        "active": row.is_active,
    }


def _change(workplace: Workplace, forum: str, code: str, status: str) -> Answer:
    with showing_progress(code) as progress:
        change = change_seat(
            workplace.database,
            OPERATOR,
            forum,
            code,
            status,
            now_us=workplace.now_us,
            progress=progress,
        )
    return _answer(workplace, forum, code, change)


def _answer(workplace: Workplace, forum: str, code: str, change: Change) -> Answer:
    with workplace.database.read() as connection:
        rows = list_roster(connection, expect_forum(connection, forum).id)
    row = next(row for row in rows if row.name == code and not row.is_partner)
    text = (
        f"{code} in {forum}: {row.role}, {row.status}; "
        f"versions gained {change.gained}, lost {change.lost}"
    )
    counts = {"gained": change.gained, "lost": change.lost}
    return Answer(seat_document(forum, row) | counts, text)
