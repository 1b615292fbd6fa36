"""What a tool is told before it asks for anything (RFC 8414)."""

from __future__ import annotations

from typing import Any

from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url

from auth.doors import find_sign
from tests.sharing.taxii.world import World

PLACE = "/.well-known/oauth-authorization-server"


def read(world: World) -> dict[str, Any]:
    answer = world.app.test_client().get(PLACE, base_url="https://comity.example")
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    told: dict[str, Any] = answer.get_json()
    return told


def test_a_tool_is_told_all_that_it_needs_where_the_standard_looks(small_world: World) -> None:
    told = read(small_world)
    assert get_well_known_url(told["issuer"], external=True) == f"https://comity.example{PLACE}"
    AuthorizationServerMetadata(told).validate()
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert told["response_types_supported"] == ["code"]
    assert told["authorization_response_iss_parameter_supported"] is True


def test_every_address_that_is_told_is_there(small_world: World) -> None:
    told, app = read(small_world), small_world.app
    rules = {rule.rule: rule for rule in app.url_map.iter_rules()}
    for name in ("authorization_endpoint", "token_endpoint", "revocation_endpoint"):
        path = told[name].removeprefix("https://comity.example")
        assert find_sign(app, rules[path].endpoint, "POST") is not None


def test_the_issuer_is_the_public_address_whatever_a_client_calls_the_host(
    small_world: World,
) -> None:
    small_world.with_settings(public_url="https://hub.example")
    answer = small_world.app.test_client().get(PLACE, headers={"Host": "evil.example"})
    assert answer.get_json()["issuer"] == "https://hub.example"
    assert "evil" not in answer.text
