"""Every vector of tests/vectors/gate: objects named after the defect, or after what must pass."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tests.sharing.gate.makers import checked, make_raw, refused

VECTORS = Path(__file__).parents[2] / "vectors" / "gate"


def vectors(kind: str) -> list[Any]:
    files = sorted((VECTORS / kind).glob("*.json"))
    return [pytest.param(json.loads(file.read_text("utf-8")), id=file.stem) for file in files]


@pytest.mark.parametrize("vector", vectors("refused"))
def test_object_with_a_defect_is_refused_with_code_and_place(vector: dict[str, Any]) -> None:
    verdict = refused(vector.get("raw", vector.get("object")))
    assert verdict.code == vector["code"], verdict.reason
    path, _, sentence = verdict.reason.partition(": ")
    assert path == vector["where"]
    assert 8 < len(sentence) < 300
    assert sentence.isprintable()


@pytest.mark.parametrize("vector", vectors("accepted"))
def test_object_of_the_field_passes_with_its_bytes_and_facts(vector: dict[str, Any]) -> None:
    raw = make_raw(vector["object"])
    verdict = checked(vector["object"])
    assert verdict.raw == raw.raw
    assert verdict.value == vector["object"]
    assert verdict.stix_id == vector["object"]["id"]
    assert verdict.stix_type == vector["object"]["type"]
    facts = json.loads(json.dumps(asdict(verdict), default=_plain))
    facts["references"] = list(verdict.named.references)
    assert {name: facts[name] for name in vector["expect"]} == vector["expect"]


def _plain(value: bytes | frozenset[str]) -> object:
    return value.hex() if isinstance(value, bytes) else sorted(value)


def test_there_are_vectors_of_both_kinds() -> None:
    assert len(vectors("refused")) > 80
    assert len(vectors("accepted")) > 30
