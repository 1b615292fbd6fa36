"""Credentials at the browser: a secret is shown once, and nobody rises by adding one."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from auth.services.once import make_once
from auth.tasks import TASKS
from kernel.clock import HOUR_US
from tests.browsing import Browser, add_person
from tests.sharing.api.asking import issue, status_of
from tests.sharing.taxii.world import World

ADDRESS = "/account/credentials"
_SHOWN = re.compile(r"<code>([^<]+)</code>")
_ONCE = re.compile(r'name="once" value="([^"]+)"')


@pytest.fixture
def ana(world: World) -> Browser:
    """Ana of XAA, a contributor."""
    return Browser(world, add_person(world, "ana@xaa.example", "XAA", "contributor"))


@pytest.fixture
def adam(world: World) -> Browser:
    """Adam of XAA, its administrator."""
    return Browser(world, add_person(world, "adam@xaa.example", "XAA", "member-admin"))


def once_of(browser: Browser) -> str:
    found = _ONCE.search(browser.get(ADDRESS).text)
    assert found is not None
    return found[1]


def add(browser: Browser, **form: Any) -> tuple[str, str]:
    answer = browser.post(ADDRESS, {"name": "tool", "once": once_of(browser), **form})
    assert answer.status_code == 200, answer.text
    credential_id, secret = _SHOWN.findall(answer.text)
    return credential_id, secret


def use(world: World, issued: tuple[str, str], method: str, address: str) -> int:
    world.secrets["issued"] = issued
    return status_of(world, "issued", method, address)


def test_a_person_adds_a_credential_whose_secret_is_shown_once(world: World, ana: Browser) -> None:
    once = once_of(ana)
    form = {"name": "tool", "once": once, "scopes": ["api:read", "taxii:write"]}
    shown = ana.post(ADDRESS, form)
    issued = tuple(_SHOWN.findall(shown.text))
    assert shown.headers["Cache-Control"] == "no-store"
    assert use(world, issued, "GET", "/api/v1/me") == 200
    assert world.get("issued", "/api/v1/me").get_json()["person"] == "ana@xaa.example"
    again = ana.post(ADDRESS, form)
    assert again.status_code == 409
    assert issued[1] not in again.text
    listed = ana.get(ADDRESS).text
    assert issued[0] in listed
    assert issued[1] not in listed


def test_a_form_is_not_sent_a_day_later_nor_without_its_mark(world: World, ana: Browser) -> None:
    old = make_once(world.signer, now_us=world.clock() - 12 * HOUR_US)
    for once in (old, "", "x"):
        ana.get(ADDRESS)
        assert ana.post(ADDRESS, {"name": "tool", "once": once}).status_code == 400


def test_a_persons_credential_may_what_the_person_may(world: World, ana: Browser) -> None:
    issued = add(ana)
    assert use(world, issued, "GET", "/api/v1/me") == 200
    assert set(world.get("issued", "/api/v1/me").get_json()["roles"]) == {"contributor"}


def test_a_machines_credential_is_added_by_an_administrator_alone(
    world: World, ana: Browser, adam: Browser
) -> None:
    form = {"name": "feed", "kind": "machine"}
    once = once_of(ana)
    assert ana.post(ADDRESS, form | {"once": once}).status_code == 400
    assert use(world, add(adam, **form), "GET", "/taxii2/") == 200


@pytest.mark.parametrize(
    "form",
    [
        {"name": ""},
        {"name": "two\nlines"},
        {"name": "x" * 201},
        {"kind": "partner"},
        {"scopes": ["everything"]},
        {"expires": "tomorrow"},
        {"expires": "2001-01-01"},
    ],
)
def test_a_form_that_is_wrong_says_so_and_adds_nothing(
    world: World, ana: Browser, form: dict[str, Any]
) -> None:
    once = once_of(ana)
    answer = ana.post(ADDRESS, {"name": "tool", "once": once} | form)
    assert answer.status_code == 400
    assert 'id="error-summary"' in answer.text
    assert "ana@xaa.example" not in ana.get(f"{ADDRESS}?format=csv").text


def test_a_credential_ends_on_the_day_that_was_chosen(world: World, ana: Browser) -> None:
    issued = add(ana, expires="2026-12-24")
    row = next(row for row in rows_of(ana) if row["id"] == issued[0])
    assert row["expires"] == "2026-12-24T00:00:00.000000Z"


def test_who_rotates_gets_a_new_secret_and_the_old_one_is_dead(world: World, ana: Browser) -> None:
    credential_id, old = add(ana)
    shown = ana.post(f"{ADDRESS}/{credential_id}/rotate", {"once": once_of(ana)})
    _, new = _SHOWN.findall(shown.text)
    assert use(world, (credential_id, old), "GET", "/api/v1/me") == 401
    assert use(world, (credential_id, new), "GET", "/api/v1/me") == 200
    ana.get(ADDRESS)
    assert ana.post(f"{ADDRESS}/{credential_id}/revoke").status_code == 200
    assert use(world, (credential_id, new), "GET", "/api/v1/me") == 401


def test_an_administrator_changes_every_one_of_the_member_and_none_of_others(
    world: World, ana: Browser, adam: Browser
) -> None:
    mine, _ = add(ana)
    others, _ = world.secrets["xbb"]
    for browser, credential_id, status in (
        (adam, mine, 200),
        (adam, others, 404),
        (adam, "k3v7q2m9x4b8", 404),
        (ana, world.secrets["xaa"][0], 404),
        (ana, others, 404),
    ):
        once = once_of(browser)
        answer = browser.post(f"{ADDRESS}/{credential_id}/rotate", {"once": once})
        assert answer.status_code == status
        browser.get(ADDRESS)
        assert browser.post(f"{ADDRESS}/{credential_id}/revoke").status_code == status
    assert status_of(world, "xaa", "GET", "/api/v1/me") == 200
    assert status_of(world, "xbb", "GET", "/api/v1/me") == 200


def rows_of(browser: Browser, **query: str) -> list[dict[str, Any]]:
    answer = browser.get(ADDRESS, query_string={"format": "json", **query})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.get_json()["items"]
    return items


def test_the_list_is_the_apis_own(world: World, ana: Browser) -> None:
    issue(world, "xaa-reader", "XAA", "reader")
    known = world.get("xaa", "/api/v1/credentials").get_json()["items"]
    assert rows_of(ana) == known
    (one,) = [row for row in known if row["person"] == "xaa-reader@xaa.example"]
    assert rows_of(ana, person=one["person"], kind="individual", state="standing") == [one]


def test_the_list_is_paged_and_its_cursor_is_good_for_no_other(world: World, ana: Browser) -> None:
    seen: list[str] = []
    answer = ana.get(f"{ADDRESS}?limit=2")
    for _ in range(10):
        seen += re.findall(r'<td><bdi dir="ltr"><code>([a-z0-9]+)</code>', answer.text)
        onwards = re.search(r'rel="next" href="([^"]+)"', answer.text)
        if onwards is None:
            break
        answer = ana.get(html.unescape(onwards[1]))
    assert seen == [row["id"] for row in rows_of(ana)]
    assert ana.get(f"{ADDRESS}?limit=2&next=x").status_code == 400
    assert ana.get(f"{ADDRESS}?kind=x").status_code == 400
    assert ana.get(f"{ADDRESS}?knid=machine").status_code == 400
    assert ana.get(f"{ADDRESS}?kind=&state=").status_code == 200


def test_names_are_shown_as_text(world: World, ana: Browser) -> None:
    add(ana, name="<script>alert(1)</script>")
    listed = ana.get(ADDRESS).text
    assert "<script>alert" not in listed
    assert "&lt;script&gt;alert" in listed


def test_what_was_sent_once_is_forgotten_when_it_could_be_sent_no_more(
    world: World, ana: Browser
) -> None:
    add(ana)
    forget = TASKS[2]
    assert forget.list_ready(world.database, now_us=world.clock()) == []
    world.clock.now_us += 12 * HOUR_US
    assert forget.list_ready(world.database, now_us=world.clock()) == ["all"]
    assert forget.run(world.database, "all", now_us=world.clock()) == {"forgotten": 1}
