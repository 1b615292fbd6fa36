"""Policies and what a member accepts: shown word for word, set by a person with the role."""

from __future__ import annotations

import json

import pytest

from kernel.clock import parse_instant
from tests.sharing.api.asking import (
    FORUM,
    SHARE_ALL,
    exported,
    issue,
    read,
    send,
    walk,
)
from tests.sharing.taxii.world import World

WITH_XEE = {"rules": [{"id": "e", "effect": "share", "audience": {"any": ["member:XEE"]}}]}


def test_neither_a_feed_nor_a_reader_opens_what_its_member_keeps_closed(world: World) -> None:
    issue(world, "xbb-many", "XBB", "reader", "contributor", "member-admin")
    for what, document in (("policy", SHARE_ALL), ("accepts", {"types": []})):
        before = read(world, "xbb", f"{FORUM}/{what}")
        for who in ("xbb", "xbb-person", "xbb-many", "mirror"):
            answer = send(world, who, "PUT", f"{FORUM}/{what}", document)
            assert answer.status_code == 403, (what, who)
        assert read(world, "xbb", f"{FORUM}/{what}") == before


def test_a_policy_officer_sets_the_policy_and_reads_it_word_for_word(world: World) -> None:
    written = (
        b'{"rules":   [\n {"id": "all", "effect": "share",\n  "audience": {"any": ["forum"]}}]}'
    )
    saved = send(world, "xbb-officer", "PUT", f"{FORUM}/policy", written)
    assert saved.status_code == 200, saved.text
    told = saved.get_json()
    by = f"credential:{world.secrets['xbb-officer'][0]}"
    assert (told["version"], told["set_by"]) == (2, by)
    shown = world.get("xbb", f"{FORUM}/policy")
    assert written in shown.data
    assert (shown.get_json()["version"], shown.get_json()["document"]) == (2, SHARE_ALL)
    assert shown.get_json()["set_by"] == by
    assert shown.get_json()["set_at"] == told["set_at"]
    assert parse_instant(told["set_at"]) == world.clock.now_us


def test_a_policy_that_was_set_is_what_holds_for_the_next_poll(world: World) -> None:
    world.contribute(world.indicator(), who="xbb")
    assert world.get("xcc", world.address()).get_json() == {}
    saved = send(world, "xbb-officer", "PUT", f"{FORUM}/policy", SHARE_ALL)
    assert saved.get_json()["version"] == 2
    assert len(world.get("xcc", world.address()).get_json()["objects"]) == 1


@pytest.mark.parametrize("hidden_copy", [False, True])
def test_an_officer_cannot_tell_by_the_answer_that_another_has_the_same_object(
    world: World, hidden_copy: bool
) -> None:
    value = world.indicator()
    if hidden_copy:
        world.set_policy(WITH_XEE, "XCC")
        world.contribute(value, who="xcc")
    world.contribute(value | {"name": "another"}, who="xbb")
    told = [
        send(world, "xbb-officer", "PUT", f"{FORUM}/policy", document).get_json()
        for document in (WITH_XEE, {"rules": []})
    ]
    assert [answer["version"] for answer in told] == [2, 3]
    assert all(set(answer) == {"version", "set_at", "set_by"} for answer in told)


def test_a_history_is_paged_newest_first_and_exported_and_holds_no_position(
    world: World,
) -> None:
    for number in range(4):
        world.clock.now_us += 1_000_000
        document = {"rules": [SHARE_ALL["rules"][0] | {"id": f"rule-{number}"}]}
        assert send(world, "xbb-officer", "PUT", f"{FORUM}/policy", document).status_code == 200
    rows = walk(world, "xbb", f"{FORUM}/policy/history", limit=2)
    assert [row["version"] for row in rows] == [5, 4, 3, 2, 1]
    assert all(set(row) == {"version", "set_at", "set_by", "document"} for row in rows)
    lines = exported(world.get("xbb", f"{FORUM}/policy/history?format=csv"))
    assert json.loads(lines[0]["document"])["rules"][0]["id"] == "rule-3"
    within = walk(
        world,
        "xbb",
        f"{FORUM}/policy/history",
        limit=9,
        since=rows[2]["set_at"],
        until=rows[0]["set_at"],
    )
    assert [row["version"] for row in within] == [4, 3]
    assert walk(world, "xcc", f"{FORUM}/policy/history", limit=9)[0]["version"] == 1


BAD_BODIES = (
    (b'{"rules": [{"id": 1}]}', "sharing.policy-refused"),
    (b'{"rules": [], "rules": []}', "kernel.bad-json"),
    (b"", "kernel.bad-json"),
    (b"\xff\xfe", "kernel.bad-json"),
    (b"[" * 5000, "kernel.json-too-large"),
    (b'{"rules": []}' + b" " * 70_000, "sharing.policy-refused"),
)


def test_a_policy_with_a_fault_is_refused_and_changes_nothing(small_world: World) -> None:
    for body, code in BAD_BODIES:
        answer = send(small_world, "xbb-officer", "PUT", f"{FORUM}/policy", body)
        assert answer.content_type == "application/problem+json"
        assert (answer.status_code // 100, answer.get_json()["code"]) == (4, code)
    assert read(small_world, "xbb", f"{FORUM}/policy")["version"] == 1


def test_a_policy_refused_names_the_path_of_its_fault(small_world: World) -> None:
    answer = send(small_world, "xbb-officer", "PUT", f"{FORUM}/policy", {"rules": [{"id": "x"}]})
    assert "rules[0]" in answer.get_json()["detail"]


def test_what_a_member_accepts_is_saved_and_shown_to_it_alone(world: World) -> None:
    unset = {"version": 0, "set_at": None, "set_by": None, "document": {}}
    assert read(world, "xbb", f"{FORUM}/accepts") == unset
    saved = send(world, "xbb-officer", "PUT", f"{FORUM}/accepts", {"types": ["malware"]})
    shown = read(world, "xbb", f"{FORUM}/accepts")
    assert shown == saved.get_json() | {"document": {"types": ["malware"]}}
    assert shown["version"] == 1
    assert read(world, "xcc", f"{FORUM}/accepts") == unset
    bad = send(world, "xbb-officer", "PUT", f"{FORUM}/accepts", {"typos": []})
    assert bad.status_code == 400


def test_a_document_that_is_packed_or_not_said_to_be_json_is_refused(small_world: World) -> None:
    packed = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    other = ("application/taxii+json", "text/plain", "application/x-www-form-urlencoded")
    for headers in ({}, packed, *({"Content-Type": said} for said in other)):
        refused = send(
            small_world, "xbb-officer", "PUT", f"{FORUM}/policy", b'{"rules": []}', headers
        )
        assert (refused.status_code, refused.get_json()["code"]) == (415, "web.unsupported-media")
