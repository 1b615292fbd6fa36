"""The same objects in every run: indicators, malware, relationships, as feeds carry them."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from typing import Any

import orjson

from sharing.rules.tlp import WELL_KNOWN, Tlp

SLICE = 1000
_MARKINGS = {level: marking for marking, level in WELL_KNOWN.items()}
_LEVELS = (Tlp.CLEAR, Tlp.GREEN, Tlp.GREEN, Tlp.AMBER)


def objects(count: int, *, seed: int = 2026) -> Iterator[dict[str, Any]]:
    """`count` STIX objects, half of them indicators, equal in every run with this seed."""
    dice = random.Random(seed)
    last: dict[str, str] = {}
    for number in range(count):
        stix_type = ("indicator", "indicator", "malware", "relationship")[number % 4]
        if stix_type == "relationship":
            made = _relationship(dice, number, last)
        else:
            made = _node(dice, number, stix_type)
            last[stix_type] = made["id"]
        yield made


def envelopes(count: int, *, seed: int = 2026) -> Iterator[bytes]:
    """The objects in TAXII envelopes of at most 1,000."""
    batch: list[dict[str, Any]] = []
    for made in objects(count, seed=seed):
        batch.append(made)
        if len(batch) == SLICE:
            yield orjson.dumps({"objects": batch})
            batch = []
    if batch:
        yield orjson.dumps({"objects": batch})


def _start(dice: random.Random, number: int, stix_type: str) -> dict[str, Any]:
    stamp = f"2025-0{1 + number % 9}-{1 + number % 28:02d}T{number % 24:02d}:00:00.000Z"
    return {
        "type": stix_type,
        "spec_version": "2.1",
        "id": f"{stix_type}--{uuid.UUID(int=dice.getrandbits(128), version=4)}",
        "created": stamp,
        "modified": stamp,
        "object_marking_refs": [_MARKINGS[_LEVELS[number % len(_LEVELS)]]],
    }


def _node(dice: random.Random, number: int, stix_type: str) -> dict[str, Any]:
    made = _start(dice, number, stix_type)
    made["name"] = f"{stix_type} {number}"
    made["description"] = f"Seen at a resolver, observation {dice.getrandbits(64):x}."
    if stix_type == "malware":
        return {**made, "is_family": False, "malware_types": ["trojan"]}
    digest = f"{dice.getrandbits(256):064x}"
    return {
        **made,
        "indicator_types": ["malicious-activity"],
        "pattern": f"[file:hashes.'SHA-256' = '{digest}']",
        "pattern_type": "stix",
        "valid_from": made["created"],
        "confidence": number % 101,
    }


def _relationship(dice: random.Random, number: int, last: dict[str, str]) -> dict[str, Any]:
    return {
        **_start(dice, number, "relationship"),
        "relationship_type": "indicates",
        "source_ref": last["indicator"],
        "target_ref": last["malware"],
    }
