"""What the doors of positions and actions share: audiences, states, shapes of bodies."""

from __future__ import annotations

from typing import Any, Final

from norms.services.own_rows import AUDIENCES
from web.bodies import JSON
from web.openapi import body_of

STATES: Final = ("draft", "released", "withdrawn")
SOME_ID: Final = "2a1c6f0e-5d3b-4e7a-9f00-6b8d1c2e3f40"
TEXT: Final = {"type": ["string", "null"]}
TEXTS: Final = {"type": "array", "items": {"type": "string"}}


def object_of(required: list[str], **properties: Any) -> dict[str, Any]:  # noqa: ANN401
    """The JSON Schema of a closed object."""
    return {
        "type": "object",
        "required": required,
        "additionalProperties": False,
        "properties": properties,
    }


RELEASE_BODY: Final = body_of(
    "Who is to see it: everybody, the State alone, or the parties that are named.",
    object_of(["audience"], audience={"enum": list(AUDIENCES)}, parties=TEXTS),
    {"audience": "parties", "parties": ["XAB"]},
    JSON,
)
