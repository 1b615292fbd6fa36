"""`/members/tools` and `/operator/tools`: which tools people may let in.

A member's administrator registers for the member's people, an operator for everybody's. What
does not live here: letting one in (auth.oauth.consent), taking it back (account).
"""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, flash, request, url_for
from flask_babel import gettext as _
from marshmallow import fields, validate

from auth.doors import Permission, current_reader, current_signed, door
from auth.pages.roles import current_reader_with
from auth.queries.tools import Tool, find_tool, list_tools, list_tools_for
from auth.reader import SCOPES
from auth.rules import check_redirects
from auth.schemas.tools import ToolQuery, ToolSchema, is_wanted_tool, key_of_tool, tool_row
from auth.services.once import make_once, spend_once
from auth.services.tools import NewTool, Registered, add_tool, revoke_tool
from kernel.errors import BadInput, NotFound
from web.forms import Filled, FormSchema, check_line, empty_form, read_form
from web.installation import (
    current_database,
    current_instant_us,
    current_signer,
    public_base,
)
from web.listing import is_export, make_listing, read_filters
from web.pages import page, see_other

of_member = Blueprint(
    "member-tools", __name__, url_prefix="/members/tools", template_folder="templates"
)
of_operator = Blueprint(
    "operator-tools", __name__, url_prefix="/operator/tools", template_folder="templates"
)

_KINDS: Final = ("confidential", "public")
_NAME_CHARACTERS: Final = 200


class ToolForm(FormSchema):
    """What a new tool is to be; its addresses one a line."""

    name = fields.String(required=True, validate=[validate.Length(1, _NAME_CHARACTERS), check_line])
    kind = fields.String(load_default="confidential", validate=validate.OneOf(_KINDS))
    redirects = fields.String(required=True, validate=validate.Length(1, 6000))
    scopes = fields.List(
        fields.String(validate=validate.OneOf(SCOPES)),
        required=True,
        validate=validate.Length(1, error="Choose one or more."),
        metadata={"several": True},
    )


@of_member.get("", endpoint="show")
@door(Permission.MEMBER)
def show_tools_of_member() -> Response:
    """GET /members/tools: those that the member's people may let in; JSON and CSV too."""
    current_reader_with("member-admin")
    return _tools_page(_empty())


@of_operator.get("", endpoint="show")
@door(Permission.OPERATOR)
def show_tools_of_all() -> Response:
    """GET /operator/tools: every tool of the installation; JSON and CSV too."""
    return _tools_page(_empty())


@of_member.post("", endpoint="add")
@door(Permission.MEMBER)
def add_for_member() -> Response:
    """POST /members/tools: one more for the member's people; its secret is shown once."""
    current_reader_with("member-admin")
    return _add()


@of_operator.post("", endpoint="add")
@door(Permission.OPERATOR)
def add_for_all() -> Response:
    """POST /operator/tools: one more for everybody; its secret is shown once."""
    return _add()


@of_member.post("/<tool_id>/revoke", endpoint="revoke")
@door(Permission.MEMBER)
def revoke_of_member(tool_id: str) -> Response:
    """POST …/revoke: one of the member's own, with all that it was granted."""
    current_reader_with("member-admin")
    return _revoke(tool_id)


@of_operator.post("/<tool_id>/revoke", endpoint="revoke")
@door(Permission.OPERATOR)
def revoke_of_any(tool_id: str) -> Response:
    """POST …/revoke: any tool, with all that it was granted."""
    return _revoke(tool_id)


def _add() -> Response:
    form = read_form(ToolForm)
    if not form.errors:
        try:
            check_redirects(form.values["redirects"].split())
        except BadInput as refused:
            form.blame_error(refused, "redirects")
    if form.errors:
        return _tools_page(form, status=400)
    reader, now_us = current_reader(), current_instant_us()
    new = NewTool(
        name=form.values["name"],
        redirects=form.values["redirects"].split(),
        scopes=form.values["scopes"],
        member_code=reader.member_code,
        is_public=form.values["kind"] == "public",
    )
    with current_database().write() as connection:
        spend_once(connection, current_signer(), request.form.get("once", ""), now_us=now_us)
        made = add_tool(connection, current_signer(), new, actor=reader.actor, now_us=now_us)
    return _made_page(made, new.name)


def _revoke(tool_id: str) -> Response:
    with current_database().write() as connection:
        found = find_tool(connection, tool_id)
        if found is None or not _is_ours(found):
            raise NotFound("auth.unknown-tool", "no such tool that you may revoke")
        revoke_tool(connection, tool_id, actor=current_reader().actor, now_us=current_instant_us())
    flash(_("That tool is revoked, with all that it was granted."))
    return see_other(url_for(f"{request.blueprint}.show"))


def _is_ours(found: Tool) -> bool:
    """Whether the reader may revoke it: a member its own, an operator any."""
    signed = current_signed()
    return signed.is_operator or found.member_id == signed.reader.member_id


def _empty() -> Filled:
    return empty_form(kind="confidential", scopes=[])


def _made_page(made: Registered, name: str) -> Response:
    metadata = public_base() + url_for("oauth.metadata")
    return page("auth/tool-secret.html", made=made, name=name, metadata=metadata)


def _tools_page(form: Filled, *, status: int = 200) -> Response:
    reader, now_us = current_reader(), current_instant_us()
    query = read_filters(ToolQuery)
    listing = make_listing("tools", f"page {reader.member_id}", query)
    with current_database().read() as connection:
        known = (
            list_tools(connection, now_us=now_us)
            if reader.member_id is None
            else list_tools_for(connection, reader.member_id, now_us=now_us)
        )
    found = listing.cut([one for one in known if is_wanted_tool(one, query)], key_of_tool)
    if is_export():
        return listing.answer(found, key_of_tool, tool_row, ToolSchema)
    rows, following = listing.split(found, key_of_tool)
    return page(
        "auth/tools.html",
        status=status,
        form=form,
        of_operator=reader.member_id is None,
        rows=[(one, _is_ours(one)) for one in rows],
        next=following,
        once=lambda: make_once(current_signer(), now_us=now_us),
    )
