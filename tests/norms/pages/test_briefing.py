"""A briefing: numbered paragraphs, sources as endnotes, a marking that follows what is in it."""

from __future__ import annotations

import re
from typing import Any

from tests.browsing import Browser
from tests.norms.states import Register

ADDRESS = "/norms/briefing?forum=quay&state=XAA&state=XCC&as_of=2026-01-15"


def told(browser: Browser, address: str) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200, answer.text
    text: str = answer.text
    return text


def test_a_briefing_numbers_paragraphs_and_sources(embedded_register: Register) -> None:
    reader = Browser(embedded_register.world, "xbb-reader@people.example")
    assert "Choose a forum first" in told(reader, "/norms/briefing")
    assert "Choose a forum first" in told(reader, "/norms/briefing?forum=nowhere")
    text = told(reader, ADDRESS)
    numbers = [int(one) for one in re.findall(r'id="p(\d+)"', text)]
    assert numbers == list(range(1, len(numbers) + 1))
    notes = {int(one) for one in re.findall(r'href="#n(\d+)"', text)}
    assert notes == {int(one) for one in re.findall(r'<li id="n(\d+)"', text)}
    assert "State XAA (XAA): QD/1 1 in effect since 2024-05-01" in text
    assert "State XCC (XCC): no statement on QD/1 1, QD/1 2." in text
    assert "XBB" not in re.sub(r"<form.*?</form>|<header.*?</header>", "", text, flags=re.DOTALL)
    assert "unverified" in text
    assert "QD/1 2" not in _document(told(reader, f"{ADDRESS}&provision=qd:1"))
    assert reader.get(f"{ADDRESS}&tlp=purple").status_code == 400
    assert reader.get("/norms/briefing?state=" + "&state=".join("A" * 61)).status_code == 400


def test_what_is_not_for_everybody_is_marked_and_only_told_to_whom_it_is_for(
    embedded_register: Register,
) -> None:
    register = embedded_register
    said: dict[str, Any] = {"title": "On help", "body": "We answer.", "date": "2026-01"}
    name = register.done("xaa-drafter", "POST", "positions", said)["id"]
    release = {"audience": "parties", "parties": ["XBB"]}
    xbb, xcc = (Browser(register.world, f"{code}-reader@people.example") for code in ("xbb", "xcc"))
    assert "On help" not in told(xbb, ADDRESS)
    register.done("xaa-clearance-officer", "POST", f"positions/{name}/release", release)
    closed = _document(told(xbb, ADDRESS))
    assert "On help. We answer." in closed
    assert "TLP:AMBER" in closed
    assert "TLP:CLEAR" not in closed
    assert "TLP:RED" in _document(told(xbb, f"{ADDRESS}&tlp=red"))
    without = _document(told(xcc, ADDRESS))
    assert "On help" not in without
    assert "TLP:CLEAR" in without


def _document(text: str) -> str:
    return text[text.index("<article") : text.index("</article>")]
