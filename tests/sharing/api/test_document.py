"""The OpenAPI document: valid, whole, true; and nothing it allows, or not, is a fault of ours."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.core import NotSet
from schemathesis.specs.openapi import definitions
from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse

from auth import services as auth_services
from auth.services import NewMember
from sharing.api.documents import POLICY
from sharing.rules.grammar import RULE_KEYS, WHEN_KEYS
from sharing.rules.tlp import Tlp
from tests.access.feeding import begin_feed, open_network
from tests.conftest import POSTGRESQL_AT_LENGTH
from tests.sharing.api.asking import FORUM, GREEN, SHARE_ALL, TLP, items, send
from tests.sharing.api.promises import Promises
from tests.sharing.jobs.asking import ask_to_simulate
from tests.sharing.taxii.world import World

ADDRESS = "/api/v1/openapi.json"
AMBER = TLP[Tlp.AMBER]
NORMS = "/api/v1/norms/"
# What these are about is named in the query or the body, and may not exist.
NAMED_BESIDES = {
    ("get", f"{NORMS}comparison"),
    ("post", "/api/v1/feeds"),
    *(("post", f"{NORMS}{one}") for one in ("confirmations", "positions", "actions")),
    ("post", f"{NORMS}positions/recorded"),
}
METHODS = ("get", "put", "post", "delete")
CALLERS = ("xaa", "xaa-person", "xbb-officer", "mirror", "xdd")


def read_document(world: World) -> dict[str, Any]:
    answer = world.get(None, ADDRESS)
    assert answer.status_code == 200
    document: dict[str, Any] = answer.get_json()
    return document


def test_a_client_without_a_credential_reads_a_valid_document(small_world: World) -> None:
    document = read_document(small_world)
    assert document["openapi"] == "3.1.0"
    jsonschema_rs.validator_for(definitions.OPENAPI_31).validate(document)
    with pytest.raises(jsonschema_rs.ValidationError):
        jsonschema_rs.validator_for(definitions.OPENAPI_31).validate(document | {"paths": 3})


def test_the_document_names_every_route_and_no_other(small_world: World) -> None:
    described = {
        (method.upper(), path)
        for path, item in read_document(small_world)["paths"].items()
        for method in item
        if method in METHODS
    }
    routes = {
        (method, rule.rule.replace("<", "{").replace(">", "}"))
        for rule in small_world.app.url_map.iter_rules()
        if rule.rule.startswith("/api/") and not rule.endpoint.startswith("api-docs")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert described == routes
    assert len(described) == 101


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Each method and address with its operation."""
    return [
        (method, address, item[method])
        for address, item in document["paths"].items()
        for method in METHODS
        if method in item
    ]


def test_a_client_is_told_how_each_operation_is_refused_and_how_each_list_is_exported(
    small_world: World,
) -> None:
    document = read_document(small_world)
    refused = document["components"]["responses"]
    assert len(refused) == 9
    assert all(set(one["content"]) == {"application/problem+json"} for one in refused.values())
    for method, address, operation in operations(document):
        assert operation["summary"]
        said = set(operation["responses"])
        assert {"401", "403", "default"} <= said, address
        names_a_record = "{" in address or (method, address) in NAMED_BESIDES
        assert ("404" in said) == names_a_record, (method, address)
        if method == "put" or (method == "post" and address.endswith(("contributions", "recalls"))):
            assert {"400", "413", "415"} <= said
            assert operation["requestBody"]["required"] is True
        names = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"}
        if "limit" in names:
            assert {"limit", "next", "format"} < names, address
            assert {"400", "422"} <= said
            content = operation["responses"]["200"]["content"]
            assert set(content) == {"application/json", "text/csv"}, address


def test_every_answer_and_body_is_described_with_an_example_that_is_true(
    small_world: World,
) -> None:
    document = read_document(small_world)
    contents: list[Any] = []

    def collect(value: Any) -> None:
        if isinstance(value, dict):
            contents.extend(value.get("content", {}).values())
            for one in value.values():
                collect(one)

    collect({"paths": document["paths"], "responses": document["components"]["responses"]})
    assert len(contents) > 30
    for content in contents:
        shape = content["schema"] | {"components": document["components"]}
        validator = jsonschema_rs.validator_for(shape, validate_formats=True)
        validator.validate(content["example"])
        assert not validator.is_valid(3)


def test_the_examples_of_bodies_are_taken(world: World) -> None:
    document = read_document(world)
    with world.database.write() as connection:
        for code in ("XAB", "XAC"):
            new = NewMember(code=code, name=f"State {code}")
            auth_services.add_member(connection, new, actor="operator", now_us=world.clock())
    for address, who, status in (
        ("policy", "xbb-officer", 200),
        ("accepts", "xbb-officer", 200),
        ("collections/{ref}/contributions", "xaa", 202),
    ):
        item = document["paths"][f"/api/v1/forums/{{forum}}/{address}"]
        body = (item.get("put") or item["post"])["requestBody"]["content"]["application/json"]
        answer = send(
            world,
            who,
            "PUT" if "put" in item else "POST",
            f"{FORUM}/{address.replace('{ref}', 'reports')}",
            body["example"],
        )
        assert answer.status_code == status, answer.text
        assert answer.get_json().get("failure_count", 0) == 0, answer.text


def test_what_the_guide_shows_of_policies_is_what_the_document_describes() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "policy-language.md").read_text(encoding="utf-8")
    shown = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", guide, re.DOTALL)]
    policies = [document for document in shown if "rules" in document]
    assert len(policies) >= 5
    validator = jsonschema_rs.validator_for(POLICY, validate_formats=True)
    for document in policies:
        if not any("originators" in rule.get("when", {}) for rule in document["rules"]):
            validator.validate(document)
        else:  # a forum's own, which no member sets
            assert not validator.is_valid(document)
    rule = POLICY["properties"]["rules"]["items"]["properties"]
    assert set(rule) == RULE_KEYS
    assert set(rule["when"]["properties"]) == WHEN_KEYS
    assert not validator.is_valid({"rules": [{"id": "x", "effect": "share", "unless": {}}]})


def test_control_an_answer_with_a_field_or_status_that_is_not_described_is_caught(
    small_world: World,
) -> None:
    promises = Promises(small_world)
    true = small_world.get("xaa", "/api/v1/credentials")
    assert promises.check("GET", "/api/v1/credentials", true) == "GET /api/v1/credentials 200"
    for status, kind, change in (
        (200, "application/json", {"total": 3}),
        (200, "application/json", {"items": [{}]}),
        (200, "text/html", {}),
        (418, "application/problem+json", {}),
        (422, "application/json", {}),
    ):
        content = json.dumps(true.get_json() | change)
        false = TestResponse(
            [content.encode()], str(status), Headers({"Content-Type": kind}), true.request
        )
        with pytest.raises((AssertionError, jsonschema_rs.ValidationError)):
            promises.check("GET", "/api/v1/credentials", false)


def simulate(world: World) -> str:
    """The id of a simulation of XBB's policy."""
    answer = send(world, "xbb-officer", "POST", f"{FORUM}/policy/simulations", SHARE_ALL)
    assert answer.status_code == 201, answer.text
    return str(answer.get_json()["id"])


def hold_and_recall(world: World) -> dict[str, str]:
    """The ids of a version that XAA has held, and of a recall that it has sent."""
    amber, green = world.indicator(object_marking_refs=[AMBER]), world.indicator()
    world.contribute(amber, green)
    looser = {"modified": "2026-01-02T00:00:00.000Z", "object_marking_refs": [GREEN]}
    world.contribute(amber | looser)
    [held] = items(world, "xaa", f"{FORUM}/held")
    body = {"collection": "reports", "id": green["id"], "reason": "A mistake."}
    sent = send(world, "xaa", "POST", f"{FORUM}/recalls", body)
    assert sent.status_code == 201, sent.text
    return {"held_id": held["id"], "recall_id": sent.get_json()["id"]}


@POSTGRESQL_AT_LENGTH
def test_no_request_is_answered_with_a_fault_or_otherwise_than_the_document_says(
    world: World, promised: set[str]
) -> None:
    """Of what the document allows and of what it does not."""
    (value,) = world.indicators(1, object_marking_refs=[GREEN])
    status_id = world.contribute(value)["id"]
    known = {"forum": "harbour", "ref": "reports", "stix_id": value["id"], "status_id": status_id}
    known["simulation_id"] = simulate(world)
    known["job_id"] = ask_to_simulate(world, SHARE_ALL, "o@xbb.example")
    known["feed"] = begin_feed(open_network(world), *world.indicators(2), code="XAA").uuid
    known |= hold_and_recall(world)
    schema = schemathesis.openapi.from_dict(read_document(world))
    # Those of a credential end the ones that the others are sent with.
    tried = [
        one
        for one in (result.ok() for result in schema.get_all_operations())
        # What is asked of the register has a test of its own.
        if "{credential_id}" not in one.path and not one.path.startswith(NORMS)
    ]
    modes = [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE]

    @settings(max_examples=6, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def try_one(operation: Any, data: st.DataObject) -> None:
        case = data.draw(operation.as_strategy(generation_mode=data.draw(st.sampled_from(modes))))
        if data.draw(st.integers(0, 3)):
            given_names = case.path_parameters or {}
            case.path_parameters = {name: known[name] for name in given_names}
        sent = case.as_transport_kwargs()
        body = b"" if isinstance(case.body, NotSet) else case.body
        content = body if isinstance(body, bytes) else json.dumps(body, default=repr).encode()
        answer = world.open(
            data.draw(st.sampled_from(CALLERS)),
            sent["method"],
            "/" + sent["url"].lstrip("/"),
            query_string=sent.get("params"),
            data=data.draw(st.one_of(st.just(content), st.binary(max_size=40))),
            headers={"Content-Type": "application/json"} if data.draw(st.booleans()) else {},
        )
        # That it is as described is checked where it came from.
        assert answer.status_code < 500, (sent, answer.text)

    for operation in tried:
        try_one(operation)
    answered = {one.rpartition(" ")[0] for one in promised}
    assert {f"{one.method.upper()} {one.path}" for one in tried} <= answered
    assert any(one.endswith(" 200") for one in promised)


def test_each_caller_gets_of_every_address_what_the_document_says(
    world: World, promised: set[str]
) -> None:
    (value,) = world.indicators(1, object_marking_refs=[GREEN])
    status_id = world.contribute(value)["id"]
    names = {"forum": "harbour", "stix_id": value["id"], "status_id": status_id, "ref": "reports"}
    names |= hold_and_recall(world)
    names["simulation_id"] = simulate(world)
    names["job_id"] = ask_to_simulate(world, SHARE_ALL, "o@xbb.example")
    names["feed"] = begin_feed(open_network(world), *world.indicators(2), code="XAA").uuid
    needed = {"recipient": "XBB", "collection": "reports", "id": value["id"]}
    lists = 0
    for caller, readable in (("xaa", 29), ("xbb-officer", 20), ("mirror", 10), ("xdd", 4)):
        if caller != "xdd":
            world.get(caller, world.address())
        answered = 0
        for method, address, operation in operations(read_document(world)):
            if method != "get" or address.startswith(NORMS):
                continue
            for form in ("json", "csv"):
                is_list = "text/csv" in operation["responses"]["200"]["content"]
                if form == "csv" and not is_list:
                    continue
                lists += is_list and form == "csv"
                asked = {
                    one["name"]: needed[one["name"]]
                    for one in operation.get("parameters", ())
                    if one["in"] == "query" and one.get("required")
                }
                asked |= {"format": "csv"} if form == "csv" else {}
                answer = world.get(caller, address.format(**names), query_string=asked)
                answered += answer.status_code == 200 and form == "json"
                if answer.status_code == 200:
                    assert (answer.mimetype == "text/csv") == (form == "csv")
        assert answered == readable, caller
    assert lists == 4 * 22
    assert len(promised) > 20
