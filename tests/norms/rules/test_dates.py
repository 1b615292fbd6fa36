"""Partial dates: what they may mean, and what is no date."""

from __future__ import annotations

from datetime import date

import pytest

from kernel.errors import BadInput
from norms.rules.dates import (
    add_months,
    day_of,
    first_of_next_month,
    format_day,
    parse_date,
    parse_day,
    start_of,
    today,
)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2019", "2019-01-01", "2019-12-31"),
        ("2020-02", "2020-02-01", "2020-02-29"),
        ("2019-12", "2019-12-01", "2019-12-31"),
        ("2019-07-12", "2019-07-12", "2019-07-12"),
    ],
)
def test_a_partial_date_may_mean_several_days(text: str, first: str, last: str) -> None:
    found = parse_date(text)
    assert (format_day(found.first_day), format_day(found.last_day)) == (first, last)
    assert found.text == text


@pytest.mark.parametrize(
    "text", ["", "19", "2019-13", "2019-02-30", "0000", "2019-7-1", "2019-07-12T", "٢٠١٩", "x" * 99]
)
def test_what_is_no_date_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(BadInput, match="write a year"):
        parse_date(text)


def test_a_question_is_about_a_whole_day() -> None:
    with pytest.raises(BadInput, match="is no day"):
        parse_day("2019-07")


def test_days_and_instants_are_of_one_calendar() -> None:
    assert day_of(0) == date(1970, 1, 1).toordinal()
    assert day_of(-1) == date(1969, 12, 31).toordinal()
    assert start_of(day_of(86_400_000_000)) == 86_400_000_000
    assert today(86_400_000_000) == "1970-01-02"


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        ("2004-03-18", 3, "2004-06-18"),
        ("2019-11-30", 3, "2020-02-29"),
        ("2020-12-31", 12, "2021-12-31"),
    ],
)
def test_months_later_is_the_same_day_or_the_last(day: str, months: int, later: str) -> None:
    assert format_day(add_months(parse_day(day), months)) == later


def test_the_first_of_the_next_month() -> None:
    assert format_day(first_of_next_month(parse_day("2004-06-18"))) == "2004-07-01"
    assert format_day(first_of_next_month(parse_day("2004-12-31"))) == "2005-01-01"
