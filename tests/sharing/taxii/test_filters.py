"""The query string, strictly read (TAXII 2.1 §3.4, §3.4.1; field notes 4 and 5)."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from kernel.clock import parse_instant
from kernel.errors import BadInput
from sharing.queries.matching import VersionFilter
from sharing.taxii.filters import OBJECT_FIELDS, SINGLE_FIELDS, Asked, read_filters

NOON_US = parse_instant("2026-03-01T12:00:00Z")
INSTANT = "2026-03-01T12:00:00.000Z"


def read(*pairs: tuple[str, str]) -> Asked:
    return read_filters(MultiDict(pairs), OBJECT_FIELDS)


def refused(*pairs: tuple[str, str]) -> BadInput:
    with pytest.raises(BadInput) as refusal:
        read(*pairs)
    assert refusal.value.code == "sharing.bad-filter"
    return refusal.value


def test_a_client_that_asks_for_nothing_in_particular_is_not_narrowed() -> None:
    assert read() == Asked()
    assert read(("user", "x"), ("match[colour]", "red"), ("match", "x")) == Asked()


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01T12:00:00Z",
        "2026-03-01T12:00:00.0Z",
        "2026-03-01T12:00:00.000Z",
        "2026-03-01T12:00:00.000000Z",
        "2026-03-01T12:00:00.000000000Z",
        "2026-03-01T13:30:00+01:30",
        "2026-03-01T13:30:00 01:30",
        "2026-03-01T09:00:00.000-03:00",
        "2026-03-01T12:00:00.0000001+00:00",
        "2026-03-01t12:00:00z",
    ],
)
def test_field_note_5_added_after_is_an_instant_however_it_is_written(text: str) -> None:
    assert read(("added_after", text)).added_after_us == NOON_US


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026", "2026-03-01", "2026-13-01T00:00:00Z", "0", "\0", "1e9"]
)
def test_added_after_that_is_no_instant_is_refused(text: str) -> None:
    assert "added_after" in refused(("added_after", text)).message


@pytest.mark.parametrize(("text", "limit"), [("1", 1), ("50", 50), ("0050", 50), ("9" * 40, None)])
def test_limit_is_a_positive_whole_number_of_any_size(text: str, limit: int | None) -> None:
    asked = read(("limit", text)).limit
    assert asked == limit if limit else asked is not None and asked > 10**12


@pytest.mark.parametrize(
    "text", ["0", "-1", "000", "", " 5", "5 ", "+5", "5.0", "1e3", "ten", "٣", "½", "\0", "0x10"]
)
def test_field_note_4_limit_of_zero_less_or_text_is_refused(text: str) -> None:
    assert "limit" in refused(("limit", text)).message


@pytest.mark.parametrize(
    "name",
    ["added_after", "limit", "next", *(f"match[{field}]" for field in OBJECT_FIELDS)],
)
def test_no_parameter_may_be_given_twice(name: str) -> None:
    assert "once" in refused((name, "1"), (name, "1")).message


def test_values_are_separated_by_commas() -> None:
    asked = read(
        ("match[id]", "indicator--1,malware--2"),
        ("match[type]", "indicator,x-own"),
        ("match[spec_version]", "2.0,2.1"),
    )
    assert asked.ids == {"indicator--1", "malware--2"}
    assert asked.types == {"indicator", "x-own"}
    assert asked.spec_versions == {"2.0", "2.1"}


@pytest.mark.parametrize("field", OBJECT_FIELDS)
@pytest.mark.parametrize("text", ["", ",", "a,", ",a", "a, b", "a b", "a\0b", "a,,b", "a\tb"])
def test_a_list_with_holes_spaces_or_controls_is_refused(field: str, text: str) -> None:
    assert f"match[{field}]" in refused((f"match[{field}]", text)).message


@pytest.mark.parametrize(
    ("text", "versions"),
    [
        ("last", VersionFilter(last=True)),
        ("first", VersionFilter(first=True)),
        ("all", VersionFilter(all=True)),
        ("last,first", VersionFilter(first=True, last=True)),
        (
            f"first,{INSTANT},last",
            VersionFilter(first=True, last=True, exact=frozenset({NOON_US})),
        ),
        (
            f"{INSTANT},2026-03-01T12:00:00.000001Z",
            VersionFilter(exact=frozenset({NOON_US, NOON_US + 1})),
        ),
        ("2026-03-01T12:00:00Z", VersionFilter(exact=frozenset({NOON_US}))),
    ],
)
def test_versions_are_keywords_and_instants_in_any_company(
    text: str, versions: VersionFilter
) -> None:
    assert read(("match[version]", text)).versions == versions


@pytest.mark.parametrize(
    "text",
    [
        "all,last",
        f"all,{INSTANT}",
        "all,all",
        "last,last",
        f"{INSTANT},{INSTANT}",
        f"{INSTANT},2026-03-01T12:00:00Z",
        "LAST",
        "newest",
        "2026-03-01",
        "2026-03-01T12:00:00",
        "2026-03-01T12:00:00+00:00",
        "2026-02-30T12:00:00Z",
        "0",
    ],
)
def test_versions_that_contradict_each_other_or_mean_nothing_are_refused(text: str) -> None:
    assert "match[version]" in refused(("match[version]", text)).message


@pytest.mark.parametrize("text", ["2", "21", "2.1.1", "v2.1", "latest", "two"])
def test_spec_versions_that_are_none_are_refused(text: str) -> None:
    refused(("match[spec_version]", text))


def test_a_list_without_end_is_refused() -> None:
    refused(("match[id]", ",".join(f"x--{n}" for n in range(1001))))
    refused(("match[type]", ",".join(f"x-{n}" for n in range(101))))
    assert len(read(("match[type]", ",".join(f"x-{n}" for n in range(60)))).types or ()) == 60


def test_an_endpoint_ignores_the_match_fields_it_does_not_have() -> None:
    arguments = MultiDict([("match[id]", ", ,"), ("match[type]", "malware")])
    assert read_filters(arguments, SINGLE_FIELDS) == Asked()


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                ["added_after", "limit", "next", *(f"match[{field}]" for field in OBJECT_FIELDS)]
            ),
            st.one_of(st.text(), st.sampled_from(["all", "last,first", "2.1", "1", INSTANT])),
        ),
        max_size=6,
    )
)
def test_any_query_string_is_read_or_refused(pairs: list[tuple[str, str]]) -> None:
    asked = None
    with contextlib.suppress(BadInput):
        asked = read(*pairs)
    assert asked is None or asked.limit is None or asked.limit > 0


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        (VersionFilter(all=True), [1, 2, 3]),
        (VersionFilter(first=True), [1]),
        (VersionFilter(last=True), [3]),
        (VersionFilter(first=True, last=True), [1, 3]),
        (VersionFilter(exact=frozenset({2, 9})), [2]),
        (VersionFilter(last=True, exact=frozenset({3, 1})), [1, 3]),
        (VersionFilter(), []),
    ],
)
def test_a_filter_chooses_among_the_versions_of_one_object(
    asked: VersionFilter, chosen: list[int]
) -> None:
    assert asked.choose([1, 2, 3]) == chosen
    assert asked.choose([]) == []
