"""What members write never runs: in no STIX string, in no field of a form, on no page."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

from tests.browser.conftest import Site, Watched
from tests.browser.places import ANALYST, FORUM, OFFICER

PAYLOADS = (
    "<script>window.pwned=1</script>",
    '"><img src=x onerror="window.pwned=1">',
    "'-window.pwned=1-'",
    "javascript:window.pwned=1",
    "<svg onload=window.pwned=1>",
    "{{ 7*7 }}{% raw %}",
    "</textarea><script>window.pwned=1</script>",
    "\u202e\u2066<b>x</b>",
)


def hostile_objects() -> list[dict[str, Any]]:
    """An object for each payload, with it in every string that takes any."""
    made = []
    for number, text in enumerate(PAYLOADS):
        made.append(
            {
                "type": "malware",
                "spec_version": "2.1",
                "id": f"malware--{uuid.UUID(int=0xABC0 + number, version=4)}",
                "created": "2026-01-01T00:00:00.000Z",
                "modified": "2026-01-01T00:00:00.000Z",
                "name": text,
                "description": text,
                "aliases": [text],
                "malware_types": [text],
                "is_family": False,
                "labels": [text],
                "external_references": [
                    {"source_name": text, "description": text, "external_id": text}
                ],
                "x_anything": {"x_more": [text, {"x_deep": text}]},
            }
        )
    return made


def check(watched: Watched, *refused: str) -> None:
    """Nothing ran and nothing was reported, but for answers with these statuses."""
    assert watched.page.evaluate("window.pwned") is None
    said = [f"a status of {status}" for status in refused]
    rest = [one for one in watched.faults if not any(each in one for each in said)]
    assert rest == [], rest


def test_what_members_write_never_runs(site: Site, open_page: Callable[..., Watched]) -> None:
    objects = hostile_objects()
    watched = open_page(ANALYST)
    page = watched.page
    page.goto(f"{FORUM}/contribute")
    page.fill("#objects", json.dumps(objects))
    page.click("button:has-text('See what would become of it')")
    check(watched)
    page.click("button:has-text('Contribute it')")
    page.wait_for_selector("text=8 objects were taken")
    check(watched)
    addresses = ["/sharing", f"{FORUM}/objects", f"{FORUM}/contributions"]
    addresses += [f"{FORUM}/objects/{one['id']}" for one in objects]
    for address in addresses:
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200, address
        page.wait_for_timeout(50)
        check(watched)
    for text in PAYLOADS:
        page.goto("/sharing/search")
        page.fill("#q", text)
        page.click("button:has-text('Look up')")
        check(watched)


def test_what_is_written_into_forms_never_runs(
    open_page: Callable[..., Watched],
) -> None:
    watched = open_page(OFFICER)
    page = watched.page
    for text in PAYLOADS:
        page.goto(f"{FORUM}/policy/edit")
        rule = {"id": text, "effect": "share", "audience": {"any": ["forum"]}}
        page.fill("#document", json.dumps({"rules": [rule]}))
        page.click("button:has-text('See what it would change')")
        page.wait_for_load_state()
        kept = page.locator("textarea[name=document]").input_value()
        assert json.loads(kept)["rules"][0]["id"] == text, "it is on the page, as text"
        check(watched, "400")
    visitor = open_page(None)
    for text in PAYLOADS:
        visitor.page.goto("/sign-in")
        visitor.page.fill("#email", text)
        visitor.page.fill("#password", text)
        visitor.page.click("button.main")
        visitor.page.wait_for_selector("#error-summary")
        assert visitor.page.input_value("#email") == text
        check(visitor, "400", "403", "429")


def test_control_a_payload_that_runs_is_noticed(open_page: Callable[..., Watched]) -> None:
    """Also that the policy of contents stops what is inline, and says so."""
    watched = open_page(None)
    watched.page.goto("/sign-in")
    watched.page.evaluate("document.body.innerHTML += '<img src=x onerror=\"window.pwned=1\">'")
    for _ in range(100):
        if watched.faults:
            break
        watched.page.wait_for_timeout(100)
    assert watched.page.evaluate("window.pwned") is None
    assert any("Content Security Policy" in one for one in watched.faults), watched.faults
    watched.page.evaluate("window.pwned = 1")
    assert watched.page.evaluate("window.pwned") == 1
