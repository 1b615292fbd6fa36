"""A list as CSV: a row of names always, and no cell that a spreadsheet would act on."""

from __future__ import annotations

import csv
import io

import pytest

from web.listing import write_csv

NAMES = ["name", "labels"]


def cells(value: object) -> list[str]:
    """What a reader of CSV gets for one row with this value in its second cell."""
    written = write_csv([{"name": "x", "labels": value}], NAMES)
    head, row = list(csv.reader(io.StringIO(written, newline="")))
    assert head == NAMES
    return row


@pytest.mark.parametrize(
    "formula",
    [
        *("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u00a0=1"),
        *("\uff1d1", "\uff0b1", "\uff0d1", "\uff201", '=HYPERLINK("https://x.example","y")'),
    ],
)
def test_a_spreadsheet_is_given_no_formula(formula: str) -> None:
    assert cells(formula) == ["x", f"'{formula}"]
    assert cells([formula, "plain"]) == ["x", f"'{formula}; plain"]


@pytest.mark.parametrize("plain", ["", "a=b", "a,b", 'say "x"', "two\nlines", "naïve 名前", "5-1"])
def test_a_spreadsheet_is_given_other_text_as_it_is(plain: str) -> None:
    assert cells(plain) == ["x", plain]


def test_what_is_no_text_is_written_as_json_has_it() -> None:
    assert cells(None)[1] == ""
    assert cells(True)[1] == "true"
    assert cells(12)[1] == "12"
    assert cells({"a": [1]})[1] == cells(b'{"a":[1]}')[1] == '{"a":[1]}'


def test_an_empty_list_has_its_row_of_names() -> None:
    assert write_csv([], NAMES) == '"name","labels"\r\n'
