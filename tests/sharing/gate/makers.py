"""Plain makers for tests of the gate: harmless objects that take what a test is about."""

from __future__ import annotations

import json
from typing import Any

from kernel.clock import parse_instant
from kernel.strictjson import Limits
from sharing.gate.envelopes import read_import
from sharing.gate.objects import check_object
from sharing.gate.verdicts import Checked, RawObject, Refused

NOW_US = parse_instant("2026-11-27T12:00:00Z")
UUID = "8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"
RED = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
AMBER_STRICT = "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"
WIDE = Limits(max_bytes=10**9, max_nodes=10**8)


def make_indicator(**changed: Any) -> dict[str, Any]:
    """An indicator that the gate takes; `changed` properties replace or join its own."""
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--{UUID}",
        "created": "2026-03-01T08:00:00.000Z",
        "modified": "2026-03-02T08:00:00.000Z",
        "pattern": "[ipv4-addr:value = '198.51.100.7']",
        "pattern_type": "stix",
        "valid_from": "2026-03-01T08:00:00Z",
    } | changed


def make_raw(value: Any, index: int = 0) -> RawObject:
    """`value` as it arrives; text is the object's own bytes."""
    text = value if isinstance(value, str) else json.dumps(value)
    element = read_import(f"[{text}]".encode(), limits=WIDE)[0]
    return RawObject(index, element.raw, element.value, element.fault)


def check(value: Any) -> Checked | Refused:
    """What the gate says of `value` at NOW_US."""
    return check_object(make_raw(value), now_us=NOW_US)


def checked(value: Any) -> Checked:
    """The facts of an object that must pass."""
    verdict = check(value)
    assert isinstance(verdict, Checked), verdict
    return verdict


def refused(value: Any) -> Refused:
    """The refusal of an object that must not pass."""
    verdict = check(value)
    assert isinstance(verdict, Refused), verdict
    return verdict
