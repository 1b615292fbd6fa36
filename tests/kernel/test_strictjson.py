"""Strict JSON refuses what two readers could take differently, and never costs more than a pass."""

from __future__ import annotations

import hashlib
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import BadInput, TooLarge
from kernel.strictjson import Limits, content_digest, loads, read_element, split_array

HALF_A_MEBIBYTE = 512 * 1024
WIDE = Limits(max_bytes=10**8, max_nodes=10**7)

scalars = (
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**63), max_value=2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text('aé"\\{[,', max_size=3), inner, max_size=4)
    ),
    max_leaves=20,
)
spaces = st.text(" \t\r\n", max_size=3)


def refused(raw: bytes, **limits: int) -> str:
    with pytest.raises(BadInput) as caught:
        loads(raw, limits=Limits(**limits))
    return f"{caught.value.code}: {caught.value.message}"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'{"a":1,"a":1}', "the key 'a' appears twice"),
        (b'{"a":1,"\\u0061":2}', "the key 'a' appears twice"),
        (b'[[{"x":{"k":0,"k":0}}]]', "the key 'k' appears twice"),
        (b"[NaN]", "NaN is not a JSON number"),
        (b"[-Infinity]", "-Infinity is not a JSON number"),
        (b"[1e999]", "is too large"),
        (b"[9223372036854775808]", "does not fit in 64 bits"),
        (b"[-9223372036854775809]", "does not fit in 64 bits"),
        (b"[" + b"7" * 5000 + b"]", "does not fit in 64 bits"),
        (b'["\\ud800"]', "half of a surrogate pair"),
        (b'{"\\uDC00":1}', "half of a surrogate pair"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b'["\xff"]', "byte 2 is not UTF-8"),
        (b'["\xed\xa0\x80"]', "not UTF-8"),
        (b'["\xc0\xaf"]', "not UTF-8"),
        ('["a"]'.encode("utf-16"), "not UTF-8"),
        (b'["a\nb"]', "control character"),
        (b"[1,]", "expecting value"),
        (b"[01]", "expecting"),
        (b"[1] 2", "expected the end of the body"),
        (b"", "expecting value"),
        (b"['a']", "expecting value"),
        (b'{"a":1', "expecting"),
        (b'["\\x41"]', "invalid \\escape"),
        (b"[.5]", "expecting value"),
        (b"\xc2\xa0[]", "expecting value"),
    ],
)
def test_reader_refuses_what_is_not_strict_json(raw: bytes, reason: str) -> None:
    assert reason in refused(raw)
    assert refused(raw).startswith("kernel.bad-json: ")


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"[9223372036854775807,-9223372036854775808]", [2**63 - 1, -(2**63)]),
        (b'["\\ud83d\\ude00"]', ["\U0001f600"]),
        (b'["\\u0000"]', ["\0"]),
        (b" \r\n\t{} ", {}),
        (b'{"a":{"a":1},"b":{"a":1}}', {"a": {"a": 1}, "b": {"a": 1}}),
        (b"[1E5,-0.0,1.25]", [100000.0, -0.0, 1.25]),
        (b'"text"', "text"),
    ],
)
def test_reader_takes_what_is_strict_json(raw: bytes, value: object) -> None:
    assert loads(raw) == value


def test_position_of_a_fault_is_told_in_lines_columns_and_bytes() -> None:
    assert "line 2, column 5 (byte 11)" in refused('["é",\n  1 2]'.encode())


def test_limits_hold_to_the_last_level_node_and_byte() -> None:
    assert loads(b"[" * 64 + b"]" * 64) is not None
    assert "deeper than the 64 levels" in refused(b"[" * 65 + b"]" * 65)
    assert loads(b'[1,{"a":[],"b":{}}]', limits=Limits(max_nodes=5)) is not None
    assert "more than 4 values" in refused(b'[1,{"a":[],"b":{}}]', max_nodes=4)
    assert loads(b"[1]", limits=Limits(max_bytes=3)) == [1]
    with pytest.raises(TooLarge, match="send at most 2"):
        loads(b"[1]", limits=Limits(max_bytes=2))


def test_nesting_past_the_interpreter_s_own_bound_is_refused_too() -> None:
    assert "nests too deep" in refused(b"[" * 100_000, max_depth=10**6, max_nodes=10**6)


def test_brackets_and_commas_inside_strings_are_not_counted() -> None:
    assert loads(b'["[[[[,,,,{{{{\\"[[", "\\\\"]', limits=Limits(max_depth=1, max_nodes=3))
    assert loads(b"[ [ ] , { } ]", limits=Limits(max_nodes=3)) == [[], {}]


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * HALF_A_MEBIBYTE,
        b'{"a":' * (HALF_A_MEBIBYTE // 5),
        b'"' * HALF_A_MEBIBYTE,
        b'["' + b'\\"' * (HALF_A_MEBIBYTE // 2),
        b'["' + b'\\"' * (HALF_A_MEBIBYTE // 2) + b"\\",
        b"[" + b"9" * HALF_A_MEBIBYTE + b"]",
        b"[" + b"9" * HALF_A_MEBIBYTE + b"e5]",
        b"[0." + b"9" * HALF_A_MEBIBYTE + b"]",
        b"[" + b"[]," * (HALF_A_MEBIBYTE // 3),
        b" " * HALF_A_MEBIBYTE,
        b'{"objects":[' + b'{"a":1,"a":1},' * 30_000,
        b'{"objects":[' + b'{"a":' * 60 + b'{"b":1,"b":1}' + b"}" * 60 + b",NaN" * 20_000 + b"]}",
        b'["' + b"\\ud83d\\ude00" * (HALF_A_MEBIBYTE // 12) + b'"]',
    ],
    ids=lambda raw: ascii(raw[:14]),
)
def test_bomb_is_answered_in_linear_time(raw: bytes) -> None:
    start = time.process_time()
    try:
        outcome = str(split_array(raw, "objects"))
    except BadInput as fault:
        outcome = fault.message
    assert outcome
    assert time.process_time() - start < 8.0


@given(st.lists(values, max_size=6), spaces, spaces)
def test_items_come_with_their_exact_bytes(items: list[object], before: str, after: str) -> None:
    texts = [json.dumps(item, ensure_ascii=bool(index % 2)) for index, item in enumerate(items)]
    gap = f"{after},{before}"
    raw = f'{before}{{"more":false,{before}"objects"{after}:{before}[{before}'
    raw += gap.join(texts) + f"{after}]{before}}}{after}"
    split = split_array(raw.encode(), "objects", limits=WIDE)
    assert split.members == {"more": False}
    assert split.elements is not None
    assert [element.raw.decode() for element in split.elements] == texts
    assert [element.fault for element in split.elements] == [None] * len(items)
    assert [repr(element.value) for element in split.elements] == [repr(item) for item in items]
    assert gap.encode().join(element.raw for element in split.elements) in raw.encode()


@given(values)
def test_value_read_back_is_the_value_written(value: object) -> None:
    raw = json.dumps(value).encode()
    assert repr(loads(raw, limits=WIDE)) == repr(value)
    assert read_element(b" " + raw + b"\n", limits=WIDE).raw == raw


def shuffled(value: object) -> object:
    if isinstance(value, dict):
        return {key: shuffled(value[key]) for key in reversed(list(value))}
    if isinstance(value, list):
        return [shuffled(item) for item in value]
    return value


@given(values)
def test_digest_does_not_see_key_order_escapes_or_spaces(value: object) -> None:
    digest = content_digest(value)
    assert len(digest) == 32
    assert content_digest(shuffled(value)) == digest
    spelt = json.dumps(value, ensure_ascii=False, indent=1).encode()
    assert content_digest(loads(spelt, limits=WIDE)) == digest


def test_digest_sees_values_not_spellings() -> None:
    assert content_digest(loads(b'{"a":1,"b":[1e2]}')) == content_digest(
        loads(b'{"b":[100],"a":1.0}')
    )
    assert content_digest(loads(b"[-0.0]")) == content_digest(loads(b"[0]"))
    different = [
        b"1",
        b"true",
        b'"1"',
        b"null",
        b"0",
        b"false",
        b"[]",
        b"{}",
        b'""',
        b"[1]",
        b"1.5",
    ]
    assert len({content_digest(loads(each)) for each in different}) == len(different)
    assert content_digest([1, 2]) != content_digest([2, 1])


def test_fault_inside_one_item_stays_with_the_item() -> None:
    raw = b'{"objects":[{"id":"a"},{"id":"b","id":"b"},[NaN],"\\ud800",{"n":1e999},{"id":"c"}]}'
    elements = split_array(raw, "objects").elements
    assert elements is not None
    assert [element.fault is None for element in elements] == [
        True,
        False,
        False,
        False,
        False,
        True,
    ]
    assert elements[1].raw == b'{"id":"b","id":"b"}'
    assert elements[1].value == {"id": "b"}


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'{"objects":[],"objects":[]}', "the key 'objects' appears twice"),
        (b'{"objects":[],"\\u006fbjects":1}', "the key 'objects' appears twice"),
        (b'{"more":1,"more":1}', "the key 'more' appears twice"),
        (b'{"more":NaN}', "NaN is not a JSON number"),
        (b'{"more":{"a":1,"a":1}}', "the key 'a' appears twice"),
        (b'{"objects":[1 2]}', "expected , or ]"),
        (b'{"objects":[1,]}', "expecting value"),
        (b'{"objects":[1}', "expected , or ]"),
        (b'{"objects":[', "expecting value"),
        (b'{"objects":[]', "expected , or }"),
        (b'{"objects" []}', "expected : after the key"),
        (b'{"a":1,}', "expected a key in double quotes"),
        (b"{a:1}", "expected a key in double quotes"),
        (b'{"objects":[]}]', "expected the end of the body"),
        (b"[1]]", "expected the end of the body"),
        (b"5", "expected an object or an array"),
        (b"", "expected an object or an array"),
        (b'{"\\ud800":1}', "half of a surrogate pair"),
    ],
)
def test_fault_outside_the_items_refuses_the_document(raw: bytes, reason: str) -> None:
    with pytest.raises(BadInput) as caught:
        split_array(raw, "objects")
    assert reason in caught.value.message
    assert caught.value.code == "kernel.bad-json"


def test_document_is_taken_apart_by_its_shape() -> None:
    assert split_array(b"{}", "objects").members == {}
    assert split_array(b"{}", "objects").elements is None
    assert split_array(b'{"objects":{"0":1}}', "objects").members == {"objects": {"0": 1}}
    assert split_array(b'{"objects":[ ]}', "objects").elements == ()
    array = split_array(b"[1, 2]", "objects")
    assert array.members is None
    assert [element.value for element in array.elements or ()] == [1, 2]


def whole(value: object) -> object:
    """Numbers that are whole without a fraction."""
    if isinstance(value, dict):
        return {key: whole(member) for key, member in value.items()}
    if isinstance(value, list):
        return [whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@given(values)
def test_a_digest_is_that_of_the_sorted_text(value: object) -> None:
    """Whichever writer writes it: what is stored goes on being equal to what comes in."""
    text = json.dumps(whole(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert content_digest(value) == hashlib.sha256(text.encode()).digest()
