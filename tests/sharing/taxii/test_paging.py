"""Walks through a view (TAXII 2.1 §3.5; field notes 1 to 5)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from kernel.clock import parse_instant
from sharing.services import seating
from tests.sharing.taxii.world import SHARES_WITH_XBB, World

NOBODY: dict[str, Any] = {"rules": []}
LAST = "X-TAXII-Date-Added-Last"


def pages(
    world: World, rest: str = "objects/", query: str = "limit=3", *, repeat: bool = False
) -> Iterator[Any]:
    """The answers of a walk that goes on by `next`, alone or beside the first query."""
    answer = world.get("xbb", world.address(rest=f"{rest}?{query}"))
    yield answer
    while answer.get_json().get("more"):
        token = answer.get_json()["next"]
        assert token
        again = f"{query}&next={token}" if repeat else f"next={token}"
        answer = world.get("xbb", world.address(rest=f"{rest}?{again}"))
        assert answer.status_code == 200, answer.text
        # Field note 3: an empty page never says that there is more, nor does it end in `next`.
        assert answer.get_json().get("objects") or answer.get_json().get("versions")
        yield answer
    assert "next" not in answer.get_json()


def ids(answers: Iterator[Any]) -> list[str]:
    return [one["id"] for answer in answers for one in answer.get_json().get("objects", [])]


def test_field_note_2_a_walk_gets_every_object_once_and_in_order(world: World) -> None:
    objects = world.indicators(10)
    wanted = [one["id"] for one in objects]
    world.contribute(*objects)
    for rest in ("objects/", "manifest/"):
        for repeat in (False, True):
            assert ids(pages(world, rest, repeat=repeat)) == wanted
            assert ids(pages(world, rest, "limit=5", repeat=repeat)) == wanted
            assert ids(pages(world, rest, "limit=10", repeat=repeat)) == wanted


def test_field_note_2_versions_have_a_next_as_well(world: World) -> None:
    one = world.indicator()
    texts = [f"2026-01-01T00:00:00.00{number}Z" for number in range(1, 8)]
    for text in texts:
        world.contribute(one | {"modified": text})
    rest = f"objects/{one['id']}/"
    walked = [v for a in pages(world, rest + "versions/") for v in a.get_json()["versions"]]
    assert walked == texts
    of_object = pages(world, rest, "match[version]=all&limit=2")
    assert [o["modified"] for a in of_object for o in a.get_json()["objects"]] == texts


def test_field_note_2_a_next_can_be_replayed_and_answers_the_same(world: World) -> None:
    world.contribute(*world.indicators(7))
    first = world.get("xbb", world.address(rest="objects/?limit=2")).get_json()
    address = world.address(rest=f"objects/?next={first['next']}")
    second = world.get("xbb", address)
    world.clock.now_us += 400 * 24 * 3600 * 1_000_000
    assert world.get("xbb", address).data == second.data


def test_field_note_2_a_next_alone_keeps_every_filter(world: World) -> None:
    kept = world.indicators(6)
    other = [
        {"type": "tool", "spec_version": "2.1", "id": one["id"].replace("indicator", "tool")}
        | {"created": one["created"], "modified": one["modified"], "name": "t"}
        for one in kept
    ]
    world.contribute(*(one for pair in zip(kept, other, strict=True) for one in pair))
    wanted = [one["id"] for one in kept]
    assert ids(pages(world, query="limit=2&match[type]=indicator")) == wanted
    some = ",".join([*wanted[:3], other[0]["id"]])
    query = f"limit=1&match[id]={some}&match[type]=indicator&match[version]=all"
    assert ids(pages(world, query=query + "&match[spec_version]=2.1")) == wanted[:3]


def test_field_note_2_a_moved_added_after_beside_next_neither_loops_nor_loses(
    world: World,
) -> None:
    """OpenCTI moves it to the last page's stamp, cut to milliseconds (opencti#5681)."""
    objects = world.indicators(9)
    world.contribute(*objects)
    walked: list[str] = []
    query = "limit=2"
    for _ in range(20):
        answer = world.get("xbb", world.address(rest=f"objects/?{query}"))
        walked += [one["id"] for one in answer.get_json()["objects"]]
        if not answer.get_json()["more"]:
            break
        moved = answer.headers[LAST][:-4] + "Z"
        query = f"limit=2&added_after={moved}&next={answer.get_json()['next']}"
    assert walked == [one["id"] for one in objects]


def test_field_note_2_a_missing_added_after_beside_next_neither_loops_nor_loses(
    world: World,
) -> None:
    """Elastic sends `next` alone after a walk that began with `added_after`."""
    world.contribute(*world.indicators(3))
    start = world.get("xbb", world.address()).headers[LAST]
    new = world.indicators(5)
    world.contribute(*new)
    assert ids(pages(world, query=f"limit=2&added_after={start}")) == [one["id"] for one in new]


def test_field_note_2_another_limit_beside_next_neither_loops_nor_loses(world: World) -> None:
    """taxii2-client lowers its limit to what the first page held."""
    objects = world.indicators(9)
    world.contribute(*objects)
    answer = world.get("xbb", world.address(rest="objects/?limit=4"))
    walked = [one["id"] for one in answer.get_json()["objects"]]
    for limit in (1, 3, 999):
        token = answer.get_json()["next"]
        answer = world.get("xbb", world.address(rest=f"objects/?next={token}&limit={limit}"))
        walked += [one["id"] for one in answer.get_json()["objects"]]
    assert walked == [one["id"] for one in objects]
    assert answer.get_json()["more"] is False


def test_a_next_of_another_caller_place_or_walk_is_refused(world: World) -> None:
    world.contribute(*world.indicators(5))
    world.contribute(world.indicator(), to="second")
    first = world.get("xbb", world.address(rest="objects/?limit=2&match[type]=indicator"))
    token = f"?next={first.get_json()['next']}"
    one = first.get_json()["objects"][0]["id"]
    elsewhere = [
        ("xaa", world.address(rest="objects/" + token)),
        ("xcc", world.address(rest="objects/" + token)),
        ("xbb-person", world.address(rest="objects/" + token)),
        ("mirror", world.address(rest="objects/" + token)),
        ("xbb", world.address(rest="manifest/" + token)),
        ("xbb", world.address("second", rest="objects/" + token)),
        ("xbb", world.address(rest=f"objects/{one}/{token}")),
        ("xbb", world.address(rest=f"objects/{one}/versions/{token}")),
    ]
    for who, address in elsewhere:
        answer = world.get(who, address)
        assert (answer.status_code, answer.get_json()["error_code"]) == (400, "sharing.bad-next")
    for conflict in ("match[type]=malware", "match[version]=all", f"match[id]={one}"):
        answer = world.get("xbb", world.address(rest=f"objects/{token}&{conflict}"))
        code = (answer.status_code, answer.get_json()["error_code"])
        assert code == (400, "sharing.next-conflict")
    alias = "/taxii2/harbour/collections/reports/objects/" + token
    assert world.get("xbb", alias).status_code == 200


def test_field_note_4_the_server_has_a_default_and_a_hard_limit(world: World) -> None:
    world.contribute(*world.indicators(1003))
    answer = world.get("xbb", world.address())
    assert len(answer.get_json()["objects"]) == 100
    for limit in ("1000", "1001", "9" * 60):
        answer = world.get("xbb", world.address(rest=f"manifest/?limit={limit}"))
        assert len(answer.get_json()["objects"]) == 1000
        assert answer.get_json()["more"] is True
    assert len(set(ids(pages(world, "manifest/", "limit=1000")))) == 1003


def test_field_note_1_a_poller_that_cuts_stamps_to_milliseconds_gets_on(world: World) -> None:
    """opencti#10090: what it reads again at the cut edge is finite, whatever the page size."""
    objects = world.indicators(60)
    world.contribute(*objects)
    seen: list[str] = []
    query, polls = "limit=11", 0
    while len(set(seen)) < 60:
        answer = world.get("xbb", world.address(rest=f"objects/?{query}"))
        seen += [one["id"] for one in answer.get_json()["objects"]]
        query = f"limit=11&added_after={answer.headers[LAST][:-4]}Z"
        polls += 1
        assert polls < 100
    assert set(seen) == {one["id"] for one in objects}
    assert len(seen) < 60 + 10 * polls


def test_field_note_1_stamps_are_unique_and_later_commits_come_later(world: World) -> None:
    for size in (3, 1, 20):
        world.contribute(*world.indicators(size))
        world.clock.now_us -= 1_000_000  # even when the clock stands still
    records = world.get("xbb", world.address(rest="manifest/")).get_json()["objects"]
    stamps = [parse_instant(record["date_added"]) for record in records]
    assert stamps == sorted(set(stamps))
    assert min(b - a for a, b in itertools.pairwise(stamps)) >= 100


def test_what_is_widened_between_two_pages_comes_once_and_at_the_end(world: World) -> None:
    early, late = world.indicators(4), world.indicators(4, labels=["kept"])
    held_back = {
        "rules": [
            *SHARES_WITH_XBB["rules"],
            {
                "id": "kept",
                "effect": "withhold",
                "audience": {"any": ["member:XBB"]},
                "when": {"labels": ["kept"]},
            },
        ]
    }
    world.set_policy(held_back)
    world.contribute(*late, *early)
    walk = pages(world, query="limit=3")
    walked = ids(iter([next(walk)]))
    world.set_policy(SHARES_WITH_XBB)
    walked += ids(walk)
    assert walked == [one["id"] for one in [*early, *late]]


def test_what_is_tightened_between_two_pages_is_gone_from_the_next(world: World) -> None:
    world.contribute(*world.indicators(6))
    answer = world.get("xbb", world.address(rest="objects/?limit=2"))
    world.set_policy(NOBODY)
    address = world.address(rest=f"objects/?next={answer.get_json()['next']}")
    assert world.get("xbb", address).data == b"{}"
    assert world.get("xbb", world.address()).data == b"{}"


def test_a_poller_gets_exactly_what_is_new_to_it(world: World) -> None:
    got: list[str] = []
    query = ""
    for size in (2, 0, 5, 1):
        new = world.indicators(size)
        if new:
            world.contribute(*new)
        answer = world.get("xbb", world.address(rest=f"objects/{query}"))
        got = [one["id"] for one in answer.get_json().get("objects", [])]
        assert got == [one["id"] for one in new]
        if new:
            query = f"?added_after={answer.headers[LAST]}"
        else:
            assert answer.data == b"{}"


def test_suspended_member_cannot_page_past_her_suspension(world: World) -> None:
    world.contribute(*world.indicators(6))
    page = world.get("xbb", world.address(rest="objects/?limit=2")).get_json()
    goes_on = world.address(rest=f"objects/?next={page['next']}")
    said = {"now_us": world.clock()}
    seating.change_seat(world.database, "operator", "harbour", "XBB", "suspended", **said)
    unknown = world.get("xbb", "/taxii2/nowhere/collections/reports/objects/")
    for address in (goes_on, world.address(), "/taxii2/harbour/"):
        answer = world.get("xbb", address)
        assert (answer.status_code, answer.data) == (404, unknown.data)
    assert world.get("xbb", "/taxii2/").get_json() == {"title": "Comity"}
    seating.change_seat(world.database, "operator", "harbour", "XBB", "active", **said)
    assert len(ids(pages(world))) == 6
    seating.change_member(world.database, "operator", "XBB", "suspended", **said)
    for address in (goes_on, "/taxii2/", "/taxii2/nowhere/"):
        assert world.get("xbb", address).status_code == 401
