"""STIX 2.1 JSON schemas, compiled once per type when the type is first met.

They are read from the data of the stix2-validator package, amended (amendments) and resolved
among themselves: no network. Their patterns run on a linear-time engine. What does not live
here: what a schema cannot say (times, ids, selectors, markings, patterns).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import jsonschema_rs

from kernel.errors import BadInput, Misconfigured
from kernel.strictjson import JsonValue
from sharing.gate.amendments import AMENDMENTS, Amendment
from sharing.gate.verdicts import member_path, refusal, shown

_FOLDERS: Final = ("common", "observables", "sdos", "sros")
_META_TYPES: Final = ("extension-definition", "language-content", "marking-definition")
_CORE: Final = "common/core.json"
_LONGEST_REASON: Final = 240


@cache
def observable_types() -> frozenset[str]:
    """The types of STIX Cyber-observable Objects that STIX 2.1 defines."""
    return frozenset(_types_in("observables"))


@cache
def known_types() -> frozenset[str]:
    """Every type that STIX 2.1 defines, `bundle` apart: bundles are no objects."""
    return observable_types().union(_types_in("sdos"), _types_in("sros"), _META_TYPES)


@cache
def timestamp_names(stix_type: str) -> frozenset[str]:
    """The top-level properties of a defined type that hold a timestamp."""
    if stix_type not in known_types():
        return frozenset()
    return frozenset(_timestamps_of(_documents()[document_of(stix_type)]))


@cache
def document_of(stix_type: str) -> str:
    """The name of the document with the schema of a defined type."""
    return next(
        f"{folder}/{stix_type}.json"
        for folder in _FOLDERS
        if f"{folder}/{stix_type}.json" in _documents()
    )


def find_document(name: str) -> dict[str, Any]:
    """The amended schema document `folder/file.json`; not to be changed."""
    return _documents()[name]


def check_schema(value: dict[str, JsonValue], stix_type: str) -> None:
    """Checks the object against its type's schema; a custom type against the common core.

    Raises BadInput (`sharing.bad-property`) with the first fault and its JSON path.
    """
    kind = stix_type if stix_type in known_types() else ""
    try:
        _validator(kind).validate(value)
    except jsonschema_rs.ValidationError as fault:
        raise _explained(fault) from None


def _explained(fault: jsonschema_rs.ValidationError) -> BadInput:
    path = "$"
    for step in fault.instance_path:
        path = f"{path}[{step}]" if isinstance(step, int) else member_path(path, step)
    return refusal("sharing.bad-property", path, shown(_sentence(fault), _LONGEST_REASON))


def _sentence(fault: jsonschema_rs.ValidationError) -> str:
    instance = fault.instance
    if instance is None:
        return "null is not allowed; leave the property out"
    if instance in ([], {}):
        return "an empty list or object is not allowed; leave the property out"
    if fault.kind.name in ("anyOf", "oneOf", "not", "if"):
        return "none of the forms that STIX 2.1 allows here fits; see the type's definition"
    return fault.message


@lru_cache(maxsize=128)
def _validator(kind: str) -> jsonschema_rs.Draft202012Validator:
    """The compiled schema of a defined type, or of any custom type when `kind` is empty."""
    documents = _documents()
    schema = documents[document_of(kind)] if kind else _custom_schema(documents)
    return jsonschema_rs.Draft202012Validator(
        schema,
        registry=_registry(),
        pattern_options=jsonschema_rs.RegexOptions(),
        validate_formats=False,
        offline=True,
    )


def _custom_schema(documents: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The common properties have their meaning in any type; none but type and id is required."""
    schema = deepcopy(documents[_CORE])
    schema["$id"] = schema["$id"].replace("core.json", "custom.json")
    schema["required"] = ["type", "id"]
    return schema


@cache
def _registry() -> jsonschema_rs.Registry:
    return jsonschema_rs.Registry([(each["$id"], each) for each in _documents().values()])


@cache
def _documents() -> dict[str, dict[str, Any]]:
    """The amended schemas by `folder/file.json`. Raises Misconfigured when not installed."""
    root = _schema_folder()
    documents: dict[str, dict[str, Any]] = {}
    for folder in _FOLDERS:
        for file in sorted((root / folder).glob("*.json")):
            documents[f"{folder}/{file.name}"] = json.loads(file.read_text("utf-8"))
    for amendment in AMENDMENTS:
        _amend(documents, amendment)
    return documents


def _amend(documents: dict[str, dict[str, Any]], amendment: Amendment) -> None:
    place: Any = documents[amendment.document]
    for step in amendment.path[:-1]:
        place = place[step]
    last = amendment.path[-1]
    if amendment.new is None:
        del place[last]
    else:
        place[last] = amendment.new


def _schema_folder() -> Path:
    """Found without importing the package, which would start its pattern parser."""
    package = find_spec("stix2validator")
    for location in (package.submodule_search_locations or ()) if package else ():
        folder = Path(location) / "schemas-2.1" / "schemas"
        if (folder / _CORE).is_file():
            return folder
    raise Misconfigured(
        "sharing.no-schemas",
        "the STIX schemas are not installed; install stix2-validator 3.2.0, which ships them",
    )


def _types_in(folder: str) -> Iterator[str]:
    for name in _documents():
        if name.startswith(f"{folder}/"):
            yield name.removeprefix(f"{folder}/").removesuffix(".json")


def _timestamps_of(schema: dict[str, Any]) -> Iterator[str]:
    """Names under `properties` that refer to the timestamp schema; extensions' are deeper."""
    for part in (schema, *schema.get("allOf", ())):
        for name, definition in part.get("properties", {}).items():
            if isinstance(definition, dict) and "timestamp.json" in str(definition.get("$ref")):
                yield name
