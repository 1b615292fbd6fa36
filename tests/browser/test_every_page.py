"""Every page: accessible in both themes and both directions, narrow and printed, with no fault.

The short version looks at each page once, in a theme and a direction of its own; the long one at
all of them in all (`make audit`).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from axe_playwright_python.base import AxeResults
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import Site, Watched
from tests.browser.places import Look, list_looks

COLOURS = ("light", "dark")
LANGUAGES = ("en-GB", "ar")
WIDE = {"width": 1280, "height": 720}
# What that screen shows at 400 %.
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
_RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    # What is in order is thousands of elements a page, and nobody reads them.
    "resultTypes": ["violations"],
}
_RUN = "rules => axe.run(rules)"


def open_with_axe(open_page: Callable[..., Watched], **options: Any) -> Watched:
    """A browser in which each page begins with axe, half a megabyte that is handed over once."""
    watched = open_page(**options)
    watched.page.add_init_script(_AXE.axe_script)
    return watched


def run_axe(page: Page) -> AxeResults:
    """What axe says of a page; it is handed over where the page did not begin with it."""
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(_AXE.axe_script)
    return AxeResults(page.evaluate(_RUN, _RULES))


def look_at(watched: Watched, one: Look) -> None:
    watched.faults.clear()
    watched.page.set_viewport_size(WIDE)
    answer = watched.page.goto(one.address)
    assert answer is not None
    is_refusal = one.name == "refused"
    assert answer.status == (404 if is_refusal else 200), (one.name, answer.status)
    if is_refusal:
        watched.faults.clear()


def find_faults(watched: Watched, one: Look, direction: str) -> list[str]:
    """Everything that is wrong with a page, so that one run tells all."""
    page = watched.page
    faults = [f"{one.name}: {fault}" for fault in watched.faults]
    if page.get_attribute("html", "dir") != direction:
        faults.append(f"{one.name}: is not written {direction}")
    found = run_axe(page)
    if found.violations_count:
        faults.append(f"{one.name}: {found.generate_report()}")
    page.set_viewport_size(NARROW)
    wide = page.evaluate(_WIDEST)
    if wide:
        faults.append(f"{one.name}: has to be scrolled sideways for {wide}")
    return faults


def look_at_all(
    site: Site,
    looks: Iterable[Look],
    turns: Iterable[tuple[str, str]],
    open_page: Callable[..., Watched],
) -> list[str]:
    """The faults of each page in its turn, a theme and a language.

    There is one browser for a language, at which each person signs in: what Chromium compiled
    for one page it has for the next.
    """
    faults: list[str] = []
    opened: dict[str, Watched] = {}
    for one, (colours, language) in zip(looks, turns, strict=False):
        if language not in opened:
            opened[language] = open_with_axe(open_page, locale=language)
        watched = opened[language]
        site.sign_in(watched.page.context, one.who)
        watched.page.emulate_media(color_scheme=colours)
        look_at(watched, one)
        faults += find_faults(watched, one, "rtl" if language == "ar" else "ltr")
    return faults


def test_every_page_is_accessible(site: Site, open_page: Callable[..., Watched]) -> None:
    """Each page once; theme and language take turns."""
    turns = itertools.cycle(itertools.product(COLOURS, LANGUAGES))
    faults = look_at_all(site, list_looks(site), turns, open_page)
    assert faults == [], "\n".join(faults)


@pytest.mark.audit
@pytest.mark.parametrize("colours", COLOURS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_accessible_in_each_theme_and_direction(
    site: Site, open_page: Callable[..., Watched], colours: str, language: str
) -> None:
    faults = look_at_all(site, list_looks(site), itertools.repeat((colours, language)), open_page)
    assert faults == [], "\n".join(faults)


def test_no_page_is_looked_at_twice(site: Site) -> None:
    looks = [(one.who, one.address) for one in list_looks(site)]
    assert len(looks) == len(set(looks)) > 40


def test_control_what_is_not_accessible_is_found(
    site: Site, open_page: Callable[..., Watched]
) -> None:
    watched = open_with_axe(open_page)
    look_at(watched, list_looks(site)[0])
    watched.page.evaluate("document.querySelector('label').remove()")
    assert run_axe(watched.page).violations_count > 0


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
