"""What the lists of the API must not do: fall over, skip a row, begin anew, or take a form."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.sharing.taxii.world import World

FORUM = "/api/v1/forums/harbour"
CREDENTIALS = "/api/v1/credentials"


def walk(world: World, who: str, address: str, *, limit: int) -> list[Any]:
    page = world.get(who, f"{address}?limit={limit}").get_json()
    found = page["items"]
    while "next" in page:
        page = world.get(who, f"{address}?limit={limit}&next={page['next']}").get_json()
        found += page["items"]
    return found


@pytest.mark.parametrize("name", ["collection", "type", "id"])
def test_a_filter_with_a_nul_is_refused_and_no_fault(world: World, name: str) -> None:
    answer = world.get("xaa", f"{FORUM}/contributions?{name}=a%00b")
    assert answer.status_code == 422
    assert answer.get_json()["code"] == "web.refused"


def test_deliveries_of_one_instant_are_each_listed_once(world: World) -> None:
    world.contribute(*world.indicators(3))
    for _ in range(5):
        world.get("xbb", world.address())
    world.clock.now_us += 1
    world.get("xbb", world.address(rest="manifest/"))
    whole = world.get("xbb", f"{FORUM}/received").get_json()["items"]
    assert [row["through"] for row in whole] == [*["objects"] * 5, "manifest"]
    for limit in (1, 2, 3, 5):
        assert walk(world, "xbb", f"{FORUM}/received", limit=limit) == whole


def test_a_cursor_says_nothing_of_what_others_received(world: World) -> None:
    world.contribute(*world.indicators(2))
    for _ in range(2):
        world.get("xbb", world.address())
    before = world.get("xbb", f"{FORUM}/received?limit=1").get_json()
    world.get("xaa", world.address())
    assert world.get("xbb", f"{FORUM}/received?limit=1").get_json() == before


@pytest.mark.parametrize("token", ["forged", "%00"])
def test_a_forged_cursor_of_credentials_does_not_begin_the_list_anew(
    world: World, token: str
) -> None:
    assert world.get("xaa", f"{CREDENTIALS}?next={token}").status_code == 400
    whole = world.get("xaa", CREDENTIALS).get_json()["items"]
    assert walk(world, "xaa", CREDENTIALS, limit=1) == whole


@pytest.mark.parametrize("ending", ["", "/rotate"])
def test_a_credential_that_a_feed_may_not_change_is_an_unknown_one(
    world: World, ending: str
) -> None:
    verb = "POST" if ending else "DELETE"
    names = [world.secrets["xaa-reads"][0], world.secrets["xbb"][0], "zzzzzzzzzzzz"]
    answers = [world.open("xaa", verb, f"{CREDENTIALS}/{name}{ending}") for name in names]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.data for answer in answers}) == 1


@pytest.mark.parametrize("address", ["contributions", "statuses", "statuses/x"])
def test_a_partner_has_nothing_of_what_only_members_have(world: World, address: str) -> None:
    answer = world.get("mirror", f"{FORUM}/{address}")
    assert (answer.status_code, answer.get_json()["code"]) == (403, "auth.role-needed")
    assert world.get("mirror", CREDENTIALS).status_code == 403
    assert world.get("mirror", f"{FORUM}/received").status_code == 200


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded"])
def test_a_form_on_another_site_changes_nothing(world: World, media_type: str) -> None:
    place = f"collections/{world.collections['reports']}/contributions"
    body = json.dumps({"objects": [world.indicator()]})
    for who, verb, rest in (
        ("xaa", "POST", place),
        ("xbb-officer", "PUT", "policy"),
        ("xbb-officer", "PUT", "accepts"),
    ):
        answer = world.open(
            who, verb, f"{FORUM}/{rest}", data=body, headers={"Content-Type": media_type}
        )
        assert (answer.status_code, answer.get_json()["code"]) == (415, "web.unsupported-media")
    assert world.get("xaa", f"{FORUM}/contributions").get_json()["items"] == []
