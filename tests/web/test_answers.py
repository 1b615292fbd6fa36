"""What the web room answers by itself: problems, pages, headers, faults that nobody foresaw."""

from __future__ import annotations

import pytest

from auth.doors import Permission, door
from kernel.db import Database
from kernel.settings import Settings
from tests.sharing.taxii.world import World, make_world


@pytest.fixture
def world(sqlite_database: Database, sqlite_settings: Settings) -> World:
    return make_world(sqlite_database, sqlite_settings)


def test_a_fault_nobody_foresaw_tells_a_number_and_nothing_else(world: World) -> None:
    @door(Permission.PUBLIC)
    def fail() -> str:
        raise RuntimeError("a secret of the inside")

    world.with_app_of_its_own()
    for address in ("/fail", "/api/v1/fail", "/taxii2/fail/x/y/z/q"):
        world.app.add_url_rule(address, address, fail)
    for address in ("/fail", "/api/v1/fail", "/taxii2/fail/x/y/z/q"):
        answer = world.get(None, address)
        assert answer.status_code == 500
        assert "secret of the inside" not in answer.text
        assert "incident" in answer.text


def test_a_hostile_title_is_text_on_the_landing_page(world: World) -> None:
    world.with_settings(title="<script>alert(1)</script>", contact="'\"><img src=x>")
    answer = world.get(None, "/", headers={"Accept": "text/html"})
    assert answer.status_code == 200
    assert "<script>" not in answer.text
    assert "<img" not in answer.text


def test_every_answer_carries_the_headers_of_a_careful_server(world: World) -> None:
    for who, address in ((None, "/"), ("xaa", "/taxii2/"), ("xaa", "/api/v1/me"), (None, "/no")):
        headers = world.get(who, address).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        if who is not None:
            assert "no-store" in headers["Cache-Control"]


def test_the_health_page_answers_without_content(world: World) -> None:
    answer = world.get(None, "/healthz")
    assert answer.status_code == 200
    assert len(answer.data) < 50


def test_a_problem_of_the_api_names_its_code(world: World) -> None:
    answer = world.get("xaa", "/api/v1/forums/nowhere/policy")
    assert answer.content_type == "application/problem+json"
    told = answer.get_json()
    assert (told["status"], told["code"]) == (404, "sharing.unknown-forum")
