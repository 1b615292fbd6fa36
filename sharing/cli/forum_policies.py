"""`comity forum-policy`: a forum's own withhold rules, and the policy a new seat starts with."""

from __future__ import annotations

import json
from typing import Any

import click

from auth.services import OPERATOR
from kernel.commands import Answer, Workplace, showing_progress, working
from sharing.cli.named import expect_forum, read_document
from sharing.cli.policies import version_document
from sharing.cli.simulations import simulation_answer
from sharing.queries.policies import (
    NO_RULES,
    SavedDocument,
    find_forum_document,
    list_forum_documents,
)
from sharing.services.policies import Setter, set_forum_policy, set_template
from sharing.services.simulations import apply_forum_policy, trial_of_forum_policy, try_out


@click.group("forum-policy")
def forum_policy() -> None:
    """A forum's own withhold rules, which hold for all its members."""


@forum_policy.command("set")
@click.argument("forum")
@click.argument("file", metavar="FILE")
@click.option("--simulation", metavar="ID", help="Only if it does exactly what this one said.")
@working
def set_(workplace: Workplace, forum: str, file: str, simulation: str | None) -> Answer:
    """Make FILE (- for standard input) the forum's withhold rules, from now on."""
    document = read_document(file)
    with workplace.database.read() as connection:
        place = expect_forum(connection, forum)
    setter, database, now_us = Setter(OPERATOR), workplace.database, workplace.now_us
    with showing_progress(f"policy of {forum}") as progress:
        if simulation is None:
            saved = set_forum_policy(
                database, setter, place.id, document, now_us=now_us, progress=progress
            )
        else:
            trial = trial_of_forum_policy(place, document)
            saved = apply_forum_policy(
                database, setter, trial, simulation, now_us=now_us, progress=progress
            )
    held = _version(workplace, place.id, "withhold", saved.version)
    counts = {"gained": saved.change.gained, "lost": saved.change.lost}
    text = (
        f"policy of {forum}: version {saved.version}, epoch {saved.change.epoch}; "
        f"versions gained {saved.change.gained}, lost {saved.change.lost}"
    )
    return Answer(_document(forum, "withhold", held) | counts, text)


@forum_policy.command("simulate")
@click.argument("forum")
@click.argument("file", metavar="FILE")
@working
def simulate(workplace: Workplace, forum: str, file: str) -> Answer:
    """Tell what FILE (- for standard input) would change as the forum's rules; change nothing."""
    document = read_document(file)
    with workplace.database.read() as connection:
        place = expect_forum(connection, forum)
    trial = trial_of_forum_policy(place, document)
    with showing_progress(f"policy of {forum}") as progress:
        made = try_out(
            workplace.database, OPERATOR, trial, now_us=workplace.now_us, progress=progress
        )
    return simulation_answer(made, f"comity forum-policy set {forum} {file}")


@forum_policy.command("show")
@click.argument("forum")
@working
def show(workplace: Workplace, forum: str) -> Answer:
    """Show the forum's withhold rules that hold."""
    return _shown(workplace, forum, "withhold")


@forum_policy.group("template")
def template() -> None:
    """The policy that a new seat starts with; without one it shares nothing."""


@template.command("set")
@click.argument("forum")
@click.argument("file", metavar="FILE")
@working
def set_template_(workplace: Workplace, forum: str, file: str) -> Answer:
    """Make FILE (- for standard input) the policy that a new seat starts with."""
    document = read_document(file)
    with workplace.database.read() as connection:
        place = expect_forum(connection, forum)
    saved = set_template(
        workplace.database, Setter(OPERATOR), place.id, document, now_us=workplace.now_us
    )
    held = _version(workplace, place.id, "template", saved.version)
    text = f"template of {forum}: version {saved.version}; seats that are taken keep their policy"
    return Answer(_document(forum, "template", held), text)


@template.command("show")
@click.argument("forum")
@working
def show_template(workplace: Workplace, forum: str) -> Answer:
    """Show the policy that a new seat starts with."""
    return _shown(workplace, forum, "template")


def _shown(workplace: Workplace, forum: str, kind: str) -> Answer:
    with workplace.database.read() as connection:
        held = find_forum_document(connection, expect_forum(connection, forum).id, kind)
    return Answer(_document(forum, kind, held), held.document if held else NO_RULES)


def _version(workplace: Workplace, forum_id: int, kind: str, version: int) -> SavedDocument:
    """The version just saved, even if another has been saved since."""
    with workplace.database.read() as connection:
        versions = list_forum_documents(connection, forum_id, kind)
    return next(held for held in versions if held.version == version)


def _document(forum: str, kind: str, held: SavedDocument | None) -> dict[str, Any]:
    """The forum's document as JSON; version 0 and no rules while none was ever set."""
    keys: dict[str, Any] = {"forum": forum, "kind": kind}
    if held is None:
        document = json.loads(NO_RULES)
        return keys | {"epoch": 0, "version": 0, "set": None, "set_by": None, "document": document}
    return keys | {"epoch": held.epoch} | version_document(held)
