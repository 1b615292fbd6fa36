"""Codes and refresh tokens: good once, for one tool, one address and one verifier."""

from __future__ import annotations

import base64
import threading
from typing import Any

import pytest

from auth.services.credentials import revoke_credential
from auth.tasks import TASKS
from kernel.clock import DAY_US
from tests.auth.tools.asking import BACK, BEA, VERIFIER, Desk, challenge_of, make_desk, register
from tests.sharing.taxii.world import World


def told(answer: Any) -> tuple[int, str]:
    """The status, and the name of what is wrong."""
    return answer.status_code, answer.get_json().get("error", "")


REFUSED = (400, "invalid_grant")


def test_a_tool_acts_as_the_person_who_let_it_in(desk: Desk) -> None:
    world = desk.world
    world.contribute(world.indicator())
    tokens = desk.let_in()
    assert tokens["token_type"] == "Bearer"
    assert tokens["scope"] == "taxii:read api:read"
    assert tokens["expires_in"] == world.settings.token_seconds
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    me = world.get(None, "/api/v1/me", headers=headers).get_json()
    assert (me["member"], me["kind"], me["person"]) == ("XBB", "individual", "bea@xbb.example")
    assert me["roles"] == ["reader"]
    page = world.get(None, world.address(), headers=headers).get_json()
    assert len(page["objects"]) == 1
    assert desk.use(tokens["access_token"], world.address(), "POST", data=b"{}") == 403
    (served,) = world.get(None, "/api/v1/forums/harbour/received", headers=headers).get_json()[
        "items"
    ]
    assert served["credential"] == me["credential"]


def test_a_public_tool_needs_no_secret_but_the_verifier(world: World) -> None:
    desk = make_desk(world, is_public=True)
    assert desk.tool.secret is None
    tokens = desk.let_in()
    assert desk.use(tokens["access_token"]) == 200
    assert desk.renew(tokens["refresh_token"]).status_code == 200


def test_a_tool_with_a_secret_may_send_it_as_http_basic(small_desk: Desk) -> None:
    pair = f"{small_desk.tool.id}:{small_desk.tool.secret}"
    header = {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
    form = {
        "grant_type": "authorization_code",
        "code": small_desk.code(),
        "redirect_uri": BACK,
        "code_verifier": VERIFIER,
    }
    client = small_desk.world.app.test_client()
    assert client.post("/oauth/token", data=form, headers=header).status_code == 200


@pytest.mark.parametrize(
    "changed",
    [
        {"client_secret": "comity_wrong"},
        {"client_secret": ""},
        {"client_secret": None},
        {"client_id": "tool-aaaaaaaaaaaaaaaa"},
        {"client_id": "tool-aaaaaaaaaaaaaaaa", "client_secret": None},
        {"client_id": None, "client_secret": None},
        {"client_id": None},
    ],
)
def test_who_is_not_the_tool_gets_nothing_for_its_code(
    small_desk: Desk, changed: dict[str, Any]
) -> None:
    code = small_desk.code()
    assert told(small_desk.exchange(code, **changed)) == (401, "invalid_client")
    assert small_desk.exchange(code).status_code == 200


def test_a_public_tool_that_sends_a_secret_is_refused(small_world: World) -> None:
    desk = make_desk(small_world, is_public=True)
    code = desk.code()
    assert told(desk.exchange(code, client_secret="comity_made-up")) == (401, "invalid_client")


def test_a_code_is_no_other_tools(desk: Desk) -> None:
    code, mine = desk.code(), desk.tool
    for other in (register(desk.world), register(desk.world, is_public=True)):
        desk.tool = other
        assert told(desk.exchange(code)) == REFUSED
    desk.tool = mine
    assert desk.exchange(code).status_code == 200


def test_a_code_injected_at_another_address_is_refused(small_world: World) -> None:
    desk = make_desk(small_world, redirects=[BACK, "https://other.example/back"])
    code = desk.code()
    for other in ("https://other.example/back", f"{BACK}/", "", None):
        assert told(desk.exchange(code, redirect_uri=other)) == REFUSED
    assert desk.exchange(code).status_code == 200


@pytest.mark.parametrize(
    ("verifier", "error"),
    [
        (None, "invalid_request"),
        ("", "invalid_request"),
        ("short", "invalid_request"),
        ("w" * 64, "invalid_grant"),
        (challenge_of(VERIFIER), "invalid_grant"),
        ("\u2603" * 64, "invalid_request"),
    ],
)
@pytest.mark.parametrize("is_public", [True, False])
def test_a_code_without_its_verifier_is_worth_nothing(
    small_world: World, is_public: bool, verifier: str | None, error: str
) -> None:
    desk = make_desk(small_world, is_public=is_public)
    assert told(desk.exchange(desk.code(), code_verifier=verifier)) == (400, error)


def test_a_code_is_good_for_a_minute(desk: Desk) -> None:
    code = desk.code()
    desk.world.clock.now_us += 59_000_000
    assert desk.exchange(code).status_code == 200
    code = desk.code()
    desk.world.clock.now_us += 60_000_000
    assert told(desk.exchange(code)) == REFUSED


def test_a_code_that_comes_twice_ends_what_it_was_exchanged_for(desk: Desk) -> None:
    code = desk.code()
    tokens = desk.exchange(code).get_json()
    newer = desk.renew(tokens["refresh_token"]).get_json()
    assert desk.use(newer["access_token"]) == 200
    assert told(desk.exchange(code)) == REFUSED
    for held in (tokens, newer):
        assert desk.use(held["access_token"]) == 401
    assert told(desk.renew(newer["refresh_token"])) == REFUSED
    assert told(desk.exchange(code)) == REFUSED
    assert desk.actions()[-3:] == ["credential.add", "tool.code-reused", "credential.revoke"]


def test_a_code_that_another_tool_tries_again_ends_nothing(small_desk: Desk) -> None:
    code, mine = small_desk.code(), small_desk.tool
    tokens = small_desk.exchange(code).get_json()
    small_desk.tool = register(small_desk.world)
    assert told(small_desk.exchange(code)) == REFUSED
    small_desk.tool = mine
    assert small_desk.use(tokens["access_token"]) == 200


def test_of_many_who_come_with_one_code_at_once_one_is_served_and_then_nobody(desk: Desk) -> None:
    code, answers = desk.code(), list[Any]()
    start = threading.Barrier(4)

    def come() -> None:
        start.wait()
        answers.append(desk.exchange(code))

    threads = [threading.Thread(target=come) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    served = [one.get_json() for one in answers if one.status_code == 200]
    assert len(answers) == 4
    assert len(served) == 1
    assert {told(one) for one in answers if one.status_code != 200} == {REFUSED}
    assert desk.use(served[0]["access_token"]) == 401


def test_each_refresh_token_is_used_once_and_a_second_use_ends_all(desk: Desk) -> None:
    first = desk.let_in()
    second = desk.renew(first["refresh_token"]).get_json()
    assert second["refresh_token"] != first["refresh_token"]
    assert second["scope"] == first["scope"]
    third = desk.renew(second["refresh_token"]).get_json()
    for held in (first, second, third):
        assert desk.use(held["access_token"]) == 200
    assert told(desk.renew(second["refresh_token"])) == REFUSED
    for held in (first, second, third):
        assert desk.use(held["access_token"]) == 401
    assert told(desk.renew(third["refresh_token"])) == REFUSED
    assert desk.actions()[-2:] == ["tool.refresh-token-reused", "credential.revoke"]


def test_of_many_who_come_with_one_refresh_token_at_once_one_is_served_and_then_nobody(
    desk: Desk,
) -> None:
    refresh, answers = desk.let_in()["refresh_token"], list[Any]()
    start = threading.Barrier(4)

    def come() -> None:
        start.wait()
        answers.append(desk.renew(refresh))

    threads = [threading.Thread(target=come) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    served = [one.get_json() for one in answers if one.status_code == 200]
    assert (len(answers), len(served)) == (4, 1)
    assert desk.use(served[0]["access_token"]) == 401
    assert told(desk.renew(served[0]["refresh_token"])) == REFUSED


def test_a_refresh_token_is_no_other_tools(desk: Desk) -> None:
    tokens, mine = desk.let_in(), desk.tool
    desk.tool = register(desk.world, is_public=True)
    assert told(desk.renew(tokens["refresh_token"])) == REFUSED
    desk.tool = mine
    assert told(desk.renew("comity_rt_" + "0" * 64)) == REFUSED
    assert desk.renew(tokens["refresh_token"]).status_code == 200


def test_a_renewed_token_may_have_fewer_scopes_and_never_more(small_desk: Desk) -> None:
    tokens = small_desk.let_in()
    for scope in ("taxii:write api:write", "everything"):
        assert told(small_desk.renew(tokens["refresh_token"], scope=scope)) == (
            400,
            "invalid_scope",
        )
    fewer = small_desk.renew(tokens["refresh_token"], scope="api:read").get_json()
    assert fewer["scope"] == "api:read"
    assert small_desk.use(fewer["access_token"], "/taxii2/") == 403
    again = small_desk.renew(fewer["refresh_token"], scope="taxii:read taxii:write").get_json()
    assert again["scope"] == "taxii:read"
    whole = small_desk.renew(again["refresh_token"]).get_json()
    assert whole["scope"] == "taxii:read api:read"


def test_a_grant_ends_when_it_is_not_used_and_after_half_a_year_in_any_case(desk: Desk) -> None:
    clock = desk.world.clock
    tokens = desk.let_in()
    clock.now_us += 30 * DAY_US
    assert told(desk.renew(tokens["refresh_token"])) == REFUSED
    desk.browser.sign_in(BEA)
    tokens = desk.let_in()
    for _ in range(6):
        clock.now_us += 29 * DAY_US
        renewed = desk.renew(tokens["refresh_token"])
        assert renewed.status_code == 200
        tokens = renewed.get_json()
    clock.now_us += 6 * DAY_US - 60_000_000
    tokens = desk.renew(tokens["refresh_token"]).get_json()
    assert tokens["expires_in"] == 60
    clock.now_us += 60_000_000
    assert desk.use(tokens["access_token"]) == 401
    assert told(desk.renew(tokens["refresh_token"])) == REFUSED


def test_a_tool_revokes_its_own_tokens_and_no_other(desk: Desk) -> None:
    tokens = desk.let_in()
    mine = desk.tool
    desk.tool = register(desk.world, is_public=True)
    for token in (tokens["access_token"], tokens["refresh_token"], "unknown"):
        assert desk.post("/oauth/revoke", {"token": token}).status_code == 200
    desk.tool = mine
    assert desk.use(tokens["access_token"]) == 200
    assert desk.post("/oauth/revoke", {"token": tokens["access_token"]}).status_code == 200
    assert desk.use(tokens["access_token"]) == 401
    renewed = desk.renew(tokens["refresh_token"]).get_json()
    assert desk.post("/oauth/revoke", {"token": renewed["refresh_token"]}).status_code == 200
    assert desk.use(renewed["access_token"]) == 401
    assert told(desk.renew(renewed["refresh_token"])) == REFUSED
    assert told(desk.post("/oauth/revoke", {"token": "x", "client_secret": "wrong"})) == (
        401,
        "invalid_client",
    )


def test_a_tool_acts_for_people_alone_and_a_credential_for_itself_alone(small_desk: Desk) -> None:
    own = small_desk.post("/oauth/token", {"grant_type": "client_credentials"})
    assert told(own) == (400, "unauthorized_client")
    world = small_desk.world
    for form in (
        {"grant_type": "authorization_code", "code": small_desk.code(), "redirect_uri": BACK},
        {"grant_type": "refresh_token", "refresh_token": "x"},
    ):
        headers = {"Authorization": world.authorization("xbb")}
        answer = world.app.test_client().post("/oauth/token", data=form, headers=headers)
        assert told(answer) == (400, "unauthorized_client")


def test_what_a_tool_holds_is_no_password_and_opens_no_page(small_desk: Desk) -> None:
    world, tokens = small_desk.world, small_desk.let_in()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    credential_id = world.get(None, "/api/v1/me", headers=headers).get_json()["credential"]
    for secret in (tokens["access_token"], tokens["refresh_token"], ""):
        world.secrets["tool"] = (credential_id, secret)
        assert world.get("tool", "/taxii2/").status_code == 401
    world.secrets["tool"] = (small_desk.tool.id, small_desk.tool.secret or "")
    assert world.get("tool", "/taxii2/").status_code == 401
    assert small_desk.use(tokens["refresh_token"]) == 401
    assert world.app.test_client().get("/account", headers=headers).status_code == 303


def test_what_can_be_used_no_more_is_forgotten_a_day_later(desk: Desk) -> None:
    world = desk.world
    desk.let_in()
    forget = next(task for task in TASKS if task.name == "forget-codes")
    world.clock.now_us += DAY_US
    assert forget.list_ready(world.database, now_us=world.clock()) == []
    world.clock.now_us += 60_000_000
    assert forget.list_ready(world.database, now_us=world.clock()) == ["all"]
    assert forget.run(world.database, "all", now_us=world.clock()) == {"forgotten": 1}
    world.clock.now_us += 30 * DAY_US
    assert forget.run(world.database, "all", now_us=world.clock()) == {"forgotten": 1}


def test_a_grant_that_was_revoked_is_not_ended_a_second_time(small_desk: Desk) -> None:
    world, code = small_desk.world, small_desk.code()
    tokens = small_desk.exchange(code).get_json()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    credential_id = world.get(None, "/api/v1/me", headers=headers).get_json()["credential"]
    with world.database.write() as connection:
        revoke_credential(connection, credential_id, actor="operator", now_us=world.clock())
    assert told(small_desk.exchange(code)) == REFUSED
    assert "tool.code-reused" not in small_desk.actions()
