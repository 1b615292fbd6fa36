"""A JSON value and its path in the policy document: read with a type, or refused with the path.

What does not live here: what the keys of a policy mean (`grammar` and its neighbours).
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from kernel.errors import BadInput
from sharing.rules.tlp import Tlp

_PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_+-]{1,60}", re.ASCII)
_SHOWN_CHARACTERS: Final = 60


class PolicyRefused(BadInput):
    """A policy was not saved (`sharing.policy-refused`, HTTP 400).

    `path` is the JSON path of the fault (`rules[2].audience.any[0]`; `policy` for the whole
    document), `reason` what to do; `message` is both.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__("sharing.policy-refused", f"{path}: {reason}")
        self.path = path
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Node:
    """One value of a parsed JSON document and where it stands; the root's path is empty."""

    value: object
    path: str = ""

    def refused(self, reason: str) -> PolicyRefused:
        """The refusal to raise when this value is at fault."""
        return PolicyRefused(self.path or "policy", reason)

    def child(self, key: str, value: object = None) -> Node:
        """The value of a key of this object; without one, the place where it is missing."""
        shown = key if _PLAIN_KEY.fullmatch(key) else f"[{quote(key)}]"
        joint = "." if self.path and not shown.startswith("[") else ""
        return Node(value, f"{self.path}{joint}{shown}")

    def fields(self, allowed: Collection[str]) -> dict[str, Node]:
        """The object's values by key. Refuses another kind of value and keys not `allowed`."""
        if not isinstance(self.value, dict):
            raise self.refused("write a JSON object here")
        fields = {key: self.child(key, value) for key, value in self.value.items()}
        for key, node in fields.items():
            if key not in allowed:
                known = ", ".join(sorted(allowed))
                raise node.refused(f"this key is unknown here; remove it, or use one of: {known}")
        return fields

    def items(self) -> list[Node]:
        """The list's values. Refuses another kind of value."""
        if not isinstance(self.value, list):
            raise self.refused("write a JSON list here, in square brackets")
        return [Node(value, f"{self.path}[{index}]") for index, value in enumerate(self.value)]

    def text(self) -> str:
        """The text. Refuses another kind of value, empty text, and what is not Unicode."""
        if not isinstance(self.value, str) or not self.value:
            raise self.refused("write a text here, in quotes and not empty")
        if any("\ud800" <= character <= "\udfff" for character in self.value):
            raise self.refused("this text holds half a character; write it anew")
        return self.value

    def texts(self) -> frozenset[str]:
        """The list's values, each a text."""
        return frozenset(item.text() for item in self.items())

    def level(self) -> Tlp:
        """A TLP level, in any case."""
        text = self.text()
        try:
            return Tlp.parse(text)
        except BadInput as fault:
            raise self.refused(fault.message) from None

    def count(self, at_most: int) -> int:
        """A whole number from 1 to `at_most`. Refuses all else, `true` and `3.0` included."""
        value = self.value
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= at_most:
            raise self.refused(f"write a whole number from 1 to {at_most} here")
        return value


def quote(text: str) -> str:
    """The text in quotes, escaped and shortened: safe to show anywhere."""
    shown = text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 3] + "..."
    return json.dumps(shown)
