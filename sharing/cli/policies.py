"""`comity policy` and `comity accepts`: what a member shares, and what it declines."""

from __future__ import annotations

from typing import Any

import click

from auth.services import OPERATOR
from kernel.clock import format_instant
from kernel.commands import Answer, Workplace, showing_progress, working
from kernel.errors import NotFound
from sharing.cli.named import expect_holder, read_document
from sharing.cli.simulations import simulation_answer
from sharing.queries.policies import (
    SavedDocument,
    find_policy,
    list_accepts,
    list_policies,
)
from sharing.services.policies import Setter, set_accepts, set_policy
from sharing.services.simulations import apply_policy, trial_of_policy, try_out


@click.group()
def policy() -> None:
    """What a member shares with whom: one versioned document for each forum."""


@policy.command("set")
@click.argument("code")
@click.argument("forum")
@click.argument("file", metavar="FILE")
@click.option("--simulation", metavar="ID", help="Only if it does exactly what this one said.")
@working
def set_(workplace: Workplace, code: str, forum: str, file: str, simulation: str | None) -> Answer:
    """Make FILE (- for standard input) the member's policy in the forum, from now on."""
    document = read_document(file)
    with workplace.database.read() as connection:
        place, member = expect_holder(connection, code, forum)
    setter, database, now_us = Setter(OPERATOR), workplace.database, workplace.now_us
    with showing_progress(f"policy of {code}") as progress:
        if simulation is None:
            saved = set_policy(
                database, setter, place.id, member.id, document, now_us=now_us, progress=progress
            )
        else:
            trial = trial_of_policy(place, member.id, document)
            saved = apply_policy(
                database, setter, trial, simulation, now_us=now_us, progress=progress
            )
    with workplace.database.read() as connection:
        versions = list_policies(connection, place.id, member.id)
    held = next(version for version in versions if version.version == saved.version)
    counts = {"gained": saved.change.gained, "lost": saved.change.lost}
    text = (
        f"policy of {code} in {forum}: version {saved.version}, epoch {saved.change.epoch}; "
        f"versions gained {saved.change.gained}, lost {saved.change.lost}"
    )
    return Answer(policy_document(code, forum, held) | counts, text)


@policy.command("simulate")
@click.argument("code")
@click.argument("forum")
@click.argument("file", metavar="FILE")
@working
def simulate(workplace: Workplace, code: str, forum: str, file: str) -> Answer:
    """Tell what FILE (- for standard input) would change as the member's policy; change nothing."""
    document = read_document(file)
    with workplace.database.read() as connection:
        place, member = expect_holder(connection, code, forum)
    trial = trial_of_policy(place, member.id, document)
    with showing_progress(f"policy of {code}") as progress:
        made = try_out(
            workplace.database, OPERATOR, trial, now_us=workplace.now_us, progress=progress
        )
    return simulation_answer(made, f"comity policy set {code} {forum} {file}")


@policy.command("show")
@click.argument("code")
@click.argument("forum")
@working
def show(workplace: Workplace, code: str, forum: str) -> Answer:
    """Show the member's policy that holds in the forum."""
    with workplace.database.read() as connection:
        place, member = expect_holder(connection, code, forum)
        held = find_policy(connection, place.id, member.id)
    if held is None:
        raise NotFound("sharing.no-policy", f"{code} has no policy in {forum}; it shares nothing")
    return Answer(policy_document(code, forum, held), held.document)


@policy.command("history")
@click.argument("code")
@click.argument("forum")
@working
def history(workplace: Workplace, code: str, forum: str) -> Answer:
    """List every version of the member's policy in the forum, newest first."""
    with workplace.database.read() as connection:
        place, member = expect_holder(connection, code, forum)
        versions = list_policies(connection, place.id, member.id)
    return Answer(
        [policy_document(code, forum, version) for version in versions],
        "\n".join(_line(version) for version in versions),
    )


@click.group()
def accepts() -> None:
    """What a member declines to receive in a forum."""


@accepts.command("set")
@click.argument("code")
@click.argument("forum")
@click.argument("file", metavar="FILE")
@working
def set_accepts_(workplace: Workplace, code: str, forum: str, file: str) -> Answer:
    """Make FILE (- for standard input) what the member accepts in the forum, from now on."""
    document = read_document(file)
    with workplace.database.read() as connection:
        place, member = expect_holder(connection, code, forum)
    with showing_progress(f"accepts of {code}") as progress:
        set_accepts(
            workplace.database,
            Setter(OPERATOR),
            place.id,
            member.id,
            document,
            now_us=workplace.now_us,
            progress=progress,
        )
    with workplace.database.read() as connection:
        held = list_accepts(connection, place.id, member.id)[0]
    text = f"accepts of {code} in {forum}: version {held.version}"
    return Answer(accepts_document(code, forum, held), text)


@accepts.command("show")
@click.argument("code")
@click.argument("forum")
@working
def show_accepts(workplace: Workplace, code: str, forum: str) -> Answer:
    """Show what the member accepts in the forum; everything, unless it has said otherwise."""
    with workplace.database.read() as connection:
        place, member = expect_holder(connection, code, forum)
        versions = list_accepts(connection, place.id, member.id)
    if not versions:
        nothing = {"member": code, "forum": forum, "version": 0, "document": {}}
        return Answer(nothing, f"{code} accepts everything in {forum}")
    return Answer(accepts_document(code, forum, versions[0]), versions[0].document)


def policy_document(code: str, forum: str, held: SavedDocument) -> dict[str, Any]:
    """A version of a member's policy as JSON, the document itself included."""
    return accepts_document(code, forum, held) | {"epoch": held.epoch}


def accepts_document(code: str, forum: str, held: SavedDocument) -> dict[str, Any]:
    """A version of what a member accepts as JSON."""
    return {"member": code, "forum": forum} | version_document(held)


def version_document(held: SavedDocument) -> dict[str, Any]:
    """What every saved document has; `set` is the instant at which it was set."""
    return {
        "version": held.version,
        "set": format_instant(held.set_us),
        "set_by": held.set_by,
        "document": held.shown,
    }


def _line(held: SavedDocument) -> str:
    return (
        f"version {held.version:<5}epoch {held.epoch:<8}{format_instant(held.set_us, digits=3)}  "
        f"{held.set_by}"
    )
