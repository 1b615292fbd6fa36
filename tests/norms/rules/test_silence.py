"""Silence procedures: what they are at an instant, and that no clock adopts anything."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import Conflict
from norms.rules.silence import (
    ADOPTED,
    BROKEN,
    CIRCULATED,
    EXTENDED,
    HELD,
    RUNNING,
    WITHDRAWN,
    SilenceEvent,
    check_may_follow,
    find_state,
)

BEGUN = SilenceEvent(CIRCULATED, 10, 100, "Europe/Vienna")


def status(now_us: int, *events: SilenceEvent) -> str | None:
    state = find_state([BEGUN, *events], now_us)
    return state.status if state else None


def test_silence_runs_until_the_deadline_and_then_has_held() -> None:
    assert status(9) is None
    assert status(10) == RUNNING
    assert status(99) == RUNNING
    assert status(100) == HELD
    state = find_state([BEGUN], 10**18)
    assert state is not None
    assert (state.status, state.zone, state.since_us) == (HELD, "Europe/Vienna", 100)


def test_rule_12_only_a_record_adopts() -> None:
    assert status(10**18) == HELD
    assert status(300, SilenceEvent(ADOPTED, 200)) == ADOPTED
    assert (
        status(300, SilenceEvent(ADOPTED, 50)) == HELD
    )  # before the deadline it counts for nothing


def test_an_objection_counts_only_in_time() -> None:
    assert status(300, SilenceEvent(BROKEN, 99)) == BROKEN
    assert status(300, SilenceEvent(BROKEN, 100)) == HELD


def test_an_extension_gives_more_time_while_silence_runs() -> None:
    more = SilenceEvent(EXTENDED, 50, 200)
    assert status(150, more) == RUNNING
    assert status(250, more, SilenceEvent(BROKEN, 150)) == BROKEN
    assert status(150, SilenceEvent(EXTENDED, 120, 200)) == HELD
    # Never less.
    assert status(60, SilenceEvent(EXTENDED, 50, 55)) == RUNNING


def test_a_draft_is_withdrawn_before_or_after_it_held() -> None:
    assert status(300, SilenceEvent(WITHDRAWN, 50)) == WITHDRAWN
    assert status(300, SilenceEvent(WITHDRAWN, 150)) == WITHDRAWN
    assert status(300, SilenceEvent(BROKEN, 50), SilenceEvent(WITHDRAWN, 60)) == BROKEN


def test_what_happens_to_what_was_not_circulated_counts_for_nothing() -> None:
    assert find_state([SilenceEvent(BROKEN, 5)], 10) is None


@pytest.mark.parametrize(
    ("events", "now_us", "allowed"),
    [
        ((), 50, {EXTENDED, BROKEN, WITHDRAWN}),
        ((), 150, {WITHDRAWN, ADOPTED}),
        ((SilenceEvent(BROKEN, 20),), 50, set()),
    ],
)
def test_what_cannot_happen_now_is_refused(
    events: tuple[SilenceEvent, ...], now_us: int, allowed: set[str]
) -> None:
    state = find_state([BEGUN, *events], now_us)
    for kind in (EXTENDED, BROKEN, WITHDRAWN, ADOPTED):
        if kind in allowed:
            check_may_follow(state, kind)
        else:
            with pytest.raises(Conflict):
                check_may_follow(state, kind)
    with pytest.raises(Conflict, match="not circulated"):
        check_may_follow(None, BROKEN)


_LATER = st.builds(
    SilenceEvent,
    st.sampled_from((EXTENDED, BROKEN, WITHDRAWN, ADOPTED)),
    st.integers(11, 300),
    st.one_of(st.none(), st.integers(50, 400)),
)


@given(
    st.lists(_LATER, max_size=6, unique_by=lambda event: event.at_us),
    st.integers(0, 400),
    st.randoms(use_true_random=False),
)
def test_the_state_depends_on_what_had_happened_in_any_order(
    events: list[SilenceEvent], now_us: int, chance: random.Random
) -> None:
    before = [event for event in events if event.at_us <= now_us]
    shuffled = [BEGUN, *events]
    chance.shuffle(shuffled)
    assert find_state(shuffled, now_us) == find_state([BEGUN, *before], now_us)
