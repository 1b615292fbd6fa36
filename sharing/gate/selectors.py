"""Selectors of granular markings: their syntax, and what they point at (STIX 2.1 §7.2.3.2)."""

from __future__ import annotations

import re
from typing import Final

from kernel.strictjson import JsonValue
from sharing.gate.verdicts import refusal, shown

_PART: Final = r"(?:[a-zA-Z0-9_-]{1,250}|\[(?:0|[1-9][0-9]{0,8})\])"
_SELECTOR: Final = re.compile(rf"[a-zA-Z0-9_-]{{1,250}}(?:\.{_PART})*+", re.ASCII)


def check_selector(selector: str, value: dict[str, JsonValue], path: str) -> None:
    """Checks that the selector found at `path` is well-formed and that its target exists.

    What is there counts even when it is empty, zero or false; items of a list are told apart
    by their place alone. Raises BadInput (`sharing.bad-selector`).
    """
    if _SELECTOR.fullmatch(selector) is None:
        raise refusal(
            "sharing.bad-selector",
            path,
            f"{shown(selector)!a} is not a selector; write names and [places] joined by "
            "dots, such as labels.[0]",
        )
    place: JsonValue = value
    for part in selector.split("."):
        found, place = _step(place, part)
        if not found:
            raise refusal(
                "sharing.bad-selector",
                path,
                f"{shown(selector)} points at nothing: the object has no {shown(part)} there",
            )


def is_there(selector: str, value: dict[str, JsonValue]) -> bool:
    """Whether a well-formed selector points at something in the object."""
    place: JsonValue = value
    for part in selector.split("."):
        found, place = _step(place, part)
        if not found:
            return False
    return True


def _step(place: JsonValue, part: str) -> tuple[bool, JsonValue]:
    """What `part` names inside `place`, and whether it is there at all."""
    if isinstance(place, dict) and part in place:
        return True, place[part]
    if isinstance(place, list) and part.startswith("["):
        index = int(part[1:-1])
        if index < len(place):
            return True, place[index]
    return False, None
