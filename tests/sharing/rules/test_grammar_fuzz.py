"""Whatever JSON arrives, the grammar answers with a policy or with a refusal."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings

from sharing.rules.grammar import PolicyRefused, parse_policy
from sharing.rules.rule import Policy
from tests.sharing.rules.makers import NAMES
from tests.sharing.rules.strategies import (
    forum_policy_documents,
    json_values,
    mutated_policy_documents,
    policy_documents,
)


def read_or_refuse(document: object, *, forum_policy: bool = False) -> Policy | PolicyRefused:
    try:
        return parse_policy(document, names=NAMES, forum_policy=forum_policy)
    except PolicyRefused as fault:
        return fault


@settings(deadline=None)
@given(json_values)
def test_any_json_is_read_or_refused(document: Any) -> None:
    for candidate in (document, {"rules": document}, {"rules": [document]}):
        assert isinstance(read_or_refuse(candidate), Policy | PolicyRefused)


@settings(deadline=None)
@given(policy_documents)
def test_a_well_formed_policy_is_read_rule_by_rule(document: dict[str, Any]) -> None:
    policy = parse_policy(document, names=NAMES)
    assert [(rule.id, rule.effect) for rule in policy.rules] == [
        (rule["id"], rule["effect"]) for rule in document["rules"]
    ]


@settings(deadline=None, max_examples=3 * settings().max_examples)
@given(mutated_policy_documents())
def test_a_policy_with_one_fault_is_read_or_refused_with_its_path(document: Any) -> None:
    outcome = read_or_refuse(document)
    if isinstance(outcome, PolicyRefused):
        assert outcome.path
        assert outcome.message.encode()
        assert outcome.message == f"{outcome.path}: {outcome.reason}"
    else:
        assert len(outcome.rules) == len(document["rules"])


@settings(deadline=None)
@given(policy_documents)
def test_a_forum_s_policy_never_holds_a_share_rule(document: dict[str, Any]) -> None:
    outcome = read_or_refuse(document, forum_policy=True)
    has_shares = any(rule["effect"] == "share" for rule in document["rules"])
    assert isinstance(outcome, PolicyRefused) == has_shares


@settings(deadline=None)
@given(forum_policy_documents)
def test_whose_contributions_a_rule_is_about_is_for_a_forum_alone_to_say(
    document: dict[str, Any],
) -> None:
    read = parse_policy(document, names=NAMES, forum_policy=True)
    named = [rule.get("when", {}).get("originators") for rule in document["rules"]]
    assert [rule.when.originators for rule in read.rules] == [
        None if codes is None else frozenset(codes) for codes in named
    ]
    outcome = read_or_refuse(document)
    assert isinstance(outcome, PolicyRefused) == any(codes is not None for codes in named)


def test_a_very_deep_document_is_refused() -> None:
    document: Any = "forum"
    for _ in range(5000):
        document = [document]
    assert isinstance(read_or_refuse({"rules": document}), PolicyRefused)


def test_a_document_from_a_lenient_parser_is_refused_too() -> None:
    document = json.loads('{"rules": [{"id": NaN, "effect": Infinity}]}')
    outcome = read_or_refuse(document)
    assert isinstance(outcome, PolicyRefused)
    assert outcome.path == "rules[0].effect"
