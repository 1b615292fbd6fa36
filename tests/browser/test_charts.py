"""Charts in a real browser: drawn from the table beside them, which paper and readers have."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.browser.conftest import Watched
from tests.browser.places import ANALYST, FORUM, SEEN, Look
from tests.browser.test_every_page import find_faults

ADDRESS = f"{FORUM}/objects/{SEEN}"
# How much of the plot is painted in the colour of its bars.
_PAINTED = """([selector, token]) => {
  const canvas = document.querySelector(selector + ' canvas');
  const colour = getComputedStyle(document.documentElement).getPropertyValue(token).trim();
  const wanted = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let found = 0;
  for (let at = 0; at < data.length; at += 4) {
    if (wanted.every((part, index) => data[at + index] === part) && data[at + 3] === 255) found++;
  }
  return found / (data.length / 4);
}"""


def wait_until_painted(watched: Watched) -> None:
    """Until bars are there in the colour of the page as it is now: a chart is drawn in a turn of
    its own."""
    said = f"(given) => ({_PAINTED})(given) > 0"
    watched.page.wait_for_function(said, arg=["figure.chart .plot", "--accent"])


@pytest.mark.parametrize(
    ("scheme", "locale", "direction"), [("light", "ar", "rtl"), ("dark", "en-GB", "ltr")]
)
@pytest.mark.parametrize(("name", "address"), [("object", ADDRESS), ("sharing", "/sharing")])
def test_a_chart_is_drawn_in_the_colours_of_the_page(
    open_page: Callable[..., Watched],
    scheme: str,
    locale: str,
    direction: str,
    name: str,
    address: str,
) -> None:
    watched = open_page(ANALYST, color_scheme=scheme, locale=locale, reduced_motion="reduce")
    page = watched.page
    page.goto(address)
    page.wait_for_selector("figure.chart canvas")
    wait_until_painted(watched)
    assert page.get_attribute("figure.chart .plot", "role") == "img"
    assert page.is_hidden("figure.chart table")
    page.click("figure.chart summary")
    assert page.is_visible("figure.chart table")
    assert find_faults(watched, Look(name, ANALYST, address), direction) == []


def test_a_chart_follows_the_theme_and_paper_has_the_table(
    open_page: Callable[..., Watched],
) -> None:
    watched = open_page(ANALYST, color_scheme="light")
    page = watched.page
    page.goto(ADDRESS)
    page.wait_for_selector("figure.chart canvas")
    wait_until_painted(watched)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("document.querySelectorAll('figure.chart canvas').length === 1")
    wait_until_painted(watched)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.is_visible("figure.chart table")
    assert page.is_hidden("figure.chart .plot")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.emulate_media(media="screen")
    assert page.is_hidden("figure.chart table")
    assert watched.faults == []


def test_without_script_the_table_is_there(open_page: Callable[..., Watched]) -> None:
    watched = open_page(ANALYST, java_script_enabled=False)
    watched.page.goto(ADDRESS)
    assert watched.page.is_visible("figure.chart table")
    assert watched.page.inner_text("figure.chart tbody").split() == ["2025-09-05", "12"]
