"""`comity provider`: the identity providers of members."""

from __future__ import annotations

from typing import TextIO

import click

from auth.services import OPERATOR
from auth.services.providers import remove_provider, set_provider
from kernel.commands import Answer, Workplace, working


@click.group()
def provider() -> None:
    """Identity providers at which members' people sign in (OpenID Connect)."""


@provider.command("set")
@click.argument("code")
@click.option("--issuer", required=True, metavar="URL")
@click.option("--client-id", required=True, metavar="ID")
@click.option(
    "--secret-file",
    type=click.File("r", encoding="utf-8"),
    metavar="F",
    help="Its first line is the client's secret; asked for on a terminal without it.",
)
@working
def set_(
    workplace: Workplace, *, code: str, issuer: str, client_id: str, secret_file: TextIO | None
) -> Answer:
    """Let the people of member CODE sign in there; says which address the provider is to know."""
    if secret_file is not None:
        secret = secret_file.readline().rstrip("\r\n")
    else:
        secret = click.prompt("Secret", hide_input=True, err=True)
    with workplace.database.write() as connection:
        set_provider(
            connection,
            workplace.signer,
            code,
            issuer=issuer,
            client_id=client_id,
            secret=secret,
            actor=OPERATOR,
            now_us=workplace.now_us,
        )
    back = f"{workplace.settings.public_url.rstrip('/')}/sign-in/provider/return"
    return Answer({"member": code, "issuer": issuer, "redirect_uri": back}, back)


@provider.command("remove")
@click.argument("code")
@working
def remove(workplace: Workplace, *, code: str) -> Answer:
    """Let nobody of member CODE sign in at its provider any more."""
    with workplace.database.write() as connection:
        remove_provider(connection, code, actor=OPERATOR, now_us=workplace.now_us)
    return Answer({"member": code}, f"{code} has no identity provider any more")
