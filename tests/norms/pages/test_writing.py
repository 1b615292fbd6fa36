"""A diplomat's and a secretariat's forms: drafted, released, recorded, contested; and by whom."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.browsing import Browser
from tests.norms.states import Register

NEVER = "2a1c6f0e-5d3b-4e7a-9f00-6b8d1c2e3f40"


def browse(register: Register, who: str) -> Browser:
    return Browser(register.world, f"{who}@people.example")


def seen(browser: Browser, address: str) -> Any:
    answer = browser.get(address)
    assert answer.status_code == 200, answer.text
    return answer


def without_tokens(text: str, name: str) -> str:
    """A page without the id that was asked for and the token of the moment."""
    return re.sub(r'name="csrf_token" value="[^"]+"', "", text).replace(name, "")


def test_a_position_is_drafted_released_to_chosen_parties_and_withdrawn(
    register: Register,
) -> None:
    drafter, officer = browse(register, "xaa-drafter"), browse(register, "xaa-clearance-officer")
    xbb, xcc = browse(register, "xbb-reader"), browse(register, "xcc-reader")
    seen(drafter, "/norms/positions/new")
    sent = {"kind": "national-position", "title": "On <b>teams</b>", "body": "We answer.\nAlways."}
    wrong = drafter.post("/norms/positions/new", {**sent, "date": "never"})
    assert wrong.status_code == 400
    assert 'href="#date"' in wrong.text
    assert "We answer." in wrong.text
    done = drafter.post("/norms/positions/new", {**sent, "date": "2026-01", "provisions": ["qd:1"]})
    assert done.status_code == 200
    assert "On &lt;b&gt;teams&lt;/b&gt;" in done.text
    address = drafter.address()
    assert "Release it" not in done.text
    for other in (xbb, xcc):
        absent = without_tokens(other.get(f"/norms/positions/{NEVER}").text, NEVER)
        assert without_tokens(other.get(address).text, address.rpartition("/")[2]) == absent
        assert other.last.status_code == 404
    assert drafter.post(f"{address}/release", {"audience": "public"}).status_code == 403
    seen(drafter, f"{address}/edit")
    again = drafter.post(f"{address}/edit", {**sent, "title": "On help", "date": "2026-01-02"})
    assert "On help" in again.text
    seen(officer, address)
    unnamed = officer.post(f"{address}/release", {"audience": "parties"})
    assert unnamed.status_code == 400
    assert 'href="#parties"' in unnamed.text
    told = officer.post(f"{address}/release", {"audience": "parties", "parties": ["XBB"]})
    assert "chosen parties" in told.text
    assert "On help" in seen(xbb, address).text
    assert "On help" in seen(xbb, "/norms/positions?party=XAA").text
    assert "On help" not in seen(xcc, "/norms/positions").text
    assert xcc.get(address).status_code == 404
    assert drafter.post(f"{address}/edit", {**sent, "date": "2026"}).status_code == 409
    listed = xbb.get("/norms/positions?format=json").get_json()["items"]
    assert [one["title"] for one in listed] == ["On help"]
    assert listed[0]["parties"] is None
    seen(officer, address)
    officer.post(f"{address}/withdrawal")
    assert xbb.get(address).status_code == 404
    assert "withdrawn" in seen(drafter, address).text


def test_an_action_goes_on_by_events_with_evidence(register: Register) -> None:
    drafter, officer = browse(register, "xaa-drafter"), browse(register, "xaa-clearance-officer")
    reader = browse(register, "xcc-reader")
    seen(drafter, "/norms/actions/new")
    assert drafter.post("/norms/actions/new", {"number": "1"}).status_code == 400
    sent = {"number": "1", "plan": "A contact", "provisions": ["qd:1"], "due": "2026-06"}
    assert "A contact" in drafter.post("/norms/actions/new", sent).text
    address = drafter.address()
    seen(officer, address)
    assert "everybody" in officer.post(f"{address}/release", {"audience": "public"}).text
    assert drafter.post(f"{address}/events", {"kind": "begun", "date": "2026"}).status_code == 403
    bare = officer.post(f"{address}/events", {"kind": "evidence", "date": "2026-01-01"})
    assert bare.status_code == 400
    assert 'href="#link"' in bare.text
    link = {"kind": "evidence", "date": "2026-01-01", "link": "javascript:alert(1)"}
    officer.post(f"{address}/events", link)
    officer.post(f"{address}/events", {"kind": "begun", "date": "2026-01-01"})
    shown = seen(reader, address).text
    assert "under way" in shown
    assert 'href="javascript' not in shown
    assert "Put on record what became of it" not in shown
    assert "A contact" in seen(reader, "/norms/actions?status=in-progress&provision=qd:1").text
    assert "A contact" in seen(reader, "/norms/provisions/qd:1").text
    rows = reader.get("/norms/actions?format=csv").text
    assert rows.startswith('"id","party","number","plan"')


def test_silence_is_circulated_broken_in_time_and_by_whom_is_told_to_members(
    register: Register,
) -> None:
    ann, officer = browse(register, "ann"), browse(register, "xbb-clearance-officer")
    ivo = browse(register, "ivo")
    address = "/norms/forums/quay/silence-procedures/new"
    for other in (officer, ivo):
        assert other.get(address).status_code == 403
    seen(ann, address)
    late = ann.post(address, {"title": "D", "symbol": "Q/2", "deadline": "2020-01-01T00:00:00Z"})
    assert 'href="#deadline"' in late.text
    sent = {"title": "Draft", "symbol": "Q/2", "deadline": "2026-02-01T11:00:00Z"}
    assert "silence runs" in ann.post(address, sent).text
    one = ann.address()
    assert "Q/2: silence ends" in seen(officer, "/norms").text
    assert "Break silence" not in seen(browse(register, "xbb-reader"), one).text
    seen(ann, one)
    more = ann.post(f"{one}/extension", {"deadline": "2026-02-02T11:00:00Z"})
    assert "2026-02-02 11:00" in more.text
    assert ann.post(f"{one}/end", {"kind": "adopted"}).status_code == 409
    seen(officer, one)
    broken = officer.post(f"{one}/objection", {"body": "Not yet."})
    assert "Broken by" in broken.text
    assert "Broken by" not in seen(ivo, one).text
    assert officer.post(f"{one}/objection").status_code == 409
    assert officer.post(f"{one}/end", {"kind": "withdrawn"}).status_code == 403


def test_an_event_is_recorded_by_the_secretariat_and_contested_by_its_state(
    register: Register,
) -> None:
    ann, officer = browse(register, "ann"), browse(register, "xaa-clearance-officer")
    seen(ann, "/norms/events/new?instrument=qd")
    wrong = ann.post("/norms/events/new", {"kind": "commitment", "instrument": "qd"})
    assert wrong.status_code == 400
    assert 'href="#date"' in wrong.text
    sent = {"kind": "commitment", "instrument": "qd", "date": "2025-01-01", "party": "XCC"}
    done = ann.post("/norms/events/new", {**sent, "forum": "quay", "source": "note 7"})
    assert "note 7" in done.text
    assert "unverified" in done.text
    address = ann.address()
    assert officer.get(address).status_code == 200
    foreign = officer.post(f"{address}/contest", {"body": "No."})
    assert foreign.status_code == 403
    state = browse(register, "xcc-clearance-officer")
    assert "Contest it" in seen(state, address).text
    assert state.post(f"{address}/contest", {}).status_code == 400
    state.post(f"{address}/contest", {"body": "We never said so."})
    status = seen(officer, "/norms/forums/quay/status?member=XCC&provision=qd:1").text
    assert "contested by the State" in status
    seen(officer, "/norms/events/new")
    ratified = officer.post(
        "/norms/events/new", {"kind": "ratification", "instrument": "qd", "date": "2026"}
    )
    assert ratified.status_code == 403
    assert "the secretariat" in ratified.text
    own = {"kind": "interpretative-declaration", "instrument": "qd", "date": "2026-01-01"}
    assert officer.post("/norms/events/new", {**own, "provisions": ["1"]}).status_code == 200
    assert "commitment" in seen(officer, "/norms/events?party=XCC&kind=commitment").text
    assert officer.get("/norms/events?from_day=never").status_code == 400


def test_rows_are_recorded_and_confirmed_by_a_named_person(embedded_register: Register) -> None:
    register = embedded_register
    ann, ivo, reader = (browse(register, who) for who in ("ann", "ivo", "xaa-reader"))
    listed = seen(reader, "/norms/unverified?forum=quay&kind=provision").text
    assert "qd:1" in listed
    assert "Confirm it" not in re.sub(r'<span class="unseen">.*?</span>', "", listed)
    assert reader.get("/norms/confirmations/new").status_code == 403
    seen(ann, "/norms/confirmations/new?kind=provision&key=qd:1")
    confirm = {"kind": "provision", "key": "qd:1", "against": "QD/1"}
    assert ivo.post("/norms/confirmations/new", confirm).status_code == 403
    assert ann.post("/norms/confirmations/new", {**confirm, "against": ""}).status_code == 400
    assert ann.post("/norms/confirmations/new", {**confirm, "key": "qd:9"}).status_code == 404
    done = ann.post("/norms/confirmations/new", confirm)
    assert "in your name" in done.text
    assert "ann@people.example" in seen(reader, "/norms/provisions/qd:1").text
    rows = reader.get("/norms/unverified?kind=provision&format=json").get_json()["items"]
    assert [one["id"] for one in rows] == ["qd:2"]
    assert reader.get("/norms/records/new").status_code == 403
    seen(ann, "/norms/records/new")
    for text in ("", "{", "[]", '{"what": []}'):
        assert ann.post("/norms/records/new", {"document": text}).status_code == 400
    new = '{"provisions": [{"instrument": "qd", "path": "3", "short": "Tell"}]}'
    assert "added 1" in ann.post("/norms/records/new", {"document": new}).text
    assert "Tell" in seen(reader, "/norms/instruments/qd").text


@pytest.mark.parametrize(
    "address", ["positions/new", "actions/new", "events/new", "records/new", "confirmations/new"]
)
def test_a_form_is_refused_to_whoever_may_not_send_it(
    embedded_register: Register, address: str
) -> None:
    reader = browse(embedded_register, "xaa-reader")
    assert reader.get(f"/norms/{address}").status_code == 403
    assert reader.post(f"/norms/{address}", {"title": "x"}).status_code == 403
