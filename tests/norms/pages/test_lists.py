"""The register's lists: filtered, paged and taken as files and feeds, by session and credential."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from tests.atom import read_feed
from tests.browsing import Browser
from tests.norms.states import TREATY, Register

LISTS = {
    "forums": ("slug", ["islet", "quay"], "kind=regional", ["quay"]),
    "instruments": ("id", ["qd", "qt"], "kind=treaty", ["qt"]),
    "parties": ("code", ["XAA", "XBB", "XCC"], "code=XBB", ["XBB"]),
}


def reading(register: Register, who: str = "xbb-reader") -> Browser:
    register.done("ann", "POST", "records", TREATY)
    return Browser(register.world, f"{who}@people.example")


def rows(browser: Browser, address: str) -> list[dict[str, Any]]:
    answer = browser.client.get(address)
    assert answer.status_code == 200, answer.text
    if "format=csv" in address:
        assert answer.content_type == "text/csv; charset=utf-8"
        return list(csv.DictReader(io.StringIO(answer.text)))
    found: list[dict[str, Any]] = answer.get_json()["items"]
    return found


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_list_is_taken_whole_filtered_and_paged(
    embedded_register: Register, name: str, form: str
) -> None:
    key, every, query, some = LISTS[name]
    browser, address = reading(embedded_register), f"/norms/{name}?format={form}"
    assert [row[key] for row in rows(browser, address)] == every
    assert [row[key] for row in rows(browser, f"{address}&{query}")] == some
    found, following = [], ""
    while True:
        answer = browser.client.get(f"/norms/{name}?format=json&limit=1{following}")
        page = answer.get_json()
        found += [row[key] for row in page["items"]]
        if "next" not in page:
            break
        following = f"&next={page['next']}"
    assert found == every
    assert browser.client.get(f"/norms/{name}?format=xml").status_code == 400


@pytest.mark.parametrize("name", LISTS)
def test_a_page_shows_so_many_and_leads_to_the_next_and_to_its_files(
    embedded_register: Register, name: str
) -> None:
    _key, every, query, _some = LISTS[name]
    browser = reading(embedded_register)
    text = browser.get(f"/norms/{name}?limit=1").text
    assert 'rel="next"' in text
    assert "format=csv" in text
    assert text.count('<th scope="row">') == 1
    assert browser.get(f"/norms/{name}").text.count('<th scope="row">') == len(every)
    assert 'rel="next"' not in browser.get(f"/norms/{name}?{query}").text


def test_what_is_due_is_taken_as_a_file_and_as_a_feed(register: Register) -> None:
    browser = reading(register)
    silence = {"title": "D", "symbol": "QD/2", "deadline": "2026-01-20T11:00:00Z"}
    register.done("ann", "POST", "forums/quay/silence-procedures", silence)
    kinds = {row["kind"] for row in rows(browser, "/norms/due?format=csv")}
    assert kinds == {"silence-deadline", "signature-window-closes"}
    only = rows(browser, "/norms/due?format=csv&kind=signature-window-closes")
    assert [row["day"] for row in only] == ["2027-06-30"]
    assert rows(browser, "/norms/due?format=csv&to_day=2026-01-19") == []
    page = browser.get("/norms/due?limit=1").text
    assert 'rel="next"' in page
    # What is far away has not come into the feed yet.
    here = read_feed(browser.client.get("/norms/due?format=atom"))
    there = read_feed(register.ask("xbb-reader", "GET", "due.atom"))
    titles = ["2026-01-20: QD/2: silence ends"]
    assert [one["title"] for one in here.entries] == titles
    assert [one["title"] for one in there.entries] == titles
    assert there.entries[0]["updated"] == "2025-12-21T00:00:00.000000Z"
    assert there == read_feed(register.ask("xbb-reader", "GET", "due.atom"))
    none = read_feed(register.ask("xbb-reader", "GET", "due.atom", kind="session"))
    assert none.entries == []
    assert browser.client.get("/norms/due?kind=nothing").status_code == 400


def test_what_is_closed_is_in_no_feed_of_who_may_not_see_it(register: Register) -> None:
    plan = {"plan": "P", "provisions": ["qd:1"], "due": "2026-01-20"}
    made = register.done("xaa-drafter", "POST", "actions", plan)
    told = {"audience": "parties", "parties": ["XBB"]}
    register.done("xaa-clearance-officer", "POST", f"actions/{made['id']}/release", told)

    def seen(who: str) -> int:
        return len(read_feed(register.ask(who, "GET", "due.atom", kind="action-due")).entries)

    assert [seen(who) for who in ("xaa-reader", "xbb-reader", "xcc-reader")] == [1, 1, 0]


def test_what_was_recorded_last_comes_first_in_its_feed(register: Register) -> None:
    browser = reading(register)
    signed = {"kind": "signature-simple", "instrument": "qt", "party": "XAA", "date": "2025-09-01"}
    [name] = register.record("ann", signed)
    there = read_feed(register.ask("xbb-reader", "GET", "events.atom"))
    here = read_feed(browser.client.get("/norms/events?format=atom"))
    assert [one["category"] for one in there.entries] == ["signature-simple", "adoption"]
    assert [one["title"] for one in here.entries] == [one["title"] for one in there.entries]
    assert there.entries[0]["links"]["alternate"].endswith(f"/norms/events/{name}")
    only = read_feed(register.ask("xbb-reader", "GET", "events.atom", kind="adoption"))
    assert len(only.entries) == 1
    assert 'type="application/atom+xml"' in browser.get("/norms/events").text
