"""Whoever holds the host can act for any member: every `--as` is on the audit trail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from app import main
from auth.cli import acting
from auth.tables import audit
from kernel.commands import Answer, Workplace
from kernel.errors import BadInput
from sharing.tables import delivery
from tests.sharing.cli.running import SHARES_WITH_XBB, Installation, indicator
from tests.sharing.cli.test_exports import list_rows

PERSON = "ana@xaa.example"


def list_acting(command: click.Command, *path: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each command with `--as`, with what it needs to be run at all, and what `--as` takes."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from list_acting(found, *path, name)
        return
    named = [one for one in command.params if "--as" in one.opts]
    if named:
        yield (*path, *list_needed(command)), str(named[0].metavar)


def list_needed(command: click.Command) -> Iterator[str]:
    for one in command.params:
        if not one.required or "--as" in one.opts:
            continue
        if isinstance(one, click.Option):
            yield one.opts[0]
        yield "x"


COMMANDS = list(list_acting(main))


def list_uses(installation: Installation) -> list[tuple[str, str, int | None]]:
    rows = list_rows(installation, audit)
    return [(row.actor, row.subject, row.member_id) for row in rows if row.action == "command.as"]


def test_there_are_commands_that_act_for_somebody() -> None:
    told = {" ".join(words[:2]) for words, _ in COMMANDS}
    assert told >= {"recall list", "recall served", "recall send", "explain x", "norms record"}
    assert len(COMMANDS) >= 9


@pytest.mark.parametrize(("words", "metavar"), COMMANDS, ids=str)
def test_every_use_is_on_record_though_it_is_refused(
    embedded_harbour: Installation, words: tuple[str, ...], metavar: str, tmp_path: Path
) -> None:
    words = tuple(str(tmp_path / "x") if one == "x" else one for one in words)
    embedded_harbour.done("person", "add", "XAA", "--email", PERSON, "--role", "reader")
    unknown = {"CODE": "XZZ", "EMAIL": "nobody@xaa.example"}
    assert embedded_harbour.run(*words, "--as", unknown[metavar]).code == 1
    assert list_uses(embedded_harbour) == []
    known = {"CODE": "XAA", "EMAIL": PERSON}
    assert embedded_harbour.run(*words, "--as", known[metavar]).code in (0, 1)
    [(actor, subject, member_id)] = list_uses(embedded_harbour)
    path = subject.removeprefix("command:").split()
    assert (actor, list(words[: len(path)])) == ("operator", path)
    assert member_id is not None


def test_it_is_on_record_what_was_asked_and_its_member_s_auditors_can_read_it(
    embedded_harbour: Installation,
) -> None:
    long = "r" * 500
    embedded_harbour.refused(
        *("recall", "indicator--x", "--collection", "reports", "--as", "XBB", "--reason", long),
        *("--version", "2026-01-01T00:00:00Z", "--keep"),
    )
    [entry] = [one for one in list_rows(embedded_harbour, audit) if one.action == "command.as"]
    assert entry.subject == "command:recall send"
    assert json.loads(entry.detail) == {
        "object_id": "indicator--x",
        "collection": "reports",
        "as": "XBB",
        "reason": "r" * 200,
        "version": ["2026-01-01T00:00:00Z"],
        "keep": True,
    }


def test_a_number_that_was_asked_for_is_on_record_though_it_is_0(
    embedded_harbour: Installation,
) -> None:
    @click.command("odd")
    @click.option("--most", type=int)
    @click.option("--least", type=int)
    @click.option("--all", "is_all", is_flag=True)
    @acting.for_member("Who.")
    def odd(workplace: Workplace, code: str, **given: object) -> Answer:
        del workplace, code, given
        return Answer({}, "")

    main.add_command(odd)
    try:
        embedded_harbour.done("odd", "--as", "XAA", "--most", "0")
    finally:
        main.commands.pop("odd")
    [entry] = [one for one in list_rows(embedded_harbour, audit) if one.action == "command.as"]
    assert json.loads(entry.detail)["most"] == 0
    assert json.loads(entry.detail).keys() == {"as", "most", "json"}


def test_a_use_is_on_record_before_the_command_does_anything(
    embedded_harbour: Installation,
) -> None:
    """Control: it is the option that records, not what the command does."""

    @click.command("odd")
    @acting.for_person("Who.", required=False)
    def odd(workplace: Workplace, email: str | None) -> Answer:
        del workplace
        if email is not None:
            raise BadInput("kernel.bad-argument", "no")
        return Answer({}, "")

    main.add_command(odd)
    try:
        embedded_harbour.done("person", "add", "XAA", "--email", PERSON, "--role", "reader")
        embedded_harbour.done("odd")
        assert list_uses(embedded_harbour) == []
        embedded_harbour.refused("odd", "--as", PERSON)
    finally:
        main.commands.pop("odd")
    assert [subject for _, subject, _ in list_uses(embedded_harbour)] == ["command:odd"]


def test_what_explain_tells_of_another_s_object_is_a_delivery_that_a_recall_finds(
    harbour: Installation,
) -> None:
    harbour.set_policy("XAA", SHARES_WITH_XBB)
    given = indicator(1)
    harbour.done(
        *("import", "-", "--member", "XAA", "--collection", "reports"), given=json.dumps(given)
    )
    asked = ("explain", str(given["id"]), "--collection", "reports")
    harbour.done(*asked, "--as", "XAA")
    # Of its own nothing was served to it; what it may not see is not served either.
    harbour.refused(*asked, "--as", "XBB", "--recipient", "XAA")
    assert list_rows(harbour, delivery) == []
    harbour.done(*asked, "--as", "XBB")
    [served] = list_rows(harbour, delivery)
    assert (served.door, served.credential_id, served.count) == ("api", "operator", 1)
    sent = harbour.done(
        *("recall", str(given["id"]), "--collection", "reports", "--as", "XAA", "--reason", "R")
    )
    assert [(one["recipient"], one["content"]) for one in sent["notices"]] == [("XBB", False)]
