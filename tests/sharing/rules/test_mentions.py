"""What an object mentions, and how somebody may write it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sharing.rules.mentions import (
    MOST_CHARACTERS,
    MOST_MENTIONS,
    cites,
    list_mentions,
    spell,
)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("evil.example", "evil.example"),
        (" EVIL[.]Example ", "evil.example"),
        ("evil (dot) example", "evil.example"),
        ("evil{.}example,", "evil.example"),
        ("hxxps://evil[.]example/a", "https://evil.example/a"),
        ("h**p://evil.example", "http://evil.example"),
        ("hxxp[:]//evil.example", "http://evil.example"),
        ("hxxp[://]evil.example", "http://evil.example"),
        ("who[at]evil.example", "who@evil.example"),
        ('"198.51.100[.]7"', "198.51.100.7"),
        ("CVE-2026-0001", "cve-2026-0001"),
        ("\0", ""),
        ("", ""),
    ],
)
def test_a_liaison_writes_an_indicator_as_it_came(written: str, meant: str) -> None:
    assert spell(written) == meant


@given(st.text())
def test_spelling_twice_changes_nothing_of_what_is_spelt_plainly(text: str) -> None:
    once = spell(text)
    assert "\0" not in once
    assert once == once.strip(" \t\r\n")


def test_an_indicator_mentions_the_values_of_its_pattern_and_its_name() -> None:
    found = list_mentions(
        {
            "id": "indicator--x",
            "type": "indicator",
            "name": "Relay",
            "pattern_type": "stix",
            "pattern": r"[url:value = 'http://a.example/it\'s' OR file:hashes.MD5 = 'ABC']",
            "external_references": [
                {"source_name": "cve", "external_id": "CVE-1", "url": "http://u.example"},
                {"source_name": "comity-register", "external_id": "un-a-70-174:13(k)"},
                "no reference",
            ],
        }
    )
    assert found == sorted(
        [
            *("indicator--x", "relay", "http://a.example/it's", "abc", "cve-1"),
            *("http://u.example", "un-a-70-174:13(k)", "comity-register:un-a-70-174:13(k)"),
        ]
    )
    assert cites("UN-A-70-174:13(k)") in found


def test_an_observable_mentions_its_hashes_and_what_lies_in_it() -> None:
    found = list_mentions(
        {
            "id": "file--x",
            "type": "file",
            "hashes": {"SHA-256": "ABCD", "x": 5},
            "name": "A.exe",
            "granular_markings": [{"name": "not this"}],
            "extensions": {"pe": {"sections": [{"name": ".text"}]}},
            "aliases": ["B", 7],
        }
    )
    assert found == sorted(["file--x", "abcd", "a.exe", ".text", "b"])
    number = {"id": "autonomous-system--x", "type": "autonomous-system", "number": 64500}
    assert "as64500" in list_mentions(number)


def test_a_pattern_in_another_language_is_not_taken_apart() -> None:
    value = {"id": "indicator--x", "type": "indicator", "pattern_type": "yara"}
    assert list_mentions(value | {"pattern": "rule a { strings: $a = 'b' }"}) == ["indicator--x"]
    assert list_mentions(value | {"pattern_type": "stix", "pattern": 5}) == ["indicator--x"]


def test_an_object_mentions_no_more_than_is_kept() -> None:
    many = {"id": "x", "aliases": [f"alias {number:04}" for number in range(1000)]}
    assert len(list_mentions(many)) == MOST_MENTIONS
    assert list_mentions({"id": "x", "name": "n" * (MOST_CHARACTERS + 1)}) == ["x"]
    deep = {"id": "x", "a": {"b": {"c": {"d": {"name": "too deep"}}}}}
    assert list_mentions(deep) == ["x"]


def test_citations_are_kept_before_all_else_and_nothing_else_passes_for_one() -> None:
    cited = [{"source_name": "comity-register", "external_id": f"qd:{n}"} for n in (1, 2)]
    names = [f"a{number:04d}" for number in range(2 * MOST_MENTIONS)]
    value = {"id": "x", "aliases": names, "name": "comity-register:qd:3"}
    odd = [{"source_name": "comity-register", "external_id": each} for each in (7, "", " ")]
    found = list_mentions(value | {"external_references": [*cited, *odd]})
    assert len(found) == MOST_MENTIONS
    assert [each for each in found if each.startswith("comity-register:")] == [
        cites("qd:1"),
        cites("qd:2"),
    ]
