"""What the OpenAPI document promises, held against every answer of the API that a test gets.

The worlds of these tests ask through here: an answer with a status, a media type, a field or a
value that its operation does not describe fails the test that asked.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from typing import Any

import jsonschema_rs
import pytest
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map
from werkzeug.test import TestResponse

from tests.atom import read_feed
from tests.sharing.taxii.world import World

API, DOCUMENT = "/api/v1/", "/api/v1/openapi.json"
NEXT = "X-Comity-Next"


_known: dict[Map, Promises] = {}


class Promises:
    """The document of one application, and what it says of an answer."""

    def __init__(self, world: World) -> None:
        self.adapter = world.app.url_map.bind("localhost")
        text = world.app.test_client().get(DOCUMENT).text
        self.document: dict[str, Any] = json.loads(text)
        self.paths: dict[str, Any] = self.document["paths"]
        self._validators: dict[str, Any] = {}

    def check(self, method: str, address: str, answer: TestResponse) -> str | None:
        """The operation that answered; None for what is none of the document's business."""
        path = address.partition("?")[0]
        method = "GET" if method == "HEAD" else method
        try:
            rule, _ = self.adapter.match(path, method=method, return_rule=True)
        except HTTPException:
            return None
        name = rule.rule.replace("<", "{").replace(">", "}")
        if name == DOCUMENT or name not in self.paths:
            return None
        described = self._described(self.paths[name][method.lower()], answer)
        if answer.data:
            assert answer.mimetype in described.get("content", {}), (name, answer.content_type)
            self._check_content(described["content"][answer.mimetype]["schema"], answer)
        return f"{method} {name} {answer.status_code}"

    def _described(self, operation: dict[str, Any], answer: TestResponse) -> dict[str, Any]:
        responses = operation["responses"]
        described = responses.get(str(answer.status_code))
        if described is None:
            # The rest is for what any operation may come to; a refusal of its own is named.
            assert answer.status_code == 429 or answer.status_code >= 500, answer.text
            described = responses["default"]
        whole = self.document
        for part in described.get("$ref", "#").split("/")[1:]:
            whole = whole[part]
        return whole if "$ref" in described else described

    def _check_content(self, shape: dict[str, Any], answer: TestResponse) -> None:
        if answer.mimetype == "text/csv":
            rows = list(csv.reader(io.StringIO(answer.text, newline="")))
            assert rows
            assert {len(row) for row in rows} == {len(rows[0])}
            return
        if answer.mimetype == "text/calendar":
            assert answer.text.startswith("BEGIN:VCALENDAR\r\n")
            assert answer.text.endswith("END:VCALENDAR\r\n")
            return
        if answer.mimetype == "application/atom+xml":
            read_feed(answer)
            return
        assert answer.mimetype.endswith("json")
        self._validator_of(json.dumps(shape)).validate(answer.get_json())
        assert NEXT not in answer.headers

    def _validator_of(self, shape: str) -> Any:
        """A validator of a shape in the document, formats included."""
        if shape not in self._validators:
            whole = json.loads(shape) | {"components": self.document["components"]}
            self._validators[shape] = jsonschema_rs.validator_for(whole, validate_formats=True)
        return self._validators[shape]


def promises_of(world: World) -> Promises:
    """Those of the world's application; they are its routes', which others may share."""
    routes = world.app.url_map
    return _known.get(routes) or _known.setdefault(routes, Promises(world))


def hold_to_promises(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Check every answer of the API to any world from now on; what was seen, as it comes."""
    seen: set[str] = set()
    ask = World.open

    def open_and_check(
        world: World,
        who: str | None,
        method: str,
        address: str,
        *,
        headers: Mapping[str, str] | None = None,
        **rest: Any,
    ) -> TestResponse:
        answer = ask(world, who, method, address, headers=headers, **rest)
        if address.startswith(API):
            said = promises_of(world).check(method, address, answer)
            if said is not None:
                seen.add(said)
        return answer

    monkeypatch.setattr(World, "open", open_and_check)
    return seen
