"""Simulating through the API: for policy officers, about their own, with nothing of others."""

from __future__ import annotations

from tests.sharing.api.asking import FORUM, SHARE_ALL, issue, read, same_refusal, send
from tests.sharing.taxii.world import World
from tests.sharing.views.looking import policy, share

SIMULATIONS = f"{FORUM}/policy/simulations"


def test_an_officer_simulates_a_policy_and_applies_exactly_that(world: World) -> None:
    given = world.indicator()
    world.contribute(given, who="xbb")
    answer = send(world, "xbb-officer", "POST", SIMULATIONS, SHARE_ALL)
    assert answer.status_code == 201, answer.text
    told = answer.get_json()
    assert [row["recipient"] for row in told["gains"]] == ["XAA", "XCC", "XEE"]
    assert told["gains"][0]["objects"][0]["id"] == given["id"]
    assert "epoch" not in answer.text
    assert read(world, "xbb-officer", f"{SIMULATIONS}/{told['id']}") == told
    assert world.get("xcc", world.address()).get_json() == {}
    address = f"{FORUM}/policy?simulation={told['id']}"
    other = send(world, "xbb-officer", "PUT", address, policy(share("member:XAA")))
    assert (other.status_code, other.get_json()["code"]) == (409, "sharing.other-document")
    saved = send(world, "xbb-officer", "PUT", address, SHARE_ALL)
    assert (saved.status_code, set(saved.get_json())) == (200, {"version", "set_at", "set_by"})
    assert len(world.get("xcc", world.address()).get_json()["objects"]) == 1


def test_an_officer_is_told_that_the_world_moved(world: World) -> None:
    told = send(world, "xbb-officer", "POST", SIMULATIONS, SHARE_ALL).get_json()
    world.contribute(world.indicator(), who="xbb")
    moved = send(world, "xbb-officer", "PUT", f"{FORUM}/policy?simulation={told['id']}", SHARE_ALL)
    assert (moved.status_code, moved.get_json()["code"]) == (409, "sharing.world-moved")
    assert read(world, "xbb", f"{FORUM}/policy")["version"] == 1


def test_only_an_officer_of_the_member_simulates_or_reads_what_was_simulated(
    world: World,
) -> None:
    issue(world, "xcc-officer", "XCC", "policy-officer")
    told = send(world, "xbb-officer", "POST", SIMULATIONS, SHARE_ALL).get_json()
    for who in ("xbb", "xbb-person", "mirror"):
        assert send(world, who, "POST", SIMULATIONS, SHARE_ALL).status_code == 403
        answer = world.get(who, f"{SIMULATIONS}/{told['id']}")
        assert answer.status_code == 403
    another, absent = (
        world.get("xcc-officer", f"{SIMULATIONS}/{name}") for name in (told["id"], "none")
    )
    assert same_refusal(another, absent) == (404, "sharing.unknown-simulation")
    applied = send(
        world, "xcc-officer", "PUT", f"{FORUM}/policy?simulation={told['id']}", SHARE_ALL
    )
    assert (applied.status_code, applied.get_json()["code"]) == (404, "sharing.unknown-simulation")
    assert world.get("xbb-officer", f"{SIMULATIONS}/%00").status_code == 404


def test_a_policy_with_a_fault_is_refused_when_it_is_simulated(small_world: World) -> None:
    world = small_world
    for body in ({"rules": [{"id": "x"}]}, b'{"rules": [', b"\xff"):
        answer = send(world, "xbb-officer", "POST", SIMULATIONS, body)
        assert answer.status_code == 400, answer.text
    misspelt = send(world, "xbb-officer", "PUT", f"{FORUM}/policy?simulaton=x", SHARE_ALL)
    assert misspelt.status_code == 422
    assert read(world, "xbb", f"{FORUM}/policy")["version"] == 1
