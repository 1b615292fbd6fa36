"""The release extension's schema is where producers expect it, and says what the gate does."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest

from sharing.gate.releasable import RELEASE_EXTENSION
from tests.sharing.taxii.world import World

EXTENSION = {"extension_type": "property-extension", "releasable_to": ["member:XAA"]}


def test_anybody_may_read_the_schema_of_the_release_extension(small_world: World) -> None:
    answer = small_world.get(None, f"/schemas/{RELEASE_EXTENSION}.json")
    assert answer.status_code == 200
    assert answer.content_type.startswith("application/schema+json")
    assert answer.get_json(force=True)["properties"].keys() == EXTENSION.keys()


@pytest.mark.parametrize(
    ("changes", "is_good"),
    [
        ({}, True),
        ({"releasable_to": []}, True),
        ({"releasable_to": ["jurisdiction:XQ"]}, True),
        ({"releasable_to": ["bloc:north"]}, False),
        ({"releasable_to": "member:XAA"}, False),
        ({"extension_type": "new-sdo"}, False),
        ({"x_more": 1}, False),
    ],
)
def test_the_schema_accepts_what_the_gate_accepts(
    small_world: World, changes: dict[str, Any], is_good: bool
) -> None:
    schema = small_world.get(None, f"/schemas/{RELEASE_EXTENSION}.json").get_json(force=True)
    extension = EXTENSION | changes
    assert jsonschema_rs.is_valid(schema, extension) is is_good
    given = small_world.indicator(extensions={RELEASE_EXTENSION: extension})
    answer = small_world.post("xaa", small_world.address(), {"objects": [given]})
    assert answer.get_json()["success_count"] == is_good
