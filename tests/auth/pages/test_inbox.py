"""What needs a person: from every room, by its roles, and nothing that is another's to decide."""

from __future__ import annotations

import pytest

from kernel.clock import DAY_US
from tests.browsing import Browser, add_person
from tests.norms.states import Register
from tests.sharing.api.asking import GREEN, issue
from tests.sharing.jobs.asking import ask_to_apply, ask_to_export, ask_to_simulate, run
from tests.sharing.taxii.world import World

GREEN_ONLY = {
    "rules": [
        {
            "id": "green",
            "effect": "share",
            "audience": {"any": ["forum"]},
            "when": {"tlp_at_most": "green"},
        }
    ]
}


@pytest.fixture
def people(world: World) -> World:
    add_person(world, "officer@xaa.example", "XAA", "policy-officer", "release-approver")
    add_person(world, "desk@xaa.example", "XAA", "reader", "contributor", "member-admin")
    add_person(world, "clears@xaa.example", "XAA", "clearance-officer")
    add_person(world, "officer@xbb.example", "XBB", "policy-officer")
    return world


def inbox(world: World, email: str) -> str:
    return str(Browser(world, email).get("/inbox").text)


def test_a_held_version_waits_for_its_approver_alone(people: World) -> None:
    people.set_policy(GREEN_ONLY)
    first = people.indicator()
    people.contribute(first)
    looser = first | {"modified": "2026-01-02T00:00:00.000Z", "object_marking_refs": [GREEN]}
    people.contribute(looser)
    assert "1 version is held" in inbox(people, "officer@xaa.example")
    for other in ("desk@xaa.example", "officer@xbb.example", "clears@xaa.example"):
        assert "is held" not in inbox(people, other)


def test_an_officer_without_a_policy_is_told_what_to_do_first(people: World) -> None:
    assert "has no policy here yet" in inbox(people, "officer@xbb.example")
    assert "has no policy here yet" not in inbox(people, "officer@xaa.example")


def test_a_credential_that_ends_soon_waits_for_the_administrator(people: World) -> None:
    issue(people, "soon", "XAA", expires_us=people.clock() + 10 * DAY_US)
    issue(people, "late", "XAA", expires_us=people.clock() + 60 * DAY_US)
    assert inbox(people, "desk@xaa.example").count("ends.") == 1
    assert "ends." not in inbox(people, "officer@xaa.example")


def test_a_draft_waits_for_the_clearance_officer_of_its_state(people: World) -> None:
    register = Register(people)
    position = {"title": "On hospitals", "body": "B", "date": "2026"}
    register.done("xaa-drafter", "POST", "positions", position)
    assert "On hospitals" in inbox(people, "clears@xaa.example")
    for other in ("desk@xaa.example", "officer@xbb.example"):
        assert "On hospitals" not in inbox(people, other)


def test_who_has_nothing_to_do_is_told_so(people: World) -> None:
    assert "Nothing waits for you" in inbox(people, "clears@xaa.example")


def test_long_work_waits_for_its_person_until_it_was_seen_to(people: World) -> None:
    people.set_policy(GREEN_ONLY)
    officer, desk = "officer@xaa.example", "desk@xaa.example"
    people.contribute(people.indicator())
    made = ask_to_export(people, desk)
    assert "ready as a file" not in inbox(people, desk)
    run(people, made)
    assert "A collection is ready as a file." in inbox(people, desk)
    assert "ready as a file" not in inbox(people, officer)
    assert Browser(people, desk).get(f"/sharing/jobs/{made}/file").status_code == 200
    assert "ready as a file" not in inbox(people, desk)
    people.clock.now_us += 1
    run(people, ask_to_simulate(people, {"rules": [{"id": "x"}]}, officer))
    assert "A policy could not be tried out." in inbox(people, officer)
    # What was done again is told by its last end, for a day.
    people.clock.now_us += 1
    run(people, ask_to_simulate(people, {"rules": []}, officer))
    told = inbox(people, officer)
    assert "could not be tried out" not in told
    assert "A policy has been tried out" in told
    people.clock.now_us += 1
    run(people, ask_to_apply(people, {"rules": []}, "never", officer))
    assert "A policy was not applied." in inbox(people, officer)
    people.clock.now_us += DAY_US
    assert "A policy was not applied." not in inbox(people, officer)
