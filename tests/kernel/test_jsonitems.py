"""A long array is taken apart without being held: the same as when it is read whole."""

from __future__ import annotations

import io
import json
import tracemalloc
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel import jsonitems
from kernel.errors import BadInput, TooLarge
from kernel.jsonitems import Items, find_items
from kernel.strictjson import loads, read_element, split_array

ODD = st.sampled_from(["objects", '"', "\\", "[", "]", "{", "}", ",", ":", "é", "\n", "a"])
TEXT = st.lists(ODD, max_size=3).map("".join)
LEAVES = st.none() | st.booleans() | st.integers(-9, 9) | TEXT
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
DOCUMENTS = st.lists(VALUES, max_size=4) | st.dictionaries(
    ODD, VALUES | st.lists(VALUES, max_size=3), max_size=4
)
FORMS: list[dict[str, Any]] = [{}, {"indent": 1}, {"separators": (" ,\n", "\t: ")}]


def find(raw: bytes, chunk_bytes: int, most: int = 10_000) -> Items:
    old, jsonitems._CHUNK_BYTES = jsonitems._CHUNK_BYTES, chunk_bytes
    try:
        return find_items(io.BytesIO(raw), "objects", most_outline_bytes=most)
    finally:
        jsonitems._CHUNK_BYTES = old


@given(DOCUMENTS, st.sampled_from(FORMS), st.booleans(), st.integers(1, 9))
def test_outline_and_items_are_what_reading_it_whole_gives(
    document: Any, form: Any, escaped: bool, chunk_bytes: int
) -> None:
    raw = json.dumps(document, ensure_ascii=escaped, **form).encode()
    items = find(raw, chunk_bytes)
    found = [raw[start:end] for start, end in items.places()]
    whole, outline = split_array(raw, "objects"), split_array(items.outline, "objects")
    assert [loads(each) for each in found] == [each.value for each in whole.elements or ()]
    assert outline.members == whole.members
    assert (outline.elements is None) == (whole.elements is None)
    assert not outline.elements


@given(st.binary(max_size=30) | st.text('[]{},:"\\ab1 ', max_size=30).map(str.encode))
def test_whatever_is_found_in_order_is_json(raw: bytes) -> None:
    """Where outline and items can be read, so can the document: nothing slips in between."""
    try:
        items = find(raw, 4)
        split_array(items.outline, "objects")
        found = [read_element(raw[start:end]) for start, end in items.places()]
    except BadInput:
        with pytest.raises(BadInput):
            split_array(raw, "objects")
        return
    assert tuple(found) == (split_array(raw, "objects").elements or ())


def test_a_key_in_escapes_is_the_key() -> None:
    raw = b'{"a": [1], "obj\\u0065cts" : [1, {"objects": [2]}], "b": {"objects": [3]}}'
    assert find(raw, 3).outline == b'{"a": [1], "obj\\u0065cts" : [], "b": {"objects": [3]}}'


def test_what_is_around_the_objects_must_be_small() -> None:
    with pytest.raises(TooLarge):
        find(b'{"a": "' + b"x" * 100 + b'", "objects": []}', 8, most=50)
    assert len(find(b'{"objects": ["' + b"x" * 100 + b'"]}', 8, most=50)) == 1


class _Endless(io.RawIOBase):
    """A long array of long strings, made as it is read."""

    def __init__(self, items: int, item_bytes: int) -> None:
        self._parts = iter([b"[", *[b'"' + b"x" * item_bytes + b'",'] * items, b"1]"])

    def seek(self, offset: int, _whence: int = 0) -> int:
        return offset

    def read(self, _size: int = -1) -> bytes:
        return next(self._parts, b"")


def test_memory_holds_a_chunk_whatever_the_length() -> None:
    tracemalloc.start()
    items = find_items(cast("Any", _Endless(2000, 100_000)), "objects", most_outline_bytes=100)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(items) == 2001
    assert peak < 2_000_000
