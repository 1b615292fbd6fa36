"""Seeded malformed bodies: each is answered, soon, with a reason; none breaks the gate."""

from __future__ import annotations

import copy
import json
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from kernel.errors import BadInput
from sharing.gate.envelopes import read_envelope
from sharing.gate.ids import is_stix_id
from sharing.gate.markings import refuse_unresolved
from sharing.gate.objects import check_object
from sharing.gate.verdicts import Checked, Refused
from sharing.services.plan import rank_of
from tests.sharing.gate.makers import NOW_US, RED

VECTORS = Path(__file__).parents[2] / "vectors" / "gate"
SEEDS: list[dict[str, Any]] = [
    vector["object"]
    for file in sorted(VECTORS.glob("*/*.json"))
    if isinstance((vector := json.loads(file.read_text("utf-8"))).get("object"), dict)
    and file.stat().st_size < 4_000
]
ODD_TEXTS = (
    "", "\0", "\x7f", "é", "\U0001f600", "a" * 5_000, "2026-02-30T00:00:00Z",
    "9999-12-31T23:59:59Z", "0001-01-01T00:00:00.000Z", "2026-01-01T00:00:00.0000000001Z", RED,
    RED.upper(), "indicator--x", "x--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", "member:XAA",
    "granular_markings.[0].selectors.[0]", "labels.[99999999]", "bundle", "x-y", "X", "[a:b = 1]",
    "[" * 40, "2.0", "2.1", "tlp", "statement",
)  # fmt: skip
ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 900, 2**63 - 1, 1.5, 1e308, [], {}, [[]], [None], {"": 0},
    {"a": None}, [RED, RED], [{"selectors": []}], [{"marking_ref": RED, "selectors": ["id", "id"]}],
    *ODD_TEXTS,
)  # fmt: skip
ODD_BYTES = (
    b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\\", b"\\ud800", b'"', b"{", b"}", b"[",
    b"]", b",", b":", b"NaN", b"Infinity", b"-", b"1e999", b"9" * 60, b"null", b"\n", b"/*",
    b"'", b"//",
)  # fmt: skip


def changed_object(chance: random.Random) -> dict[str, Any]:
    """A seed object with one to three of its parts replaced, dropped, renamed or wrapped."""
    value = copy.deepcopy(chance.choice(SEEDS))
    for _ in range(chance.choice((1, 1, 2))):
        place: Any = value
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if place is value and chance.random() < 0.9:
                keys = [key for key in keys if key not in ("type", "id", "spec_version")]
            if not keys:
                break
            key = chance.choice(keys)
            if isinstance(place[key], dict | list) and chance.random() < 0.6:
                place = place[key]
                continue
            change(place, key, chance)
            break
    return value


def change(place: Any, key: Any, chance: random.Random) -> None:
    kind = chance.randrange(7)
    if kind == 0:
        del place[key]
    elif kind == 1:
        place[key] = [place[key]]
    elif kind == 2:
        for _ in range(chance.choice((1, 1, 3, 70))):
            place[key] = {"x_deep": place[key]}
    elif kind == 3 and isinstance(place, dict):
        place[chance.choice(ODD_TEXTS)] = place.pop(key)
    elif kind < 6 and isinstance(place[key], str):
        text = place[key]
        at = chance.randrange(len(text) + 1)
        place[key] = text[:at] + chance.choice("]['(.-é0 Z") + text[at + chance.randrange(2) :]
    else:
        place[key] = copy.deepcopy(chance.choice(ODD_VALUES))


def changed_bytes(body: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(body) + 1)
        end = min(len(body), at + chance.choice((1, 1, 1, 8, 200)))
        kind = chance.randrange(4)
        if kind == 0:
            body = body[:at] + body[end:]
        elif kind == 1:
            body = body[:at] + chance.choice(ODD_BYTES) + body[at:]
        elif kind == 2:
            body = body[:end] + body[at:end] + body[end:]
        else:
            body = body[:at] + bytes([chance.randrange(256)]) + body[at + 1 :]
    return body


def malformed_body(chance: random.Random) -> bytes:
    objects = [json.dumps(changed_object(chance)) for _ in range(chance.randint(1, 3))]
    if chance.random() < 0.15:
        objects.append(chance.choice(objects)[:-1] + ', "type": "x-again"}')
    outer = chance.choice(('{{"objects":[{}]}}', '{{"type":"bundle","objects":[ {} ]}}'))
    body = outer.format(",".join(objects)).encode()
    return changed_bytes(body, chance) if chance.random() < 0.5 else body


def outcome_of(body: bytes) -> list[str]:
    """The code of each answer; asserts that each is one that a door can give."""
    try:
        objects = read_envelope(body)
    except BadInput as fault:
        return [fault.code]
    codes = []
    for raw in objects:
        verdict = check_object(raw, now_us=NOW_US)
        assert raw.raw in body
        if isinstance(verdict, Refused):
            assert verdict.code.startswith("sharing.")
            assert verdict.code != "sharing.gate-failed", verdict
            assert 10 < len(verdict.reason) < 600
            assert verdict.reason.encode("utf-8")
            codes.append(verdict.code)
        else:
            assert_storable(verdict)
            codes.append("taken")
    return codes


def assert_storable(verdict: Checked) -> None:
    """What passed can be stored, ordered and served: its facts are sound."""
    assert is_stix_id(verdict.stix_id)
    assert 0 <= verdict.version_us <= NOW_US + 300_000_000
    assert all(is_stix_id(each) for each in verdict.named.references)
    assert "\0" not in "".join(verdict.labels)
    assert rank_of(verdict.stix_type) in (0, 1, 2, 3)
    unresolved = refuse_unresolved(verdict, ())
    assert unresolved is None or unresolved.code == "sharing.unresolved-marking"
    again = read_envelope(b'{"objects":[' + verdict.raw + b"]}")
    assert check_object(again[0], now_us=NOW_US).index == 0


def run(seed: int, count: int) -> Counter[str]:
    chance = random.Random(seed)
    outcomes: Counter[str] = Counter()
    for _ in range(count):
        body = malformed_body(chance)
        start = time.process_time()
        outcomes.update(outcome_of(body))
        assert time.process_time() - start < 10.0, body[:200]
    return outcomes


def test_10_000_malformed_bodies_are_answered() -> None:
    outcomes = run(seed=1, count=10_000)
    assert len(outcomes) > 12
    assert outcomes["taken"] > 500
    assert outcomes["kernel.bad-json"] > 500


@pytest.mark.audit
def test_200_000_more_malformed_bodies_are_answered() -> None:
    outcomes = run(seed=2, count=200_000)
    assert len(outcomes) > 14
