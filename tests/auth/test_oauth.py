"""Bearer tokens: given for a credential, narrower and shorter-lived than it, dead with it."""

from __future__ import annotations

from typing import Any

import pytest

from auth import services as auth_services
from tests.sharing.taxii.world import World


def ask_token(world: World, who: str | None, **form: str) -> Any:
    headers = {"Authorization": world.authorization(who)} if who else {}
    return world.app.test_client().post(
        "/oauth/token", data={"grant_type": "client_credentials"} | form, headers=headers
    )


def use(world: World, token: str, address: str = "/taxii2/harbour/", method: str = "GET") -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return world.open(None, method, address, headers=headers).status_code


def test_a_feed_exchanges_its_credential_for_a_token(world: World) -> None:
    answer = ask_token(world, "xaa")
    assert answer.status_code == 200
    told = answer.get_json()
    assert told["token_type"].lower() == "bearer"
    assert told["expires_in"] == world.settings.token_seconds
    assert "no-store" in answer.headers["Cache-Control"]
    assert use(world, told["access_token"]) == 200


def test_a_client_may_send_its_secret_in_the_form(world: World) -> None:
    name, secret = world.secrets["xaa"]
    answer = ask_token(world, None, client_id=name, client_secret=secret)
    assert use(world, answer.get_json()["access_token"]) == 200


def test_a_token_may_have_fewer_scopes_and_never_more(world: World) -> None:
    answer = ask_token(world, "xaa", scope="api:read")
    assert answer.get_json()["scope"] == "api:read"
    token = answer.get_json()["access_token"]
    assert use(world, token, "/api/v1/me") == 200
    assert use(world, token) == 403
    refused = ask_token(world, "xaa-reads", scope="taxii:read taxii:write")
    assert refused.status_code == 400
    assert refused.get_json()["error"] == "invalid_scope"


def test_a_token_ends_at_its_time(world: World) -> None:
    token = ask_token(world, "xaa").get_json()["access_token"]
    world.clock.now_us += (world.settings.token_seconds - 1) * 1_000_000
    assert use(world, token) == 200
    world.clock.now_us += 2_000_000
    assert use(world, token) == 401


def test_a_token_never_outlives_its_credential(world: World) -> None:
    new = auth_services.NewCredential("short", "XAA", expires_us=world.clock() + 60_000_000)
    with world.database.write() as connection:
        issued = auth_services.add_credential(
            connection, world.signer, new, actor="operator", now_us=world.clock()
        )
    world.secrets["short"] = (issued.id, issued.secret)
    assert ask_token(world, "short").get_json()["expires_in"] <= 60


@pytest.mark.parametrize("verb", ["revoke", "rotate"])
def test_a_token_dies_with_the_secret_that_it_was_given_for(world: World, verb: str) -> None:
    token = ask_token(world, "xaa").get_json()["access_token"]
    said = {"actor": "operator", "now_us": world.clock()}
    with world.database.write() as connection:
        if verb == "revoke":
            auth_services.revoke_credential(connection, world.secrets["xaa"][0], **said)
        else:
            auth_services.rotate_credential(
                connection, world.signer, world.secrets["xaa"][0], **said
            )
    assert use(world, token) == 401


def test_a_client_revokes_its_token_and_no_other(world: World) -> None:
    token = ask_token(world, "xaa").get_json()["access_token"]
    other = {"Authorization": world.authorization("xbb")}
    client = world.app.test_client()
    client.post("/oauth/revoke", data={"token": token}, headers=other)
    assert use(world, token) == 200
    own = {"Authorization": world.authorization("xaa")}
    assert client.post("/oauth/revoke", data={"token": token}, headers=own).status_code == 200
    assert use(world, token) == 401


def test_refusals_are_those_of_the_standard(world: World) -> None:
    world.with_settings(failed_delay_seconds=0.0)
    wrong = ask_token(world, None, client_id="xaa", client_secret="wrong")
    assert (wrong.status_code, wrong.get_json()["error"]) == (401, "invalid_client")
    nobody = ask_token(world, None)
    assert (nobody.status_code, nobody.get_json()["error"]) == (401, "invalid_client")
    grant = ask_token(world, "xaa", grant_type="password")
    assert (grant.status_code, grant.get_json()["error"]) == (400, "unsupported_grant_type")
    assert world.app.test_client().get("/oauth/token").status_code == 405


def test_a_server_behind_a_proxy_that_is_not_believed_gives_tokens(world: World) -> None:
    answer = world.app.test_client().post(
        "/oauth/token",
        base_url="http://comity.example",
        data={"grant_type": "client_credentials"},
        headers={"Authorization": world.authorization("xaa")},
    )
    assert answer.status_code == 200


def test_a_form_is_read_once_small_and_whole(world: World) -> None:
    client = world.app.test_client()
    headers = {"Authorization": world.authorization("xaa")}
    grant = {"grant_type": "client_credentials"}
    name, secret = world.secrets["xaa"]
    for sent in (
        {},
        {"grant_type": ""},
        {"grant_type": ["client_credentials", "client_credentials"]},
        grant | {"client_id": name, "client_secret": secret},
        grant | {"scope": "x" * 70_000},
    ):
        answer = client.post("/oauth/token", data=sent, headers=headers)
        assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request"), sent
        assert "no-store" in answer.headers["Cache-Control"]
    in_the_address = client.post("/oauth/token?grant_type=client_credentials", headers=headers)
    assert in_the_address.status_code == 400
    nothing = client.post("/oauth/revoke", data={"hint": "x"}, headers=headers)
    assert (nothing.status_code, nothing.get_json()["error"]) == (400, "invalid_request")


def test_a_person_without_a_role_for_it_gets_no_token(world: World) -> None:
    answer = ask_token(world, "xbb-person", scope="taxii:write")
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_scope")
    assert ask_token(world, "xbb-person").get_json()["scope"] == "taxii:read api:read"


def test_a_token_buys_no_other_token(world: World) -> None:
    world.with_settings(failed_delay_seconds=0.0)
    token = ask_token(world, "xaa").get_json()["access_token"]
    answer = world.app.test_client().post(
        "/oauth/token",
        data={"grant_type": "client_credentials"},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert (answer.status_code, answer.get_json()["error"]) == (401, "invalid_client")


def test_a_refusal_outside_the_standard_has_its_form_all_the_same(world: World) -> None:
    answer = world.app.test_client().get("/oauth/token")
    assert (answer.status_code, answer.get_json()["error"]) == (405, "invalid_request")
    assert answer.headers["Allow"] == "POST"
