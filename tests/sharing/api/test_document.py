"""The OpenAPI document: valid, whole, true; and nothing it allows, or not, is a fault of ours."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi import definitions

from tests.sharing.api.asking import GREEN
from tests.sharing.taxii.world import World

ADDRESS = "/api/v1/openapi.json"
METHODS = ("get", "put", "post", "delete")
CALLERS = ("xaa", "xaa-person", "xbb-officer", "mirror", "xdd")


def read_document(world: World) -> dict[str, Any]:
    answer = world.get(None, ADDRESS)
    assert answer.status_code == 200
    document: dict[str, Any] = answer.get_json()
    return document


def test_a_client_without_a_credential_reads_a_valid_document(small_world: World) -> None:
    document = read_document(small_world)
    assert document["openapi"] == "3.0.3"
    jsonschema_rs.validator_for(definitions.OPENAPI_30).validate(document)
    with pytest.raises(jsonschema_rs.ValidationError):
        jsonschema_rs.validator_for(definitions.OPENAPI_30).validate(document | {"paths": 3})


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
    assert len(described) == 19


def test_every_refusal_is_described_as_a_problem_and_every_list_as_csv_too(
    small_world: World,
) -> None:
    document = read_document(small_world)
    refused = document["components"]["responses"]
    assert all(set(one["content"]) == {"application/problem+json"} for one in refused.values())
    for path, item in document["paths"].items():
        for method in METHODS:
            if method not in item:
                continue
            assert item[method]["summary"]
            assert "default" in item[method]["responses"]
            if any(one.get("name") == "limit" for one in item[method].get("parameters", ())):
                content = item[method]["responses"]["200"]["content"]
                assert set(content) == {"application/json", "text/csv"}, path


def test_no_request_is_answered_with_a_fault_or_otherwise_than_the_document_says(
    world: World,
) -> None:
    """Of what the document allows and of what it does not, on each database in turn."""
    (value,) = world.indicators(1, object_marking_refs=[GREEN])
    status_id = world.contribute(value)["id"]
    known = {"forum": "harbour", "ref": "reports", "stix_id": value["id"], "status_id": status_id}
    schema = schemathesis.openapi.from_dict(read_document(world))
    operations = [result.ok() for result in schema.get_all_operations()]
    # These end the credentials that the others are sent with.
    operations = [one for one in operations if "{credential_id}" not in one.path]
    modes = [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE]
    paths = read_document(world)["paths"]
    statuses: set[int] = set()

    @settings(
        max_examples=80, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(st.data())
    def try_one(data: st.DataObject) -> None:
        operation = data.draw(st.sampled_from(operations))
        case = data.draw(operation.as_strategy(generation_mode=data.draw(st.sampled_from(modes))))
        if data.draw(st.integers(0, 3)):
            given_names = case.path_parameters or {}
            case.path_parameters = {name: known[name] for name in given_names}
        sent = case.as_transport_kwargs()
        headers = {"Content-Type": "application/json"} if data.draw(st.booleans()) else {}
        answer = world.open(
            data.draw(st.sampled_from(CALLERS)),
            sent["method"],
            "/" + sent["url"].lstrip("/"),
            query_string=sent.get("params"),
            data=data.draw(st.one_of(st.just(b'{"rules": []}'), st.binary(max_size=40))),
            headers=headers,
        )
        statuses.add(answer.status_code)
        assert answer.status_code < 500, (sent, answer.text)
        if answer.status_code >= 400:
            assert answer.content_type == "application/problem+json", (sent, answer.text)
        elif answer.data:
            said = paths[operation.path][operation.method.lower()]["responses"]
            assert answer.mimetype in said[str(answer.status_code)]["content"]

    try_one()
    assert {200, 404, 422} <= statuses


def test_what_is_answered_has_the_shape_that_the_document_gives_it(world: World) -> None:
    (value,) = world.indicators(1, object_marking_refs=[GREEN])
    status_id = world.contribute(value)["id"]
    document = read_document(world)
    for caller, readable in (("xaa", 13), ("mirror", 5)):
        world.get(caller, world.address())
        names = {"{forum}": "harbour", "{stix_id}": value["id"], "{status_id}": status_id}
        assert count_true_answers(world, caller, document, names) == readable


def count_true_answers(
    world: World, caller: str, document: dict[str, Any], names: dict[str, str]
) -> int:
    """How many addresses a caller may read; each is held to its shape."""
    validated = 0
    for address, item in document["paths"].items():
        if "get" not in item:
            continue
        filled = address
        for placeholder, name in names.items():
            filled = filled.replace(placeholder, name)
        answer = world.get(caller, filled)
        if answer.status_code == 403:
            continue
        assert answer.status_code == 200, (address, answer.text)
        shape = item["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        whole = _made_for_json_schema(shape | {"components": document["components"]})
        jsonschema_rs.validator_for(whole).validate(answer.get_json())
        validated += 1
    return validated


def _made_for_json_schema(value: Any) -> Any:
    """OpenAPI 3.0's `nullable` as JSON Schema has it."""
    if isinstance(value, list):
        return [_made_for_json_schema(one) for one in value]
    if not isinstance(value, dict):
        return value
    made = {name: _made_for_json_schema(one) for name, one in value.items()}
    if made.pop("nullable", False) is True and "type" in made:
        made["type"] = [made["type"], "null"]
    if made.get("type") == "object" and "properties" in made:
        made.setdefault("additionalProperties", False)
    return made
