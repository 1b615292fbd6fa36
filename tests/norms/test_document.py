"""The register's part of the OpenAPI document is true of every answer; no request is a fault."""

from __future__ import annotations

import json
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.core import NotSet

from tests.conftest import POSTGRESQL_AT_LENGTH
from tests.norms.states import NORMS, TERMINATION, Register
from tests.sharing.api.promises import hold_to_promises

CALLERS = (
    "ann",
    "bea",
    "ivo",
    "xaa-drafter",
    "xaa-clearance-officer",
    "xbb-reader",
    "xaa",
    "mirror",
)


@pytest.fixture(autouse=True)
def promised(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Every answer is what the document says; the operations and statuses seen."""
    return hold_to_promises(monkeypatch)


def fill(register: Register) -> dict[str, str]:
    """One row of each noun; what each is called in addresses."""
    position = {"title": "T", "body": "B", "date": "2026", "provisions": ["qd:1"]}
    draft = {"title": "T", "symbol": "S", "deadline": "2027-01-01T00:00:00Z"}
    declared = {"kind": "reservation", "instrument": "qd", "date": "2025", "provisions": ["1"]}
    register.person("bea", "secretariat", forum="quay")
    waits = register.done("bea", "POST", "events", {"events": [TERMINATION]})
    procedure = register.done("ann", "POST", "forums/quay/silence-procedures", draft)["id"]
    return {
        "code": "XAA",
        "slug": "quay",
        "instrument": "qd",
        "provision": "qd:1",
        "event": register.record("xaa-clearance-officer", declared)[0],
        "position": register.done("xaa-drafter", "POST", "positions", position)["id"],
        "action": register.done("xaa-drafter", "POST", "actions", {"plan": "P"})["id"],
        "procedure": procedure,
        "recording": waits["recording"],
    }


@POSTGRESQL_AT_LENGTH
def test_no_request_is_answered_with_a_fault_or_otherwise_than_the_document_says(
    register: Register, promised: set[str]
) -> None:
    known = fill(register)
    document = register.world.get(None, "/api/v1/openapi.json").get_json()
    schema = schemathesis.openapi.from_dict(document)
    tried = [
        one
        for one in (result.ok() for result in schema.get_all_operations())
        if one.path.startswith(NORMS)
    ]
    assert len(tried) == 48
    modes = [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE]

    @settings(max_examples=4, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def try_one(operation: Any, data: st.DataObject) -> None:
        case = data.draw(operation.as_strategy(generation_mode=data.draw(st.sampled_from(modes))))
        if data.draw(st.integers(0, 3)):
            given_names = case.path_parameters or {}
            case.path_parameters = {name: known[name] for name in given_names}
        sent = case.as_transport_kwargs()
        body = b"" if isinstance(case.body, NotSet) else case.body
        content = body if isinstance(body, bytes) else json.dumps(body, default=repr).encode()
        answer = register.world.open(
            data.draw(st.sampled_from(CALLERS)),
            sent["method"],
            "/" + sent["url"].lstrip("/"),
            query_string=sent.get("params"),
            data=data.draw(st.one_of(st.just(content), st.binary(max_size=40))),
            headers={"Content-Type": "application/json"} if data.draw(st.booleans()) else {},
        )
        assert answer.status_code < 500, (sent, answer.text)

    for operation in tried:
        try_one(operation)
    answered = {one.rpartition(" ")[0] for one in promised}
    assert {f"{one.method.upper()} {one.path}" for one in tried} <= answered


def test_every_list_is_read_and_exported(embedded_register: Register, promised: set[str]) -> None:
    register = embedded_register
    names = fill(register)
    document = register.world.get(None, "/api/v1/openapi.json").get_json()
    needed = {"left": "XAA", "right": "XBB", "beside": "qd"}
    lists = 0
    for address, item in document["paths"].items():
        if not address.startswith(NORMS) or "get" not in item:
            continue
        asked = {
            one["name"]: needed[one["name"]]
            for one in item["get"].get("parameters", ())
            if one["in"] == "query" and one.get("required")
        }
        content = item["get"]["responses"]["200"]["content"]
        for form in ("json", "csv") if "text/csv" in content else ("",):
            query = asked | ({"format": form} if form else {})
            answer = register.ask(
                "ann" if "recordings" in address else "xaa-drafter",
                "GET",
                address.format(**names)[len(NORMS) + 1 :],
                **query,
            )
            assert answer.status_code == 200, (address, answer.text)
            lists += form == "csv"
    assert lists == 17
    assert sum(one.endswith(" 200") for one in promised) >= 20


def test_the_examples_of_bodies_are_taken(embedded_register: Register) -> None:
    register = embedded_register
    document = register.world.get(None, "/api/v1/openapi.json").get_json()
    register.done("ann", "POST", "records", {"instruments": [XX], "provisions": [XX_1]})
    register.person("xaa-both", "drafter", "clearance-officer", member="XAA")
    for path, who in (
        ("/events", "xaa-clearance-officer"),
        ("/confirmations", "ann"),
        ("/positions", "xaa-drafter"),
        ("/actions", "xaa-drafter"),
    ):
        body = document["paths"][f"{NORMS}{path}"]["post"]["requestBody"]["content"]
        example = body["application/json"]["example"]
        answer = register.ask(who, "POST", path.lstrip("/"), example)
        assert answer.status_code == 201, (path, answer.text)


XX = {
    "id": "xx",
    "symbol": "HD/1",
    "title": "Another",
    "legal_character": "voluntary-non-binding",
    "forum": "quay",
}
XX_1 = {"instrument": "xx", "path": "1"}
