"""What STIX 2.1 asks of an object, at its top and at any depth inside it.

Read from the schemas (`required`, and choices of which one must be there); what they cannot
say, or say in another way, stands in the tables here, each line with its section. What does
not live here: what follows for the properties of one object (needs, references).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from posixpath import dirname, normpath
from typing import Any, Final, TypeAlias

import jsonschema_rs

from kernel.strictjson import JsonValue
from sharing.gate.schemas import document_of, find_document, known_types

_Piece: TypeAlias = tuple[str, tuple[str | int, ...]]
"""A schema inside a document: the document's name and the steps that lead there."""

_CHOICES: Final[dict[str, tuple[frozenset[str], ...]]] = {
    "artifact": (frozenset({"payload_bin", "url"}),),  # STIX 2.1 §6.1
    "location": (  # STIX 2.1 §4.10: a region, a country, or both coordinates
        frozenset({"region", "country", "latitude"}),
        frozenset({"region", "country", "longitude"}),
    ),
}
_REQUIRED: Final[dict[str, frozenset[str]]] = {
    "extension-definition": frozenset({"created_by_ref"}),  # STIX 2.1 §7.3
    # STIX 2.1 §7.2.1: what a marking means is in these.
    "marking-definition": frozenset({"definition_type", "definition", "extensions"}),
}
_TIES: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "artifact": (  # STIX 2.1 §6.1
        ("url", "hashes"),
        ("decryption_key", "encryption_algorithm"),
    ),
    "location": (  # STIX 2.1 §4.10
        ("latitude", "longitude"),
        ("longitude", "latitude"),
        ("precision", "latitude"),
    ),
}
CONTRIBUTING: Final[dict[str, frozenset[str]]] = {
    "artifact": frozenset({"hashes", "payload_bin"}),  # STIX 2.1 §6.1
    "autonomous-system": frozenset({"number"}),  # §6.2
    "directory": frozenset({"path"}),  # §6.3
    "domain-name": frozenset({"value"}),  # §6.4
    "email-addr": frozenset({"value"}),  # §6.5
    "email-message": frozenset({"from_ref", "subject", "body"}),  # §6.6
    "file": frozenset({"hashes", "name", "parent_directory_ref", "extensions"}),  # §6.7
    "ipv4-addr": frozenset({"value"}),  # §6.8
    "ipv6-addr": frozenset({"value"}),  # §6.9
    "mac-addr": frozenset({"value"}),  # §6.10
    "mutex": frozenset({"name"}),  # §6.11
    "network-traffic": frozenset(  # §6.12
        {"start", "end", "src_ref", "dst_ref", "src_port", "dst_port", "protocols", "extensions"}
    ),
    "software": frozenset({"name", "cpe", "swid", "vendor", "version"}),  # §6.14
    "url": frozenset({"value"}),  # §6.15
    "user-account": frozenset({"account_type", "user_id", "account_login"}),  # §6.16
    "windows-registry-key": frozenset({"key", "values"}),  # §6.17
    "x509-certificate": frozenset({"hashes", "serial_number"}),  # §6.18
}
"""The properties from which an observable's id is made (STIX 2.1 §2.9); of a process, none."""

_OBSERVABLES: Final = ("sdos/observed-data.json", ("allOf", 1, "properties", "objects"))
"""What holds whole observables, each by its name (STIX 2.1 §4.14)."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What is asked of one value. `stix_type` is empty for a value inside an object."""

    stix_type: str
    pieces: tuple[_Piece, ...]
    required: frozenset[str]
    choices: tuple[frozenset[str], ...]
    not_only: tuple[str, ...]

    def list_required(self, value: dict[str, JsonValue]) -> frozenset[str]:
        """The members of `value` each of which must stay."""
        required = self.may_require
        if self.stix_type == "malware" and value.get("is_family") is not True:
            required -= {"name"} - self.required  # STIX 2.1 §4.11
        return required & value.keys()

    @property
    def may_require(self) -> frozenset[str]:
        """Those that must stay of some value of this shape."""
        required = self.required | CONTRIBUTING.get(self.stix_type, frozenset())
        return required | {"name"} if self.stix_type == "malware" else required

    @property
    def ties(self) -> tuple[tuple[str, str], ...]:
        """The pairs of which `list_ties` gives those that a value has."""
        return _TIES.get(self.stix_type, ())

    def list_choices(self, value: dict[str, JsonValue]) -> Iterator[frozenset[str]]:
        """Sets of members of `value`, of each of which one must stay."""
        for choice in self.choices:
            yield choice & value.keys()
        for pattern in self.not_only:
            yield frozenset(name for name in value if not _matches(pattern, name))

    def list_ties(self, value: dict[str, JsonValue]) -> Iterator[tuple[str, str]]:
        """Pairs of members: the first may stay only while the second does."""
        for tied, to in self.ties:
            if tied in value and to in value:
                yield tied, to

    def member(self, name: str, value: JsonValue) -> Shape:
        """The shape of the member `name`, which is `value`."""
        if self.is_linked and isinstance(value, dict):
            return shape_of(value.get("type"))
        return _shape("", tuple(_members(_places(self.pieces), name)))

    @property
    def is_linked(self) -> bool:
        """Whether its members may refer to each other by their names (STIX 2.0 §2.7)."""
        return _OBSERVABLES in self.pieces

    def item(self) -> Shape:
        """The shape of each item of a list."""
        found = ((document, (*path, "items")) for document, path in self.pieces)
        return _shape("", tuple(piece for piece in found if _at(piece) is not None))


def shape_of(stix_type: object) -> Shape:
    """The shape of an object of this type; of a custom one, what all objects have."""
    if isinstance(stix_type, str) and stix_type in known_types():
        return _shape(stix_type, ((document_of(stix_type), ()),))
    return _shape("", (("common/core.json", ()),), is_custom=True)


@lru_cache(maxsize=2048)
def _shape(stix_type: str, pieces: tuple[_Piece, ...], *, is_custom: bool = False) -> Shape:
    flat = tuple(dict.fromkeys(each for piece in pieces for each in _flat(piece)))
    required = _REQUIRED.get(stix_type, frozenset())
    choices = _CHOICES.get(stix_type, ())
    not_only: tuple[str, ...] = ()
    for piece in flat:
        schema = _at(piece)
        required |= frozenset(schema.get("required", ()))
        choices += tuple(_choices(schema))
        not_only += tuple(schema.get("not", {}).get("patternProperties", ()))
    if is_custom:
        required = frozenset({"type", "id"})
    return Shape(stix_type, flat, required, choices, not_only)


def _choices(schema: dict[str, Any]) -> Iterator[frozenset[str]]:
    """Branches that ask for one member each: one of these members must be there."""
    for kind in ("anyOf", "oneOf"):
        asked = [branch.get("required", ()) for branch in schema.get(kind, ())]
        if asked and all(len(names) == 1 for names in asked):
            yield frozenset(name for names in asked for name in names)


def _flat(piece: _Piece) -> Iterator[_Piece]:
    """The schema, and all others that hold wherever it does."""
    document, path = piece
    schema = _at(piece)
    if not isinstance(schema, dict):
        return
    yield piece
    if "$ref" in schema:
        name, _, inside = schema["$ref"].partition("#")
        steps = tuple(step for step in inside.split("/") if step)
        yield from _flat((normpath(f"{dirname(document)}/{name}") if name else document, steps))
    for kind in ("allOf", "anyOf", "oneOf"):
        branches = schema.get(kind, ())
        if kind == "allOf" or len(branches) == 1:
            for place in range(len(branches)):
                yield from _flat((document, (*path, kind, place)))


@lru_cache(maxsize=2048)
def _places(pieces: tuple[_Piece, ...]) -> tuple[tuple[_Piece, dict[str, Any]], ...]:
    """Where members may be defined, branches of which only some hold included."""
    found = dict.fromkeys(pieces)
    for document, path in pieces:
        for kind in ("anyOf", "oneOf"):
            branches = range(len(_at((document, path)).get(kind, ())))
            found |= dict.fromkeys((document, (*path, kind, place)) for place in branches)
    return tuple((piece, _at(piece)) for piece in found)


def _members(places: Iterable[tuple[_Piece, dict[str, Any]]], name: str) -> Iterator[_Piece]:
    for (document, path), schema in places:
        if name in schema.get("properties", {}):
            yield (document, (*path, "properties", name))
        for pattern in schema.get("patternProperties", {}):
            if _matches(pattern, name):
                yield (document, (*path, "patternProperties", pattern))


def _at(piece: _Piece) -> JsonValue:
    """What stands there; None where nothing does."""
    document, path = piece
    place: JsonValue = find_document(document)
    for step in path:
        if isinstance(place, dict) and step not in place:
            return None
        place = place[step]
    return place


def _matches(pattern: str, name: str) -> bool:
    return _pattern(pattern).is_valid(name)


@lru_cache(maxsize=512)
def _pattern(pattern: str) -> jsonschema_rs.Draft202012Validator:
    """The schemas' own linear-time engine: some of their patterns take others forever."""
    return jsonschema_rs.Draft202012Validator(
        {"pattern": pattern}, pattern_options=jsonschema_rs.RegexOptions(), offline=True
    )
