"""`comity recall`: take back what was served; list and acknowledge notices."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, Final

import click

from auth.cli import acting
from auth.queries import expect_member, list_seated
from auth.reader import Seated
from auth.services import operator_reader
from kernel.clock import parse_instant
from kernel.commands import Answer, Workplace
from kernel.errors import NotFound
from sharing.cli.named import expect_place
from sharing.queries.recalls import (
    ReceivedRecall,
    Told,
    find_sent,
    list_received_recalls,
    list_sent_recalls,
    list_told,
)
from sharing.services.inquire import find_served
from sharing.services.notices import acknowledge, gather_notices
from sharing.services.recall import NewRecall, naming, recall
from sharing.services.settling import settled_read
from sharing.services.withdraw import every_version

_SEND: Final = "send"


class _Recalls(click.Group):
    """`comity recall OBJECT_ID ...` sends a recall; its other words are commands."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands:
            args = [_SEND, *args]
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # Options may come before the id; the group itself has none but --help.
        if args and args[0].startswith("-") and args[0] not in ctx.help_option_names:
            args = [_SEND, *args]
        return super().parse_args(ctx, args)


@click.group(
    "recall",
    cls=_Recalls,
    subcommand_metavar="(OBJECT_ID --collection ID --as CODE --reason R [...] | COMMAND)",
)
def recall_() -> None:
    """Take back what was served: `comity recall OBJECT_ID ...`; see `comity recall send --help`.

    Whoever had been served a recalled version finds a notice, and acknowledges it.
    """


@recall_.command(_SEND)
@click.argument("object_id", metavar="OBJECT_ID")
@click.option("--collection", "ref", required=True, metavar="ID", help="Its id or alias.")
@click.option("--reason", required=True, metavar="R", help="Told to whoever had been served it.")
@click.option(
    "--version", "versions", multiple=True, metavar="V", help="Once or more; all without it."
)
@click.option("--never-return", is_flag=True, help="Refuse these versions for ever.")
@click.option("--keep", is_flag=True, help="Tell, and leave the versions where they are.")
@acting.for_member("The originator.")
def send(
    workplace: Workplace,
    *,
    object_id: str,
    ref: str,
    code: str,
    reason: str,
    versions: Sequence[str],
    never_return: bool,
    keep: bool,
) -> Answer:
    """Recall versions of an object: withdraw them, and tell whoever had been served them."""
    choose = naming(map(parse_instant, versions)) if versions else every_version
    new = NewRecall(str(uuid.uuid4()), object_id, reason, choose, never_return, keep)
    with workplace.database.read() as connection:
        seated, place = expect_place(connection, code, ref)
    recall(workplace.database, seated, place, new, now_us=workplace.now_us)
    document = _sent_document(workplace, seated, new.uuid)
    text = f"recall {new.uuid}: {_count(document['told'], 'recipient')} told"
    return Answer(document, "\n".join([text, *_lines(document["notices"])]))


@recall_.command("list")
@click.option("--forum", metavar="SLUG", help="In this forum only.")
@acting.for_member("Whose recalls.")
def list_(workplace: Workplace, code: str, forum: str | None) -> Answer:
    """List the recalls of what a member received, and those it has sent with their receipts."""
    received, sent = [], []
    for seated in _seats(workplace, code, forum):
        place = {"forum": seated.forum_slug}
        gather_notices(workplace.database, seated.forum_id, now_us=workplace.now_us)
        with settled_read(workplace.database, now_us=workplace.now_us) as connection:
            told = list_received_recalls(connection, seated)
            names = [one.uuid for one in list_sent_recalls(connection, seated)]
        received += [one.document() | place for one in told]
        sent += [_sent_document(workplace, seated, name) | place for name in names]
    lines = [
        f"received  {one['id']}  {one['object_id']}  {one['acknowledged'] or 'not acknowledged'}"
        for one in received
    ]
    lines += [
        f"sent      {one['id']}  {one['object_id']}  "
        f"acknowledged by {one['acknowledged']} of {one['told']}"
        for one in sent
    ]
    return Answer({"received": received, "sent": sent}, "\n".join(lines))


@recall_.command("acknowledge")
@click.argument("recall_id", metavar="ID")
@acting.for_member("Who takes note.")
def acknowledge_(workplace: Workplace, recall_id: str, code: str) -> Answer:
    """Take note of a recall on behalf of a member; its originator sees the receipt."""
    for seated in _seats(workplace, code, None):
        gather_notices(workplace.database, seated.forum_id, now_us=workplace.now_us)
        if _find(workplace, seated, recall_id) is None:
            continue
        acknowledge(workplace.database, seated, recall_id, now_us=workplace.now_us)
        taken = _find(workplace, seated, recall_id)
        if taken is not None:
            return Answer(
                taken.document() | {"forum": seated.forum_slug}, f"{recall_id}: acknowledged"
            )
    raise NotFound(
        "sharing.unknown-recall",
        f"{code} has no notice of such a recall; see `comity recall list --as {code}`",
    )


@recall_.command("served")
@click.argument("object_id", metavar="OBJECT_ID")
@click.option("--collection", "ref", required=True, metavar="ID", help="Its id or alias.")
@acting.for_member("The originator.")
def served(workplace: Workplace, object_id: str, ref: str, code: str) -> Answer:
    """Tell who had been served what of a member's own object; nothing is recalled."""
    with workplace.database.read() as connection:
        seated, place = expect_place(connection, code, ref)
    found = find_served(workplace.database, seated, place, object_id, None, now_us=workplace.now_us)
    told = [_served(one) for one in found]
    return Answer({"object_id": object_id, "served": told}, "\n".join(_lines(told)))


def _seats(workplace: Workplace, code: str, forum: str | None) -> list[Seated]:
    with workplace.database.read() as connection:
        expect_member(connection, code)
        seats = list_seated(connection, operator_reader(connection, code))
    found = [seated for seated in seats if forum in (None, seated.forum_slug)]
    if forum is not None and not found:
        raise NotFound("auth.unknown-seat", f"{code} has no active seat in {forum!r}")
    return found


def _find(workplace: Workplace, seated: Seated, recall_id: str) -> ReceivedRecall | None:
    with workplace.database.read() as connection:
        found = list_received_recalls(connection, seated)
    return next((one for one in found if one.uuid == recall_id), None)


def _sent_document(workplace: Workplace, seated: Seated, name: str) -> dict[str, Any]:
    with workplace.database.read() as connection:
        sent = find_sent(connection, seated, name)
        if sent is None:
            raise NotFound("sharing.unknown-recall", "the member has sent no such recall")
        told = list_told(connection, seated, sent)
    return sent.document(told) | {"notices": [one.document() for one in told]}


def _served(one: Told) -> dict[str, Any]:
    document = one.document()
    del document["acknowledged"]
    return document


def _lines(told: list[dict[str, Any]]) -> list[str]:
    return [
        f"{one['recipient']:20}{one['version']}  "
        + ("its content" if one["content"] else "told of it only")
        + (f", less {', '.join(one['less'])}" if one["less"] else "")
        for one in told
    ]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
