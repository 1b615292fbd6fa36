"""The threat model names adversaries that it lists and tests that exist."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
CASE = re.compile(
    r"^\| (\d+) \| (\w+) \| (.+) \| (.+) \| `(tests/\S+\.py)::(test_\w+)` \|$", re.MULTILINE
)


@cache
def names_in(path: str) -> frozenset[str]:
    text = (ROOT / path).read_text(encoding="utf-8")
    return frozenset(re.findall(r"^def (test_\w+)\(", text, re.MULTILINE))


def cases() -> list[tuple[str, ...]]:
    return CASE.findall(PAGE)


def test_a_reviewer_finds_at_least_eighty_cases_numbered_in_turn() -> None:
    numbers = [int(case[0]) for case in cases()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 80
    table = PAGE.partition("## Cases")[2].partition("## What")[0]
    assert len(numbers) == table.count("\n| ") - 1, "a row that is no case"


def test_every_case_has_a_listed_adversary_and_a_test_that_exists() -> None:
    listed = PAGE.partition("## Adversaries")[2].partition("## Cases")[0]
    adversaries = set(re.findall(r"^\| (\w+) \|", listed, re.MULTILINE)) - {"name"}
    for number, adversary, _, _, path, test in cases():
        assert adversary in adversaries, number
        assert test in names_in(path), (number, test)
