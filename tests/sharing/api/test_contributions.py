"""A member's own contributions: listed, read, made and withdrawn; nobody else's are there."""

from __future__ import annotations

import json
from typing import Any

from tests.sharing.api.asking import (
    FORUM,
    GREEN,
    RED,
    SHARE_ALL,
    exported,
    issue,
    items,
    read,
    same_refusal,
    send,
    status_of,
    walk,
)
from tests.sharing.taxii.world import World
from tests.sharing.views.looking import look

LIST = f"{FORUM}/contributions"
NEWER = "2026-02-01T00:00:00.000Z"


def place(world: World, name: str = "reports") -> str:
    return f"{FORUM}/collections/{world.collections[name]}/contributions"


def test_a_member_pages_through_its_own_contributions_in_the_order_they_came(
    world: World,
) -> None:
    sent = world.indicators(5, labels=["frost"])
    world.contribute(*sent[:3])
    world.contribute(*sent[3:], to="second")
    world.contribute(world.indicator(), who="xbb")
    found = walk(world, "xaa", LIST, limit=2)
    assert [row["id"] for row in found] == [value["id"] for value in sent]
    assert found[0] == {
        "collection": world.collections["reports"],
        "id": sent[0]["id"],
        "type": "indicator",
        "version": "2026-01-01T00:00:00.000Z",
        "tlp": "amber+strict",
        "labels": ["frost"],
        "state": "standing",
        "contributed": found[0]["contributed"],
        "hidden_because": [],
    }
    assert found[0]["contributed"].endswith("Z")
    assert items(world, "xcc", LIST) == []


def test_a_member_filters_its_contributions(world: World) -> None:
    (plain,) = world.indicators(1)
    green = world.indicator(object_marking_refs=[GREEN])
    world.contribute(plain, green)
    world.contribute(plain, to="second")

    def ids(**query: Any) -> list[str]:
        return [row["id"] for row in items(world, "xaa", LIST, **query)]

    assert ids(tlp="green") == [green["id"]]
    assert ids(id=plain["id"]) == [plain["id"], plain["id"]]
    assert ids(collection="reports", id=plain["id"]) == [plain["id"]]
    assert ids(collection=world.collections["second"].upper()) == [plain["id"]]
    assert ids(type="malware") == ids(state="deleted") == ids(collection="nowhere") == []
    assert len(ids(type="indicator", state="standing")) == 3
    last = items(world, "xaa", LIST)[-1]["contributed"]
    assert ids(since=last) == [plain["id"]]
    assert ids(until=last) == [plain["id"], green["id"]]


BAD_QUERIES = (
    *("limit=0", "limit=1001", "limit=x", "limit=", "next=", "format=xml", "state=gone"),
    *("tlp=purple", "type=", "colour=red", "next=" + "a" * 5000, "next=%ff", "next=%00"),
    *("id=%00", "collection=a%00b", "type=%00", "id=" + "a" * 301),
)


def test_a_filter_that_cannot_be_taken_is_refused_with_what_to_send(world: World) -> None:
    for query in BAD_QUERIES:
        answer = world.get("xaa", f"{LIST}?{query}")
        assert answer.status_code in {400, 422}, (query, answer.text)
        assert answer.content_type == "application/problem+json"
        told = answer.get_json()
        assert told["code"] in {"web.refused", "web.bad-next"}, query
        if told["code"] == "web.refused":
            assert query.partition("=")[0] in told["errors"]["query"]
            assert "errors" in told["detail"]


def test_a_cursor_fits_its_list_its_member_and_its_filters_alone(small_world: World) -> None:
    small_world.contribute(*small_world.indicators(3))
    token = read(small_world, "xaa", LIST, limit=1)["next"]
    assert len(items(small_world, "xaa", LIST, next=token)) == 2
    for who, address in (
        ("xbb", f"{LIST}?next={token}"),
        ("xaa-person", f"{LIST}?next={token}"),
        ("xaa", f"{FORUM}/statuses?next={token}"),
        ("xaa", f"{LIST}?type=indicator&next={token}"),
    ):
        answer = small_world.get(who, address)
        assert (answer.status_code, answer.get_json()["code"]) == (400, "web.bad-next")


def test_contributions_are_exported_for_a_spreadsheet_that_runs_nothing(small_world: World) -> None:
    labels = [" =HYPERLINK(1)", 'plain, with "comma"']
    small_world.contribute(
        small_world.indicator(labels=labels), small_world.indicator(labels=["@x"])
    )
    small_world.contribute(small_world.indicator())
    answer = small_world.get("xaa", f"{LIST}?format=csv&limit=2")
    first, second = exported(answer)
    assert first["labels"] == '\' =HYPERLINK(1); plain, with "comma"'
    assert second["labels"] == "'@x"
    assert first["state"] == "standing"
    assert "attachment" in answer.headers["Content-Disposition"]
    rest = small_world.get("xaa", f"{LIST}?format=csv&next={answer.headers['X-Comity-Next']}")
    assert len(exported(rest)) == 1
    assert "X-Comity-Next" not in rest.headers


def test_a_member_is_told_why_nobody_else_is_granted_what_it_contributed(world: World) -> None:
    world.set_policy(
        {
            "rules": [
                {
                    "id": "ally",
                    "effect": "share",
                    "audience": {"any": ["member:XBB"]},
                    "when": {"labels": ["open"]},
                },
                {
                    "id": "later",
                    "effect": "share",
                    "audience": {"any": ["member:XBB"]},
                    "when": {"labels": ["later"]},
                    "delay": "P7D",
                },
            ]
        }
    )
    seen = world.indicator(labels=["open"])
    kept = world.indicator()
    later = world.indicator(labels=["later"])
    older = world.indicator(labels=["open"])
    newer = {key: value for key, value in older.items() if key != "labels"} | {"modified": NEWER}
    world.contribute(seen, kept, later, older, newer)
    told = {(row["id"], row["version"]): row["hidden_because"] for row in items(world, "xaa", LIST)}
    assert told[seen["id"], seen["modified"]] == []
    assert told[kept["id"], kept["modified"]] == ["no-recipient"]
    assert told[later["id"], later["modified"]] == ["not-yet"]
    assert told[older["id"], older["modified"]] == ["newer-version"]
    assert told[newer["id"], NEWER] == ["no-recipient"]


def test_a_member_is_not_told_that_anothers_copy_stands_before_its_own(world: World) -> None:
    for code in ("XCC", "XBB"):
        world.set_policy(SHARE_ALL, code)
    (value,) = world.indicators(1)
    world.contribute(value, who="xcc")
    world.contribute(value | {"name": "another"}, who="xbb")
    (row,) = items(world, "xbb", LIST)
    assert row["hidden_because"] == []


def test_a_member_reads_its_own_versions_as_it_sent_them(world: World) -> None:
    value = world.indicator(object_marking_refs=[RED])
    raw = json.dumps(value, indent=3)
    sent = f'{{"objects": [{raw}]}}'.encode()
    assert world.post("xaa", world.address(), sent).status_code == 202
    world.contribute(value | {"modified": NEWER})
    answer = world.get("xaa", f"{LIST}/{value['id']}")
    assert raw in answer.text
    objects = [row["object"] for row in answer.get_json()["items"]]
    assert objects == [value, value | {"modified": NEWER}]
    assert len(walk(world, "xaa", f"{LIST}/{value['id']}", limit=1)) == 2
    assert items(world, "xaa", f"{LIST}/{value['id']}", collection="second") == []
    (line, _) = exported(world.get("xaa", f"{LIST}/{value['id']}?format=csv"))
    assert json.loads(line["object"]) == value


def test_that_a_member_read_its_own_object_is_on_record(world: World) -> None:
    (value,) = world.indicators(1)
    world.contribute(value)
    world.contribute(value, to="second")
    world.open("xaa", "HEAD", f"{LIST}/{value['id']}")
    assert items(world, "xaa", f"{FORUM}/received") == []
    read(world, "xaa", f"{LIST}/{value['id']}")
    rows = items(world, "xaa", f"{FORUM}/received")
    assert [(row["through"], row["count"]) for row in rows] == [("own", 1), ("own", 1)]
    assert {row["collection"] for row in rows} == {
        world.collections["reports"],
        world.collections["second"],
    }


def test_a_person_who_may_not_read_objects_reads_no_content_of_its_member(
    small_world: World,
) -> None:
    (value,) = small_world.indicators(1)
    small_world.contribute(value, who="xbb")
    assert len(items(small_world, "xbb-officer", LIST)) == 1
    answer = small_world.get("xbb-officer", f"{LIST}/{value['id']}")
    assert (answer.status_code, answer.get_json()["code"]) == (403, "auth.role-needed")
    assert status_of(small_world, "xbb-person", "GET", f"{LIST}/{value['id']}") == 200


def test_anothers_contribution_and_one_that_never_was_are_the_same_bytes(world: World) -> None:
    (shown,) = world.indicators(1)
    (hidden,) = world.indicators(1, object_marking_refs=[RED])
    world.contribute(shown, hidden)
    unknown = world.indicator()["id"]
    names = (shown["id"], hidden["id"], unknown, "no%00thing", "x")
    answers = [world.get("xbb", f"{LIST}/{name}") for name in names]
    assert same_refusal(*answers) == (404, "sharing.unknown-object")
    listed = [world.get("xbb", f"{LIST}?id={name}") for name in (hidden["id"], unknown)]
    assert listed[0].data == listed[1].data == b'{"items":[]}'
    there = [world.delete("xbb", f"{place(world)}/{name}") for name in (hidden["id"], unknown)]
    assert same_refusal(*there) == (404, "sharing.unknown-object")


def test_a_member_withdraws_what_it_contributed_and_nobody_else_does(world: World) -> None:
    (value,) = world.indicators(1)
    world.contribute(value)
    address = f"{place(world)}/{value['id']}"
    assert status_of(world, "xbb", "DELETE", address) == 403
    assert status_of(world, "xcc", "DELETE", address) == 404
    assert status_of(world, "xaa", "DELETE", address) == 204
    (row,) = items(world, "xaa", LIST, state="deleted")
    assert (row["id"], row["hidden_because"]) == (value["id"], [])
    (version,) = items(world, "xaa", f"{LIST}/{value['id']}")
    assert version["object"] is None
    assert status_of(world, "xaa", "DELETE", address) == 404


def test_a_member_withdraws_one_version(world: World) -> None:
    (value,) = world.indicators(1)
    world.contribute(value, value | {"modified": NEWER})
    address = f"{place(world)}/{value['id']}"
    assert status_of(world, "xaa", "DELETE", f"{address}?version=2026-03-01T00:00:00Z") == 404
    assert status_of(world, "xaa", "DELETE", f"{address}?version=tomorrow") == 422
    assert status_of(world, "xaa", "DELETE", f"{address}?versions={NEWER}") == 422
    assert status_of(world, "xaa", "DELETE", f"{address}?version={NEWER}") == 204
    states = [(row["version"], row["state"]) for row in items(world, "xaa", LIST)]
    assert states == [(value["modified"], "standing"), (NEWER, "deleted")]


def test_a_contribution_is_answered_object_by_object(small_world: World) -> None:
    body = {"objects": [small_world.indicator(), {"type": "indicator"}]}
    answer = send(small_world, "xaa", "POST", place(small_world), body)
    assert answer.status_code == 202, answer.text
    receipt = answer.get_json()
    assert (receipt["success_count"], receipt["failure_count"]) == (1, 1)
    assert read(small_world, "xaa", f"{FORUM}/statuses/{receipt['id']}") == receipt
    by_alias = send(small_world, "xaa", "POST", f"{FORUM}/collections/reports/contributions", body)
    assert by_alias.status_code == 202


def test_who_may_not_write_contributes_nothing(small_world: World) -> None:
    for who in ("xee", "xbb-person", "xbb-officer", "mirror", "xaa-api"):
        answer = send(
            small_world, who, "POST", place(small_world), {"objects": [small_world.indicator()]}
        )
        assert answer.status_code in {403, 404}, who
    assert items(small_world, "xbb", LIST) == []


def test_a_collection_without_a_business_is_an_unknown_one(world: World) -> None:
    body = {"objects": [world.indicator()]}
    names = (world.collections["sealed"], "sealed", world.collections["elsewhere"], "nowhere")
    answers = [
        send(world, "xaa", "POST", f"{FORUM}/collections/{name}/contributions", body)
        for name in (*names, "%00")
    ]
    assert same_refusal(*answers) == (404, "sharing.unknown-collection")


def test_a_body_that_is_no_envelope_is_refused(small_world: World) -> None:
    for body in (b"", b"[]x", b"\xff", b'{"objects": 3}', b"7"):
        answer = send(small_world, "xaa", "POST", place(small_world), body)
        assert answer.status_code == 400, body


def test_an_envelope_is_taken_as_what_a_taxii_client_calls_it(small_world: World) -> None:
    body = json.dumps({"objects": [small_world.indicator()]}).encode()
    for said in ("application/taxii+json;version=2.1", "application/stix+json;version=2.1"):
        answer = send(small_world, "xaa", "POST", place(small_world), body, {"Content-Type": said})
        assert answer.status_code == 202


def test_a_form_on_another_site_contributes_nothing(small_world: World) -> None:
    body = json.dumps({"objects": [small_world.indicator()]}).encode()
    for said in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        answer = send(small_world, "xaa", "POST", place(small_world), body, {"Content-Type": said})
        assert (answer.status_code, answer.get_json()["code"]) == (415, "web.unsupported-media")
    assert send(small_world, "xaa", "POST", place(small_world), body, {}).status_code == 415
    assert items(small_world, "xaa", LIST) == []


def test_a_body_beyond_the_limit_is_refused_whole(small_world: World) -> None:
    small_world.with_settings(max_content_length=2000)
    body = json.dumps({"objects": [small_world.indicator()]}).encode()
    assert (
        send(small_world, "xaa", "POST", place(small_world), body + b" " * 2000).status_code == 413
    )
    assert send(small_world, "xaa", "POST", place(small_world), body).status_code == 202


def test_a_feed_that_only_writes_cannot_list(small_world: World) -> None:
    issue(small_world, "xaa-only-writes", "XAA", scopes=["api:write"])
    body = {"objects": [small_world.indicator()]}
    assert send(small_world, "xaa-only-writes", "POST", place(small_world), body).status_code == 202
    assert status_of(small_world, "xaa-only-writes", "GET", LIST) == 403


def test_what_answers_an_object_goes_to_those_who_see_it_whatever_the_policy(world: World) -> None:
    world.set_policy(SHARE_ALL)
    claim = world.indicator(object_marking_refs=[GREEN])
    world.contribute(claim)
    newer = claim | {"modified": NEWER, "name": "newer"}
    world.contribute(newer)
    asked = f"{place(world)}?answers={claim['id']}"
    reply = world.indicator(object_marking_refs=[GREEN])
    assert send(world, "xbb", "POST", asked, {"objects": [reply]}).status_code == 202
    assert reply["id"] in look(world, "xcc")
    of_one = f"{asked}&answers_version=2026-01-01T00:00:00.000Z"
    other = world.indicator(object_marking_refs=[GREEN])
    assert send(world, "xbb", "POST", of_one, {"objects": [other]}).status_code == 202
    # Marked higher than what it answers it is refused, each object by itself.
    strict = world.indicator(object_marking_refs=[RED])
    told = send(world, "xbb", "POST", asked, {"objects": [strict]}).get_json()
    assert "TLP:green" in told["failures"][0]["message"]


def test_what_a_caller_does_not_see_cannot_be_answered_and_is_as_if_it_were_not(
    world: World,
) -> None:
    hidden, red = world.indicator(), world.indicator(object_marking_refs=[RED])
    world.contribute(hidden)
    world.set_policy(
        {
            "rules": [
                {
                    "id": "r",
                    "effect": "share",
                    "audience": {"any": ["member:XBB"]},
                    "when": {"types": ["malware"]},
                }
            ]
        }
    )
    unknown = world.indicator()["id"]
    given = {"objects": [world.indicator()]}
    refused = [
        send(world, "xbb", "POST", f"{place(world)}?answers={stix_id}", given)
        for stix_id in (hidden["id"], unknown, "no-id")
    ]
    assert {answer.status_code for answer in refused} == {404}
    texts = [answer.text.replace(hidden["id"], "X").replace(unknown, "X") for answer in refused]
    assert texts[0] == texts[1]
    # Red is for persons: a feed's credential finds nothing out by answering it.
    world.contribute(red)
    world.set_policy(
        {"rules": [{"id": "r", "effect": "share", "audience": {"any": ["member:XBB"]}}]}
    )
    assert (
        send(world, "xbb", "POST", f"{place(world)}?answers={red['id']}", given).status_code == 404
    )
    # Nor does one that may write but not read.
    seen = world.indicator(object_marking_refs=[GREEN])
    world.contribute(seen)
    issue(world, "writes", "XBB", scopes=frozenset({"api:write"}))
    for stix_id in (seen["id"], unknown):
        refused = send(world, "writes", "POST", f"{place(world)}?answers={stix_id}", given)
        assert refused.status_code == 403
