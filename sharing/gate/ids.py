"""STIX identifiers and their one canonical form (STIX 2.1 §2.9)."""

from __future__ import annotations

import re
from typing import Final

from kernel.strictjson import JsonValue
from sharing.gate.verdicts import refusal, shown

_TYPE: Final = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*", re.ASCII)
_ID: Final = re.compile(
    rf"(?:{_TYPE.pattern})--"
    r"[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
    re.ASCII,
)
_UUID_LENGTH: Final = 36
_SHORTEST_TYPE: Final = 3
_LONGEST_TYPE: Final = 250
_SHORTEST_ID: Final = _SHORTEST_TYPE + 2 + _UUID_LENGTH
_LONGEST_ID: Final = _LONGEST_TYPE + 2 + _UUID_LENGTH
_RELATED: Final = ("_ref", "_refs")


def is_stix_type(text: str) -> bool:
    """Whether `text` can name a type of object: lower case, 3 to 250 letters, digits, hyphens."""
    return _SHORTEST_TYPE <= len(text) <= _LONGEST_TYPE and _TYPE.fullmatch(text) is not None


def is_stix_id(text: str) -> bool:
    """Whether `text` is exactly one STIX id in canonical form."""
    return _SHORTEST_ID <= len(text) <= _LONGEST_ID and _ID.fullmatch(text) is not None


def check_id(value: JsonValue, path: str, prefix: str = "") -> str:
    """The id at `path`, which must be canonical and of type `prefix` when one is given.

    Raises BadInput (`sharing.bad-id`).
    """
    if not isinstance(value, str):
        raise refusal("sharing.bad-id", path, "expected a STIX id as a string")
    if not is_stix_id(value):
        raise refusal(
            "sharing.bad-id",
            path,
            f"{shown(value)!a} is not a canonical STIX id; write the type, -- and a "
            "lower-case RFC 4122 UUID",
        )
    if prefix and value[: -_UUID_LENGTH - 2] != prefix:
        raise refusal("sharing.bad-id", path, f"{shown(value)} is not the id of a {prefix}")
    return value


def looks_like_id(text: str) -> bool:
    """Whether `text` can be an id at all, canonical or not: false for nearly all other text."""
    return text[-_UUID_LENGTH - 2 : -_UUID_LENGTH] == "--"


def find_id(text: str, key: str = "") -> str | None:
    """The id that `text` is exactly, in canonical form; None when it is none.

    An id in other than canonical form names the same object to a lenient reader: in a
    property for references, which `key` may be, it is refused (`sharing.bad-id`).
    """
    if not looks_like_id(text):
        return None
    if is_stix_id(text):
        return text
    if not is_stix_id(text.lower()):
        return None
    if key.endswith(_RELATED):
        check_id(text, f"$..{key}")
    return text.lower()
