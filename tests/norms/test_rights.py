"""Who writes what: a State its own, a secretariat its forums', marked; everybody else nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.norms.states import DECISION, Register

POSITION = {"title": "T", "body": "B", "date": "2026-01-01", "provisions": ["qd:1"]}
RESERVATION = {"kind": "reservation", "instrument": "qd", "date": "2025-01-01", "provisions": ["1"]}


def declare(*events: dict[str, Any]) -> dict[str, Any]:
    return {"events": list(events)}


@pytest.mark.parametrize("who", ["xaa-reader", "xaa-clearance-officer", "ann", "mirror", "xaa"])
def test_rule_6_only_a_drafter_of_the_state_drafts_its_position(
    register: Register, who: str
) -> None:
    status, code = register.refused(who, "POST", "positions", POSITION)
    assert (status, code.split(".")[0]) == (403, "auth")
    assert register.done("xaa-drafter", "POST", "positions", POSITION)["party"] == "XAA"


def test_rule_6_only_a_clearance_officer_of_the_state_releases(register: Register) -> None:
    name = register.done("xaa-drafter", "POST", "positions", POSITION)["id"]
    path, body = f"positions/{name}/release", {"audience": "public"}
    assert register.refused("xaa-drafter", "POST", path, body) == (403, "auth.role-needed")
    # For who is not of the State it is not there.
    for who in ("xbb-clearance-officer", "ann", "ivo"):
        assert register.refused(who, "POST", path, body) == (404, "norms.unknown-position")
    assert register.done("xaa-clearance-officer", "POST", path, body)["state"] == "released"
    again = register.refused("xaa-clearance-officer", "POST", path, body)
    assert again == (409, "norms.not-a-draft")


@pytest.mark.parametrize("who", ["xbb-drafter", "xbb-clearance-officer", "ann"])
def test_rule_6_only_the_state_writes_what_becomes_of_its_action(
    register: Register, who: str
) -> None:
    name = register.done("xaa-drafter", "POST", "actions", {"plan": "P"})["id"]
    register.done(
        "xaa-clearance-officer", "POST", f"actions/{name}/release", {"audience": "public"}
    )
    begun = {"kind": "begun", "date": "2025"}
    status, _ = register.refused(who, "POST", f"actions/{name}/events", begun)
    assert status in (403, 404)
    assert register.get("xbb-reader", f"actions/{name}")["status"] == "planned"


def test_rule_6_a_secretariat_records_what_a_state_said_and_it_is_marked(
    register: Register,
) -> None:
    said = POSITION | {"party": "XBB", "forum": "quay", "source": "QD/1, annex"}
    told = register.done("ann", "POST", "positions/recorded", said)
    assert (told["source_class"], told["verified"]) == ("secretariat-recorded", False)
    assert register.get("xbb-reader", f"positions/{told['id']}")["party"] == "XBB"
    assert register.refused("ivo", "POST", "positions/recorded", said)[0] == 403


def test_a_state_contests_what_was_recorded_of_it_and_takes_that_back(register: Register) -> None:
    named = {"kind": "commitment", "instrument": "qd", "party": "XCC", "date": "2025-06-01"}
    recorded = register.record("ann", named | {"on_behalf_of": "XCC"})[0]
    assert register.status("XCC", "2026-01-01")["source_class"] == "secretariat-recorded"
    contest = {
        "kind": "contest",
        "refers_to": recorded,
        "date": "2025-07-01",
        "body": "We did not.",
    }
    for who in ("ann", "xbb-clearance-officer"):
        assert register.refused(who, "POST", "events", declare(contest))[0] == 403
    contested = register.record("xcc-clearance-officer", contest)[0]
    assert register.status("XCC", "2026-01-01")["contested"] is True
    over = {"kind": "contest-withdrawal", "refers_to": contested, "date": "2025-08-01"}
    register.record("xcc-clearance-officer", over)
    assert register.status("XCC", "2026-01-01")["contested"] is False


@pytest.mark.parametrize(
    "event",
    [
        {"kind": "ratification", "instrument": "qd", "date": "2025"},
        {"kind": "adoption", "instrument": "qd", "forum": "quay", "date": "2025"},
        {"kind": "commitment", "instrument": "qd", "party": "XBB", "date": "2025"},
        {"kind": "commitment", "instrument": "qd", "basis": "consensus-adoption", "date": "2025"},
        {"kind": "reservation", "instrument": "qd", "on_behalf_of": "XBB", "date": "2025"},
        {"kind": "annulment", "corrects": "qd-adopted", "date": "2025"},
    ],
)
def test_a_state_records_no_act_but_its_own(register: Register, event: dict[str, Any]) -> None:
    refusal = register.refused("xaa-clearance-officer", "POST", "events", declare(event))
    assert refusal == (403, "norms.not-its-own-act")


def test_a_state_corrects_what_it_recorded_itself(register: Register) -> None:
    first = register.record("xaa-clearance-officer", RESERVATION)[0]
    register.record(
        "xaa-clearance-officer", RESERVATION | {"corrects": first, "date": "2025-03-01"}
    )
    assert register.status("XAA", "2025-02-01")["status"] == "in-effect"
    assert register.status("XAA", "2025-03-01")["status"] == "qualified"
    twice = declare(RESERVATION | {"corrects": first})
    refusal = register.refused("xaa-clearance-officer", "POST", "events", twice)
    assert refusal == (409, "norms.corrected-already")
    event = register.get("xbb-reader", f"events/{first}")
    assert event["corrected_by"] is not None


def test_a_secretariat_records_for_its_own_forums_alone(register: Register) -> None:
    for body in (DECISION, {"forums": [{"id": "shoal"}]}, {"forums": [{"id": "quay"}]}):
        assert register.refused("ivo", "POST", "records", body)[0] == 403
    event = {"kind": "termination", "instrument": "qd", "date": "2026"}
    assert register.refused("ivo", "POST", "events", declare(event))[0] == 403
    key = {"kind": "provision", "key": "qd:1", "against": "QD/1"}
    assert register.refused("ivo", "POST", "confirmations", key)[0] == 403
    assert register.refused("xaa-clearance-officer", "POST", "records", DECISION)[0] == 403
    below = {"forums": [{"id": "quay-experts", "parent": "quay", "members_of": "quay"}]}
    register.done("ann", "POST", "records", below)
    members = register.items("ann", "forums/quay-experts/members")
    assert [row["party"] for row in members] == ["XAA", "XBB", "XCC"]


def test_a_row_that_is_not_the_callers_undoes_the_whole_of_a_bulk_record(
    register: Register,
) -> None:
    """All of it or none: the role is not enough, each row has to be the caller's to write."""
    officer = "xaa-clearance-officer"
    own, theirs = RESERVATION, RESERVATION | {"party": "XBB"}
    for events in ((own, theirs), (theirs, own)):
        assert register.refused(officer, "POST", "events", declare(*events))[0] == 403
        assert register.items("ann", "events?kind=reservation") == []
    mine = {"id": "quay-experts", "parent": "quay", "members_of": "quay"}
    for forums in ([mine, {"id": "shoal"}], [{"id": "shoal"}, mine]):
        assert register.refused("ann", "POST", "records", {"forums": forums})[0] == 403
        assert register.refused("ann", "GET", "forums/quay-experts")[0] == 404
    # The control: the rows that are theirs are recorded.
    register.done(officer, "POST", "events", declare(own))
    assert len(register.items("ann", "events?kind=reservation")) == 1
    register.done("ann", "POST", "records", {"forums": [mine]})


def test_a_secretariat_may_not_pass_its_record_for_the_states_own(register: Register) -> None:
    event = RESERVATION | {"party": "XAA", "source_class": "self-reported"}
    status, code = register.refused("ann", "POST", "events", declare(event))
    assert (status, code) == (400, "norms.bad-document")


@pytest.mark.parametrize(
    ("who", "path", "body", "place"),
    [
        ("xaa-drafter", "positions", POSITION | {"colour": "red"}, "colour"),
        ("xaa-drafter", "positions", POSITION | {"date": "soon"}, "date"),
        ("xaa-drafter", "positions", POSITION | {"provisions": ["zz:1"]}, "zz:1"),
        ("xaa-drafter", "positions", POSITION | {"forum": "nowhere"}, "forum"),
        ("xaa-drafter", "positions", POSITION | {"supersedes": "x"}, "supersedes"),
        ("xaa-drafter", "actions", {"provisions": []}, "plan"),
        ("xaa-drafter", "actions", {"plan": "P", "due": "soon"}, "due"),
        ("xaa-drafter", "actions", {"plan": "P", "provisions": ["\0"]}, "provisions"),
        ("ann", "forums/quay/silence-procedures", {"title": "T"}, "deadline"),
        (
            "ann",
            "forums/quay/silence-procedures",
            {"title": "T", "symbol": "S", "deadline": "2020-01-01T00:00:00Z"},
            "future",
        ),
        (
            "ann",
            "forums/quay/silence-procedures",
            {"title": "T", "symbol": "S", "deadline": "2027-01-01T00:00:00Z", "zone": "Moon"},
            "zone",
        ),
        ("ann", "confirmations", {"kind": "planet", "key": "x", "against": "y"}, "kind"),
        ("ann", "events", {"events": []}, "events"),
        ("xaa-clearance-officer", "events", {"events": [], "more": 1}, "more"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(
    embedded_register: Register, who: str, path: str, body: dict[str, Any], place: str
) -> None:
    answer = embedded_register.ask(who, "POST", path, body)
    assert answer.status_code == 400, answer.text
    assert place in answer.get_json()["detail"]


def test_rule_11_what_is_answered_keeps_the_words_that_it_answered(register: Register) -> None:
    name = register.done("xaa-drafter", "POST", "positions", POSITION)["id"]
    register.done("xaa-clearance-officer", "POST", f"positions/{name}/release", {"audience": "own"})
    newer = {"provision": "qd:1", "language": "en", "version": 2, "symbol": "QD/1/Rev.1 para 1"}
    register.done("ann", "POST", "records", {"pins": [newer | {"digest": "1" * 64}]})
    assert register.get("xaa-reader", f"positions/{name}")["pins"] == ["qd:1|en|1"]
    later = register.done("xaa-drafter", "POST", "positions", POSITION)
    assert later["pins"] == ["qd:1|en|2"]
    pins = register.get("xaa-reader", "provisions/qd:1")["pins"]
    assert [(pin["version"], pin["digest"]) for pin in pins] == [(2, "1" * 64), (1, "0" * 64)]


def test_rule_12_no_clock_publishes_or_closes_on_a_partys_behalf(register: Register) -> None:
    action = register.done("xaa-drafter", "POST", "actions", {"plan": "P", "due": "2026-02"})
    register.move_to("2027-01-01T00:00:00Z")
    after = register.get("xaa-reader", f"actions/{action['id']}")
    assert (after["state"], after["status"], after["due"]) == ("draft", "planned", "2026-02")
    assert register.ask("xbb-reader", "GET", f"actions/{action['id']}").status_code == 404


def test_an_explanation_of_position_qualifies_while_it_stands(register: Register) -> None:
    said = POSITION | {"kind": "explanation-of-position", "instrument": "qd", "date": "2024-05-01"}
    name = register.done("xbb-drafter", "POST", "positions", said)["id"]
    assert register.status("XBB", "2026-01-01")["status"] == "in-effect"
    path = f"positions/{name}"
    register.done("xbb-clearance-officer", "POST", f"{path}/release", {"audience": "public"})
    cell = register.status("XBB", "2026-01-01")
    assert (cell["status"], cell["reserved"]) == ("qualified", False)
    register.done("xbb-clearance-officer", "POST", f"{path}/withdrawal")
    assert register.status("XBB", "2026-01-02")["status"] == "in-effect"


def test_a_position_is_superseded_by_a_later_one(register: Register) -> None:
    first = register.done("xaa-drafter", "POST", "positions", POSITION)["id"]
    everybody = {"audience": "public"}
    register.done("xaa-clearance-officer", "POST", f"positions/{first}/release", everybody)
    body = POSITION | {"supersedes": first, "title": "Newer"}
    second = register.done("xaa-drafter", "POST", "positions", body)["id"]
    register.done("xaa-clearance-officer", "POST", f"positions/{second}/release", everybody)
    found = {row["id"]: row["superseded"] for row in register.items("xbb-reader", "positions")}
    assert found == {first: True, second: False}


def test_silence_is_broken_only_by_members_of_the_forum(register: Register) -> None:
    register.person("xdd-cleared", "clearance-officer", member="XDD")
    draft = {"title": "T", "symbol": "S", "deadline": "2027-01-01T00:00:00Z"}
    assert register.refused("ivo", "POST", "forums/quay/silence-procedures", draft)[0] == 403
    name = register.done("ann", "POST", "forums/quay/silence-procedures", draft)["id"]
    path = f"silence-procedures/{name}"
    assert register.refused("xdd-cleared", "POST", f"{path}/objection", {}) == (
        403,
        "norms.not-a-member",
    )
    later = {"deadline": "2027-02-01T00:00:00Z"}
    assert register.done("ann", "POST", f"{path}/extension", later)["state"] == "silence-running"
    sooner = {"deadline": "2027-01-15T00:00:00Z"}
    assert register.refused("ann", "POST", f"{path}/extension", sooner)[0] == 400
    on_behalf = register.done("ann", "POST", f"{path}/objection", {"party": "XAA"})
    assert (on_behalf["state"], on_behalf["broken_by"]) == ("broken", ["XAA"])
    assert register.refused("ann", "POST", f"{path}/end", {"kind": "adopted"})[0] == 409
