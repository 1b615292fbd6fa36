"""A liaison's morning at a real browser: by keyboard alone, and without JavaScript."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable

import pytest

from tests.browser.conftest import Site, Watched
from tests.browser.places import ANALYST, FORUM, OFFICER


def indicator(number: int, host: str) -> dict[str, object]:
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--{uuid.UUID(int=0xDEF0 + number, version=4)}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "name": f"Found this morning at {host}",
        "pattern": f"[domain-name:value = '{host}']",
        "pattern_type": "stix",
        "valid_from": "2026-01-01T00:00:00Z",
        "object_marking_refs": ["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"],
    }


def tab_to(watched: Watched, selector: str, *, most: int = 60) -> None:
    """Press Tab until the element has the focus, which must be seen."""
    for _ in range(most):
        watched.page.keyboard.press("Tab")
        if watched.page.evaluate("s => document.activeElement.matches(s)", selector):
            outline = watched.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", f"the focus on {selector} cannot be seen"
            return
    raise AssertionError(f"{selector} cannot be reached by keyboard")


def test_a_liaison_works_by_keyboard_alone(site: Site, open_page: Callable[..., Watched]) -> None:
    watched = open_page(ANALYST)
    page = watched.page
    page.goto("/sharing")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.matches('.skip')")
    page.keyboard.press("Enter")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "site-search"
    page.keyboard.type("updates[.]frostbite[.]example")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=yes, in Example Forum")
    page.goto(f"{FORUM}/contribute")
    tab_to(watched, "#objects")
    page.keyboard.insert_text(json.dumps(indicator(1, "keys.example")))
    tab_to(watched, "form[enctype] button")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Nothing has been contributed yet")
    assert page.is_visible("td:has-text('XBB')")
    tab_to(watched, "button[name=confirm]")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=1 object was taken")
    assert watched.faults == []


@pytest.mark.parametrize("javascript", [False, True], ids=["without-javascript", "with"])
def test_a_liaisons_morning(
    site: Site, open_page: Callable[..., Watched], *, javascript: bool
) -> None:
    """What is new, is it known, give something, see who sees it, take it back."""
    number, host = (2, "plain.example") if javascript else (3, "script.example")
    watched = open_page(ANALYST, java_script_enabled=javascript)
    page = watched.page
    page.goto("/sharing")
    page.click("text=All that we see here")
    page.wait_for_selector("caption:has-text('the newest first')")
    page.fill("#site-search", host)
    page.click(".search button")
    page.wait_for_selector("text=not known to us")
    page.goto(f"{FORUM}/contribute")
    page.fill("#objects", json.dumps(indicator(number, host)))
    page.click("button:has-text('See what would become of it')")
    page.click("button:has-text('Contribute it')")
    page.click("tbody a")
    page.wait_for_selector(f"h1:has-text('Found this morning at {host}')")
    assert page.is_visible("text=sees it whole")
    page.click("text=Withdraw it")
    page.click("button:has-text('Withdraw every version')")
    page.wait_for_selector("text=It is withdrawn and has left every view")
    assert watched.faults == []


def test_an_officer_changes_the_policy_without_javascript(
    open_page: Callable[..., Watched],
) -> None:
    watched = open_page(OFFICER, java_script_enabled=False)
    page = watched.page
    page.goto(f"{FORUM}/policy")
    page.click("text=Change it")
    document = json.loads(page.input_value("#document"))
    document["rules"].append(
        {
            "id": "nothing-to-observers",
            "effect": "withhold",
            "audience": {"any": ["role:observer"]},
        }
    )
    page.fill("#document", json.dumps(document))
    page.click("button:has-text('See what it would change')")
    page.wait_for_selector("text=Nobody loses anything.")
    page.click("button:has-text('Apply exactly this')")
    page.wait_for_selector("text=of your policy holds now")
    assert page.is_visible("text=nothing-to-observers")
    assert watched.faults == []
