"""Long work over the JSON API: as the person behind a credential asked for it, and no one else."""

from __future__ import annotations

from typing import Any

from tests.sharing.api.asking import issue, same_refusal
from tests.sharing.jobs.asking import ask_to_export, ask_to_import, bundle, run
from tests.sharing.taxii.world import World

PERSON = "desk-1@xaa.example"
JOBS = "/api/v1/jobs"
ROLES = ("reader", "contributor", "policy-officer")
OPEN = {"rules": [{"id": "all", "effect": "share", "audience": {"any": ["forum"]}}]}


def prepared(world: World) -> World:
    for name, code in (("desk-1", "XAA"), ("desk-2", "XAA"), ("desk-3", "XBB")):
        issue(world, name, code, *ROLES)
    return world


def items(world: World, who: str, query: str = "") -> Any:
    return world.get(who, f"{JOBS}{query}").get_json()["items"]


def test_a_person_follows_its_own_long_work_and_is_told_what_came_of_it(world: World) -> None:
    prepared(world)
    wrong = world.indicator(created="yesterday")
    content = bundle(world.indicator(), wrong)
    job_id = ask_to_import(world, content, PERSON)
    (waits,) = items(world, "desk-1")
    assert (waits["id"], waits["state"], waits["outcome"]) == (job_id, "waiting", {})
    run(world, job_id)
    told = world.get("desk-1", f"{JOBS}/{job_id}").get_json()
    assert (told["state"], told["done"], told["total"]) == ("done", 2, 2)
    assert (told["outcome"]["contributed"], told["outcome"]["refused"]) == (1, 1)
    listed = world.get("desk-1", f"{JOBS}/{job_id}/refusals").get_json()["items"]
    assert [one["id"] for one in listed] == [wrong["id"]]
    reason = listed[0]["code"]
    assert len(items(world, "desk-1", f"/{job_id}/refusals?code={reason}")) == 1
    assert items(world, "desk-1", f"/{job_id}/refusals?code=other") == []
    # Cancelled once, and told that it had ended.
    file_id = ask_to_export(world, PERSON)
    done = world.post("desk-1", f"{JOBS}/{file_id}/cancellation", None)
    assert done.get_json()["state"] == "cancelled"
    again = world.post("desk-1", f"{JOBS}/{file_id}/cancellation", None)
    assert (again.status_code, again.get_json()["code"]) == (409, "sharing.job-ended")
    made = ask_to_export(world, PERSON)
    run(world, made)
    outcome = world.get("desk-1", f"{JOBS}/{made}").get_json()["outcome"]
    assert set(outcome) == {"count", "left_out", "bytes"}
    assert [one["id"] for one in items(world, "desk-1", "?kind=export&state=done")] == [made]
    assert items(world, "desk-1", "?forum=nowhere") == []
    first = world.get("desk-1", f"{JOBS}?limit=2").get_json()
    rest = world.get("desk-1", f"{JOBS}?limit=2&next={first['next']}").get_json()
    assert len(first["items"]) + len(rest["items"]) == 3


def test_work_of_others_is_absent_and_machines_have_none(small_world: World) -> None:
    world = prepared(small_world)
    job_id = ask_to_export(world, PERSON)
    never = "00000000-0000-4000-8000-000000000000"
    for who in ("desk-2", "desk-3"):
        assert items(world, who) == []
        for path in ("", "/refusals"):
            asked = [world.get(who, f"{JOBS}/{one}{path}") for one in (job_id, never, "a%00b")]
            assert same_refusal(*asked) == (404, "sharing.unknown-job")
        asked = [
            world.post(who, f"{JOBS}/{one}/cancellation", None) for one in (job_id, never, "a%00b")
        ]
        assert same_refusal(*asked) == (404, "sharing.unknown-job")
    assert items(world, "desk-1")[0]["state"] == "waiting"
    for who in ("xaa", "mirror"):
        refused = world.get(who, JOBS)
        assert (refused.status_code, refused.get_json()["code"]) == (403, "auth.role-needed")
