"""What must stay of an object for the rest to be served (sharing policy §4, step 6).

What does not live here: what STIX asks of a type (shapes), and who loses what (rules).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from kernel.strictjson import JsonValue
from sharing.gate.releasable import RELEASE_EXTENSION
from sharing.gate.shapes import Shape, shape_of
from sharing.gate.verdicts import Needs

EXTENSIONS: Final = "extensions"
_ALWAYS: Final = (
    *("type", "id", "spec_version", "created", "modified"),
    *("object_marking_refs", "granular_markings"),
)
# STIX 2.1 §7.3: what such an extension describes is the object itself.
_NEW_TYPES: Final = frozenset({"new-sdo", "new-sco", "new-sro"})


def list_units(value: dict[str, JsonValue]) -> tuple[str, ...]:
    """Names of top-level properties, with `extensions.<id>` for each extension instead."""
    names = [name for name in value if name != EXTENSIONS]
    return (*names, *_extension_units(value))


def find_needs(value: dict[str, JsonValue]) -> Needs:
    """The clauses and ties of an object that its type's schema has passed."""
    shape = shape_of(value.get("type"))
    if EXTENSIONS in value or shape.not_only:
        return _find_needs(value, shape)
    # Nearly all objects of a type need the same; what they hold beside does not count.
    names = _asked(shape.stix_type).intersection(value)
    return _needs_of(shape.stix_type, names, is_family=value.get("is_family") is True)


@lru_cache(maxsize=128)
def _asked(stix_type: str) -> frozenset[str]:
    """The members on which it depends what must stay of an object without extensions."""
    shape = shape_of(stix_type)
    ties = (name for tie in shape.ties for name in tie)
    return frozenset(_ALWAYS).union(shape.may_require, *shape.choices, ties)


@lru_cache(maxsize=1024)
def _needs_of(stix_type: str, names: frozenset[str], *, is_family: bool) -> Needs:
    value: dict[str, JsonValue] = dict.fromkeys(names)
    return _find_needs(value | {"is_family": True} if is_family else value, shape_of(stix_type))


def _find_needs(value: dict[str, JsonValue], shape: Shape) -> Needs:
    clauses: dict[frozenset[str], None] = {}
    for name in (*_ALWAYS, *sorted(shape.list_required(value))):
        for unit in _units_of(value, name):
            clauses[frozenset({unit})] = None
    for unit in _needed_extensions(value):
        clauses[frozenset({unit})] = None
    for choice in shape.list_choices(value):
        units = frozenset(unit for name in choice for unit in _units_of(value, name))
        if units and not any(clause <= units for clause in clauses):
            clauses[units] = None
    return Needs(tuple(clauses), tuple(shape.list_ties(value)))


def _needed_extensions(value: dict[str, JsonValue]) -> Iterator[str]:
    for name, extension in value.get(EXTENSIONS, {}).items():
        kind = extension.get("extension_type") if isinstance(extension, dict) else None
        if name == RELEASE_EXTENSION or (isinstance(kind, str) and kind in _NEW_TYPES):
            yield f"{EXTENSIONS}.{name}"


def _units_of(value: dict[str, JsonValue], name: str) -> tuple[str, ...]:
    if name == EXTENSIONS:
        return _extension_units(value)
    return (name,) if name in value else ()


def _extension_units(value: dict[str, JsonValue]) -> tuple[str, ...]:
    return tuple(f"{EXTENSIONS}.{name}" for name in value.get(EXTENSIONS, {}))
