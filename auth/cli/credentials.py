"""`comity credential`: issue, list, revoke and rotate API credentials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
from sqlalchemy import Connection

from auth.queries import (
    Credential,
    expect_member,
    find_credential,
    find_forum,
    find_partner,
    list_credentials,
)
from auth.reader import SCOPES
from auth.services import (
    OPERATOR,
    Issued,
    NewCredential,
    add_credential,
    revoke_credential,
    rotate_credential,
)
from kernel.clock import format_instant, parse_instant
from kernel.commands import Answer, Workplace, working
from kernel.errors import NotFound


@click.group()
def credential() -> None:
    """API credentials of members and partners."""


@credential.command("add")
@click.argument("code", required=False)
@click.option("--partner", metavar="FORUM/NAME", help="The partner it acts for, not a member.")
@click.option("--secretariat", metavar="FORUM", help="The forum whose secretariat it acts for.")
@click.option("--name", required=True, help="What it is for, in words.")
@click.option("--kind", default="machine", metavar="[machine|individual]", show_default=True)
@click.option("--person", metavar="EMAIL", help="Whose roles an individual credential carries.")
@click.option(
    "--scope", "scopes", multiple=True, metavar="S", help=f"{', '.join(SCOPES)}; default all."
)
@click.option("--expires", metavar="T", help="When it ends: 2027-01-31T00:00:00Z.")
@working
def add(  # noqa: PLR0913, PLR0917 - the options of the command
    workplace: Workplace,
    code: str | None,
    partner: str | None,
    secretariat: str | None,
    name: str,
    kind: str,
    person: str | None,
    scopes: Sequence[str],
    expires: str | None,
) -> Answer:
    """Issue a credential. Its secret is shown once."""
    new = NewCredential(
        name=name,
        member_code=code,
        partner=partner,
        secretariat=secretariat,
        kind=kind,
        person_email=person,
        scopes=scopes,
        expires_us=None if expires is None else parse_instant(expires),
    )
    with workplace.database.write() as connection:
        issued = add_credential(
            connection, workplace.signer, new, actor=OPERATOR, now_us=workplace.now_us
        )
        return _issued(connection, issued)


@credential.command("list")
@click.argument("code", required=False)
@click.option("--partner", metavar="FORUM/NAME", help="A partner's, not a member's.")
@click.option("--secretariat", metavar="FORUM", help="A forum's secretariat's.")
@working
def list_(
    workplace: Workplace, code: str | None, partner: str | None, secretariat: str | None
) -> Answer:
    """List the credentials of a member, a partner or a secretariat, without their secrets."""
    if sum(one is not None for one in (code, partner, secretariat)) != 1:
        raise click.UsageError(
            "name one of: a member's CODE, --partner FORUM/NAME, --secretariat FORUM"
        )
    with workplace.database.read() as connection:
        if code is not None:
            found = list_credentials(connection, member_id=expect_member(connection, code).id)
        elif partner is not None:
            found = list_credentials(connection, partner_id=_partner_id(connection, partner))
        else:
            number = _forum_id(connection, secretariat or "")
            found = list_credentials(connection, secretariat_of=number)
    return Answer(
        [document_of(one, workplace.now_us) for one in found],
        "\n".join(_line(one, workplace.now_us) for one in found),
    )


@credential.command("revoke")
@click.argument("credential_id", metavar="ID")
@working
def revoke(workplace: Workplace, credential_id: str) -> Answer:
    """Revoke a credential for good: it is refused at its next use."""
    with workplace.database.write() as connection:
        revoke_credential(connection, credential_id, actor=OPERATOR, now_us=workplace.now_us)
        found = _expect(connection, credential_id)
    return Answer(document_of(found, workplace.now_us), f"{found.id} is revoked")


@credential.command("rotate")
@click.argument("credential_id", metavar="ID")
@working
def rotate(workplace: Workplace, credential_id: str) -> Answer:
    """Give a credential a new secret; the old one is refused from now on."""
    with workplace.database.write() as connection:
        issued = rotate_credential(
            connection, workplace.signer, credential_id, actor=OPERATOR, now_us=workplace.now_us
        )
        return _issued(connection, issued)


def document_of(found: Credential, now_us: int) -> dict[str, Any]:
    """A credential as JSON; instants as RFC 3339 text."""
    return {
        "id": found.id,
        "name": found.name,
        "member": found.member_code,
        "partner": found.partner,
        "secretariat": found.secretariat,
        "kind": found.kind,
        "person": found.person_email,
        "tool": found.tool_id,
        "scopes": list(found.scopes),
        "status": _status(found, now_us),
        "created": format_instant(found.created_us),
        "expires": None if found.expires_us is None else format_instant(found.expires_us),
        "revoked": None if found.revoked_us is None else format_instant(found.revoked_us),
    }


def _issued(connection: Connection, issued: Issued) -> Answer:
    found = _expect(connection, issued.id)
    document = {
        "id": issued.id,
        "secret": issued.secret,
        "member": found.member_code,
        "partner": found.partner,
        "secretariat": found.secretariat,
        "kind": found.kind,
        "name": found.name,
        "scopes": list(found.scopes),
        "expires": None if found.expires_us is None else format_instant(found.expires_us),
    }
    text = (
        f"id      {issued.id}\nsecret  {issued.secret}\n"
        "The secret is shown this once; keep it where only its user can read it."
    )
    return Answer(document, text)


def _status(found: Credential, now_us: int) -> str:
    if found.revoked_us is not None:
        return "revoked"
    return "expired" if found.expires_us is not None and found.expires_us <= now_us else "active"


def _line(found: Credential, now_us: int) -> str:
    owner = found.member_code or found.partner or f"secretariat of {found.secretariat}"
    return f"{found.id}  {_status(found, now_us):8}{found.kind:12}{owner}  {found.name}"


def _expect(connection: Connection, credential_id: str) -> Credential:
    found = find_credential(connection, credential_id)
    if found is None:
        raise NotFound("auth.unknown-credential", f"no credential has the id {credential_id!r}")
    return found


def _forum_id(connection: Connection, slug: str) -> int:
    found = find_forum(connection, slug)
    if found is None:
        raise NotFound("auth.unknown-forum", f"there is no forum {slug!r}; see `comity forum list`")
    return found.id


def _partner_id(connection: Connection, written: str) -> int:
    slug, _, name = written.partition("/")
    forum = find_forum(connection, slug)
    found = find_partner(connection, forum.id, name) if forum is not None else None
    if found is None:
        raise NotFound(
            "auth.unknown-partner",
            f"there is no partner {written!r}; write FORUM/NAME, see `comity partner list FORUM`",
        )
    return found.recipient_id
