"""Strict JSON: bytes to values, refusing whatever two readers could understand differently.

Refused: anything but UTF-8, a byte order mark, duplicate keys at any depth, NaN and
Infinity, lone surrogates, integers outside [-2**63, 2**63), numbers too large for a double,
and documents past `Limits`. Depth and nodes are counted before anything is built, so a
hostile body costs one linear pass. What does not live here: STIX, and writing JSON.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, NoReturn, TypeAlias

import orjson

from kernel.errors import BadInput, TooLarge

JsonValue: TypeAlias = Any
"""dict, list, str, int, float, bool or None: what `loads` returns."""

_INTEGER_BOUND: Final = 2**63
_INTEGER_DIGITS: Final = 20
_SHOWN: Final = 40
_SPACE: Final = re.compile(r"[ \t\n\r]*+")
_SURROGATE_ESCAPE: Final = re.compile(r"\\u[dD][89a-fA-F]")
# A string, or what an unterminated one swallows: never tries the same byte twice.
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_CONTAINERS: Final = (dict, list)
_MALFORMED: Final = "kernel.bad-json"
_OVERSIZED: Final = "kernel.json-too-large"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one document may hold: bytes, levels of nesting, values (members and items)."""

    max_bytes: int = 10 * 1024 * 1024
    max_depth: int = 64
    max_nodes: int = 100_000


DEFAULT_LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True)
class Element:
    """One item of an array, with its bytes exactly as received.

    `fault` says in a sentence why the item is well-formed but not strict JSON (duplicate
    keys, NaN, …); its `value` then is a lenient reading, good for naming the item only.
    """

    raw: bytes
    value: JsonValue
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Split:
    """A document taken apart: its own members, and the items of one array.

    `members` are those of the outer object (less the array that was taken apart), None when
    the document is an array. `elements` is None when there was no array to take apart.
    """

    members: dict[str, JsonValue] | None
    elements: tuple[Element, ...] | None


class _FaultError(ValueError):
    """Well-formed but not strict; the message is a sentence about the value it is in."""


def loads(raw: bytes, *, limits: Limits = DEFAULT_LIMITS) -> JsonValue:
    """The value of one strict JSON document.

    Raises BadInput (`kernel.bad-json`, `kernel.json-too-large`) with the position of the
    fault, and TooLarge (`kernel.json-too-large`) past `limits.max_bytes`.
    """
    text = _checked_text(raw, limits)
    value, end = _strict_value(text, _skip_space(text, 0))
    _expect_end(text, end)
    return value


def read_element(raw: bytes, *, limits: Limits = DEFAULT_LIMITS) -> Element:
    """The one value that the document is, as `split_array` hands out items.

    Raises what `loads` raises, but for a fault of the value itself.
    """
    text = _checked_text(raw, limits)
    element, end = _element(text, _skip_space(text, 0))
    _expect_end(text, end)
    return element


def split_array(raw: bytes, key: str, *, limits: Limits = DEFAULT_LIMITS) -> Split:
    """Takes apart the array under `key` of an object, or a document that is an array.

    A fault inside one item is that item's alone; anything else that is wrong refuses the
    document. Raises what `loads` raises, and BadInput when the document is a bare value.
    """
    text = _checked_text(raw, limits)
    start = _skip_space(text, 0)
    if text[start : start + 1] == "[":
        elements, end = _array_elements(text, start)
        _expect_end(text, end)
        return Split(None, elements)
    if text[start : start + 1] != "{":
        _malformed(text, start, "expected an object or an array")
    return _split_object(text, start, key)


def content_digest(value: JsonValue) -> bytes:
    """SHA-256 of the value, equal for equal JSON values.

    Key order, whitespace, escapes and the spelling of numbers (1, 1.0, 1e0) do not count.
    Numbers written with a fraction or an exponent are compared as IEEE doubles.
    """
    return hashlib.sha256(_canonical(value)).digest()


def _canonical(value: JsonValue) -> bytes:
    if not _holds_float([value]):
        # Without floats the fast writer writes the same: what is stored was written by either.
        with suppress(TypeError):
            return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    canonical = json.dumps(
        _normal(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    )
    return canonical.encode("utf-8", "surrogatepass")


def _holds_float(value: dict[str, JsonValue] | list[JsonValue]) -> bool:
    for each in value.values() if isinstance(value, dict) else value:
        if isinstance(each, str):
            continue  # as nearly always
        if isinstance(each, float) or (isinstance(each, _CONTAINERS) and _holds_float(each)):
            return True
    return False


def _normal(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {key: _normal(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_normal(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


# --- limits and encoding, before anything is built ---------------------------------------


def _checked_text(raw: bytes, limits: Limits) -> str:
    if len(raw) > limits.max_bytes:
        raise TooLarge(
            _OVERSIZED, f"the body has {len(raw)} bytes; send at most {limits.max_bytes}"
        )
    if raw.startswith(b"\xef\xbb\xbf"):
        raise BadInput(_MALFORMED, "the body starts with a byte order mark; send UTF-8 without it")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as fault:
        raise BadInput(_MALFORMED, f"byte {fault.start} is not UTF-8; send UTF-8") from None
    _check_shape(raw, limits)
    return text


def _check_shape(raw: bytes, limits: Limits) -> None:
    """Counts nodes and depth on the document with its strings and whitespace taken out."""
    most_strings = 2 * limits.max_nodes  # a key and a value each
    skeleton, strings = _STRING.subn(b'"', raw, count=most_strings + 1)
    skeleton = skeleton.translate(None, b" \t\r\n")
    openers = skeleton.count(b"[") + skeleton.count(b"{")
    empties = skeleton.count(b"[]") + skeleton.count(b"{}")
    nodes = 1 + skeleton.count(b",") + openers - empties
    if nodes > limits.max_nodes or strings > most_strings:
        raise BadInput(
            _OVERSIZED,
            f"the body holds more than {limits.max_nodes} values; send it in several requests",
        )
    depth = 0
    for bracket in skeleton.translate(None, _NOT_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if depth > limits.max_depth:
            raise BadInput(
                _OVERSIZED, f"the body nests deeper than the {limits.max_depth} levels allowed"
            )


# --- strict and lenient decoding ----------------------------------------------------------


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    members = dict(pairs)
    if len(members) != len(pairs):
        twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise _FaultError(f"the key {_shown(twice)} appears twice in one object")
    return members


def _constant(name: str) -> NoReturn:
    raise _FaultError(f"{name} is not a JSON number")


def _integer(text: str) -> int:
    if len(text) <= _INTEGER_DIGITS:
        value = int(text)
        if -_INTEGER_BOUND <= value < _INTEGER_BOUND:
            return value
    raise _FaultError(f"the integer {_shown(text)} does not fit in 64 bits")


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise _FaultError(f"the number {_shown(text)} is too large")
    return value


_STRICT: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer, parse_float=_float
)
# Finds where a faulty item ends; numbers stay text, so that no digit bomb is ever converted.
_LENIENT: Final = json.JSONDecoder(parse_constant=str, parse_int=str, parse_float=str)


def _decode(decoder: json.JSONDecoder, text: str, start: int) -> tuple[JsonValue, int]:
    try:
        return decoder.raw_decode(text, start)
    except json.JSONDecodeError as fault:
        _malformed(text, fault.pos, fault.msg[:1].lower() + fault.msg[1:])
    except RecursionError:
        raise BadInput(_OVERSIZED, "the body nests too deep") from None


def _check_surrogates(text: str, start: int, end: int, value: JsonValue) -> None:
    """Escapes can smuggle half a character past the decoder; only they can."""
    if _SURROGATE_ESCAPE.search(text, start, end) is None:
        return
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise _FaultError("a \\u escape is half of a surrogate pair") from None


def _strict_value(text: str, start: int) -> tuple[JsonValue, int]:
    """The strict value at `start` and where it ends; a fault refuses the document."""
    try:
        value, end = _decode(_STRICT, text, start)
        _check_surrogates(text, start, end, value)
    except _FaultError as fault:
        _malformed(text, start, f"in the value that starts here, {fault}")
    return value, end


def _element(text: str, start: int) -> tuple[Element, int]:
    """The item at `start` and where it ends; a fault stays with the item."""
    fault: str | None = None
    try:
        value, end = _decode(_STRICT, text, start)
        _check_surrogates(text, start, end, value)
    except _FaultError as caught:
        fault = str(caught)
        value, end = _decode(_LENIENT, text, start)
    return Element(text[start:end].encode("utf-8"), value, fault), end


# --- walking the outer document -----------------------------------------------------------


def _array_elements(text: str, start: int) -> tuple[tuple[Element, ...], int]:
    """The items of the array that opens at `start`, and the index after its bracket."""
    elements: list[Element] = []
    at = _skip_space(text, start + 1)
    closed = text.startswith("]", at)
    while not closed:
        element, at = _element(text, at)
        elements.append(element)
        at, closed = _after_item(text, at, "]")
    return tuple(elements), at + 1


def _split_object(text: str, start: int, key: str) -> Split:
    members: dict[str, JsonValue] = {}
    elements: tuple[Element, ...] | None = None
    at = _skip_space(text, start + 1)
    closed = text.startswith("}", at)
    while not closed:
        name, value_at = _member_name(text, at)
        if name in members or (name == key and elements is not None):
            _malformed(text, at, f"the key {_shown(name)} appears twice in one object")
        if name == key and text.startswith("[", value_at):
            elements, at = _array_elements(text, value_at)
        else:
            members[name], at = _strict_value(text, value_at)
        at, closed = _after_item(text, at, "}")
    _expect_end(text, at + 1)
    return Split(members, elements)


def _member_name(text: str, at: int) -> tuple[str, int]:
    """The key at `at`, and where its value starts."""
    if not text.startswith('"', at):
        _malformed(text, at, "expected a key in double quotes")
    name, after = _strict_value(text, at)
    after = _skip_space(text, after)
    if not text.startswith(":", after):
        _malformed(text, after, "expected : after the key")
    return name, _skip_space(text, after + 1)


def _after_item(text: str, at: int, closer: str) -> tuple[int, bool]:
    """Where the next item starts; or where `closer` stands, and True."""
    at = _skip_space(text, at)
    if text.startswith(closer, at):
        return at, True
    if not text.startswith(",", at):
        _malformed(text, at, f"expected , or {closer}")
    return _skip_space(text, at + 1), False


def _skip_space(text: str, index: int) -> int:
    match = _SPACE.match(text, index)
    return match.end() if match else index


def _expect_end(text: str, index: int) -> None:
    end = _skip_space(text, index)
    if end != len(text):
        _malformed(text, end, "expected the end of the body")


def _malformed(text: str, index: int, what: str) -> NoReturn:
    line = text.count("\n", 0, index) + 1
    column = index - text.rfind("\n", 0, index)
    byte = len(text[:index].encode("utf-8"))
    raise BadInput(_MALFORMED, f"line {line}, column {column} (byte {byte}): {what}")


def _shown(text: str) -> str:
    return ascii(text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "...")
