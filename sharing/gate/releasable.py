"""The Comity release extension: to whom an object may be released (sharing policy §7)."""

from __future__ import annotations

import re
from typing import Final

from kernel.strictjson import JsonValue
from sharing.gate.verdicts import refusal, shown

RELEASE_EXTENSION: Final = "extension-definition--bf1a5467-3901-4f0e-b596-cb9ab2a7ce50"

RELEASE_EXTENSION_SCHEMA: Final = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Comity release extension",
    "description": "Names the members and jurisdictions that an object may be released to.",
    "type": "object",
    "properties": {
        "extension_type": {"const": "property-extension"},
        "releasable_to": {
            "type": "array",
            "description": "An empty list is nobody.",
            "items": {
                "type": "string",
                "pattern": "^(member|jurisdiction):[A-Z][A-Z0-9-]{1,15}$",
            },
            "maxItems": 1000,
        },
    },
    "required": ["extension_type", "releasable_to"],
    "additionalProperties": False,
}
"""The extension's JSON schema, which an installation serves at a fixed URL."""

_TERM: Final = re.compile(r"(?:member|jurisdiction):[A-Z][A-Z0-9-]{1,15}", re.ASCII)
_KEYS: Final = frozenset({"extension_type", "releasable_to"})
_MOST_TERMS: Final = 1000


def check_releasable_to(value: dict[str, JsonValue]) -> tuple[str, ...] | None:
    """The terms of the object's release extension; None without one, () when nobody.

    Malformed is refused, never guessed at. Raises BadInput (`sharing.bad-releasable-to`).
    """
    extensions = value.get("extensions")
    if not isinstance(extensions, dict) or RELEASE_EXTENSION not in extensions:
        return None
    path = f'$.extensions["{RELEASE_EXTENSION}"]'
    extension = extensions[RELEASE_EXTENSION]
    if not isinstance(extension, dict) or extension.keys() != _KEYS:
        raise refusal(
            "sharing.bad-releasable-to",
            path,
            "it holds extension_type and releasable_to, nothing else",
        )
    if extension["extension_type"] != "property-extension":
        raise refusal(
            "sharing.bad-releasable-to", f"{path}.extension_type", "expected property-extension"
        )
    terms = extension["releasable_to"]
    if not isinstance(terms, list) or len(terms) > _MOST_TERMS:
        raise refusal(
            "sharing.bad-releasable-to",
            f"{path}.releasable_to",
            f"expected at most {_MOST_TERMS} terms",
        )
    for index, term in enumerate(terms):
        if not isinstance(term, str) or _TERM.fullmatch(term) is None:
            written = ascii(shown(term)) if isinstance(term, str) else "this"
            raise refusal(
                "sharing.bad-releasable-to",
                f"{path}.releasable_to[{index}]",
                f"{written} is not member:CODE or jurisdiction:CODE",
            )
    return tuple(dict.fromkeys(terms))


def without_release_extension(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """The object as its schema sees it: the extension may be an empty list, which is ours."""
    extensions = value.get("extensions")
    if not isinstance(extensions, dict) or RELEASE_EXTENSION not in extensions:
        return value
    rest = {key: held for key, held in extensions.items() if key != RELEASE_EXTENSION}
    trimmed = {key: held for key, held in value.items() if key != "extensions"}
    return trimmed | {"extensions": rest} if rest else trimmed
