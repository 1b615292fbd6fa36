"""Instants: text in many spellings, one number of microseconds, and back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.clock import format_instant, format_version, parse_instant
from kernel.errors import BadInput


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.Z", 0),
        ("1970-01-01t00:00:00.1z", 100_000),
        ("1970-01-01T00:00:00.123456789Z", 123_456),
        ("1970-01-01T01:00:00.000001+01:00", 1),
        ("1969-12-31T23:30:00-00:30", 0),
        ("1970-01-01T00:00:60Z", 60_000_000),
        ("1970-01-01T05:30:00+0530", 0),
    ],
)
def test_an_instant_is_read_in_every_spelling_that_clients_use(text: str, micros: int) -> None:
    assert parse_instant(text) == micros


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026",
        "2026-13-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:00:00",
        "2026-01-01 00:00:00Z",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+00:60",
        "2026-01-01T00:00:00.1234567890Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "٢٠٢٦-01-01T00:00:00Z",
        "x" * 1000,
    ],
)
def test_what_is_no_instant_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadInput, match="write one like") as told:
        parse_instant(text)
    assert len(told.value.message) < 200


@given(st.datetimes(min_value=datetime(1000, 1, 1), max_value=datetime(9999, 1, 1)))  # noqa: DTZ001 - hypothesis wants naive bounds
def test_what_is_written_is_read_back(moment: datetime) -> None:
    aware = moment.replace(tzinfo=UTC)
    instant_us = parse_instant(aware.isoformat())
    assert parse_instant(format_instant(instant_us)) == instant_us


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z"])
def test_the_first_and_the_last_instant_are_written_as_they_were_read(text: str) -> None:
    assert format_instant(parse_instant(text)) == text


@pytest.mark.parametrize("digits", range(10))
def test_a_fraction_of_any_length_is_cut_to_microseconds(digits: int) -> None:
    fraction = "123456789"[:digits]
    expected = int(fraction[:6].ljust(6, "0"))
    assert parse_instant(f"1970-01-01T00:00:00.{fraction}Z") == expected


def test_a_version_has_microseconds_only_where_it_needs_them() -> None:
    assert format_version(0) == "1970-01-01T00:00:00.000Z"
    assert format_version(1_000) == "1970-01-01T00:00:00.001Z"
    assert format_version(1) == "1970-01-01T00:00:00.000001Z"


def test_the_last_leap_second_is_the_last_instant_that_can_be_written() -> None:
    last = parse_instant("9999-12-31T23:59:60.5Z")
    assert format_instant(last) == "9999-12-31T23:59:59.999999Z"
