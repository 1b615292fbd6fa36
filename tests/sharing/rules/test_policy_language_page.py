"""The page for liaisons tells the truth: its examples are accepted, and no key is missing."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from sharing.rules.conditions import STATEMENTS
from sharing.rules.grammar import FORUM_WHEN_KEYS, MAX_RULES, RULE_KEYS, parse_policy
from sharing.rules.properties import PROTECTED, RELEASE_EXTENSION
from sharing.rules.rule import Policy
from sharing.rules.tlp import Tlp
from tests.sharing.rules.makers import NAMES

PAGE = (Path(__file__).parents[3] / "docs" / "policy-language.md").read_text("utf-8")
EXAMPLES = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
KEYS = RULE_KEYS | FORUM_WHEN_KEYS | {"any", "except", "residency", "reciprocity"} | STATEMENTS


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_liaison_can_save_every_example_of_the_page(example: str) -> None:
    document = json.loads(example)
    is_forums = any("originators" in rule.get("when", {}) for rule in document["rules"])
    assert isinstance(parse_policy(document, names=NAMES, forum_policy=is_forums), Policy)


@pytest.mark.parametrize("key", sorted(KEYS))
def test_a_liaison_finds_every_key_in_an_example(key: str) -> None:
    assert any(f'"{key}":' in example for example in EXAMPLES)


@pytest.mark.parametrize(
    "word", sorted((KEYS - STATEMENTS) | (PROTECTED - {f"extensions.{RELEASE_EXTENSION}"}))
)
def test_a_liaison_finds_every_key_and_every_protected_property_named(word: str) -> None:
    assert f"`{word}`" in PAGE


@pytest.mark.parametrize("level", Tlp)
def test_a_liaison_finds_every_level(level: Tlp) -> None:
    assert f"`{level.text}`" in PAGE


def test_the_page_tells_the_limits() -> None:
    assert f"64 KiB or {MAX_RULES} rules" in PAGE


def test_the_page_s_example_of_a_refusal_is_what_comity_says() -> None:
    rule = {"id": "x", "effect": "share", "audience": {"any": ["member:XAQ"]}}
    with pytest.raises(Exception, match="no member has the code") as caught:
        parse_policy({"rules": [rule]}, names=NAMES)
    assert str(caught.value).replace("rules[0]", "rules[2]") in PAGE
