"""Every case of who meets what is asked for reciprocity, and none that cannot be."""

from __future__ import annotations

from itertools import chain, combinations

from hypothesis import given
from hypothesis import strategies as st

from sharing.rules.rule import Conditions, Policy, Reciprocity, Rule
from sharing.rules.suppositions import MOST, list_asked, list_suppositions, supposing

ASKED = st.builds(Reciprocity, st.integers(1, 4), st.integers(1, 4))


def meets(counts: dict[int, int], asked: Reciprocity) -> bool:
    """Whether one who gave so many within so many days meets what is asked."""
    return counts[asked.window_days] >= asked.min_contributions


def subsets(asked: frozenset[Reciprocity]) -> list[frozenset[Reciprocity]]:
    sizes = range(len(asked) + 1)
    chosen = chain.from_iterable(combinations(asked, size) for size in sizes)
    return [frozenset(each) for each in chosen]


@given(st.frozensets(ASKED, max_size=4), st.lists(st.integers(0, 4), min_size=4, max_size=4))
def test_whatever_a_recipient_gave_is_one_of_the_cases(
    asked: frozenset[Reciprocity], given_daily: list[int]
) -> None:
    cases, is_complete = list_suppositions(asked)
    counts = {days: sum(given_daily[:days]) for days in range(1, 5)}
    assert is_complete
    assert frozenset(each for each in asked if meets(counts, each)) in cases
    assert len(cases) == len(set(cases)) <= MOST
    assert set(cases) <= set(subsets(asked))


@given(st.frozensets(ASKED, min_size=5, max_size=9))
def test_too_many_cases_are_not_said_to_be_all(asked: frozenset[Reciprocity]) -> None:
    cases, is_complete = list_suppositions(asked)
    assert not is_complete
    assert frozenset() in cases
    assert asked in cases
    assert len(cases) <= len(asked) + 2


def test_without_anything_asked_there_is_one_case() -> None:
    assert list_suppositions(frozenset()) == ([frozenset()], True)


def test_what_policies_ask_for_is_found_in_every_rule() -> None:
    one, other = Reciprocity(1, 30), Reciprocity(2, 30)
    rules = (
        Rule("plain", "share"),
        Rule("resident", "share", conditions=Conditions(residency=frozenset({"XAA"}))),
        Rule("one", "share", conditions=Conditions(reciprocity=one)),
    )
    more = Policy((Rule("other", "share", conditions=Conditions(reciprocity=other)),))
    assert list_asked((Policy(rules), more, Policy())) == {one, other}


def test_everybody_meets_exactly_what_is_supposed() -> None:
    one, other = Reciprocity(1, 30), Reciprocity(2, 30)
    count = supposing(frozenset({one}), frozenset({"XAA", "XBB"}))
    assert count("XCC", one) == {"XAA", "XBB"}
    assert count("XCC", other) == frozenset()


def test_whoever_meets_more_in_less_time_meets_less_in_more() -> None:
    less, more = Reciprocity(1, 30), Reciprocity(2, 7)
    cases, is_complete = list_suppositions(frozenset({less, more}))
    assert is_complete
    assert cases == [frozenset(), frozenset({less}), frozenset({less, more})]


def test_too_many_to_try_are_tried_one_by_one_and_together() -> None:
    asked = [Reciprocity(number, number) for number in range(1, 6)]
    cases, is_complete = list_suppositions(frozenset(asked))
    assert not is_complete
    assert cases == [frozenset(), *(frozenset({each}) for each in asked), frozenset(asked)]
