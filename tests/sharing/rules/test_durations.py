"""ISO 8601 durations, and those that are ambiguous."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.clock import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from sharing.rules.durations import MAX_DURATION_US, read_duration
from sharing.rules.node import Node, PolicyRefused


def refusal(text: str) -> PolicyRefused:
    with pytest.raises(PolicyRefused) as caught:
        read_duration(Node(text, "rules[0].delay"))
    return caught.value


@pytest.mark.parametrize(
    ("text", "duration_us"),
    [
        ("P2W", 14 * DAY_US),
        ("P7D", 7 * DAY_US),
        ("P1W2D", 9 * DAY_US),
        ("PT36H", 36 * HOUR_US),
        ("PT5M", 5 * MINUTE_US),
        ("PT90S", 90 * SECOND_US),
        ("PT0.5S", SECOND_US // 2),
        ("PT0,000001S", 1),
        ("P1DT2H3M4.25S", DAY_US + 2 * HOUR_US + 3 * MINUTE_US + 4 * SECOND_US + 250_000),
        ("PT0S", 0),
        ("P36525D", MAX_DURATION_US),
    ],
)
def test_durations_of_one_length_are_read(text: str, duration_us: int) -> None:
    assert read_duration(Node(text)) == duration_us


@pytest.mark.parametrize("text", ["P1Y", "P6M", "P1Y2M3D", "P1YT1H", "P0M", "P2W1M"])
def test_years_and_months_are_refused_as_ambiguous(text: str) -> None:
    assert "ambiguous; count in weeks or days" in refusal(text).reason


@pytest.mark.parametrize(
    "text",
    [
        *("P", "PT", "P1DT", "7D", "p7d", "P7", "P-7D", "-P7D", "P1.5D", "PT1S2M", "P1D ", "P٣D"),
        *("PTS", "PT.5S", "PT1.S", "P" + "9" * 5000 + "D", "P1D1W", "P7D\n", "T1H"),
    ],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    fault = refusal(text)
    assert fault.path == "rules[0].delay"
    assert "is not an ISO 8601 duration; write one like P7D, P2W or PT1H30M" in fault.reason


@pytest.mark.parametrize("text", ["P36525DT1S", "P999999999W", "P36525DT0.000001S"])
def test_more_than_a_hundred_years_are_refused(text: str) -> None:
    assert "more than a hundred years" in refusal(text).reason


@given(st.integers(0, 900), st.integers(0, 99), st.integers(0, 99), st.integers(0, 999_999))
def test_a_duration_is_the_sum_of_its_parts(days: int, hours: int, minutes: int, us: int) -> None:
    text = f"P{days}DT{hours}H{minutes}M0.{us:06d}S"
    expected = days * DAY_US + hours * HOUR_US + minutes * MINUTE_US + us
    assert read_duration(Node(text)) == expected
