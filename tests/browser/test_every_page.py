"""Every page: accessible in both themes and both directions, narrow and printed, with no fault.

The short version looks at each page once, in a theme and a direction of its own; the long one at
all of them in all (`make audit`).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import Site, Watched
from tests.browser.places import Look, list_looks

COLOURS = ("light", "dark")
LANGUAGES = ("en-GB", "ar")
# What a screen of 1280 pixels shows at 400 %.
NARROW = {"width": 320, "height": 640}
# The elements that reach past the edge by themselves, not inside something that scrolls.
_WIDEST = """() => {
  const edge = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= edge) return [];
  return [...document.querySelectorAll('body *')].filter((one) => {
    const box = one.getBoundingClientRect();
    return (box.right > edge + 1 || box.left < -1) && box.width > 1
      && !one.closest('.scroll, pre, .skip');
  }).map((one) => one.outerHTML.slice(0, 80));
}"""
_AXE = Axe()
_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def look_at(open_page: Callable[..., Watched], one: Look, **options: Any) -> Watched:
    watched = open_page(one.who, **options)
    answer = watched.page.goto(one.address)
    assert answer is not None
    is_refusal = one.name == "refused"
    assert answer.status == (404 if is_refusal else 200), (one.name, answer.status)
    if is_refusal:
        watched.faults.clear()
    return watched


def find_faults(watched: Watched, one: Look, direction: str) -> list[str]:
    """Everything that is wrong with a page, so that one run tells all."""
    page = watched.page
    faults = [f"{one.name}: {fault}" for fault in watched.faults]
    if page.get_attribute("html", "dir") != direction:
        faults.append(f"{one.name}: is not written {direction}")
    found = _AXE.run(page, options=_RULES)
    if found.violations_count:
        faults.append(f"{one.name}: {found.generate_report()}")
    page.set_viewport_size(NARROW)
    wide = page.evaluate(_WIDEST)
    if wide:
        faults.append(f"{one.name}: has to be scrolled sideways for {wide}")
    return faults


def test_every_page_is_accessible(site: Site, open_page: Callable[..., Watched]) -> None:
    """Each page once; theme and language take turns."""
    faults: list[str] = []
    turns = itertools.cycle(itertools.product(COLOURS, LANGUAGES))
    for one, (colours, language) in zip(list_looks(site), turns, strict=False):
        watched = look_at(open_page, one, color_scheme=colours, locale=language)
        faults += find_faults(watched, one, "rtl" if language == "ar" else "ltr")
        watched.page.context.close()
    assert faults == [], "\n".join(faults)


@pytest.mark.audit
@pytest.mark.parametrize("colours", COLOURS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_accessible_in_each_theme_and_direction(
    site: Site, open_page: Callable[..., Watched], colours: str, language: str
) -> None:
    faults: list[str] = []
    for one in list_looks(site):
        watched = look_at(open_page, one, color_scheme=colours, locale=language)
        faults += find_faults(watched, one, "rtl" if language == "ar" else "ltr")
        watched.page.context.close()
    assert faults == [], "\n".join(faults)


def test_control_what_is_not_accessible_is_found(
    site: Site, open_page: Callable[..., Watched]
) -> None:
    watched = look_at(open_page, list_looks(site)[0])
    watched.page.evaluate("document.querySelector('label').remove()")
    assert _AXE.run(watched.page, options=_RULES).violations_count > 0


def test_a_page_is_answered_with_the_headers_of_a_careful_site(
    site: Site, open_page: Callable[..., Watched]
) -> None:
    watched = open_page(list_looks(site)[4].who)
    answer = watched.page.goto(list_looks(site)[4].address)
    assert answer is not None
    headers = answer.headers
    policy = headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert headers["cache-control"] == "no-store"
    assert headers["x-frame-options"] == "DENY"
    cookies = {one["name"]: one for one in watched.page.context.cookies()}
    assert cookies["comity-session"]["httpOnly"]
    assert cookies["comity-session"]["sameSite"] == "Lax"
