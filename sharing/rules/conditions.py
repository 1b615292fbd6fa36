"""What a share rule asks of its recipients: conditions, and IEP statements for the record.

What does not live here: whether a condition holds (`decide`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sharing.rules.node import Node
from sharing.rules.rule import Conditions, Reciprocity

MAX_MIN_CONTRIBUTIONS: Final = 1_000_000
MAX_WINDOW_DAYS: Final = 36_525
MAX_STATEMENT_CHARACTERS: Final = 200

STATEMENTS: Final[frozenset[str]] = frozenset(
    {"permitted_actions", "affected_party_notifications", "attribution"}
    | {"unmodified_resale", "encrypt_in_transit"}
)
"""The IEP 2.0 policy statements that a rule may record; Comity enforces none of them."""


def read_conditions(node: Node) -> Conditions | None:
    """The conditions; None when the object is empty and asks for nothing."""
    parts = node.fields({"residency", "reciprocity"})
    if not parts:
        return None
    return Conditions(
        residency=parts["residency"].texts() if "residency" in parts else None,
        reciprocity=_read_reciprocity(parts),
    )


def _read_reciprocity(parts: Mapping[str, Node]) -> Reciprocity | None:
    if "reciprocity" not in parts:
        return None
    node = parts["reciprocity"]
    counts = node.fields({"min_contributions", "window_days"})
    for key in ("min_contributions", "window_days"):
        if key not in counts:
            raise node.child(key).refused("this key is missing; reciprocity needs both its counts")
    return Reciprocity(
        min_contributions=counts["min_contributions"].count(MAX_MIN_CONTRIBUTIONS),
        window_days=counts["window_days"].count(MAX_WINDOW_DAYS),
    )


def read_statements(node: Node) -> tuple[tuple[str, str], ...]:
    """The IEP statements, sorted by key: text of at most 200 characters each."""
    parts = node.fields(STATEMENTS)
    return tuple((key, _read_statement(parts[key])) for key in sorted(parts))


def _read_statement(node: Node) -> str:
    text = node.text()
    if len(text) > MAX_STATEMENT_CHARACTERS or not text.isprintable():
        reason = f"write at most {MAX_STATEMENT_CHARACTERS} characters that can be printed"
        raise node.refused(reason)
    return text
