"""`comity release`: versions that are held for being marked looser, until somebody confirms."""

from __future__ import annotations

import click
from sqlalchemy import Connection

from auth.cli import acting
from auth.queries import Person, find_person, list_seated
from auth.reader import Seated
from auth.services import OPERATOR, operator_reader
from kernel.clock import format_version
from kernel.commands import Answer, Workplace, working
from kernel.errors import NotFound
from sharing.cli.named import expect_holder
from sharing.services.confirm import HeldVersion, confirm, list_held
from sharing.services.settling import settled_read


@click.group()
def release() -> None:
    """Versions held for approval: marked looser than before, seen by their originator alone."""


@release.command("list")
@click.argument("code")
@click.argument("forum")
@working
def list_(workplace: Workplace, code: str, forum: str) -> Answer:
    """List a member's held versions in a forum, and whom the rules would let each reach."""
    now_us = workplace.now_us
    with settled_read(workplace.database, now_us=now_us) as connection:
        place, member = expect_holder(connection, code, forum)
        held = list_held(connection, workplace.signer, place.id, member.id, now_us=now_us)
    return Answer({"held": [one.document() for one in held]}, "\n".join(map(_line, held)))


@release.command("confirm")
@click.argument("held_id", metavar="ID")
@acting.for_person("The release-approver.")
def confirm_(workplace: Workplace, held_id: str, email: str) -> Answer:
    """Release a held version, for a release-approver of its member who did not contribute it.

    To refuse it, withdraw it.
    """
    with workplace.database.read() as connection:
        approver = _expect_person(connection, email)
        seats = _list_seats(connection, approver)
        forum_id = _find_forum(connection, workplace, seats, held_id)
    confirmed = confirm(
        workplace.database,
        workplace.signer,
        forum_id,
        approver,
        held_id,
        actor=OPERATOR,
        now_us=workplace.now_us,
    )
    return Answer(confirmed.document(), f"released: {_line(confirmed)}")


def _expect_person(connection: Connection, email: str) -> Person:
    found = find_person(connection, email)
    if found is None:
        raise NotFound("auth.unknown-person", f"no person has the address {email!r}")
    return found


def _list_seats(connection: Connection, approver: Person) -> list[Seated]:
    if approver.member_code is None:
        return []
    return list_seated(connection, operator_reader(connection, approver.member_code))


def _find_forum(
    connection: Connection, workplace: Workplace, seats: list[Seated], held_id: str
) -> int:
    """The forum in which the approver's member has this version held."""
    for seated in seats:
        if seated.member_id is None:
            continue
        held = list_held(
            connection,
            workplace.signer,
            seated.forum_id,
            seated.member_id,
            now_us=workplace.now_us,
        )
        if any(one.id == held_id for one in held):
            return seated.forum_id
    raise NotFound(
        "sharing.unknown-held",
        "this person's member has no such version held; see `comity release list CODE FORUM`",
    )


def _line(held: HeldVersion) -> str:
    reached = ", ".join(held.would_reach) or "nobody"
    return f"{held.id}  {held.stix_id}  {format_version(held.version_us)}  would reach {reached}"
