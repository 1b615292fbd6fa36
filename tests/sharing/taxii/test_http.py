"""HTTP as the field speaks it (TAXII 2.1 §3.1, §3.6; field notes 7, 8, 9, 10 and 11)."""

from __future__ import annotations

import base64
import json
import random
import string
from typing import Any

import pytest
from werkzeug.test import TestResponse

from kernel.errors import TooMany
from sharing.taxii import entering
from tests.sharing.taxii.world import World

TAXII = "application/taxii+json;version=2.1"
ADDRESSES = (
    "/taxii2/",
    "/taxii2/harbour/",
    "/taxii2/harbour/collections/",
    "/taxii2/harbour/collections/reports/",
    "/taxii2/harbour/collections/reports/objects/",
    "/taxii2/harbour/collections/reports/manifest/",
    "/taxii2/harbour/collections/reports/objects/indicator--x/",
    "/taxii2/harbour/collections/reports/objects/indicator--x/versions/",
    "/taxii2/harbour/status/5b6a6b2c-6a3e-4a54-9d2a-0b8f0a6e1a11/",
)


def check_form(answer: TestResponse) -> None:
    """Field note 7: one media type; and a refusal is an error resource that names its status."""
    assert answer.headers["Content-Type"] == TAXII
    assert "Location" not in answer.headers
    if answer.status_code >= 400 and answer.data:
        document = answer.get_json(force=True)
        assert document.keys() == {"title", "description", "error_code", "http_status"}
        assert document["http_status"] == str(answer.status_code)
        assert all(isinstance(value, str) and value for value in document.values())


def test_field_note_10_the_trailing_slash_makes_no_difference(small_world: World) -> None:
    small_world.contribute(small_world.indicator())
    for address in ADDRESSES:
        for query in ("", "?limit=1"):
            slashed = small_world.get("xaa", address + query)
            bare = small_world.get("xaa", address.rstrip("/") + query)
            check_form(slashed)
            assert (bare.status_code, bare.data) == (slashed.status_code, slashed.data)
    posted = small_world.post("xaa", small_world.address().rstrip("/"), {"objects": []})
    assert posted.status_code == 202


def test_field_note_7_every_answer_has_the_one_media_type(small_world: World) -> None:
    for address in (*ADDRESSES, "/taxii2/harbour/nothing/here/", "/taxii2//harbour/", "/taxii2"):
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "LIST"):
            for who in ("xaa", "xcc", None):
                answer = small_world.open(who, method, address)
                check_form(answer)
                assert answer.status_code < 500


def test_a_method_that_an_address_does_not_take_is_405_with_those_it_does(
    small_world: World,
) -> None:
    allowed = {
        "/taxii2/": "GET, HEAD",
        small_world.address(): "GET, HEAD, POST",
        small_world.address(rest="objects/x/"): "DELETE, GET, HEAD",
    }
    for address, methods in allowed.items():
        answer = small_world.open("xaa", "PUT", address)
        assert (answer.status_code, answer.headers["Allow"]) == (405, methods)


ACCEPTED = ("*/*", "application/json", None, "application/taxii+json", TAXII.replace(";", "; "))


def test_field_note_8_a_client_is_served_whatever_it_says_that_can_mean_taxii(
    small_world: World,
) -> None:
    for accept in ACCEPTED:
        headers = {"Authorization": small_world.authorization("xaa")}
        if accept is not None:
            headers["Accept"] = accept
        for address in ADDRESSES[:6]:
            answer = small_world.app.test_client().get(address, headers=headers)
            assert answer.status_code == 200, accept
            check_form(answer)


def test_field_note_8_an_explicit_wish_for_something_else_is_406_everywhere(
    small_world: World,
) -> None:
    for address in ADDRESSES:
        for accept in ("text/html", "application/taxii+json;version=2.0"):
            answer = small_world.get("xaa", address, headers={"Accept": accept})
            assert answer.status_code == 406
            check_form(answer)


def test_field_note_9_a_post_of_another_media_type_is_415(small_world: World) -> None:
    body = {"objects": [small_world.indicator()]}
    for headers in (
        {"Content-Type": "application/json"},
        {"Content-Type": "application/taxii+json;version=2.0"},
        {"Content-Encoding": "gzip"},
    ):
        answer = small_world.post("xaa", small_world.address(), body, headers=headers)
        assert answer.status_code == 415
        check_form(answer)
    assert small_world.get("xaa", small_world.address()).data == b"{}"


def test_field_note_11_the_scheme_is_read_in_any_case(small_world: World) -> None:
    for scheme in ("basic", "Basic", "BASIC", "bAsIc"):
        value = small_world.authorization("xaa").removeprefix("Basic")
        answer = small_world.get("xaa", "/taxii2/", headers={"Authorization": scheme + value})
        assert answer.status_code == 200


def test_field_note_11_a_credential_that_does_not_hold_is_401_with_a_challenge(
    small_world: World,
) -> None:
    small_world.with_settings(failed_delay_seconds=0.0)
    name, secret = small_world.secrets["xaa"]
    wrong = base64.b64encode(f"{name}:{secret[:-1]}".encode()).decode()
    for value in (f"Basic {wrong}", "Basic !", "Bearer nonsense", "Digest x", "Basic", ""):
        for address in (ADDRESSES[0], ADDRESSES[4], "/taxii2/nowhere/"):
            answer = small_world.get("xaa", address, headers={"Authorization": value})
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"].startswith("Basic realm=")
            check_form(answer)


def test_field_note_11_429_says_when_to_come_back(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_many(*_: Any) -> None:
        raise TooMany("auth.too-many", "slow down", retry_after_seconds=7)

    monkeypatch.setattr(entering, "find_met", too_many)
    answer = small_world.get("xaa", small_world.address())
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    check_form(answer)


def test_a_fault_nobody_foresaw_tells_the_caller_an_incident_and_nothing_else(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise RuntimeError("SELECT secret FROM nowhere")

    monkeypatch.setattr(entering, "find_met", fails)
    answer = small_world.get("xaa", small_world.address())
    assert answer.status_code == 500
    assert "secret" not in answer.text
    check_form(answer)


def test_a_client_without_a_user_agent_is_served(small_world: World) -> None:
    """TAXII 2.1 §8.2.1."""
    answer = small_world.get("xaa", "/taxii2/", headers={"User-Agent": ""})
    assert answer.status_code == 200


NASTY = [
    "%00",
    "%ff",
    "%2e%2e",
    "%0d%0aX: y",
    "é",
    "\u202e",
    "[",
    "]]",
    "''",
    "--",
    "{}",
    "0" * 300,
]


def _word(chance: random.Random) -> str:
    letters = string.ascii_letters + string.digits + "-_.~%&=?,;:+*!'()[]"
    return "".join(chance.choice(letters) for _ in range(chance.randint(0, 12)))


def _piece(chance: random.Random, likely: list[str]) -> str:
    return chance.choice([*likely, *likely, chance.choice(NASTY), _word(chance)])


def test_no_request_however_odd_is_answered_with_a_fault(world: World) -> None:
    """Seeded random paths, queries, headers and bodies: never a 5xx, always the one form."""
    check_odd_requests(world, random.Random(20261127), 400)


@pytest.mark.audit
def test_none_of_very_many_odd_requests_is_answered_with_a_fault(world: World) -> None:
    check_odd_requests(world, random.Random(), 20_000)


def check_odd_requests(world: World, chance: random.Random, count: int) -> None:
    world.contribute(*world.indicators(3))
    token = world.get("xaa", world.address(rest="objects/?limit=1")).get_json()["next"]
    paths = ["harbour", "collections", "reports", "objects", "manifest", "versions", "status"]
    keys = ["limit", "next", "added_after", "match[id]", "match[type]", "match[version]"]
    values = ["1", "all", "last,first", "2026-01-01T00:00:00Z", "indicator", token, "2.1"]
    media = [TAXII, "*/*", "application/json", "application/stix+json", "text/html;q=0"]
    bodies = [b"{}", b'{"objects":[]}', b'{"objects":[{}]}', b"\x00", b"[", b'{"objects":[1]}']
    for _ in range(count):
        parts = [_piece(chance, paths) for _ in range(chance.randint(0, 6))]
        if chance.random() < 0.5:
            parts[:4] = ["harbour", "collections", "reports", "objects"]
        pairs = [
            f"{_piece(chance, keys)}={_piece(chance, values)}" for _ in range(chance.randint(0, 4))
        ]
        headers = {
            "Accept": chance.choice([*media, _word(chance)]),
            "Content-Type": chance.choice([*media, _word(chance)]),
            "Range": chance.choice(["", "items 0-1", "bytes=0-0"]),
            "Content-Encoding": chance.choice(["", "", "gzip"]),
        }
        answer = world.open(
            chance.choice(["xaa", "xbb", "xcc", "mirror"]),
            chance.choice(["GET", "GET", "GET", "POST", "DELETE", "HEAD", "PUT"]),
            "/taxii2/" + "/".join(parts) + "?" + "&".join(pairs),
            headers=headers,
            data=chance.choice(bodies),
        )
        assert answer.status_code < 500, (parts, pairs, headers)
        if "X-TAXII-Date-Added-First" not in answer.headers:
            check_form(answer)
        elif answer.data:
            assert json.loads(answer.data)
