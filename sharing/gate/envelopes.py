"""What objects arrive in: TAXII envelopes, STIX bundles, arrays, single objects, JSON lines.

Malformed outer JSON refuses the whole; a fault inside one object is that object's alone.
What does not live here: judging an object (objects).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from kernel.errors import BadInput, ComityError
from kernel.strictjson import (
    DEFAULT_LIMITS,
    Element,
    JsonValue,
    Limits,
    read_element,
    split_array,
)
from sharing.gate.verdicts import RawObject

_OBJECTS = "objects"
_SPACE = b" \t\r\n"
_OVERSIZED = "kernel.json-too-large"
# An envelope wraps an object in two levels; what could not travel in one is not taken.
_ENVELOPE_DEPTH = 2
_ENVELOPE_KEYS = frozenset({"more", "next"})


def read_envelope(raw: bytes, *, limits: Limits = DEFAULT_LIMITS) -> list[RawObject]:
    """The objects of a TAXII envelope (TAXII 2.1 §3.7) or of a STIX bundle (STIX 2.1 §8).

    `more`, `next` and a bundle's own id are ignored; no `objects` means none.
    Raises BadInput (`kernel.bad-json`, `kernel.json-too-large`, `sharing.not-an-envelope`)
    and TooLarge (`kernel.json-too-large`).
    """
    split = split_array(raw, _OBJECTS, limits=limits)
    if split.members is None or not _is_envelope(
        split.members, has_objects=split.elements is not None
    ):
        raise BadInput(
            "sharing.not-an-envelope",
            'the body is neither a TAXII envelope nor a STIX bundle; send {"objects": [...]}',
        )
    return _raw_objects(split.elements or ())


def read_import(raw: bytes, *, limits: Limits = DEFAULT_LIMITS) -> list[RawObject]:
    """The objects of an envelope, a bundle, a JSON array, or the one object the file is.

    Raises BadInput and TooLarge as `read_envelope` does.
    """
    split = split_array(raw, _OBJECTS, limits=limits)
    if split.members is None or _is_envelope(split.members, has_objects=split.elements is not None):
        return _raw_objects(split.elements or ())
    if "type" not in split.members:
        raise _no_stix()
    return [_one_object(0, raw, _for_one_object(limits))]


def holds_objects(outline: bytes, *, limits: Limits = DEFAULT_LIMITS) -> bool:
    """Whether a file is an envelope, a bundle or an array; else it is one object itself.

    `outline` is the file, the items of its array left out or not. Raises as `read_import`.
    """
    split = split_array(outline, _OBJECTS, limits=limits)
    if split.members is None or _is_envelope(split.members, has_objects=split.elements is not None):
        return True
    if "type" not in split.members:
        raise _no_stix()
    return False


def read_item(index: int, raw: bytes, *, limits: Limits = DEFAULT_LIMITS) -> RawObject:
    """One item of a file's array; refused alone where it is more than an envelope could bring.

    Raises BadInput (`kernel.bad-json`) where it is not JSON at all.
    """
    try:
        return _one_object(index, raw, _for_one_object(limits))
    except ComityError as fault:
        if fault.code != _OVERSIZED:
            raise
        return RawObject(index, b"", None, fault.message)


def read_lines(lines: Iterable[bytes], *, limits: Limits = DEFAULT_LIMITS) -> Iterator[RawObject]:
    """One object a line; empty lines are skipped; `index` counts lines from 0.

    Limits hold for each line. A malformed line fails alone, as an object with a fault.
    """
    limits = _for_one_object(limits)
    for index, line in enumerate(lines):
        if line.strip(_SPACE):
            try:
                yield _one_object(index, line, limits)
            except ComityError as fault:
                yield RawObject(index, line.strip(_SPACE), None, fault.message)


def _no_stix() -> BadInput:
    return BadInput(
        "sharing.not-an-envelope",
        "the file holds no STIX: expected an envelope, a bundle, an array or an object",
    )


def _one_object(index: int, raw: bytes, limits: Limits) -> RawObject:
    element = read_element(raw, limits=limits)
    return RawObject(index, element.raw, element.value, element.fault)


def _for_one_object(limits: Limits) -> Limits:
    return replace(limits, max_depth=limits.max_depth - _ENVELOPE_DEPTH)


def _is_envelope(members: dict[str, JsonValue], *, has_objects: bool) -> bool:
    if "type" in members:
        return bool(members["type"] == "bundle")
    return has_objects or members.keys() <= _ENVELOPE_KEYS


def _raw_objects(elements: Iterable[Element]) -> list[RawObject]:
    return [
        RawObject(index, element.raw, element.value, element.fault)
        for index, element in enumerate(elements)
    ]
