"""Every route and method is signed; an unsigned one stays shut and is found out."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.views import MethodView

from auth.doors import Permission, door, find_sign
from sharing.gate.releasable import RELEASE_EXTENSION
from tests.browsing import Browser, add_person
from tests.sharing.taxii.world import World


def list_unsigned(app: Flask) -> list[tuple[str, str]]:
    return [
        (rule.rule, method)
        for rule in app.url_map.iter_rules()
        for method in sorted(rule.methods or ())
        if find_sign(app, rule.endpoint, method) is None
    ]


@pytest.fixture
def opened(small_world: World) -> World:
    """An application that has answered nothing yet, so that routes can be added."""
    small_world.with_app_of_its_own()
    return small_world


def test_every_route_and_method_is_signed(small_world: World) -> None:
    assert list_unsigned(small_world.app) == []
    assert len(list(small_world.app.url_map.iter_rules())) > 20


def test_what_is_open_to_all_is_a_short_list(small_world: World) -> None:
    app = small_world.app
    public = {
        rule.rule
        for rule in app.url_map.iter_rules()
        for method in ("GET", "POST")
        if find_sign(app, rule.endpoint, method) in {Permission.PUBLIC, Permission.VISITOR}
    }
    assert public == {
        "/",
        "/healthz",
        "/language",
        "/sign-in",
        "/sign-in/link",
        "/sign-in/passkey",
        "/sign-in/provider",
        "/sign-in/provider/return",
        "/static/<path:name>",
        "/api/v1/openapi.json",
        "/oauth/token",
        "/oauth/revoke",
        "/.well-known/oauth-authorization-server",
        f"/schemas/{RELEASE_EXTENSION}.json",
    }


@pytest.mark.parametrize("address", ["/unsigned", "/api/v1/unsigned", "/taxii2/x/y/unsigned"])
def test_an_unsigned_route_stays_shut_and_is_found_out(opened: World, address: str) -> None:
    opened.app.add_url_rule(address, "unsigned", lambda: "inside", methods=["GET"])
    assert (address, "GET") in list_unsigned(opened.app)
    for who in (None, "xaa"):
        answer = opened.get(who, address)
        assert answer.status_code in {401, 404}
        assert b"inside" not in answer.data


def test_a_class_of_views_is_signed_method_by_method(opened: World) -> None:
    class Both(MethodView):
        @door(Permission.API_READ)
        def get(self) -> str:
            return "read"

        def post(self) -> str:
            return "inside"

    opened.app.add_url_rule("/api/v1/both", view_func=Both.as_view("both"))
    assert [entry for entry in list_unsigned(opened.app) if entry[0] == "/api/v1/both"] == [
        ("/api/v1/both", "POST")
    ]
    assert opened.get("xaa", "/api/v1/both").data == b"read"
    assert opened.open("xaa", "HEAD", "/api/v1/both").status_code == 200
    assert opened.open("xaa", "POST", "/api/v1/both").status_code == 404


@pytest.mark.parametrize(
    "address", ["/taxii2/nothing/at/all/here", "/api/v1/nothing", "/api/", "/api", "/api/%00"]
)
def test_nobody_learns_without_a_credential_what_exists(world: World, address: str) -> None:
    known = world.get(None, "/taxii2/")
    answer = world.get(None, address)
    assert (known.status_code, answer.status_code) == (401, 401)
    assert world.get("xaa", address).status_code == 404


@pytest.mark.parametrize("address", ["/nothing", "/taxii2x/", "/apiary", "/oauth/nothing"])
def test_an_unknown_address_elsewhere_is_not_found(small_world: World, address: str) -> None:
    assert small_world.get(None, address).status_code == 404


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "DELETE", "BREW"])
def test_nobody_learns_without_a_credential_what_an_address_takes(
    small_world: World, method: str
) -> None:
    for address in ("/taxii2/", "/taxii2/harbour/", "/taxii2/nowhere/", "/api/v1/me", "/api/v1/x"):
        assert small_world.open(None, method, address).status_code == 401, address


@pytest.mark.parametrize("address", ["/taxii2/", "/taxii2/harbour/", "/api/v1/me", "/"])
def test_a_client_that_asks_for_the_head_gets_no_body(small_world: World, address: str) -> None:
    whole, head = small_world.get("xaa", address), small_world.open("xaa", "HEAD", address)
    assert (head.status_code, head.data) == (200, b"")
    assert head.content_type == whole.content_type


def test_a_mark_that_is_no_permission_opens_nothing(opened: World) -> None:
    for number, mark in enumerate(("public", True, None)):

        def view() -> str:
            return "inside"

        setattr(view, "__comity_sign__", mark)  # noqa: B010 - as a careless module would
        opened.app.add_url_rule(f"/marked/{number}", f"marked-{number}", view)
        assert find_sign(opened.app, f"marked-{number}", "GET") is None
    for number in range(3):
        assert opened.get(None, f"/marked/{number}").status_code == 404


def test_no_method_is_answered_that_no_door_names(small_world: World) -> None:
    for method in ("OPTIONS", "PUT", "PATCH", "TRACE"):
        assert small_world.open("xaa", method, "/taxii2/").status_code == 405
    header = {"X-HTTP-Method-Override": "DELETE"}
    assert small_world.open("xaa", "GET", "/taxii2/", headers=header).status_code == 200


def test_a_scope_opens_only_the_doors_of_its_name(world: World) -> None:
    objects, one = world.address(), world.address(rest="objects/x/")
    assert world.get("xaa-reads", objects).status_code == 200
    assert world.post("xaa-reads", objects, {"objects": []}).status_code == 403
    assert world.get("xaa-writes", objects).status_code == 403
    assert world.post("xaa-writes", objects, {"objects": []}).status_code == 202
    assert world.get("xaa-api", "/taxii2/").status_code == 403
    assert world.get("xaa-reads", "/api/v1/me").status_code == 403
    assert world.delete("xaa-api", one).status_code == 403


def test_a_page_is_entered_by_whom_it_is_for(small_world: World) -> None:
    add_person(small_world, "ana@xaa.example", "XAA", "reader")
    add_person(small_world, "ops@comity.example", None, "operator")
    visitor = Browser(small_world)
    person, operator = (
        Browser(small_world, email) for email in ("ana@xaa.example", "ops@comity.example")
    )
    led = visitor.client.get("/account?x=1")
    assert (led.status_code, led.headers["Location"]) == (303, "/sign-in?next=/account?x%3D1")
    assert visitor.post("/account/password", {"password": "x"}).status_code == 403
    assert visitor.client.post("/sign-in").status_code == 400
    wanted = {"/account": (200, 200), "/sharing": (200, 403), "/operator": (403, 200)}
    for address, statuses in wanted.items():
        found = tuple(one.client.get(address).status_code for one in (person, operator))
        assert found == statuses, address
