"""Four eyes at the pages: what a colleague recorded waits in one's inbox."""

from __future__ import annotations

import pytest

from tests.browsing import Browser
from tests.norms.pages.test_writing import browse, seen
from tests.norms.states import Register

EVENT = {"kind": "termination", "instrument": "qd", "date": "2026-01-01", "source": "QD/9"}


@pytest.fixture
def two(embedded_register: Register) -> tuple[Browser, Browser]:
    """Ann and Bea of the quay's secretariat."""
    embedded_register.person("bea", "secretariat", forum="quay")
    return browse(embedded_register, "ann"), browse(embedded_register, "bea")


def record(browser: Browser) -> str:
    assert "Let it wait for a second person" in seen(browser, "/norms/events/new").text
    told = browser.post("/norms/events/new", EVENT)
    assert "It waits for a second person" in told.text
    return browser.address()


def test_a_second_person_finds_it_in_the_inbox_and_confirms_it(
    embedded_register: Register, two: tuple[Browser, Browser]
) -> None:
    ann, bea = two
    address = record(ann)
    assert "another person of our secretariat confirms it" in seen(ann, address).text
    assert address not in seen(ann, "/inbox").text
    inbox = seen(bea, "/inbox").text
    assert "ann@people.example recorded what waits for a second person." in inbox
    assert address in inbox
    assert "QD/9" not in seen(browse(embedded_register, "xaa-reader"), "/norms/events").text
    assert address in seen(bea, "/norms").text
    page = seen(bea, address).text
    assert "QD/9" in page
    # In the words of the form, and led to what it is about.
    assert "<dt>Instrument</dt>" in page
    assert 'href="/norms/instruments/qd"' in page
    assert "Confirm it" in page
    done = bea.post(f"{address}/confirm")
    assert done.status_code == 200
    assert bea.address().startswith("/norms/events/")
    assert "QD/9" in seen(browse(embedded_register, "xaa-reader"), bea.address()).text
    assert address not in seen(bea, "/inbox").text
    over = seen(ann, address).text
    assert "bea@people.example" in over
    assert "Refuse it" not in over


def test_who_recorded_it_has_no_button_and_is_refused_without_one(
    two: tuple[Browser, Browser],
) -> None:
    ann, bea = two
    address = record(ann)
    assert "Confirm it" not in seen(ann, address).text
    refused = ann.post(f"{address}/confirm")
    assert refused.status_code == 403
    assert "you recorded this yourself" in refused.text
    taken = ann.post(f"{address}/refuse", {"reason": "Another date."})
    assert "nothing of it is on record" in taken.text
    told = seen(bea, address).text
    assert "Another date." in told
    assert bea.post(f"{address}/confirm").status_code == 409
    assert bea.post(f"{address}/refuse", {"reason": "x" * 3000}).status_code == 400


def test_the_list_is_the_secretariats_with_files(
    embedded_register: Register, two: tuple[Browser, Browser]
) -> None:
    ann, _bea = two
    address = record(ann)
    assert address in seen(ann, "/norms/recordings?state=waiting").text
    assert address not in seen(ann, "/norms/recordings?state=refused").text
    (one,) = seen(ann, "/norms/recordings?format=json").get_json()["items"]
    assert (one["state"], one["events"][0]["source"]) == ("waiting", "QD/9")
    assert "What waits for a second person" in seen(ann, "/norms/events").text
    for who in ("ivo", "xaa-clearance-officer"):
        other = browse(embedded_register, who)
        assert other.get(address).status_code == 404
    assert browse(embedded_register, "xaa-reader").get("/norms/recordings").status_code == 403
    assert address not in seen(browse(embedded_register, "ivo"), "/norms/recordings").text
