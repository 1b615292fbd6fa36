"""`comity tool`: tools that people may let in, for a member's people or for everybody's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from auth.queries import expect_member
from auth.queries.tools import Tool, find_tool, list_tools, list_tools_for
from auth.reader import SCOPES
from auth.schemas.tools import tool_row
from auth.services import OPERATOR
from auth.services.tools import NewTool, add_tool, revoke_tool
from kernel.commands import Answer, Workplace, working


@click.group()
def tool() -> None:
    """Tools that people may let in (OAuth 2.0 clients with authorization codes)."""


@tool.command("add")
@click.argument("code", required=False)
@click.option("--for-all", is_flag=True, help="For the people of every member, not of one.")
@click.option("--name", required=True, help="By which people decide whether to let it in.")
@click.option(
    "--redirect",
    "redirects",
    multiple=True,
    metavar="URI",
    help="Where it is answered, once or more: https://…, or http://127.0.0.1/… at any port.",
)
@click.option("--scope", "scopes", multiple=True, metavar="S", help=f"Of {', '.join(SCOPES)}.")
@click.option("--public", is_flag=True, help="It can keep no secret, and gets none.")
@working
def add(
    workplace: Workplace,
    *,
    code: str | None,
    for_all: bool,
    name: str,
    redirects: Sequence[str],
    scopes: Sequence[str],
    public: bool,
) -> Answer:
    """Register a tool for the people of member CODE, or for everybody. Its secret is shown once."""
    if (code is None) is not for_all:
        raise click.UsageError("name one of: a member's CODE, --for-all")
    new = NewTool(name=name, redirects=redirects, scopes=scopes, member_code=code, is_public=public)
    with workplace.database.write() as connection:
        made = add_tool(connection, workplace.signer, new, actor=OPERATOR, now_us=workplace.now_us)
        found = find_tool(connection, made.id)
    text = f"id      {made.id}"
    if made.secret is not None:
        text += (
            f"\nsecret  {made.secret}\n"
            "The secret is shown this once; keep it where only the tool can read it."
        )
    return Answer(_document(found) | {"secret": made.secret}, text)


@tool.command("list")
@click.argument("code", required=False)
@working
def list_(workplace: Workplace, *, code: str | None) -> Answer:
    """List every tool, or those that the people of one member may let in."""
    with workplace.database.read() as connection:
        member = None if code is None else expect_member(connection, code)
        found = (
            list_tools(connection, now_us=workplace.now_us)
            if member is None
            else list_tools_for(connection, member.id, now_us=workplace.now_us)
        )
    return Answer([tool_row(one) for one in found], "\n".join(_line(one) for one in found))


@tool.command("revoke")
@click.argument("tool_id", metavar="ID")
@working
def revoke(workplace: Workplace, *, tool_id: str) -> Answer:
    """Revoke a tool for good, with all that people granted it."""
    with workplace.database.write() as connection:
        revoke_tool(connection, tool_id, actor=OPERATOR, now_us=workplace.now_us)
        found = find_tool(connection, tool_id)
    return Answer(_document(found), f"{tool_id} is revoked")


def _document(found: Tool | None) -> dict[str, Any]:
    return {} if found is None else tool_row(found)


def _line(found: Tool) -> str:
    state = "standing" if found.revoked_us is None else "revoked"
    return f"{found.id}  {state:9}{found.member_code or 'everybody':17}{found.name}"
