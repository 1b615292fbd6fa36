"""A diplomat's year over the API: what three States agreed, joined, reserved, did and withdrew."""

from __future__ import annotations

import csv
import io

import pytest

from kernel.db import Database
from kernel.settings import Settings
from tests.norms.states import ADOPTION, DECISION, TREATY, Register, make_register


@pytest.fixture
def register(database: Database, settings: Settings) -> Register:
    """Three States and the secretariat of the quay, on each database in turn."""
    return make_register(database, settings)


def test_a_year_of_three_states(register: Register) -> None:  # noqa: PLR0915 - a year is long
    # The secretariat records a decision, and that it was adopted by consensus.
    counts = register.done("ann", "POST", "records", DECISION)["recorded"]
    assert counts["provision"]["added"] == 2
    adopted = register.record("ann", ADOPTION)[0]
    cell = register.status("XAA", "2026-01-01")
    assert (cell["status"], cell["basis"], cell["since"]) == (
        "in-effect",
        "consensus-adoption",
        "2024-05-01",
    )
    assert (cell["source"], cell["source_class"], cell["event"]) == (
        "QD/1",
        "secretariat-recorded",
        adopted,
    )
    # A late joiner does not inherit it: no statement, and no reproach.
    late = register.status("XCC", "2026-01-01")
    assert (late["status"], late["since"], late["basis"]) == ("no-statement", None, None)
    members = register.items("xaa-reader", "forums/quay/members", as_of="2024-06-01")
    assert [row["party"] for row in members] == ["XAA", "XBB"]
    assert {row["label"] for row in members} == {"participating State"}
    # It commits itself instead.
    register.record(
        "xcc-clearance-officer", {"kind": "commitment", "instrument": "qd", "date": "2026-01-01"}
    )
    own = register.status("XCC", "2026-01-02")
    assert (own["basis"], own["source_class"]) == ("unilateral-declaration", "self-reported")

    # A reservation, an objection within twelve months, another too late.
    reserved = register.record(
        "xbb-clearance-officer",
        {
            "kind": "reservation",
            "instrument": "qd",
            "provisions": ["1"],
            "date": "2025-01-10",
            "body": "Answers as its law allows.",
            "source": "note verbale 7",
        },
    )[0]
    assert register.status("XBB", "2025-02-01")["status"] == "qualified"
    assert register.status("XBB", "2025-01-09")["status"] == "in-effect"
    objections = register.record(
        "xaa-clearance-officer",
        {"kind": "objection", "refers_to": reserved, "date": "2026-01-10"},
        {"kind": "objection", "refers_to": reserved, "date": "2026-01-11"},
    )
    assert register.get("ann", f"events/{reserved}")["objections_until"] == "2026-01-10"
    assert [register.get("ann", f"events/{one}")["in_time"] for one in objections] == [True, False]

    # A treaty: signatures, consents, entry into force on the ninetieth day, a withdrawal.
    register.done("ann", "POST", "records", TREATY)
    register.record(
        "ann",
        {"kind": "signature-simple", "instrument": "qt", "party": "XAA", "date": "2025-07-01"},
        {"kind": "ratification", "instrument": "qt", "party": "XAA", "date": "2025-10-01"},
    )
    half = register.get("xcc-reader", "instruments/qt", as_of="2026-01-01")
    assert half["status"] == "open-for-signature"
    assert half["entry_into_force"] == {"threshold": 2, "counted": 1, "entry": None}
    register.record(
        "ann", {"kind": "acceptance", "instrument": "qt", "party": "XBB", "date": "2026-01-05"}
    )
    whole = register.get("xcc-reader", "instruments/qt", as_of="2026-02-01")
    assert whole["entry_into_force"] == {"threshold": 2, "counted": 2, "entry": "2026-04-05"}
    due = register.items("xcc-reader", "due", kind="entry-into-force", from_day="2026-01-01")
    assert [(row["id"], row["day"]) for row in due] == [("qt", "2026-04-05")]
    in_force = register.get("xcc-reader", "instruments/qt", as_of="2026-04-05")
    assert (in_force["status"], in_force["status_since"]) == ("in-force", "2026-04-05")
    register.record(
        "ann", {"kind": "denunciation", "instrument": "qt", "party": "XBB", "date": "2026-08-01"}
    )
    columns = register.items("xcc-reader", "instruments/qt/participants", as_of="2026-05-01")
    assert [(row["party"], row["signature"], row["consent"], row["status"]) for row in columns] == [
        ("XAA", "2025-07-01", "2025-10-01", "party"),
        ("XBB", None, "2026-01-05 A", "party"),
    ]
    assert register.status("XBB", "2026-07-31", "qt:Art. 1")["status"] == "in-effect"
    assert register.status("XBB", "2026-08-01", "qt:Art. 1")["status"] == "withdrawn"
    profile = register.get("xaa-reader", "parties/XBB", as_of="2026-08-01")
    assert profile["treaties"] == [
        {"instrument": "qt", "status": "former-party", "since": "2026-08-01"}
    ]

    # A row is unverified until a named person confirms it.
    provision = register.get("xaa-reader", "provisions/qd:1")
    assert (provision["verified"], provision["confirmed_by"]) == (False, None)
    told = register.done(
        "ann", "POST", "confirmations", {"kind": "provision", "key": "qd:1", "against": "QD/1"}
    )
    assert told["confirmed_by"] == "ann@people.example"
    provision = register.get("xaa-reader", "provisions/qd:1")
    assert (provision["verified"], provision["confirmed_by"]) == (True, "ann@people.example")

    # An action with evidence: drafted, released to all, begun, shown.
    action = register.done(
        "xaa-drafter",
        "POST",
        "actions",
        {"plan": "A contact day and night", "provisions": ["qd:1"], "due": "2026-12"},
    )
    assert (action["state"], action["status"], action["pins"]) == (
        "draft",
        "planned",
        ["qd:1|en|1"],
    )
    path = f"actions/{action['id']}"
    assert register.ask("xbb-reader", "GET", path).status_code == 404
    register.done("xaa-clearance-officer", "POST", f"{path}/release", {"audience": "public"})
    register.person("xaa-both", "drafter", "clearance-officer", member="XAA")
    for event in (
        {"kind": "begun", "date": "2025-11"},
        {"kind": "evidence", "date": "2025-12-01", "link": "https://xaa.example/contact"},
    ):
        register.done("xaa-both", "POST", f"{path}/events", event)
    seen = register.get("xbb-reader", path)
    assert (seen["status"], seen["since"], seen["evidence"]) == ("in-progress", "2025-11", 1)
    assert seen["events"][1]["source_class"] == "self-reported+evidence"
    assert register.status("XAA", "2026-01-01")["evidence"] == 1
    assert register.status("XAA", "2025-11-30")["evidence"] == 0

    # A silence procedure that is broken, and one that holds.
    draft = {
        "title": "Draft on contacts",
        "symbol": "QD/DRAFT/2",
        "deadline": "2026-02-01T12:00:00Z",
        "zone": "Europe/Vienna",
    }
    first, second = (
        register.done("ann", "POST", "forums/quay/silence-procedures", draft)["id"]
        for _ in range(2)
    )
    register.done("xbb-clearance-officer", "POST", f"silence-procedures/{first}/objection", {})
    broken = register.get("xcc-reader", f"silence-procedures/{first}")
    assert (broken["state"], broken["broken_by"], broken["zone"]) == (
        "broken",
        ["XBB"],
        "Europe/Vienna",
    )
    # Who is no member is not told by whom.
    outside = register.get("ivo", f"silence-procedures/{first}")
    assert (outside["state"], outside["broken_by"]) == ("broken", None)
    register.move_to("2026-02-01T11:59:59.9Z")
    assert register.get("xcc-reader", f"silence-procedures/{second}")["state"] == "silence-running"
    register.move_to("2026-02-01T12:00:00Z")
    # The clock adopts nothing: it held, until the secretariat says that it is adopted.
    assert register.get("xcc-reader", f"silence-procedures/{second}")["state"] == "held"
    late_objection = register.refused(
        "xbb-clearance-officer", "POST", f"silence-procedures/{second}/objection", {}
    )
    assert late_objection == (409, "norms.silence-over")
    ended = register.done("ann", "POST", f"silence-procedures/{second}/end", {"kind": "adopted"})
    assert ended["state"] == "adopted"

    # A position is the State's own, and closed until it is released to whom it chooses.
    position = register.done(
        "xcc-drafter",
        "POST",
        "positions",
        {
            "title": "On teams",
            "body": "Reads it to cover hospitals.",
            "date": "2026-02-01",
            "provisions": ["qd:2"],
        },
    )
    place = f"positions/{position['id']}"
    register.done(
        "xcc-clearance-officer",
        "POST",
        f"{place}/release",
        {"audience": "parties", "parties": ["XAA"]},
    )
    assert register.get("xaa-reader", place)["title"] == "On teams"
    assert register.ask("xbb-reader", "GET", place).status_code == 404

    # Everything leaves as CSV and iCalendar.
    exported = register.ask("xaa-reader", "GET", "forums/quay/status", format="csv")
    rows = list(csv.DictReader(io.StringIO(exported.text)))
    assert {row["member"] for row in rows} == {"XAA", "XBB", "XCC"}
    calendar = register.ask("xaa-reader", "GET", "calendar.ics").text
    assert calendar.startswith("BEGIN:VCALENDAR\r\n")
    assert "SUMMARY:Quay convention enters into force" in calendar
