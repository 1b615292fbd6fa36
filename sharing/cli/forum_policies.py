"""`comity forum-policy`: a forum's own withhold rules, and the policy a new seat starts with."""

from __future__ import annotations

import json
from typing import Any

import click

from auth.services import OPERATOR
from kernel.commands import Answer, Workplace, showing_progress, working
from sharing.cli.named import expect_forum, read_document
from sharing.cli.policies import version_document
from sharing.queries.policies import (
    NO_RULES,
    SavedDocument,
    find_forum_document,
    list_forum_documents,
)
from sharing.services.policies import Setter, set_forum_policy, set_template


@click.group("forum-policy")
def forum_policy() -> None:
    """A forum's own withhold rules, which hold for all its members."""


@forum_policy.command("set")
@click.argument("forum")
@click.argument("file", metavar="FILE")
@working
def set_(workplace: Workplace, forum: str, file: str) -> Answer:
    """Make FILE (- for standard input) the forum's withhold rules, from now on."""
    document = read_document(file)
    with workplace.database.read() as connection:
        place = expect_forum(connection, forum)
    with showing_progress(f"policy of {forum}") as progress:
        saved = set_forum_policy(
            workplace.database,
            Setter(OPERATOR),
            place.id,
            document,
            now_us=workplace.now_us,
            progress=progress,
        )
    held = _version(workplace, place.id, "withhold", saved.version)
    counts = {"gained": saved.change.gained, "lost": saved.change.lost}
    text = (
        f"policy of {forum}: version {saved.version}, epoch {saved.change.epoch}; "
        f"versions gained {saved.change.gained}, lost {saved.change.lost}"
    )
    return Answer(_document(forum, "withhold", held) | counts, text)


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
