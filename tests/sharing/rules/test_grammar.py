"""What the policy language accepts, key by key, and the typed rules it makes of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kernel.clock import DAY_US, parse_instant
from sharing.rules.grammar import MAX_RULES, Names, parse_policy
from sharing.rules.rule import Audience, Conditions, Policy, Reciprocity, Rule, When
from sharing.rules.tlp import Tlp
from tests.sharing.rules.makers import (
    ALPHA,
    BETA,
    NAMES,
    make_audience,
    make_share_document,
    make_withhold_document,
)

# The example of the policy page, with the fictional States of these tests.
PAGE_EXAMPLE: dict[str, Any] = {
    "rules": [
        {
            "id": "allies",
            "effect": "share",
            "audience": {
                "any": ["bloc:north", "member:XAC", "committed:un-a-70-174:13(k)"],
                "except": ["member:XAD"],
            },
            "when": {
                "tlp_at_most": "amber",
                "types": ["indicator", "malware", "relationship"],
            },
        },
        {
            "id": "everyone-later-anonymous",
            "effect": "share",
            "audience": {"any": ["forum"]},
            "omit": ["created_by_ref", "description"],
            "delay": "P7D",
        },
        {
            "id": "never",
            "effect": "withhold",
            "audience": {"any": ["member:XAE"]},
            "when": {"labels": ["op-frost"]},
        },
        {
            "id": "victims-stay-home",
            "effect": "withhold",
            "audience": {"any": ["forum"]},
            "only": ["x_victim"],
            "when": {"tlp_at_least": "green"},
        },
    ]
}


def read(document: object, names: Names = NAMES) -> Policy:
    return parse_policy(document, names=names)


def read_share(**keys: Any) -> Rule:
    return read(make_share_document(**keys)).rules[0]


def read_withhold(**keys: Any) -> Rule:
    return read(make_withhold_document(**keys)).rules[0]


def test_the_policy_page_s_example_is_accepted_with_a_register() -> None:
    names = replace(NAMES, provisions=frozenset({"un-a-70-174:13(k)"}))
    assert read(PAGE_EXAMPLE, names) == Policy(
        (
            Rule(
                id="allies",
                effect="share",
                audience=make_audience(
                    *("bloc:north", "member:XAC", "committed:un-a-70-174:13(k)"),
                    excepted=("member:XAD",),
                ),
                when=When(
                    types=frozenset({"indicator", "malware", "relationship"}),
                    tlp_at_most=Tlp.AMBER,
                ),
            ),
            Rule(
                id="everyone-later-anonymous",
                effect="share",
                audience=make_audience("forum"),
                omit=frozenset({"created_by_ref", "description"}),
                delay_us=7 * DAY_US,
            ),
            Rule(
                id="never",
                effect="withhold",
                audience=make_audience("member:XAE"),
                when=When(labels=frozenset({"op-frost"})),
            ),
            Rule(
                id="victims-stay-home",
                effect="withhold",
                audience=make_audience("forum"),
                when=When(tlp_at_least=Tlp.GREEN),
                only=frozenset({"x_victim"}),
            ),
        )
    )


def test_no_rules_share_nothing() -> None:
    assert read({"rules": []}) == Policy(())


def test_two_hundred_rules_are_accepted() -> None:
    rule = make_share_document()["rules"][0]
    document = {"rules": [rule | {"id": str(number)} for number in range(MAX_RULES)]}
    assert len(read(document).rules) == MAX_RULES


@pytest.mark.parametrize(
    "term",
    [
        *("forum", "partners", "role:member", "role:partner-state", "role:observer"),
        *("member:XAB", "bloc:south", "jurisdiction:XAC", "partner:archive"),
    ],
)
def test_every_kind_of_term_is_accepted(term: str) -> None:
    assert read_share(audience={"any": [term]}).audience == make_audience(term)
    assert read_withhold(audience={"any": [term]}).audience == make_audience(term)


def test_a_member_without_a_seat_here_may_be_named() -> None:
    assert read_share(audience={"any": ["member:XZZ"]}).audience == make_audience("member:XZZ")


def test_exceptions_are_terms_too() -> None:
    audience = read_share(audience={"any": ["forum"], "except": ["bloc:north", "member:XAB"]})
    assert audience.audience == make_audience("forum", excepted=("bloc:north", "member:XAB"))


def test_a_term_given_twice_counts_once() -> None:
    assert read_share(audience={"any": ["forum", "forum"]}).audience == make_audience("forum")


@pytest.mark.parametrize("audience", [None, {}, {"any": []}, {"except": ["member:XAB"]}])
def test_a_share_rule_that_names_nobody_shares_with_nobody(audience: Any) -> None:
    assert read_share(audience=audience).audience.any == frozenset()


def test_a_rule_without_conditions_on_the_object_is_about_every_object() -> None:
    assert read_share().when == When()
    assert read_share(when={}).when == When()


def test_types_and_labels_are_free_text() -> None:
    when = read_share(when={"types": ["x-acme-thing"], "labels": ["any text at all é"]}).when
    assert when.types == frozenset({"x-acme-thing"})
    assert when.labels == frozenset({"any text at all é"})


def test_collections_are_named_by_uuid_or_alias() -> None:
    when = read_share(when={"collections": ["alpha", BETA]}).when
    assert when.collections == frozenset({ALPHA, BETA})


@pytest.mark.parametrize("key", ["types", "labels", "collections"])
def test_an_empty_list_in_a_share_rule_matches_no_object(key: str) -> None:
    assert getattr(read_share(when={key: []}).when, key) == frozenset()


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("clear", Tlp.CLEAR),
        ("white", Tlp.CLEAR),
        ("green", Tlp.GREEN),
        ("amber", Tlp.AMBER),
        ("amber+strict", Tlp.AMBER_STRICT),
        ("AMBER+STRICT", Tlp.AMBER_STRICT),
        ("red", Tlp.RED),
    ],
)
def test_levels_are_written_in_any_case(text: str, level: Tlp) -> None:
    assert read_share(when={"tlp_at_most": text}).when.tlp_at_most == level
    assert read_withhold(when={"tlp_at_least": text}).when.tlp_at_least == level


def test_omit_names_top_level_properties_and_single_extensions() -> None:
    names = ["description", "x_victim", "x-old-style", "extensions.archive-ext"]
    assert read_share(omit=names).omit == frozenset(names)


def test_omitting_nothing_is_sharing_the_whole_object() -> None:
    assert read_share(omit=[]).omit == frozenset()


def test_only_names_properties_too() -> None:
    assert read_withhold(only=["x_victim"]).only == frozenset({"x_victim"})


def test_a_rule_may_hold_from_one_instant_until_another() -> None:
    rule = read_withhold(**{"from": "2026-11-27T08:30:00Z", "until": "2026-11-27T08:30:00.5Z"})
    assert rule.from_us == parse_instant("2026-11-27T08:30:00Z")
    assert rule.until_us == parse_instant("2026-11-27T08:30:00.500000Z")


def test_a_rule_may_have_only_one_end() -> None:
    assert read_share(**{"from": "2026-11-27T08:30:00Z"}).until_us is None
    assert read_share(until="2026-11-27T08:30:00Z").from_us is None


def test_a_rule_may_begin_and_end_some_time_after_the_contribution() -> None:
    rule = read_withhold(delay="P1D", expire_after="P1DT1S")
    assert (rule.delay_us, rule.expire_after_us) == (DAY_US, DAY_US + 1_000_000)
    assert read_share(expire_after="P1D").expire_after_us == DAY_US


def test_a_share_rule_may_have_conditions() -> None:
    reciprocity = {"min_contributions": 3, "window_days": 30}
    rule = read_share(conditions={"residency": ["XAB", "XAC"], "reciprocity": reciprocity})
    assert rule.conditions == Conditions(frozenset({"XAB", "XAC"}), Reciprocity(3, 30))


def test_each_condition_may_stand_alone() -> None:
    assert read_share(conditions={"residency": []}).conditions == Conditions(frozenset(), None)
    reciprocity = {"min_contributions": 1, "window_days": 1}
    assert read_share(conditions={"reciprocity": reciprocity}).conditions == (
        Conditions(None, Reciprocity(1, 1))
    )


def test_no_conditions_ask_for_nothing() -> None:
    assert read_share(conditions={}).conditions is None


def test_every_iep_statement_is_recorded() -> None:
    statements = {
        "permitted_actions": "externally-visible-direct-actions",
        "affected_party_notifications": "may",
        "attribution": "must-not",
        "unmodified_resale": "must-not",
        "encrypt_in_transit": "must",
    }
    assert dict(read_share(terms=statements).terms) == statements


def test_texts_of_two_hundred_characters_are_accepted() -> None:
    rule = read_share(id="i" * 200, terms={"attribution": "a" * 200})
    assert (len(rule.id), len(dict(rule.terms)["attribution"])) == (200, 200)


def test_a_forum_s_policy_may_withhold() -> None:
    policy = parse_policy(make_withhold_document(), names=NAMES, forum_policy=True)
    assert policy == Policy((Rule("one", "withhold", make_audience("forum")),))


def test_a_forum_s_policy_may_be_about_some_members_contributions() -> None:
    document = make_withhold_document(when={"originators": ["XAC", "XZZ"], "labels": ["op-frost"]})
    rule = parse_policy(document, names=NAMES, forum_policy=True).rules[0]
    assert rule.when == When(labels=frozenset({"op-frost"}), originators=frozenset({"XAC", "XZZ"}))


def test_a_register_s_provisions_may_be_named() -> None:
    names = replace(NAMES, provisions=frozenset({"norm-1"}))
    rule = read(make_share_document(audience={"any": ["committed:norm-1"]}), names).rules[0]
    assert rule.audience == make_audience("committed:norm-1")


def test_a_policy_can_be_remembered() -> None:
    assert hash(read(make_share_document())) == hash(read(make_share_document()))
    assert read_share().audience == Audience(make_audience("forum").any, frozenset())
