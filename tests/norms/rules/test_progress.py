"""What becomes of an implementation action, and until when an objection is in time."""

from __future__ import annotations

from norms.rules.dates import format_day, parse_date, parse_day
from norms.rules.events import Event
from norms.rules.objections import (
    find_window_end,
    is_in_time,
    is_open,
    is_permitted,
    list_left,
)
from norms.rules.progress import Progress, Step, find_progress
from tests.norms.rules.makers import make_event


def progress(day: str, *steps: tuple[str, str]) -> Progress:
    made = [
        Step(kind, parse_date(date), "2027-01" if kind == "due-moved" else None)
        for kind, date in steps
    ]
    return find_progress(made, "2026-06", parse_day(day))


def test_an_action_is_planned_until_it_is_begun() -> None:
    assert progress("2026-01-01") == Progress("planned", None, "2026-06", 0)
    assert progress("2026-01-01", ("begun", "2026-02-01")).status == "planned"
    assert progress("2026-02-01", ("begun", "2026-02-01")).status == "in-progress"


def test_what_is_partly_known_counts_from_its_last_day() -> None:
    assert progress("2026-02-27", ("completed", "2026-02")).status == "planned"
    found = progress("2026-02-28", ("completed", "2026-02"))
    assert (found.status, found.since) == ("completed", "2026-02")


def test_the_last_step_tells_and_evidence_is_counted() -> None:
    found = progress(
        "2026-12-31",
        ("discontinued", "2026-09-01"),
        ("progress", "2026-03-01"),
        ("evidence", "2026-04-01"),
        ("evidence", "2026-05-01"),
        ("due-moved", "2026-06-01"),
    )
    assert found == Progress("discontinued", "2026-09-01", "2027-01", 2)


def test_an_objection_is_in_time_for_twelve_months() -> None:
    notified = parse_date("2025-01-10")
    assert format_day(find_window_end(notified)) == "2026-01-10"
    assert is_in_time(parse_date("2026-01-10"), notified)
    assert not is_in_time(parse_date("2026-01"), notified)
    assert is_permitted(["1"], None) is None
    assert is_permitted(["1"], ["1", "2"]) is True
    assert is_permitted(["1", "3"], ["1", "2"]) is False
    assert is_permitted([], ["1"]) is False
    assert is_open(notified, parse_day("2026-01-10"))
    assert not is_open(notified, parse_day("2026-01-11"))


def test_of_a_reservation_something_is_left_until_all_of_it_is_taken_back() -> None:
    whole = make_event("reservation", "2025-01-01", "XAA", id=1)
    parts = make_event("reservation", "2025-01-01", "XBB", id=2, provisions=("xx:1", "xx:2"))
    objection = make_event("objection", "2025-02-01", "XCC", id=3, refers_to=1)
    acts = [whole, parts, objection]

    def left(*more: Event) -> list[int]:
        return [one.id for one in list_left([*acts, *more]) if one.id < 4]

    over, of_one = "withdrawal-of-reservation", {"refers_to": 2, "provisions": ("xx:1",)}
    assert left() == [1, 2, 3]
    assert left(make_event(over, "2026", refers_to=1)) == [2, 3]
    assert left(make_event(over, "2026", **of_one)) == [1, 2, 3]
    both = [make_event(over, "2026", refers_to=2, provisions=(each,)) for each in parts.provisions]
    assert left(*both) == [1, 3]
    assert left(make_event("withdrawal-of-objection", "2026", refers_to=3)) == [1, 2]
