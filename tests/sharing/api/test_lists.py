"""Collections and statuses; forums without a seat; and no credential, no answer."""

from __future__ import annotations

from tests.sharing.api.asking import (
    FORUM,
    exported,
    items,
    read,
    same_refusal,
    status_of,
    walk,
)
from tests.sharing.taxii.world import World

RESTS = (
    *("collections", "policy", "policy/history", "accepts", "contributions"),
    *("contributions/x", "statuses", "statuses/x", "received", "received/objects", "citations"),
)


def test_a_member_lists_only_the_collections_that_exist_for_it(world: World) -> None:
    found = walk(world, "xbb", f"{FORUM}/collections", limit=1)
    assert [row["title"] for row in found] == ["Drop", "Reports", "Second"]
    assert (found[0]["can_read"], found[0]["can_write"]) == (False, True)
    assert found[1]["alias"] == "reports"
    assert (found[1]["unmarked_as"], found[1]["tlp_ceiling"]) == ("amber+strict", "red")
    readable = items(world, "xbb", f"{FORUM}/collections", access="read")
    assert [row["title"] for row in readable] == ["Reports", "Second"]
    assert len(items(world, "xbb", f"{FORUM}/collections", access="write")) == 3
    assert items(world, "xbb", f"{FORUM}/collections", collection="sealed") == []
    assert items(world, "xbb", f"{FORUM}/collections", collection="reports") == [found[1]]
    lines = exported(world.get("xbb", f"{FORUM}/collections?format=csv"))
    assert [line["can_read"] for line in lines] == ["false", "true", "true"]


def test_a_partner_and_an_observer_write_nowhere(world: World) -> None:
    for who in ("mirror", "xee"):
        rows = items(world, who, f"{FORUM}/collections")
        assert rows
        assert not any(row["can_write"] for row in rows)


def test_a_member_lists_what_became_of_its_envelopes(world: World) -> None:
    ids = [world.contribute(world.indicator())["id"] for _ in range(3)]
    ids.append(world.contribute(world.indicator(), to="second")["id"])
    rows = walk(world, "xaa", f"{FORUM}/statuses", limit=2)
    assert [row["id"] for row in rows] == ids
    assert (rows[0]["success_count"], rows[0]["failure_count"]) == (1, 0)
    second = items(world, "xaa", f"{FORUM}/statuses", collection=world.collections["second"])
    assert [row["id"] for row in second] == ids[3:]
    since = items(world, "xaa", f"{FORUM}/statuses", since=rows[1]["requested"])
    assert [row["id"] for row in since] == ids[1:]
    until = items(world, "xaa", f"{FORUM}/statuses", until=rows[1]["requested"])
    assert [row["id"] for row in until] == ids[:1]
    lines = exported(world.get("xaa", f"{FORUM}/statuses?format=csv"))
    assert [line["id"] for line in lines] == ids


def test_a_status_of_another_member_is_an_unknown_one(world: World) -> None:
    theirs = world.contribute(world.indicator())["id"]
    names = (theirs, "00000000-0000-4000-8000-000000000000", "no%00thing", "x")
    answers = [world.get("xbb", f"{FORUM}/statuses/{name}") for name in names]
    assert same_refusal(*answers) == (404, "sharing.unknown-status")
    assert items(world, "xbb", f"{FORUM}/statuses") == []
    assert read(world, "xaa", f"{FORUM}/statuses/{theirs.upper()}")["id"] == theirs


def test_a_forum_without_a_seat_is_an_unknown_one(world: World) -> None:
    names = ("harbour", "nowhere", "No.Slug", "%00")
    for rest in RESTS:
        answers = [world.get("xdd", f"/api/v1/forums/{name}/{rest}") for name in names]
        assert same_refusal(*answers) == (404, "sharing.unknown-forum"), rest


def test_nobody_learns_without_a_credential_which_addresses_exist(small_world: World) -> None:
    for address in ("/api/v1/me", f"{FORUM}/policy", "/api/v1/nothing", "/api/"):
        assert status_of(small_world, None, "GET", address) == 401
    assert status_of(small_world, "xaa", "GET", "/api/v1/nothing") == 404


def test_an_instant_is_read_with_any_offset_and_refused_without_one(small_world: World) -> None:
    for text in (
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00+02:00",
        "2026-01-01T00:00:00%2B02:00",
    ):
        assert status_of(small_world, "xaa", "GET", f"{FORUM}/statuses?since={text}") == 200
    for text in ("2026-01-01", "2026-01-01T00:00:00", "0", "%00", ""):
        assert status_of(small_world, "xaa", "GET", f"{FORUM}/statuses?since={text}") == 422
