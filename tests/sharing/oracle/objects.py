"""Single objects, as sharing policy §2 and §4 speak of them: units, levels, ids, what is left.

Required properties are copied by hand from STIX 2.1 for the few types that the tests send.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Any

Object = dict[str, Any]
Steps = tuple[str | int, ...]

RELEASE = "extension-definition--bf1a5467-3901-4f0e-b596-cb9ab2a7ce50"
CLEAR, GREEN, AMBER, STRICT, RED = range(5)
LEVELS = {"clear": 0, "white": 0, "green": 1, "amber": 2, "amber+strict": 3, "red": 4}
MARKINGS = {
    "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9": CLEAR,
    "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da": GREEN,
    "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82": AMBER,
    "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed": RED,
    "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487": CLEAR,
    "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb": GREEN,
    "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421": AMBER,
    "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003": STRICT,
    "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1": RED,
}
_DOMAIN = ("type", "spec_version", "id", "created", "modified")
REQUIRED = {
    "campaign": (*_DOMAIN, "name"),
    "identity": (*_DOMAIN, "name"),
    "relationship": (*_DOMAIN, "relationship_type", "source_ref", "target_ref"),
    "report": (*_DOMAIN, "name", "published", "object_refs"),
    "note": (*_DOMAIN, "content", "object_refs"),
    "sighting": (*_DOMAIN, "sighting_of_ref"),
    "language-content": (*_DOMAIN, "object_ref", "contents"),
    "observed-data": (*_DOMAIN, "first_observed", "last_observed", "number_observed"),
    "domain-name": ("type", "id", "value"),
    "directory": ("type", "id", "path"),
    "file": ("type", "id"),
}
ONE_OF = {"file": (("hashes", "name"),), "observed-data": (("objects", "object_refs"),)}
MAKES_THE_ID = {
    "domain-name": ("value",),
    "directory": ("path",),
    "file": ("hashes", "name", "extensions", "parent_directory_ref"),
}
_ENDS = ("source_ref", "target_ref", "sighting_of_ref")
_ID = re.compile(
    r"[a-z][a-z0-9]*(-[a-z0-9]+)*--"
    r"[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
)


def level_of(value: Object, unmarked_as: int) -> int:
    """The object's TLP: the highest of its object markings, else the collection's default."""
    marked = [MARKINGS[ref] for ref in value.get("object_marking_refs", ()) if ref in MARKINGS]
    return max(marked, default=unmarked_as)


def unit_levels(value: Object, level: int) -> dict[str, int]:
    """Each top-level property, or single extension, with its TLP: never below the object's."""
    levels = {name: level for name in value if name != "extensions"}
    levels |= {f"extensions.{name}": level for name in value.get("extensions", ())}
    for marking in value.get("granular_markings", ()):
        marked = MARKINGS.get(marking.get("marking_ref"))
        if marked is None:
            continue
        for selector in marking["selectors"]:
            for unit in levels:
                if _concerns(selector, unit):
                    levels[unit] = max(levels[unit], marked)
    return levels


def _concerns(selector: str, unit: str) -> bool:
    """Whether the selector points at the unit, at something inside it, or at what it is in."""
    return f"{selector}.".startswith(f"{unit}.") or f"{unit}.".startswith(f"{selector}.")


def releasable_to(value: Object) -> list[str] | None:
    """The release extension's terms; None where an object does not carry it."""
    extension = value.get("extensions", {}).get(RELEASE)
    return None if extension is None else extension["releasable_to"]


def carried_markings(value: Object) -> set[str]:
    """The markings that the object, as it is served, carries itself, TLP apart."""
    refs = [*value.get("object_marking_refs", ())]
    refs += [marking.get("marking_ref") for marking in value.get("granular_markings", ())]
    return {ref for ref in refs if ref is not None and ref not in MARKINGS}


def is_statement(value: Object) -> bool:
    return value["type"] == "marking-definition" and value.get("definition_type") == "statement"


def version_of(value: Object) -> str:
    """The version of an object, as text (sharing policy §7)."""
    return value.get("modified") or value.get("created") or "1970-01-01T00:00:00.000Z"


def named_ids(value: Object) -> set[str]:
    """Every id that the object names: its own and marking references apart."""
    found = {held for steps, held in _walk(value, ()) if _names(steps, held, value["id"])}
    return {str(stix_id) for stix_id in found}


def hard_ids(value: Object) -> set[str]:
    """The ids without which there is no object."""
    ends = [*_ENDS, "object_ref"] if value["type"] == "language-content" else _ENDS
    return {value[end] for end in ends if end in value} - {value["id"]}


def less(
    value: Object, lost: AbstractSet[str], hidden: AbstractSet[str]
) -> tuple[Object, frozenset[Steps]]:
    """The object less whole units and less hidden ids, and the places of `value` that are left.

    Step 8: an id goes with its list item or property, an emptied container goes too, a list
    that a granular selector points into goes whole. Selectors go with what they point at.
    """
    marked = {
        tuple(selector.split("."))
        for marking in value.get("granular_markings", ())
        for selector in marking["selectors"]
    }
    left: set[Steps] = set()
    served: Object = {}
    for name, held in value.items():
        if name in lost or name == "granular_markings":
            continue
        stays = held
        if name == "extensions":
            stays = {key: each for key, each in held.items() if f"extensions.{key}" not in lost}
            if not stays:
                continue
        kept = _prune(stays, (name,), hidden, marked, value["id"], left)
        if kept is not None:
            served[name] = kept[0]
    markings = [] if "granular_markings" in lost else value.get("granular_markings", [])
    stayed = []
    for place, marking in enumerate(markings):
        selectors = [each for each in marking["selectors"] if _steps_of(each) in left]
        left |= {("granular_markings", place, each) for each in selectors}
        if selectors:
            stayed.append(marking | {"selectors": selectors})
    if stayed:
        served["granular_markings"] = stayed
    return served, frozenset(left)


def is_complete(value: Object, served: Object) -> bool:
    """Step 6: nothing required is lost, nothing that makes an observable's id, no protection."""
    kind = value["type"]
    needed = [*REQUIRED.get(kind, _DOMAIN), "object_marking_refs"]
    if any(name in value and name not in served for name in needed):
        return False
    if any(value.get(name) != served.get(name) for name in MAKES_THE_ID.get(kind, ())):
        return False
    if any(served.keys().isdisjoint(names) for names in ONE_OF.get(kind, ())):
        return False
    return RELEASE not in value.get("extensions", ()) or RELEASE in served.get("extensions", ())


def _steps_of(selector: str) -> Steps:
    return tuple(int(step[1:-1]) if step.startswith("[") else step for step in selector.split("."))


def _names(steps: Steps, held: object, own_id: str) -> bool:
    """Whether this string is an id that the object names by it."""
    if not isinstance(held, str) or held == own_id or _ID.fullmatch(held) is None:
        return False
    is_marking = steps[0] == "object_marking_refs" or steps[0] == "granular_markings"
    return not is_marking and steps != ("id",)


def _walk(value: Any, steps: Steps) -> Iterator[tuple[Steps, Any]]:
    if isinstance(value, dict):
        for name, held in value.items():
            yield from _walk(held, (*steps, name))
    elif isinstance(value, list):
        for place, held in enumerate(value):
            yield from _walk(held, (*steps, place))
    else:
        yield steps, value


def _prune(
    value: Any,
    steps: Steps,
    hidden: AbstractSet[str],
    marked: set[tuple[str, ...]],
    own_id: str,
    left: set[Steps],
) -> tuple[Any] | None:
    """What is left of the value, in a tuple; None when it goes itself."""
    if not isinstance(value, dict | list):
        if value in hidden and _names(steps, value, own_id):
            return None
        left.add(steps)
        return (value,)
    inside: set[Steps] = set()
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    kept = {
        key: pruned[0]
        for key, held in pairs
        if (pruned := _prune(held, (*steps, key), hidden, marked, own_id, inside)) is not None
    }
    if isinstance(value, list) and len(kept) < len(value) and _points_into(marked, steps):
        return None
    if value and not kept:
        return None
    left |= inside | {steps}
    return (kept if isinstance(value, dict) else list(kept.values()),)


def _points_into(marked: set[tuple[str, ...]], steps: Steps) -> bool:
    written = tuple(f"[{step}]" if isinstance(step, int) else step for step in steps)
    size = len(written)
    return any(len(each) > size and each[:size] == written for each in marked)
