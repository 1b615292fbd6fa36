"""When rules hold, and when that changes next."""

from __future__ import annotations

from typing import Any

import pytest

from sharing.rules.moment import count_nobody, find_span, holds, list_provisions, next_change
from sharing.rules.rule import Reciprocity, Rule, When
from sharing.rules.tlp import Tlp
from tests.sharing.rules.makers import (
    BETA,
    NOBODY,
    make_facts,
    make_place,
    make_policy,
    share,
    withhold,
)

FACTS = make_facts(contributed_us=100)


@pytest.mark.parametrize(
    ("times", "first", "end"),
    [
        ({"from_us": 105}, 105, None),
        ({"until_us": 105}, None, 105),
        ({"delay_us": 5}, 105, None),
        ({"expire_after_us": 5}, None, 105),
        ({"from_us": 103, "delay_us": 5}, 105, None),
        ({"until_us": 103, "expire_after_us": 5}, None, 103),
        ({"from_us": 101, "until_us": 109, "delay_us": 2, "expire_after_us": 8}, 102, 108),
    ],
)
@pytest.mark.parametrize("make", [share, withhold])
def test_a_rule_holds_from_its_first_instant_and_no_longer_at_its_end(
    make: Any, times: dict[str, int], first: int | None, end: int | None
) -> None:
    rule: Rule = make("forum", **times)
    assert find_span(rule, FACTS) == (first, end)
    if first is not None:
        assert not holds(rule, FACTS, first - 1)
        assert holds(rule, FACTS, first)
    if end is not None:
        assert holds(rule, FACTS, end - 1)
        assert not holds(rule, FACTS, end)


def test_a_rule_without_times_holds_always() -> None:
    assert holds(share("forum"), FACTS, 0)
    assert holds(withhold("forum"), FACTS, 10**18)


def test_an_embargo_ignored_leaves_the_end_of_a_share_rule() -> None:
    rule = share("forum", from_us=105, delay_us=7, until_us=110)
    assert not holds(rule, FACTS, 100)
    assert holds(rule, FACTS, 100, ignoring_embargo=True)
    assert not holds(rule, FACTS, 110, ignoring_embargo=True)


def test_what_delays_a_withholding_is_no_embargo() -> None:
    rule = withhold("forum", from_us=105)
    assert not holds(rule, FACTS, 100, ignoring_embargo=True)


def test_before_the_first_count_nobody_has_contributed() -> None:
    assert count_nobody("XAA", Reciprocity(1, 30)) == frozenset()


def changes(*rules: Rule, now_us: int = 100, **facts: Any) -> list[int]:
    """Every change from now on, found one after the other."""
    shares = make_policy(*(rule for rule in rules if rule.effect == "share"))
    withholds = make_policy(*(rule for rule in rules if rule.effect == "withhold"))
    about = make_facts(**{"contributed_us": 100} | facts)
    found: list[int] = []
    while (change_us := next_change(about, make_place(), shares, withholds, now_us)) is not None:
        found.append(change_us)
        now_us = change_us
    return found


def test_every_beginning_and_end_is_found_once_and_in_order() -> None:
    rules = (
        share("forum", from_us=105, until_us=120, id="1"),
        share("forum", delay_us=5, expire_after_us=11, id="2"),
        withhold("forum", until_us=103, id="3"),
    )
    assert changes(*rules) == [103, 105, 111, 120]
    assert changes(*rules, now_us=105) == [111, 120]


def test_nothing_changes_without_times() -> None:
    assert changes(share("forum"), withhold("forum")) == []
    assert next_change(FACTS, make_place(), NOBODY, NOBODY, 0) is None


@pytest.mark.parametrize(
    "when",
    [
        When(types=frozenset({"malware"})),
        When(labels=frozenset({"phishing"})),
        When(collections=frozenset({BETA})),
    ],
)
def test_rules_about_other_objects_do_not_count(when: When) -> None:
    assert changes(share("forum", from_us=105, when=when)) == []
    assert changes(withhold("forum", from_us=105, when=when)) == []


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (share("forum", from_us=105, when=When(tlp_at_most=Tlp.GREEN)), [105]),
        (share("forum", from_us=105, when=When(tlp_at_most=Tlp.CLEAR)), []),
        (withhold("forum", from_us=105, when=When(tlp_at_least=Tlp.GREEN)), [105]),
        (withhold("forum", from_us=105, when=When(tlp_at_least=Tlp.AMBER)), [105]),
        (withhold("forum", from_us=105, when=When(tlp_at_least=Tlp.RED)), []),
    ],
)
def test_levels_count_up_to_that_of_the_highest_property(rule: Rule, expected: list[int]) -> None:
    assert changes(rule, properties={"type": Tlp.GREEN, "description": Tlp.AMBER}) == expected


def test_a_rule_that_never_holds_never_changes() -> None:
    assert changes(withhold("forum", from_us=110, expire_after_us=5)) == []


def test_a_share_rule_that_never_holds_ends_where_embargoes_are_ignored() -> None:
    rule = share("forum", from_us=110, expire_after_us=5)
    assert not any(holds(rule, FACTS, now_us) for now_us in range(100, 115))
    assert holds(rule, FACTS, 104, ignoring_embargo=True)
    assert changes(rule) == [105]


def test_who_sees_an_object_depends_on_commitments_that_rules_about_it_name() -> None:
    policy = make_policy(
        share("committed:norm-1", excepted=("committed:norm-2",), id="1"),
        share("committed:norm-3", when=When(types=frozenset({"malware"})), id="2"),
        share("committed:norm-4", when=When(tlp_at_most=Tlp.CLEAR), id="3"),
    )
    forum_policy = make_policy(withhold("forum"), withhold("committed:norm-5", id="4"))
    found = list_provisions(FACTS, make_place(), policy, forum_policy)
    assert found == {"norm-1", "norm-2", "norm-5"}
    assert list_provisions(FACTS, make_place(), NOBODY, NOBODY) == frozenset()
