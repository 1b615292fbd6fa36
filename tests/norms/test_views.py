"""The views of the register: profiles, two States, parallels, what is due, calendars, paging."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, delete, select

from auth.queries import find_forum
from auth.reader import Reader
from auth.services import installation_reader
from norms.queries.committed import list_committed
from norms.queries.status import StatusRow, list_status
from norms.queries.status_pages import list_status_page
from norms.queries.status_table import Cell, Size, find_status_table
from norms.rules.dates import parse_day
from norms.services.deriving import derive_everything
from norms.tables import commitment, instrument_standing, treaty_standing
from tests.norms.states import TREATY, Register


def derived(register: Register) -> dict[str, list[tuple[Any, ...]]]:
    """All that follows from the events, without the numbers of rows."""
    found = {}
    with register.world.database.read() as connection:
        for table in (commitment, treaty_standing, instrument_standing):
            columns = [column for column in table.c if column.name != "id"]
            rows = connection.execute(select(*columns)).all()
            found[table.name] = sorted(tuple(map(repr, row)) for row in rows)
    return found


def live(register: Register) -> None:
    """A treaty with a rule, a reservation, a suspension, a correction."""
    register.done("ann", "POST", "records", TREATY)
    first = register.record(
        "ann",
        {"kind": "ratification", "instrument": "qt", "party": "XAA", "date": "2025-10"},
        {"kind": "accession", "instrument": "qt", "party": "XCC", "date": "2025-11-01"},
        {"kind": "suspension", "instrument": "qt", "party": "XCC", "date": "2026-06-01"},
    )[0]
    register.record(
        "ann",
        {
            "kind": "ratification",
            "instrument": "qt",
            "party": "XAA",
            "date": "2025-10-05",
            "corrects": first,
        },
    )
    register.record(
        "xaa-clearance-officer",
        {"kind": "reservation", "instrument": "qt", "provisions": ["Art. 2"], "date": "2025-10-05"},
    )


def test_what_is_derived_event_by_event_is_what_is_derived_from_nothing(
    register: Register,
) -> None:
    live(register)
    before = derived(register)
    assert all(before.values())
    with register.world.database.write() as connection:
        for table in (commitment, treaty_standing, instrument_standing):
            connection.execute(delete(table))
        derive_everything(connection, now_us=register.world.clock())
    assert derived(register) == before


def test_what_its_state_contests_counts_for_nobody_however_it_is_corrected(
    register: Register,
) -> None:
    (adoption,) = [one["id"] for one in register.items("ann", "events", kind="adoption")]
    contest = {"kind": "contest", "refers_to": adoption, "date": "2025-02-01"}
    (contest_id,) = register.record("xaa-clearance-officer", contest)
    said = {"kind": "adoption", "instrument": "qd", "forum": "quay", "date": "2024-05-01"}
    register.record("ann", {**said, "symbol": "QD/1/Corr.1", "corrects": adoption})
    day = parse_day("2026-01-01")
    with register.world.database.read() as connection:
        assert list_committed(connection, ["qd:1"], day) == {"qd:1": frozenset({"XBB"})}
    assert register.status("XAA", "2026-01-01")["contested"] is True
    over = {"kind": "contest-withdrawal", "refers_to": contest_id, "date": "2025-12-01"}
    register.record("xaa-clearance-officer", over)
    with register.world.database.read() as connection:
        assert list_committed(connection, ["qd:1"], day) == {"qd:1": frozenset({"XAA", "XBB"})}


def test_the_columns_count_what_is_left_of_a_reservation(register: Register) -> None:
    live(register)
    (reservation,) = [one["id"] for one in register.items("ann", "events", kind="reservation")]
    both = {
        "kind": "reservation",
        "instrument": "qt",
        "provisions": ["Art. 1", "Art. 2"],
        "date": "2025-10-05",
        "corrects": reservation,
    }
    over = {"kind": "withdrawal-of-reservation", "refers_to": reservation, "party": "XAA"}
    steps = [(both, 1)]
    steps += [
        ({**over, "provisions": [one], "date": f"2026-02-0{day}"}, left)
        for day, one, left in ((1, "Art. 1", 1), (2, "Art. 2", 0))
    ]
    for step, left in steps:
        register.record("xaa-clearance-officer", step)
        rows = register.items("ann", "instruments/qt/participants", as_of="2026-05-01")
        assert [row["reservations"] for row in rows if row["party"] == "XAA"] == [left]


def test_two_states_stand_side_by_side_without_a_word_of_merit(register: Register) -> None:
    rows = register.items("xaa-reader", "comparison", left="XAA", right="XCC")
    assert [(row["provision"], row["left"], row["right"]) for row in rows] == [
        ("qd:1", "in-effect", "no-statement"),
        ("qd:2", "in-effect", "no-statement"),
    ]
    swapped = register.items("xaa-reader", "comparison", left="XCC", right="XAA")
    assert [(row["left"], row["right"]) for row in swapped] == [("no-statement", "in-effect")] * 2


def test_a_profile_is_as_of_a_day(register: Register) -> None:
    live(register)
    profile = register.get("xbb-reader", "parties/XCC", as_of="2024-12-31")
    assert (profile["forums"], profile["treaties"]) == ([], [])
    profile = register.get("xbb-reader", "parties/XCC", as_of="2026-06-01")
    assert [(row["forum"], row["label"]) for row in profile["forums"]] == [
        ("quay", "participating State")
    ]
    assert [(row["instrument"], row["status"]) for row in profile["treaties"]] == [
        ("qt", "suspended")
    ]
    own = register.items("xbb-reader", "parties/XAA/commitments", as_of="2026-06-01", forum="quay")
    assert {row["provision"] for row in own} == {"qd:1", "qd:2", "qt:Art. 1", "qt:Art. 2"}


def test_an_instrument_stands_beside_another_paragraph_by_paragraph(register: Register) -> None:
    register.done("ann", "POST", "records", TREATY)
    links = [
        {"from": "qd:1", "to": "qt:Art. 2", "kind": "implements", "confidence": "checked"},
        {"from": "qd:1", "to_instrument": "qt", "paragraphs": "3-4", "kind": "elaborates"},
    ]
    register.done("ann", "POST", "records", {"links": links})
    rows = register.items("xaa-reader", "instruments/qd/parallels", beside="qt")
    assert [
        (row["provision"], row["kind"], row["other"], row["other_paragraphs"], row["verified"])
        for row in rows
    ] == [
        ("qd:1", "elaborates", None, "3-4", False),
        ("qd:1", "implements", "qt:Art. 2", None, True),
        ("qd:2", None, None, None, True),
    ]
    back = register.items("xaa-reader", "instruments/qt/parallels", beside="qd")
    assert [(row["provision"], row["other"]) for row in back] == [
        ("qt:Art. 1", None),
        ("qt:Art. 2", "qd:1"),
    ]


def test_what_is_due_names_windows_deadlines_and_days(register: Register) -> None:
    live(register)
    plan = {"plan": "P", "due": "2026-05"}
    register.done("xaa-drafter", "POST", "actions", plan)
    draft = {"title": "T", "symbol": "S", "deadline": "2026-03-01T12:00:00Z"}
    register.done("ann", "POST", "forums/quay/silence-procedures", draft)
    rows = register.items("xaa-reader", "due", from_day="2026-01-01", to_day="2027-12-31")
    told = {(row["kind"], row["day"], row["last_day"]) for row in rows}
    assert told >= {
        ("signature-window-closes", "2027-06-30", "2027-06-30"),
        ("objection-window-closes", "2026-10-05", "2026-10-05"),
        ("entry-into-force", "2026-01-30", "2026-01-30"),
        ("silence-deadline", "2026-03-01", "2026-03-01"),
        ("action-due", "2026-05-01", "2026-05-31"),
    }
    assert [row["day"] for row in rows] == sorted(row["day"] for row in rows)
    # A draft's date is nobody else's to know.
    others = register.items("xbb-reader", "due", from_day="2026-01-01")
    assert "action-due" not in {row["kind"] for row in others}


def test_a_reservation_that_is_taken_back_leaves_nothing_due(register: Register) -> None:
    live(register)
    asked = {"from_day": "2026-01-01", "kind": "objection-window-closes"}
    assert len(register.items("xbb-reader", "due", **asked)) == 1
    (reservation,) = [one["id"] for one in register.items("ann", "events", kind="reservation")]
    over = {"kind": "withdrawal-of-reservation", "refers_to": reservation, "party": "XAA"}
    register.record("xaa-clearance-officer", {**over, "date": "2026-02-01"})
    assert register.items("xbb-reader", "due", **asked) == []


def test_an_objection_is_in_time_by_what_counts_of_the_reservation(register: Register) -> None:
    live(register)
    (reservation,) = [one["id"] for one in register.items("ann", "events", kind="reservation")]
    objection = {"kind": "objection", "refers_to": reservation, "party": "XBB"}
    register.record("xbb-clearance-officer", {**objection, "date": "2026-10-20"})

    def in_time() -> list[bool | None]:
        return [one["in_time"] for one in register.items("ann", "events", kind="objection")]

    assert in_time() == [False]
    said = {"kind": "reservation", "instrument": "qt", "provisions": ["Art. 2"]}
    said |= {"corrects": reservation, "date": "2025-10-25"}
    (corrected,) = register.record("xaa-clearance-officer", said)
    assert in_time() == [True]
    annulled = {"kind": "annulment", "corrects": corrected, "date": "2026-03-01"}
    register.record("xaa-clearance-officer", annulled)
    assert in_time() == [False]


def test_a_reservation_says_whether_its_treaty_permits_it(register: Register) -> None:
    treaty = TREATY["instruments"][0] | {"reservable": ["Art. 2"]}
    register.done("ann", "POST", "records", TREATY | {"instruments": [treaty]})
    reserved = {"kind": "reservation", "instrument": "qt", "date": "2026-01-01"}
    ids = register.record(
        "xaa-clearance-officer",
        reserved | {"provisions": ["Art. 2"]},
        reserved | {"provisions": ["Art. 1"]},
        reserved,
        reserved | {"instrument": "qd"},
    )
    told = [register.get("xbb-reader", f"events/{one}")["permitted"] for one in ids]
    assert told == [True, False, False, None]


def test_a_calendar_keeps_its_ids_and_folds_its_lines(register: Register) -> None:
    register.done("ann", "POST", "records", {"instruments": [LONG]})
    first = register.ask("xaa-reader", "GET", "calendar.ics")
    second = register.ask("xaa-reader", "GET", "calendar.ics")
    assert first.mimetype == "text/calendar"
    ids = [line for line in first.text.split("\r\n") if line.startswith("UID:")]
    assert ids == [line for line in second.text.split("\r\n") if line.startswith("UID:")]
    assert len(ids) == 1
    assert max(len(line.encode()) for line in first.text.split("\r\n")) <= 75
    unfolded = first.text.replace("\r\n ", "")
    assert "SUMMARY:Über Häfen\\, Kais\\; und sehr viel mehr " in unfolded
    assert "DTSTART;VALUE=DATE:20270630\r\nDTEND;VALUE=DATE:20270701" in first.text


LONG = {
    "id": "ql",
    "symbol": "QL",
    "title": "Über Häfen, Kais; und sehr viel mehr " + "ä" * 60,
    "legal_character": "legally-binding",
    "forum": "quay",
    "closes_for_signature": "2027-06-30",
}


def test_pages_of_the_status_hold_every_row_once(register: Register) -> None:
    whole = register.items("xaa-reader", "forums/quay/status", as_of="2026-01-01")
    assert len(whole) == 6
    paged: list[dict[str, Any]] = []
    query: dict[str, Any] = {"as_of": "2026-01-01", "limit": 1}
    page = register.get("xaa-reader", "forums/quay/status", **query)
    while "next" in page:
        paged += page["items"]
        page = register.get("xaa-reader", "forums/quay/status", **query, next=page["next"])
    assert paged + page["items"] == whole
    silent = register.items("xaa-reader", "forums/quay/status", status="no-statement")
    assert {row["member"] for row in silent} == {"XCC"}


def test_a_page_of_the_status_is_a_piece_of_the_whole(register: Register) -> None:
    live(register)
    # Committed to one provision while it is no member yet.
    early = {"kind": "commitment", "instrument": "qd", "provisions": ["1"], "date": "2024-06-01"}
    register.record("ann", {**early, "party": "XCC", "forum": "quay"})
    reader = installation_reader()

    def key(row: StatusRow) -> tuple[Any, ...]:
        return (row.member, *row.place, row.provision)

    sizes = set()
    with register.world.database.read() as connection:
        forum = find_forum(connection, "quay")
        assert forum is not None
        for day in ("2024-12-01", "2026-07-01"):
            for filters in ({}, {"party": "XCC"}, {"provision_id": "qd:1"}, {"party": "XZZ"}):
                asked: dict[str, Any] = {"day": parse_day(day), **filters}
                rows = list_status(connection, reader, forum.id, "quay", **asked)
                whole = sorted(rows, key=key)
                sizes.add(len(whole))
                for limit in range(1, len(whole) + 2):
                    for start in range(len(whole) + 1):
                        behind = key(whole[start - 1]) if start else None
                        page = list_status_page(
                            *(connection, reader, forum.id, "quay"),
                            **asked,
                            behind=behind,
                            limit=limit,
                        )
                        assert page == whole[start : start + limit]
    assert len(sizes) > 3


def test_the_table_of_the_status_says_what_its_list_says(register: Register) -> None:
    live(register)
    # Committed to one provision while it is no member yet; and evidence that not all may see.
    early = {"kind": "commitment", "instrument": "qd", "provisions": ["1"], "date": "2024-06-01"}
    register.record("ann", {**early, "party": "XCC", "forum": "quay"})
    tell_evidence(register, "qd:1")
    shown = set()
    members = [register.world.seated(code).reader for code in ("XAA", "XBB")]
    with register.world.database.read() as connection:
        forum = find_forum(connection, "quay")
        assert forum is not None
        for reader in (installation_reader(), *members):
            for day in ("2024-12-01", "2026-07-01"):
                for filters in ({}, {"party": "XCC"}, {"provision_id": "qd:1"}, {"party": "XZZ"}):
                    asked: dict[str, Any] = {"day": parse_day(day), **filters}
                    rows = list_status(connection, reader, forum.id, "quay", **asked)
                    told = {(row.member, row.provision): cell_of(row) for row in rows}
                    for size in (Size(40, 60, 900), Size(1, 60, 900), Size(40, 60, 1)):
                        pages = walk(connection, reader, forum.id, size, **asked)
                        assert {key: cell for key, cell in pages if cell is not None} == told
                        assert len(pages) == len(dict(pages))
                    shown |= set(told.values())
    assert {cell.evidence for cell in shown} == {0, 1, 2}
    assert len({cell.status for cell in shown}) > 2


def tell_evidence(register: Register, provision: str) -> None:
    """Two actions of XAA with evidence: one for everybody, one for itself alone."""
    for audience in ("public", "own"):
        action = register.done(
            "xaa-drafter", "POST", "actions", {"plan": "P", "provisions": [provision]}
        )
        there = f"actions/{action['id']}"
        register.done("xaa-clearance-officer", "POST", f"{there}/release", {"audience": audience})
        happened = {"kind": "evidence", "date": "2024-01", "body": "Done"}
        register.done("xaa-clearance-officer", "POST", f"{there}/events", happened)


def cell_of(row: StatusRow) -> Cell:
    """What the table shows of a row."""
    return Cell(row.status, row.since, row.is_reserved, row.is_contested, row.evidence)


def walk(
    connection: Connection, reader: Reader, forum_id: int, size: Size, **asked: Any
) -> list[tuple[tuple[str, str], Cell | None]]:
    """Every cell of every page of the table, by member and provision."""
    found = []
    after = None
    filters = {"provision_id": None, "party": None, **asked}
    while True:
        table = find_status_table(
            *(connection, reader, forum_id, "quay"), **filters, after=after, size=size
        )
        assert len(table.rows) <= size.members
        for row in table.rows:
            for (provision, _), number in zip(table.columns, row.cells, strict=True):
                found.append(((row.code, provision), table.cells[number]))
        after = table.following
        if after is None:
            return found
