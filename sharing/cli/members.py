"""`comity member`: members, and what suspending one withdraws."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import click
from sqlalchemy import Connection

from auth.queries import Member, expect_member, list_members
from auth.services import OPERATOR, MemberChange, NewMember, add_member
from kernel.commands import Answer, Workplace, showing_progress, working
from sharing.cli.simulations import refuse_both, simulation_answer
from sharing.rules.tlp import Tlp
from sharing.services.seating import change_member, set_member
from sharing.services.simulations import apply_suspension, trial_of_suspension, try_out

_COMMANDS: Final = {"suspended": "suspend", "departed": "depart"}


@click.group()
def member() -> None:
    """States and organisations that take part in this installation."""


@member.command("add")
@click.argument("code")
@click.option("--name", required=True, metavar="N")
@click.option("--jurisdiction", metavar="J")
@click.option("--bloc", "blocs", multiple=True, metavar="B", help="Once or more.")
@click.option("--residency", metavar="R", help="Where it stores data.")
@click.option("--accredited-to", default="red", metavar="TLP", show_default=True)
@click.option(
    "--identity", "identities", multiple=True, metavar="STIX_ID", help="Bound to it; once or more."
)
@working
def add(
    workplace: Workplace,
    code: str,
    name: str,
    jurisdiction: str | None,
    blocs: Sequence[str],
    residency: str | None,
    accredited_to: str,
    identities: Sequence[str],
) -> Answer:
    """Add a member."""
    new = NewMember(
        code=code,
        name=name,
        jurisdiction=jurisdiction,
        residency=residency,
        blocs=blocs,
        identities=identities,
        accredited_to=int(Tlp.parse(accredited_to)),
    )
    with workplace.database.write() as connection:
        add_member(connection, new, actor=OPERATOR, now_us=workplace.now_us)
        return _answer(connection, code)


@member.command("list")
@working
def list_(workplace: Workplace) -> Answer:
    """List the members."""
    with workplace.database.read() as connection:
        found = list_members(connection)
    return Answer([document_of(one) for one in found], "\n".join(_line(one) for one in found))


@member.command("show")
@click.argument("code")
@working
def show(workplace: Workplace, code: str) -> Answer:
    """Show one member."""
    with workplace.database.read() as connection:
        document = document_of(expect_member(connection, code))
    lines = [f"{key:15}{_as_text(value)}" for key, value in document.items()]
    return Answer(document, "\n".join(lines))


@member.command("set")
@click.argument("code")
@click.option("--name", metavar="N")
@click.option("--jurisdiction", metavar="J", help='"" for none.')
@click.option("--residency", metavar="R", help='Where it stores data; "" for none.')
@click.option("--accredited-to", metavar="TLP")
@click.option("--bloc", "joins", multiple=True, metavar="B", help="Adds one; once or more.")
@click.option("--no-bloc", "leaves", multiple=True, metavar="B", help="Takes one away.")
@click.option("--identity", "binds", multiple=True, metavar="STIX_ID", help="Binds one to it.")
@click.option("--no-identity", "unbinds", multiple=True, metavar="STIX_ID", help="Unbinds one.")
@working
def set_(  # noqa: PLR0913 - the attributes of a member, all of them
    workplace: Workplace,
    code: str,
    *,
    name: str | None,
    jurisdiction: str | None,
    residency: str | None,
    accredited_to: str | None,
    joins: Sequence[str],
    leaves: Sequence[str],
    binds: Sequence[str],
    unbinds: Sequence[str],
) -> Answer:
    """Change what a member is: what it may see follows at once in every forum.

    What is not given stays. A lower --accredited-to withdraws, a higher one releases; whose
    identity an object is made by decides whose copy of it stands.
    """
    change = MemberChange(
        name=name,
        jurisdiction=jurisdiction,
        residency=residency,
        accredited_to=None if accredited_to is None else int(Tlp.parse(accredited_to)),
        joins=joins,
        leaves=leaves,
        binds=binds,
        unbinds=unbinds,
    )
    if change == MemberChange():
        raise click.UsageError("give at least one option: what is to change")
    with showing_progress(code) as progress:
        set_member(
            workplace.database, OPERATOR, code, change, now_us=workplace.now_us, progress=progress
        )
    with workplace.database.read() as connection:
        return _answer(connection, code)


def _to_try_out(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--simulation", metavar="ID", help="Only if it does exactly what this said."),
        click.option(
            "--simulate", "is_trial", is_flag=True, help="Tell what would change; change nothing."
        ),
    ):
        command = option(command)
    return command


@member.command("suspend")
@click.argument("code")
@_to_try_out
@working
def suspend(workplace: Workplace, code: str, *, is_trial: bool, simulation: str | None) -> Answer:
    """Suspend a member everywhere: it is refused from now on and receives nothing."""
    return _stop(workplace, code, "suspended", simulation, is_trial=is_trial)


@member.command("depart")
@click.argument("code")
@_to_try_out
@working
def depart(workplace: Workplace, code: str, *, is_trial: bool, simulation: str | None) -> Answer:
    """A member leaves: it is refused from now on everywhere and receives nothing.

    What it contributed stays under its last policy; a forum's rules may withhold it
    (`comity forum-policy`). `comity member reinstate` takes it in again.
    """
    return _stop(workplace, code, "departed", simulation, is_trial=is_trial)


@member.command("reinstate")
@click.argument("code")
@working
def reinstate(workplace: Workplace, code: str) -> Answer:
    """Reinstate a member that was suspended or has departed: what it may see is released to it.

    Its seats, credentials and persons are what they were: revoke or disable what shall not return.
    """
    return _change(workplace, code, "active")


def document_of(found: Member) -> dict[str, Any]:
    """A member as JSON."""
    return {
        "code": found.code,
        "name": found.name,
        "status": found.status,
        "jurisdiction": found.jurisdiction,
        "blocs": sorted(found.blocs),
        "residency": found.residency,
        "accredited_to": Tlp(found.accredited_to).text,
        "identities": sorted(found.identities),
    }


def _stop(
    workplace: Workplace, code: str, status: str, simulation: str | None, *, is_trial: bool
) -> Answer:
    refuse_both(simulation, is_trial=is_trial)
    if not is_trial and simulation is None:
        return _change(workplace, code, status)
    database, now_us = workplace.database, workplace.now_us
    with database.read() as connection:
        trial = trial_of_suspension(connection, expect_member(connection, code), status)
    with showing_progress(code) as progress:
        if simulation is None:
            made = try_out(database, OPERATOR, trial, now_us=now_us, progress=progress)
            return simulation_answer(made, f"comity member {_COMMANDS[status]} {code}")
        apply_suspension(
            database, OPERATOR, code, trial, simulation, now_us=now_us, progress=progress
        )
    with database.read() as connection:
        return _answer(connection, code)


def _change(workplace: Workplace, code: str, status: str) -> Answer:
    with showing_progress(code) as progress:
        change_member(
            workplace.database, OPERATOR, code, status, now_us=workplace.now_us, progress=progress
        )
    with workplace.database.read() as connection:
        return _answer(connection, code)


def _answer(connection: Connection, code: str) -> Answer:
    found = expect_member(connection, code)
    return Answer(document_of(found), _line(found))


def _line(found: Member) -> str:
    return f"{found.code:16}{found.status:11}{found.name}"


def _as_text(value: Any) -> str:  # noqa: ANN401 - any value of a JSON document
    if isinstance(value, list):
        return ", ".join(value) or "-"
    return "-" if value is None else str(value)
