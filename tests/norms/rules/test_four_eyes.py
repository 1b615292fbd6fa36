"""When a forum asks for a second person."""

from __future__ import annotations

import pytest

from norms.rules.four_eyes import asks_for_second


@pytest.mark.parametrize(
    ("setting", "persons", "asks"),
    [
        ("automatic", 0, False),
        ("automatic", 1, False),
        ("automatic", 2, True),
        ("automatic", 9, True),
        ("always", 1, True),
        ("always", 2, True),
        ("never", 1, False),
        ("never", 2, False),
        ("nobody knows what", 1, True),
    ],
)
def test_a_second_person_is_asked_for_as_the_forum_says(
    setting: str, persons: int, asks: bool
) -> None:
    assert asks_for_second(setting, persons) is asks
