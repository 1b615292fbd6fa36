"""A diplomat's week at a real browser: what was agreed, our own word, and its release."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.browser.conftest import Watched
from tests.browser.places import DIPLOMAT

BOREALIA = "diplomat@borealia.example"


@pytest.mark.parametrize("javascript", [False, True], ids=["without-javascript", "with"])
def test_a_diplomats_week(open_page: Callable[..., Watched], *, javascript: bool) -> None:
    """She finds what her State committed to, writes a position, releases it; another reads it."""
    title = "On hospitals" if javascript else "On points of contact"
    watched = open_page(DIPLOMAT, java_script_enabled=javascript)
    page = watched.page
    page.goto("/norms")
    page.click("table >> text=Example Forum")
    page.click("text=Members and provisions")
    page.fill("#as_of", "2024-01-01")
    page.click("form.filters button")
    # Borealia joined later, and does not inherit.
    assert page.is_visible("th:has-text('XAA')")
    assert not page.is_visible("th:has-text('XBB')")
    page.click("thead a >> nth=0")
    page.wait_for_selector("h1:has-text('Points of contact')")
    page.goto("/norms/positions/new")
    page.fill("#title", title)
    page.fill("#body", "We name ours, and keep it current.")
    page.click("button:has-text('Save the draft')")
    page.wait_for_selector("text=The draft is saved.")
    address = page.url
    other = open_page(BOREALIA, java_script_enabled=javascript)
    answer = other.page.goto(address)
    assert answer is not None
    assert answer.status == 404
    page.select_option("select[name=audience]", "public")
    page.click("button:has-text('Release')")
    page.wait_for_selector("[role=status]")
    other.faults.clear()
    answer = other.page.goto(address)
    assert answer is not None
    assert answer.status == 200
    assert other.page.is_visible(f"text={title}")
    assert watched.faults == other.faults == []
