"""A person is asked before a tool is let in, and nobody is led where no tool is registered."""

from __future__ import annotations

import re
from typing import Any

import pytest

from auth.services.tools import revoke_tool
from tests.auth.tools.asking import BACK, BEA, HERE, VERIFIER, Desk, led_to, make_desk, register
from tests.browsing import Browser, add_person
from tests.sharing.taxii.world import World


def test_a_person_is_asked_in_sentences_by_name_and_leads_back_with_a_code(desk: Desk) -> None:
    shown = desk.look()
    assert shown.status_code == 200
    for told in ("Let Workbench in?", BEA, "XBB State XBB", "workbench.example", "read over TAXII"):
        assert told in shown.text
    assert "contribute and withdraw" not in shown.text
    asked = led_to(desk.answer())
    assert asked.address == BACK
    assert set(asked.told) == {"code", "state", "iss"}
    assert asked.told["state"] == "s t/a+t&e"
    assert asked.told["iss"] == HERE
    assert shown.headers["Cache-Control"] == "no-store"


def test_a_person_who_refuses_is_led_back_and_nothing_is_granted(desk: Desk) -> None:
    asked = desk.consent("refuse")
    assert asked.told["error"] == "access_denied"
    assert asked.told["state"] == "s t/a+t&e"
    assert asked.told["iss"] == HERE
    assert "code" not in asked.told
    assert "tool.grant" not in desk.actions()


def test_a_person_grants_less_than_is_asked_and_never_more(desk: Desk) -> None:
    code = desk.consent(granted=["api:read"]).told["code"]
    told = desk.exchange(code).get_json()
    assert told["scope"] == "api:read"
    assert desk.use(told["access_token"], "/api/v1/me") == 200
    assert desk.use(told["access_token"], "/taxii2/") == 403
    # What was not asked for, or what her roles do not allow, is not granted by a changed form.
    desk.look(scope="api:read")
    told = desk.exchange(
        led_to(desk.answer(granted=["api:read", "taxii:read", "api:write"])).told["code"]
    ).get_json()
    assert told["scope"] == "api:read"


def test_nothing_ticked_is_no_agreement(small_desk: Desk) -> None:
    small_desk.look()
    for granted in ([], ["taxii:write"], ["everything"]):
        answer = small_desk.answer(granted=granted)
        assert answer.status_code == 400
        assert 'id="error-summary"' in answer.text
    assert "tool.grant" not in small_desk.actions()


def test_of_mixed_scopes_a_person_is_offered_what_her_roles_allow(small_desk: Desk) -> None:
    shown = small_desk.look(scope="taxii:read taxii:write api:write").text
    assert re.findall(r'name="granted" value="([^"]+)"', shown) == ["taxii:read"]
    assert "contributing over TAXII" in shown
    told = small_desk.exchange(led_to(small_desk.answer()).told["code"]).get_json()
    assert told["scope"] == "taxii:read"


def test_a_person_whose_roles_allow_nothing_of_it_can_only_refuse(small_world: World) -> None:
    desk = make_desk(small_world, "auditor")
    shown = desk.look(scope="taxii:read")
    assert "allow nothing" in shown.text
    assert 'value="let-in"' not in shown.text
    assert desk.answer(granted=["taxii:read"]).status_code == 400
    assert led_to(desk.answer("refuse")).told["error"] == "access_denied"


def test_without_scopes_a_tool_asks_for_all_that_it_may(small_desk: Desk) -> None:
    shown = small_desk.look(scope=None).text
    assert re.findall(r'name="granted" value="([^"]+)" checked', shown) == [
        "taxii:read",
        "api:read",
    ]


@pytest.mark.parametrize(
    "changed",
    [
        {"redirect_uri": "https://evil.example/back"},
        {"redirect_uri": f"{BACK}/"},
        {"redirect_uri": f"{BACK}?x=1"},
        {"redirect_uri": f"{BACK}#x"},
        {"redirect_uri": BACK.replace("https", "http")},
        {"redirect_uri": BACK.replace("workbench", "WORKBENCH")},
        {"redirect_uri": f"{BACK}@evil.example"},
        {"redirect_uri": "//evil.example"},
        {"redirect_uri": "javascript:alert(1)"},
        {"redirect_uri": 'https://"\\<>\0\u2603'},
        {"redirect_uri": ""},
        {"redirect_uri": None},
        {"redirect_uri": [BACK, "https://evil.example/back"]},
        {"redirect_uri": ["https://evil.example/back", BACK]},
        {"client_id": "tool-aaaaaaaaaaaaaaaa"},
        {"client_id": "nobody\0\u2603"},
        {"client_id": ""},
        {"client_id": None},
        {"client_id": ["tool-aaaaaaaaaaaaaaaa", "x"]},
        {"redirect_uri": "https://evil.example/back", "response_type": "token"},
        {"redirect_uri": "https://evil.example/back", "scope": "everything"},
    ],
)
def test_nobody_is_led_where_no_tool_is_registered(
    small_desk: Desk, changed: dict[str, Any]
) -> None:
    answer = small_desk.look(**changed)
    assert answer.status_code in {400, 404}
    assert "Location" not in answer.headers
    assert answer.content_type.startswith("text/html")
    assert 'href="https://evil' not in answer.text
    small_desk.look()
    sent = small_desk.fields() | {"answer": "let-in"} | changed
    posted = small_desk.browser.client.post(
        "/oauth/authorize", data={name: value for name, value in sent.items() if value is not None}
    )
    assert posted.status_code in {400, 404}
    assert "Location" not in posted.headers


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": 'code "\u2603'}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"scope": "taxii:read everything"}, "invalid_scope"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain", "code_challenge": VERIFIER}, "invalid_request"),
        ({"code_challenge_method": "s256"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": "~" * 43}, "invalid_request"),
        ({"code_challenge": ["a" * 43, "b" * 43]}, "invalid_request"),
    ],
)
def test_a_request_that_is_wrong_is_told_to_the_tool(
    small_desk: Desk, changed: dict[str, Any], error: str
) -> None:
    asked = led_to(small_desk.look(**changed))
    assert asked.address == BACK
    assert asked.told["error"] == error
    assert asked.told["state"] == "s t/a+t&e"
    assert asked.told["iss"] == HERE
    assert "code" not in asked.told


@pytest.mark.parametrize("name", ["state", "scope", "response_type"])
def test_what_is_said_twice_is_refused(small_desk: Desk, name: str) -> None:
    answer = small_desk.look(**{name: ["code", "code"]})
    assert answer.status_code == 400
    assert "Location" not in answer.headers


def test_a_changed_form_is_looked_at_again(small_desk: Desk) -> None:
    for changed, error in (
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"scope": "everything"}, "invalid_scope"),
    ):
        small_desk.look()
        assert led_to(small_desk.answer(**changed)).told["error"] == error


def test_a_visitor_signs_in_first_and_comes_back_to_what_was_asked(small_desk: Desk) -> None:
    visitor = Browser(small_desk.world)
    small_desk.browser = visitor
    led = small_desk.look()
    assert led.status_code == 303
    assert led.headers["Location"].startswith("/sign-in?next=/oauth/authorize?")
    form = visitor.get(led.headers["Location"])
    kept = re.search(r'name="next" value="([^"]+)"', form.text)
    assert kept is not None
    visitor.sign_in(BEA)
    back = visitor.client.get(led.headers["Location"])
    small_desk.shown = visitor.client.get(back.headers["Location"])
    assert small_desk.shown.status_code == 200
    assert led_to(small_desk.answer()).told["state"] == "s t/a+t&e"


def test_a_form_of_another_site_or_session_grants_nothing(small_desk: Desk) -> None:
    small_desk.look()
    foreign = small_desk.fields() | {"answer": "let-in"}
    client = small_desk.browser.client
    for sent, headers in (
        (foreign | {"csrf_token": ""}, {}),
        (foreign | {"csrf_token": "x"}, {}),
        (foreign, {"Sec-Fetch-Site": "cross-site"}),
        (foreign, {"Sec-Fetch-Site": "same-site"}),
    ):
        answer = client.post("/oauth/authorize", data=sent, headers=headers)
        assert answer.status_code == 400
        assert "Location" not in answer.headers
    other = Browser(
        small_desk.world, add_person(small_desk.world, "c@xbb.example", "XBB", "reader")
    )
    assert other.client.post("/oauth/authorize", data=foreign).status_code == 400
    assert "tool.grant" not in small_desk.actions()


def test_a_session_that_has_ended_grants_nothing(small_desk: Desk) -> None:
    small_desk.look()
    sent = small_desk.fields() | {"answer": "let-in"}
    small_desk.browser.get("/account")
    small_desk.browser.post("/sign-out")
    answer = small_desk.browser.client.post("/oauth/authorize", data=sent)
    assert answer.status_code == 403
    assert "Location" not in answer.headers


def test_no_page_frames_the_question_and_its_form_leads_to_the_tool_alone(
    small_desk: Desk,
) -> None:
    headers = small_desk.look().headers
    policy = headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' https://workbench.example;" in policy
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("registered", "asked", "place"),
    [
        ("http://127.0.0.1/back", "http://127.0.0.1:54321/back", "http://127.0.0.1:54321"),
        ("http://127.0.0.1:9/back", "http://127.0.0.1/back", "http://127.0.0.1"),
        ("http://[::1]/back", "http://[::1]:54321/back", "http:"),
    ],
)
def test_a_program_on_ones_own_computer_is_answered_at_any_port(
    small_world: World, registered: str, asked: str, place: str
) -> None:
    desk = make_desk(small_world, redirects=[registered], is_public=True)
    desk.back = asked
    shown = desk.look()
    assert "a program on your own computer" in shown.text
    assert f"form-action 'self' {place};" in shown.headers["Content-Security-Policy"]
    code = led_to(desk.answer())
    assert code.address == asked
    assert desk.exchange(code.told["code"]).status_code == 200
    for other in ("http://127.0.0.2:1/back", "http://localhost:1/back", f"{asked}x"):
        assert desk.look(redirect_uri=other).status_code == 400


def test_a_tool_of_another_member_a_revoked_one_and_none_are_alike(small_desk: Desk) -> None:
    world = small_desk.world
    others, revoked = register(world, member_code="XAA"), register(world)
    with world.database.write() as connection:
        revoke_tool(connection, revoked.id, actor="operator", now_us=world.clock())
    answers = {
        (small_desk.look(client_id=name).status_code, strip(small_desk.shown.text))
        for name in (others.id, revoked.id, "tool-aaaaaaaaaaaaaaaa")
    }
    assert len(answers) == 1
    assert next(iter(answers))[0] == 404
    for_all = register(world, member_code=None)
    assert small_desk.look(client_id=for_all.id).status_code == 200
    assert "by the operator of this installation" in small_desk.shown.text


def strip(text: str) -> str:
    """A page less what is its own each time: tokens, and its address."""
    return re.sub(r'value="[^"]*"', "", text)


def test_an_operator_who_acts_for_nobody_lets_nothing_in(small_desk: Desk) -> None:
    world = small_desk.world
    small_desk.tool = register(world, member_code=None)
    small_desk.browser = Browser(world, add_person(world, "op@comity.example", None, "operator"))
    assert "allow nothing" in small_desk.look().text
    assert small_desk.answer(granted=["taxii:read"]).status_code == 400


def test_a_tools_name_is_shown_as_text(small_world: World) -> None:
    desk = make_desk(small_world, name="<script>alert(1)</script>")
    shown = desk.look(state='"><script>alert(2)</script>').text
    assert "<script>alert" not in shown
    asked = led_to(desk.answer())
    assert asked.told["state"] == '"><script>alert(2)</script>'
