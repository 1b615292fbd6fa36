"""The JSON API: what each State reads and changes of its own, and nothing of another's."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sharing.rules.tlp import WELL_KNOWN, Tlp
from tests.sharing.taxii.world import World

FORUM = "/api/v1/forums/harbour"
JSON = {"Content-Type": "application/json"}
TLP = {level: marking for marking, level in WELL_KNOWN.items()}
SHARE_ALL = {"rules": [{"id": "all", "effect": "share", "audience": {"any": ["forum"]}}]}


def read(world: World, who: str | None, address: str) -> Any:
    answer = world.get(who, address, headers={"Accept": "application/json"})
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def status_of(world: World, who: str | None, method: str, address: str, **rest: Any) -> int:
    return world.open(who, method, address, **rest).status_code


def test_a_feed_learns_who_it_is_and_where_it_has_a_seat(world: World) -> None:
    me = read(world, "xaa", "/api/v1/me")
    assert (me["member"], me["kind"], me["roles"]) == ("XAA", "machine", None)
    assert [(f["slug"], f["role"]) for f in me["forums"]] == [("harbour", "member")]
    assert me["forums"][0]["api_root"].endswith("/taxii2/harbour/")
    assert read(world, "xaa", "/api/v1/forums") == me["forums"]
    partner = read(world, "mirror", "/api/v1/me")
    assert partner["member"] is None
    assert partner["forums"][0]["role"] == "partner"


def test_a_member_lists_its_credentials_and_never_a_secret(world: World) -> None:
    answer = world.get("xaa", "/api/v1/credentials")
    ids = {world.secrets[name][0] for name in world.secrets if name.startswith("xaa")}
    assert {row["id"] for row in answer.get_json()["items"]} == ids
    for _, secret in world.secrets.values():
        assert secret not in answer.text


def test_a_feed_rotates_itself_and_its_old_secret_dies(world: World) -> None:
    credential_id, _ = world.secrets["xaa"]
    answer = world.open("xaa", "POST", f"/api/v1/credentials/{credential_id}/rotate")
    assert answer.status_code == 200
    assert status_of(world, "xaa", "GET", "/api/v1/me") == 401
    world.secrets["xaa"] = (credential_id, answer.get_json()["secret"])
    assert status_of(world, "xaa", "GET", "/api/v1/me") == 200


def test_a_feed_cannot_change_its_members_other_credentials(world: World) -> None:
    other, _ = world.secrets["xaa-reads"]
    assert status_of(world, "xaa", "DELETE", f"/api/v1/credentials/{other}") == 404
    assert status_of(world, "xaa-reads", "GET", "/taxii2/") == 200


def test_a_feed_revokes_itself(world: World) -> None:
    own, _ = world.secrets["xaa"]
    assert status_of(world, "xaa", "DELETE", f"/api/v1/credentials/{own}") == 204
    assert status_of(world, "xaa", "GET", "/api/v1/me") == 401


@pytest.mark.parametrize("verb", ["DELETE", "POST"])
def test_a_credential_of_another_member_is_an_unknown_one(world: World, verb: str) -> None:
    ending = "/rotate" if verb == "POST" else ""
    theirs, _ = world.secrets["xbb"]
    unknown = theirs[:-1] + ("a" if theirs[-1] != "a" else "b")
    answers = [
        world.open("xaa", verb, f"/api/v1/credentials/{name}{ending}") for name in (theirs, unknown)
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].data == answers[1].data


def test_a_policy_officer_sets_the_policy_and_a_feed_cannot(world: World) -> None:
    body = json.dumps(SHARE_ALL)
    put = {"headers": {"Content-Type": "application/json"}, "data": body}
    assert status_of(world, "xbb", "PUT", f"{FORUM}/policy", **put) == 403
    assert status_of(world, "xbb-person", "PUT", f"{FORUM}/policy", **put) == 403
    saved = world.open("xbb-officer", "PUT", f"{FORUM}/policy", **put)
    assert saved.status_code == 200, saved.text
    assert saved.get_json() == {"version": 2, "gained": 0, "lost": 0}
    shown = read(world, "xbb-officer", f"{FORUM}/policy")
    assert (shown["version"], shown["document"]) == (2, SHARE_ALL)
    history = read(world, "xbb-officer", f"{FORUM}/policy/history")
    assert [row["version"] for row in history] == [2, 1]
    assert "epoch" not in json.dumps(history)


def test_a_policy_with_a_fault_is_refused_with_its_path(world: World) -> None:
    answer = world.open(
        "xbb-officer", "PUT", f"{FORUM}/policy", data=b'{"rules": [{"id": 1}]}', headers=JSON
    )
    assert answer.status_code == 400
    assert answer.content_type == "application/problem+json"
    assert answer.get_json()["code"] == "sharing.policy-refused"
    assert "rules[0]" in answer.text


def test_what_a_member_accepts_is_saved_and_shown(world: World) -> None:
    assert read(world, "xbb-officer", f"{FORUM}/accepts")["version"] == 0
    answer = world.open(
        "xbb-officer", "PUT", f"{FORUM}/accepts", data=b'{"types": ["malware"]}', headers=JSON
    )
    assert answer.get_json()["version"] == 1
    shown = read(world, "xbb-officer", f"{FORUM}/accepts")
    assert shown["document"] == {"types": ["malware"]}


def test_a_partner_has_no_policy_to_read(world: World) -> None:
    assert status_of(world, "mirror", "GET", f"{FORUM}/policy") == 403
    assert status_of(world, "mirror", "PUT", f"{FORUM}/policy", data=b"{}") == 403


def test_a_member_pages_through_its_own_contributions_and_no_others(world: World) -> None:
    sent = world.indicators(5, labels=["frost"])
    world.contribute(*sent)
    world.contribute(world.indicator(), who="xbb")
    found, address = [], f"{FORUM}/contributions?limit=2&type=indicator"
    while True:
        page = read(world, "xaa", address)
        found += page["items"]
        if "next" not in page:
            break
        address = f"{FORUM}/contributions?limit=2&type=indicator&next={page['next']}"
    assert {row["id"] for row in found} == {value["id"] for value in sent}
    assert len(found) == len(sent)
    assert found[0]["labels"] == ["frost"]
    assert found[0]["tlp"] == "amber+strict"
    assert read(world, "xcc", f"{FORUM}/contributions")["items"] == []


def test_a_cursor_of_another_list_or_member_is_refused(world: World) -> None:
    world.contribute(*world.indicators(3))
    token = read(world, "xaa", f"{FORUM}/contributions?limit=1")["next"]
    for who, address in (
        ("xbb", f"{FORUM}/contributions?next={token}"),
        ("xaa", f"{FORUM}/statuses?next={token}"),
        ("xaa", f"{FORUM}/contributions?type=indicator&next={token}"),
        ("xaa", f"{FORUM}/contributions?next=forged"),
    ):
        answer = world.get(who, address)
        assert answer.status_code == 400
        assert answer.get_json()["code"] == "sharing.bad-next"


def test_contributions_are_exported_for_a_spreadsheet_that_runs_nothing(world: World) -> None:
    world.contribute(world.indicator(labels=["=HYPERLINK(1)", "plain, with comma"]))
    answer = world.get("xaa", f"{FORUM}/contributions?format=csv")
    assert answer.content_type == "text/csv; charset=utf-8"
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert row["labels"].startswith("'=HYPERLINK(1)")
    assert row["state"] == "standing"


def test_a_deleted_contribution_is_listed_as_deleted(world: World) -> None:
    (value,) = world.indicators(1)
    world.contribute(value)
    place = world.collections["reports"]
    address = f"{FORUM}/collections/{place}/contributions/{value['id']}"
    assert status_of(world, "xbb", "DELETE", address) == 403
    assert status_of(world, "xcc", "DELETE", address) == 404
    assert status_of(world, "xaa", "DELETE", address) == 204
    rows = read(world, "xaa", f"{FORUM}/contributions?state=deleted")["items"]
    assert [row["id"] for row in rows] == [value["id"]]


def test_a_contribution_by_the_api_is_answered_object_by_object(world: World) -> None:
    place = world.collections["reports"]
    body = {"objects": [world.indicator(), {"type": "indicator"}]}
    answer = world.open(
        "xaa",
        "POST",
        f"{FORUM}/collections/{place}/contributions",
        data=json.dumps(body),
        headers=JSON,
    )
    assert answer.status_code == 202
    receipt = answer.get_json()
    assert (receipt["success_count"], receipt["failure_count"]) == (1, 1)
    assert read(world, "xaa", f"{FORUM}/statuses/{receipt['id']}") == receipt
    listed = read(world, "xaa", f"{FORUM}/statuses")["items"]
    assert [row["id"] for row in listed] == [receipt["id"]]


def test_a_status_of_another_member_is_an_unknown_one(world: World) -> None:
    mine = world.contribute(world.indicator())["id"]
    unknown = "00000000-0000-4000-8000-000000000000"
    answers = [world.get("xbb", f"{FORUM}/statuses/{name}") for name in (mine, unknown)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].data == answers[1].data
    assert read(world, "xbb", f"{FORUM}/statuses")["items"] == []


def test_a_forum_without_a_seat_is_an_unknown_one(world: World) -> None:
    for rest in ("", "/policy", "/contributions", "/collections", "/received", "/statuses"):
        answers = [
            world.get("xdd", f"/api/v1/forums/{name}{rest or '/accepts'}")
            for name in ("harbour", "nowhere")
        ]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].data == answers[1].data


def test_a_member_lists_only_the_collections_that_exist_for_it(world: World) -> None:
    titles = {row["title"] for row in read(world, "xbb", f"{FORUM}/collections")}
    assert titles == {"Reports", "Second", "Drop"}
    (drop,) = [r for r in read(world, "xbb", f"{FORUM}/collections") if r["title"] == "Drop"]
    assert (drop["can_read"], drop["can_write"]) == (False, True)


def test_a_member_reads_what_it_was_served_and_a_feed_nothing_of_its_persons(
    world: World,
) -> None:
    world.contribute(world.indicator(object_marking_refs=[TLP[Tlp.GREEN]]))
    world.get("xbb", world.address())
    world.clock.now_us += 1_000_000
    world.get("xbb-person", world.address())
    feed = read(world, "xbb", f"{FORUM}/received")["items"]
    person = read(world, "xbb-person", f"{FORUM}/received")["items"]
    assert [row["credential"] for row in feed] == [world.secrets["xbb"][0]]
    assert [row["credential"] for row in person] == [
        world.secrets["xbb"][0],
        world.secrets["xbb-person"][0],
    ]
    assert feed[0]["count"] == 1
    assert feed[0]["through"] == "objects"
    assert "head" not in feed[0]
    assert read(world, "xcc", f"{FORUM}/received")["items"] == []


def test_the_scopes_of_taxii_do_not_open_the_api(world: World) -> None:
    assert status_of(world, "xaa-reads", "GET", "/api/v1/me") == 403
    assert status_of(world, "xaa-api", "GET", "/api/v1/me") == 200
    assert status_of(world, "xaa-api", "PUT", f"{FORUM}/policy", data=b"{}") == 403


def test_nobody_learns_which_addresses_exist_without_a_credential(small_world: World) -> None:
    for address in ("/api/v1/me", f"{FORUM}/policy", "/api/v1/nothing", "/api/"):
        assert status_of(small_world, None, "GET", address) == 401
    assert status_of(small_world, "xaa", "GET", "/api/v1/nothing") == 404


def test_the_document_of_the_api_names_every_route(small_world: World) -> None:
    document = small_world.get(None, "/api/v1/openapi.json").get_json()
    described = {
        (method.upper(), path)
        for path, item in document["paths"].items()
        for method in item
        if method in {"get", "put", "post", "delete"}
    }
    routes = {
        (method, rule.rule.replace("<", "{").replace(">", "}"))
        for rule in small_world.app.url_map.iter_rules()
        if rule.rule.startswith("/api/") and not rule.endpoint.startswith("api-docs")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert described == routes


def test_no_request_that_the_document_allows_or_not_is_answered_with_a_fault(
    small_world: World,
) -> None:
    document = small_world.get(None, "/api/v1/openapi.json").get_json()
    schema = schemathesis.openapi.from_dict(document)
    operations = [result.ok() for result in schema.get_all_operations()]
    assert operations
    tried = 0

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def try_one(data: st.DataObject) -> None:
        nonlocal tried
        operation = data.draw(st.sampled_from(operations))
        case = data.draw(operation.as_strategy())
        who = data.draw(st.sampled_from(["xaa", "xbb-officer", "mirror", "xdd"]))
        if case.path.endswith("/rotate") or (case.method, "credentials" in case.path) == (
            "DELETE",
            True,
        ):
            return
        kwargs = case.as_transport_kwargs()
        answer = small_world.open(
            who,
            kwargs["method"],
            kwargs["url"] if kwargs["url"].startswith("/") else "/" + kwargs["url"],
            query_string=kwargs.get("params"),
            data=data.draw(st.binary(max_size=40)),
            headers=JSON,
        )
        assert answer.status_code < 500, (kwargs, answer.text)
        tried += 1

    try_one()
    assert tried > 50
