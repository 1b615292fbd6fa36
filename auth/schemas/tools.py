"""A registered tool as lists show it: never with its secret."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from auth.queries.tools import Tool
from auth.reader import SCOPES
from kernel.clock import format_instant
from web.listing import Key, ListQuery
from web.shapes import Shape, count, flag, instant, text, word, word_filter, words

STATES: Final = ("standing", "revoked")


class ToolSchema(Shape):
    """A tool that people may let in."""

    EXAMPLE: ClassVar = {
        "id": "tool-k3v7q2m9x4b8c5d6",
        "name": "Workbench",
        "member": "XAA",
        "public": False,
        "scopes": ["taxii:read"],
        "redirects": ["https://workbench.example/back"],
        "granted": 3,
        "state": "standing",
        "created": "2026-11-27T08:30:00.000000Z",
        "created_by": "person:admin@xaa.example",
        "revoked": None,
    }
    id = text()
    name = text()
    member = text("Whose people may let it in; null for everybody's.", nullable=True)
    public = flag("Whether it can keep no secret.")
    scopes = words(*SCOPES)
    redirects = words()
    granted = count("How many grants stand, of those that the asker may know of.")
    state = word(*STATES)
    created = instant()
    created_by = text()
    revoked = instant(nullable=True)


class ToolQuery(ListQuery):
    """Which tools to list."""

    state = word_filter(*STATES)


def state_of_tool(found: Tool) -> str:
    """`revoked` or `standing`."""
    return "standing" if found.revoked_us is None else "revoked"


def key_of_tool(found: Tool) -> Key:
    """Its place in a list: oldest first."""
    return (found.created_us, found.id)


def tool_row(found: Tool) -> dict[str, Any]:
    """The row of a list that `ToolSchema` describes."""
    return {
        "id": found.id,
        "name": found.name,
        "member": found.member_code,
        "public": found.is_public,
        "scopes": list(found.scopes),
        "redirects": list(found.redirects),
        "granted": found.granted,
        "state": state_of_tool(found),
        "created": format_instant(found.created_us),
        "created_by": found.created_by,
        "revoked": None if found.revoked_us is None else format_instant(found.revoked_us),
    }


def is_wanted_tool(found: Tool, query: dict[str, Any]) -> bool:
    """Whether the filters of a `ToolQuery` let it through."""
    return query["state"] in (None, state_of_tool(found))
