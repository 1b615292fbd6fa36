"""When a request is tried again, and what a server may ask for: rules without a clock."""

from __future__ import annotations

import pytest

from kernel.outbound.errors import (
    AddressRefused,
    AnswerBroken,
    ConnectFailed,
    DeadlinePassed,
    StatusRefused,
    TlsFailed,
)
from kernel.outbound.retrying import delay_seconds, may_retry, read_retry_after

NOW = 1_790_000_000.0  # 2026-09-21T14:13:20Z


def test_what_passes_is_tried_again_and_what_stays_is_not() -> None:
    for passing in (ConnectFailed("x"), AnswerBroken("x")):
        assert may_retry(passing)
    for staying in (AddressRefused("x"), TlsFailed("x"), DeadlinePassed("x")):
        assert not may_retry(staying)
    answered = {n for n in range(300, 600) if may_retry(StatusRefused("x", answered=n))}
    assert answered == {429, 502, 503, 504}


def test_a_pause_is_any_time_up_to_twice_the_one_before_and_never_more_than_the_most() -> None:
    longest = [delay_seconds(n, 1.0, most=10, asked=None) for n in range(1, 7)]
    assert longest == [1, 2, 4, 8, 10, 10]
    assert delay_seconds(3, 0.0, most=10, asked=None) == 0
    assert delay_seconds(3, 0.5, most=10, asked=None) == 2


def test_what_a_server_asks_for_comes_before_the_jitter() -> None:
    assert delay_seconds(1, 0.0, most=10, asked=7) == 7
    assert delay_seconds(1, 0.5, most=10, asked=7) == 7.5


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("Mon, 21 Sep 2026 14:14:20 GMT", 60),
        ("Mon, 21 Sep 2026 14:12:20 GMT", 0),
        ("Mon, 21 Sep 2026 14:14:20 +0100", 0),
        (None, None),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("9" * 30, None),
        ("٣", None),
        ("Mon, 99 Foo 2026 14:14:20 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert read_retry_after(value, now_seconds=NOW) == seconds
