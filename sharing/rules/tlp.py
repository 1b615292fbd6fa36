"""The Traffic Light Protocol: its levels, the well-known markings, an object's level.

Levels come from the table compiled in here, never from marking-definitions that somebody
contributed (sharing policy §2). What does not live here: who a level reaches (`decide`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Any, Final

from kernel.errors import BadInput


class Tlp(IntEnum):
    """A TLP level, in the order of sharing policy §2: the higher, the fewer it reaches."""

    CLEAR = 0
    GREEN = 1
    AMBER = 2
    AMBER_STRICT = 3
    RED = 4

    @classmethod
    def parse(cls, text: str) -> Tlp:
        """The level named by `text`, in any case; `white` is `clear` (sharing policy §2).

        Raises BadInput (`sharing.bad-tlp`) for anything else.
        """
        level = _BY_TEXT.get(text.strip().lower())
        if level is None:
            raise BadInput(
                "sharing.bad-tlp",
                f"{text[:40]!r} is not a TLP level; write clear, green, amber, amber+strict or red",
            )
        return level

    @property
    def text(self) -> str:
        """The level as TLP 2.0 writes it, in lower case: `amber+strict`."""
        return _TEXTS[self]


_TEXTS: Final[dict[Tlp, str]] = {
    Tlp.CLEAR: "clear",
    Tlp.GREEN: "green",
    Tlp.AMBER: "amber",
    Tlp.AMBER_STRICT: "amber+strict",
    Tlp.RED: "red",
}
_BY_TEXT: Final[dict[str, Tlp]] = {text: level for level, text in _TEXTS.items()} | {
    "white": Tlp.CLEAR
}

# FIRST's TLP 2.0 as the OASIS CTI TC publishes it: an extension of marking-definition.
TLP_2_EXTENSION: Final = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"

_TLP_1_IDS: Final = {
    "white": "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9",
    "green": "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da",
    "amber": "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82",
    "red": "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed",
}
_TLP_2_IDS: Final = {
    "clear": "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
    "green": "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    "amber": "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    "amber+strict": "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
    "red": "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
}


def _published_tlp_1(color: str) -> dict[str, Any]:
    """A TLP 1 marking as STIX 2.1 §7.2.1.4 prints it."""
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": _TLP_1_IDS[color],
        "created": "2017-01-20T00:00:00.000Z",
        "definition_type": "tlp",
        "name": f"TLP:{color.upper()}",
        "definition": {"tlp": color},
    }


def _published_tlp_2(label: str) -> dict[str, Any]:
    """A TLP 2.0 marking as the OASIS CTI TC's common objects publish it."""
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": _TLP_2_IDS[label],
        "created": "2022-10-01T00:00:00.000Z",
        "name": f"TLP:{label.upper()}",
        "extensions": {
            TLP_2_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": label},
        },
    }


WELL_KNOWN: Final[Mapping[str, Tlp]] = MappingProxyType(
    {_TLP_1_IDS[color]: Tlp.parse(color) for color in _TLP_1_IDS}
    | {_TLP_2_IDS[label]: Tlp.parse(label) for label in _TLP_2_IDS}
)
"""Marking id to level, for the four TLP 1 and the five TLP 2.0 markings."""

PUBLISHED: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {_TLP_1_IDS[color]: MappingProxyType(_published_tlp_1(color)) for color in _TLP_1_IDS}
    | {_TLP_2_IDS[label]: MappingProxyType(_published_tlp_2(label)) for label in _TLP_2_IDS}
)
"""Marking id to the marking-definition object published under it."""


def property_tlps(
    properties: Iterable[str],
    granular_markings: Iterable[tuple[str | None, Iterable[str]]],
    object_level: Tlp,
) -> dict[str, Tlp]:
    """Each property's level: the object's, raised by the granular markings inside it.

    `properties` are top-level names and `extensions.<id>`; each granular marking is its
    `marking_ref` (None when it only names a language) and its selectors. A selector for
    the whole of `extensions` raises every extension. Granular markings never lower.
    """
    levels = dict.fromkeys(properties, object_level)
    for marking_ref, selectors in granular_markings:
        level = WELL_KNOWN.get(marking_ref or "")
        if level is None:
            continue
        for name in _marked_properties(levels, selectors):
            levels[name] = max(levels[name], level)
    return levels


def _marked_properties(properties: Iterable[str], selectors: Iterable[str]) -> list[str]:
    """The properties that a selector points at, points into, or contains."""
    marked: set[str] = set()
    for selector in selectors:
        parts = selector.split(".")
        marked.add(parts[0])
        if parts[0] == "extensions":
            marked.add("extensions." + parts[1] if len(parts) > 1 else "extensions.*")
    return [
        name
        for name in properties
        if name in marked or ("extensions.*" in marked and name.startswith("extensions."))
    ]
