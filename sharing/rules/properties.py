"""Names of properties that a rule may leave out: top-level ones, and single extensions.

What does not live here: taking properties out of an object.
"""

from __future__ import annotations

import re
from typing import Final

from sharing.rules.node import Node, quote

RELEASE_EXTENSION: Final = "extension-definition--bf1a5467-3901-4f0e-b596-cb9ab2a7ce50"
"""Comity's own property-extension, which carries `releasable_to` (sharing policy §7)."""

PROTECTED: Final[frozenset[str]] = frozenset(
    {"type", "id", "spec_version", "created", "modified"}
    | {"object_marking_refs", "granular_markings", "extensions", f"extensions.{RELEASE_EXTENSION}"}
)
"""What no rule may take away: without it the object would lose its name or its protection."""

# STIX 2.1 §3.1: a-z, 0-9 and underscore, at most 250 characters. Capitals and hyphens occur
# in custom properties of the field, so they pass.
_PROPERTY: Final = re.compile(r"(?:extensions\.)?[A-Za-z0-9_-]{1,250}", re.ASCII)


def read_properties(node: Node) -> frozenset[str]:
    """The list's property names: top-level ones, or `extensions.<id>` for one extension."""
    return frozenset(_read_property(item) for item in node.items())


def _read_property(node: Node) -> str:
    name = node.text()
    if name == "extensions":
        raise node.refused("extensions are named one by one: write `extensions.<id>`")
    if name in PROTECTED:
        raise node.refused(f"{name} stays with the object always; leave it out of the list")
    if not _PROPERTY.fullmatch(name):
        reason = "no top-level property's name; write one, or `extensions.<id>` for an extension"
        raise node.refused(f"{quote(name)} is {reason}")
    return name
