"""`comity person`: the people of members and secretariats, and operators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TextIO

import click
from sqlalchemy import Connection

from auth.queries import Person, expect_member, find_person, list_persons
from auth.services import OPERATOR, PersonsBody, add_person, disable_person
from auth.services.links import make_link
from auth.services.passwords import set_password
from kernel.commands import Answer, Workplace, working
from kernel.errors import NotFound


@click.group()
def person() -> None:
    """People who act for a member, for a forum's secretariat, or as operators."""


@person.command("add")
@click.argument("code", required=False)
@click.option("--forum", metavar="SLUG", help="For this forum's secretariat.")
@click.option("--operator", is_flag=True, help="As an operator of this installation.")
@click.option("--email", required=True, metavar="E")
@click.option("--role", "roles", multiple=True, metavar="R", help="Once or more.")
@working
def add(
    workplace: Workplace,
    *,
    code: str | None,
    forum: str | None,
    operator: bool,
    email: str,
    roles: Sequence[str],
) -> Answer:
    """Add a person."""
    body = PersonsBody(code, forum, operator)
    with workplace.database.write() as connection:
        add_person(connection, body, email, roles, actor=OPERATOR, now_us=workplace.now_us)
        return _answer(connection, email)


@person.command("list")
@click.argument("code", required=False)
@working
def list_(workplace: Workplace, code: str | None) -> Answer:
    """List everybody, or the people of one member."""
    with workplace.database.read() as connection:
        member = None if code is None else expect_member(connection, code)
        found = list_persons(connection, member.id if member else None)
    return Answer([document_of(one) for one in found], "\n".join(_line(one) for one in found))


@person.command("disable")
@click.argument("email")
@working
def disable(workplace: Workplace, email: str) -> Answer:
    """Disable a person: credentials that carry its roles are refused at their next use."""
    with workplace.database.write() as connection:
        disable_person(connection, email, actor=OPERATOR, now_us=workplace.now_us)
        return _answer(connection, email)


@person.command("link")
@click.argument("email")
@working
def link(workplace: Workplace, email: str) -> Answer:
    """Make a link that signs a person in once, within a day: the first time, or for recovery."""
    with workplace.database.write() as connection:
        found = _expect(connection, email)
        token = make_link(
            connection, workplace.signer, found, actor=OPERATOR, now_us=workplace.now_us
        )
    path = f"/sign-in/link?token={token}"
    address = f"{workplace.settings.public_url.rstrip('/')}{path}"
    return Answer({"email": found.email, "link": address}, address)


@person.command("password")
@click.argument("email")
@click.option(
    "--password-file",
    type=click.File("r", encoding="utf-8"),
    metavar="F",
    help="Its first line is the password; asked for on a terminal without it.",
)
@working
def password(workplace: Workplace, email: str, password_file: TextIO | None) -> Answer:
    """Set a person's password; all sessions of the person end."""
    if password_file is not None:
        text = password_file.readline().rstrip("\r\n")
    else:
        text = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    with workplace.database.write() as connection:
        found = _expect(connection, email)
        set_password(connection, found, text, actor=OPERATOR, now_us=workplace.now_us)
        return _answer(connection, email)


def document_of(found: Person) -> dict[str, Any]:
    """A person as JSON: one of `member`, `forum`, `operator` says for whom it acts."""
    return {
        "email": found.email,
        "member": found.member_code,
        "forum": found.forum_slug,
        "operator": found.is_operator,
        "roles": sorted(found.roles),
        "status": found.status,
    }


def _expect(connection: Connection, email: str) -> Person:
    found = find_person(connection, email)
    if found is None:
        raise NotFound(
            "auth.unknown-person", f"no person has the address {email!r}; see `comity person list`"
        )
    return found


def _answer(connection: Connection, email: str) -> Answer:
    found = _expect(connection, email)
    return Answer(document_of(found), _line(found))


def _line(found: Person) -> str:
    acts_for = found.member_code or found.forum_slug or "operators"
    return f"{found.email}  {found.status}  {acts_for}  {', '.join(sorted(found.roles))}"
