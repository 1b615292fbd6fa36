"""A page stays under 200 kB, however much there is: full lists of long rows, a full status view."""

from __future__ import annotations

import html
import re

import pytest

from norms.services.catalogue import record_document
from norms.services.provenance import Scribe
from tests.browsing import Browser, add_person
from tests.norms.states import Register
from tests.sharing.api.asking import SHARE_ALL
from tests.sharing.taxii.world import World

MOST_BYTES = 200_000
LONGEST = "x" * 160
"""What a list shows of a name, at most."""


def size_of(browser: Browser, address: str) -> int:
    answer = browser.client.get(address)
    assert answer.status_code == 200, (address, answer.status_code)
    return len(answer.data)


@pytest.fixture
def full(small_world: World) -> World:
    small_world.set_policy(SHARE_ALL)
    for _ in range(3):
        small_world.contribute(*small_world.indicators(100, name=LONGEST))
    add_person(small_world, "reads@xbb.example", "XBB", "reader", "contributor")
    add_person(small_world, "gives@xaa.example", "XAA", "reader", "contributor")
    return small_world


def test_a_full_page_of_a_list_is_small_and_no_larger_for_what_is_behind_it(full: World) -> None:
    browser = Browser(full, "reads@xbb.example")
    whole = browser.client.get("/sharing/harbour/objects?limit=200")
    assert whole.text.count(LONGEST) == 200
    assert len(whole.data) < MOST_BYTES
    first = size_of(browser, "/sharing/harbour/objects")
    full.contribute(*full.indicators(60, name=LONGEST))
    # Counts have more digits; nothing else is more.
    assert abs(size_of(browser, "/sharing/harbour/objects") - first) < 50
    for address in ("/sharing", "/sharing/search?q=host", "/sharing/harbour/objects?format=json"):
        assert size_of(browser, address) < MOST_BYTES
    own = Browser(full, "gives@xaa.example")
    assert size_of(own, "/sharing/harbour/contributions") < MOST_BYTES


def test_a_full_status_view_is_small(small_world: World) -> None:
    register = Register(small_world)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    codes = [f"X{letters[n // 26]}{letters[n % 26]}" for n in range(60)]
    rows = {
        "parties": [{"code": code, "name": f"The State of {code}"} for code in codes],
        "forums": [{"id": "assembly", "members": codes, "confidence": "certain"}],
        "instruments": [
            {
                "id": "many",
                "symbol": "A/1",
                "title": "Many provisions",
                "legal_character": "voluntary-non-binding",
                "forum": "assembly",
                "adopted": "2020-05-01",
            }
        ],
        "provisions": [
            {"instrument": "many", "path": f"para {n}", "short": f"Provision number {n} of many"}
            for n in range(100)
        ],
    }
    adopted = {"kind": "adoption", "instrument": "many", "forum": "assembly", "date": "2020-05-01"}
    reserved = [
        {"kind": "reservation", "instrument": "many", "party": code, "date": "2021-02-03"}
        for code in codes
    ]
    with register.world.database.write() as connection:
        scribe = Scribe("operator", small_world.clock())
        record_document(connection, {**rows, "events": [adopted, *reserved]}, scribe)
    add_person(small_world, "reads@xbb.example", "XBB", "reader")
    browser = Browser(small_world, "reads@xbb.example")
    page = browser.client.get("/norms/forums/assembly/status?as_of=2026-01-01")
    assert page.text.count("with a reservation") > 500
    assert len(page.data) < MOST_BYTES
    assert size_of(browser, "/norms/forums/assembly") < MOST_BYTES
    assert size_of(browser, "/norms/instruments/many") < MOST_BYTES


def test_control_a_page_of_more_rows_would_be_found_out(full: World) -> None:
    browser = Browser(full, "reads@xbb.example")
    small = size_of(browser, "/sharing/harbour/objects?limit=50")
    assert size_of(browser, "/sharing/harbour/objects?limit=200") > 2 * small


def test_a_status_view_of_more_provisions_than_fit_leads_to_every_member(
    small_world: World,
) -> None:
    register = Register(small_world)
    codes = [f"XQ{letter}" for letter in "ABCDEFGHIJKLMNOPQRST"]
    instrument = {"title": "T", "legal_character": "voluntary-non-binding", "forum": "assembly"}
    rows = {
        "parties": [{"code": code, "name": code} for code in codes],
        "forums": [{"id": "assembly", "members": codes[:-2], "confidence": "certain"}],
        "instruments": [{"id": "many", "symbol": "A/1", "adopted": "2020-05-01", **instrument}],
        "provisions": [{"instrument": "many", "path": f"para {n}"} for n in range(70)],
    }
    # Two are no members: one is committed to what is shown, the other to what does not fit.
    said = {"kind": "commitment", "instrument": "many", "date": "2021-01-01"}
    events = [
        said | {"party": codes[-2], "provisions": ["para 0"]},
        said | {"party": codes[-1], "provisions": ["para 69"]},
        {"kind": "adoption", "instrument": "many", "forum": "assembly", "date": "2020-05-01"},
    ]
    with register.world.database.write() as connection:
        record_document(
            connection, {**rows, "events": events}, Scribe("operator", small_world.clock())
        )
    add_person(small_world, "reads@xbb.example", "XBB", "reader")
    browser = Browser(small_world, "reads@xbb.example")
    seen: list[str] = []
    address: str | None = "/norms/forums/assembly/status?as_of=2026-01-01"
    while address is not None:
        page = browser.client.get(address).text
        assert page.count('<th scope="col"') == 61
        seen += re.findall(r'<tr><th scope="row">.*?/norms/parties/(\w+)"', page)
        onwards = re.search(r'rel="next" href="([^"]+)"', page)
        address = onwards and html.unescape(onwards[1])
    assert seen == codes[:-1]
    one = browser.client.get(f"/norms/forums/assembly/status?as_of=2026-01-01&member={codes[-1]}")
    assert "many:para 69" in one.text
    asked = "as_of=2026-01-01&provision=many:para%2069"
    last = browser.client.get(f"/norms/forums/assembly/status?{asked}&member={codes[-1]}")
    assert "in effect" in last.text
