"""For a caller, a hidden thing and one that never was: the same bytes, everywhere.

Sharing policy §9.4. XAA contributed an object that XCC is not granted; every endpoint and
method is asked for it and for an id never stored, and the raw answers are compared.
"""

from __future__ import annotations

import itertools
import uuid
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.sharing.taxii.world import World

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
NEVER = "indicator--ffffffff-ffff-4fff-8fff-ffffffffffff"
QUERIES = (
    "",
    "?match[version]=all",
    "?match[version]=2026-01-01T00:00:00.000Z",
    "?match[spec_version]=2.0",
    "?added_after=2020-01-01T00:00:00Z",
    "?limit=0",
    "?next=1",
)


def raw(answer: TestResponse) -> tuple[Any, ...]:
    """All that a caller can observe of an answer, the clock apart."""
    headers = sorted((name, value) for name, value in answer.headers if name != "Date")
    return (answer.status, headers, answer.data)


@pytest.fixture
def hidden(world: World) -> str:
    """The id of an object with two versions, hidden from XCC, XEE and the partner."""
    one = world.indicator()
    world.contribute(one)
    world.contribute(one | {"modified": "2026-02-02T00:00:00.000Z"})
    return str(one["id"])


CALLERS = ("xcc", "xee", "mirror")


def test_by_id_a_hidden_object_is_an_unknown_one(world: World, hidden: str) -> None:
    for who, method, rest, query in itertools.product(CALLERS, METHODS, ("", "versions/"), QUERIES):
        seen = [
            raw(world.open(who, method, world.address(rest=f"objects/{name}/{rest}{query}")))
            for name in (hidden, NEVER)
        ]
        assert seen[0] == seen[1], (who, method, rest, query)
        assert not seen[0][0].startswith("5")


def test_as_a_filter_a_hidden_object_is_an_unknown_one(world: World, hidden: str) -> None:
    for who, method, rest in itertools.product(CALLERS, METHODS, ("objects/", "manifest/")):
        for more in ("", "&match[version]=all", "&match[type]=indicator", "&limit=1"):
            seen = [
                raw(world.open(who, method, world.address(rest=f"{rest}?match[id]={name}{more}")))
                for name in (hidden, NEVER)
            ]
            assert seen[0] == seen[1], (who, method, rest, more)


def test_deleting_a_hidden_object_changes_nothing_and_says_the_same(
    world: World, hidden: str
) -> None:
    seen = [
        raw(world.delete("xcc", world.address(rest=f"objects/{name}/"))) for name in (hidden, NEVER)
    ]
    assert seen[0] == seen[1]
    assert seen[0][0] == "404 NOT FOUND"
    assert world.get("xbb", world.address(rest=f"objects/{hidden}/")).status_code == 200


def test_what_one_sees_and_did_not_contribute_one_may_not_delete(world: World, hidden: str) -> None:
    answer = world.delete("xbb", world.address(rest=f"objects/{hidden}/"))
    assert answer.status_code == 403
    assert world.get("xbb", world.address(rest=f"objects/{hidden}/")).status_code == 200


def test_contributing_a_hidden_id_is_answered_as_if_it_were_new(world: World, hidden: str) -> None:
    mine = world.indicator(id=hidden, name="mine")
    fresh = world.indicator(id=NEVER, name="mine")
    answers = []
    for one in (mine, fresh):
        document = world.contribute(one, who="xcc")
        document["id"] = document["request_timestamp"] = ""
        document["successes"][0]["id"] = ""
        answers.append(document)
    assert answers[0] == answers[1]
    for name, one in ((hidden, mine), (NEVER, fresh)):
        answer = world.get("xcc", world.address(rest=f"objects/{name}/"))
        assert answer.get_json()["objects"] == [one]


def test_hidden_traffic_moves_nothing_that_a_caller_observes(world: World) -> None:
    pages = ("objects/", "manifest/", "", "objects/?limit=1", "manifest/?match[version]=all")
    world.contribute(world.indicator(), who="xcc")

    def everything() -> list[Any]:
        return [raw(world.get("xcc", world.address(rest=rest))) for rest in pages]

    before = everything()
    one = world.indicator()
    world.contribute(one, *world.indicators(20))
    world.delete("xaa", world.address(rest=f"objects/{one['id']}/"))
    world.set_policy({"rules": []})
    assert everything() == before


def test_a_hidden_collection_or_root_is_an_unknown_one(world: World) -> None:
    """XAA neither reads nor writes `sealed`; `elsewhere` is of a forum where it has no seat."""
    rests = ("", "objects/", "manifest/", f"objects/{NEVER}/", f"objects/{NEVER}/versions/")
    never = str(uuid.uuid4())
    names = [world.collections["sealed"], world.collections["elsewhere"], "sealed", "nothing"]
    for method, rest in itertools.product(METHODS, rests):
        wanted = raw(world.open("xaa", method, f"/taxii2/harbour/collections/{never}/{rest}"))
        for name in names:
            address = f"/taxii2/harbour/collections/{name}/{rest}"
            assert raw(world.open("xaa", method, address)) == wanted, (method, address)
        for root in ("basin", "nowhere"):
            of_root = f"collections/{never}/{rest}"
            hidden_root = raw(world.open("xaa", method, f"/taxii2/basin/{of_root}"))
            assert raw(world.open("xaa", method, f"/taxii2/{root}/{of_root}")) == hidden_root


def test_to_nobody_everything_is_the_same_401(world: World, hidden: str) -> None:
    addresses = [
        "/taxii2/",
        "/taxii2/harbour/",
        "/taxii2/nowhere/",
        "/taxii2/harbour/no/such/address/",
        world.address(rest=f"objects/{hidden}/"),
        world.address(rest=f"objects/{NEVER}/"),
        world.address("sealed"),
    ]
    for method in ("GET", "POST", "DELETE"):
        assert len({str(raw(world.open(None, method, one))) for one in addresses}) == 1
    answer = world.get(None, addresses[0])
    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/taxii+json;version=2.1"
    assert answer.headers.get_all("WWW-Authenticate")
