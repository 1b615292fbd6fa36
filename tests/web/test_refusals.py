"""Refusals as people and programs read them: a problem, a page, and the right headers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from werkzeug.exceptions import Conflict, ImATeapot, InternalServerError

from kernel.errors import StorageFull, TooMany, Unavailable
from tests.sharing.taxii.world import World
from tests.web.test_answers import world
from web.errors import answer_error, init_errors, is_below
from web.headers import init_headers
from web.problems import phrase_of

__all__ = ["world"]

HOSTILE = "<script>alert(1)</script>"


def raising(fault: Exception) -> Callable[[], str]:
    def fail() -> str:
        raise fault

    return fail


@pytest.fixture
def bare() -> Flask:
    """An application that holds nothing but the web room's answers."""
    app = Flask("bare", static_folder=None)
    init_headers(app)
    init_errors(app)
    return app


def test_a_hostile_address_is_nowhere_in_the_page_that_refuses_it(world: World) -> None:
    answer = world.get(None, f"/{HOSTILE}")
    assert answer.status_code == 404
    assert answer.content_type == "text/html; charset=utf-8"
    assert "alert(1)" not in answer.text


def test_what_a_refusal_says_is_text_on_its_page(bare: Flask) -> None:
    with bare.test_request_context("/"):
        answer = answer_error(TooMany("x.y", HOSTILE, retry_after_seconds=7))
    assert "<script" not in answer.get_data(as_text=True)
    assert "&lt;script&gt;" in answer.get_data(as_text=True)
    assert answer.headers["Retry-After"] == "7"


def test_who_meets_what_will_pass_is_told_when_to_try_again(bare: Flask) -> None:
    with bare.test_request_context("/"):
        answer = answer_error(Unavailable("x.y", "try again"))
        full = answer_error(StorageFull("x.z", "make room"))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "Retry-After" not in full.headers


def test_the_same_refusal_is_a_problem_below_the_api(bare: Flask) -> None:
    with bare.test_request_context("/api/v1/x"):
        answer = answer_error(TooMany("x.y", HOSTILE, retry_after_seconds=7))
    assert answer.content_type == "application/problem+json"
    assert answer.get_json() == {
        "title": "Too Many Requests",
        "status": 429,
        "detail": HOSTILE,
        "code": "x.y",
    }


@pytest.mark.parametrize("address", ["/broken", "/api/broken"])
def test_what_libraries_raise_is_told_in_our_words(bare: Flask, address: str) -> None:
    for number, fault in enumerate((Conflict(HOSTILE), ImATeapot(HOSTILE))):
        path = f"{address}/{number}"
        bare.add_url_rule(path, path, raising(fault))
    for number, status in enumerate((409, 418)):
        answer = bare.test_client().get(f"{address}/{number}")
        assert answer.status_code == status
        assert "script" not in answer.text


@pytest.mark.parametrize("fault", [InternalServerError("inside"), RuntimeError("inside")])
def test_a_fault_is_an_incident_whoever_raised_it(bare: Flask, fault: Exception) -> None:
    bare.add_url_rule("/api/fault", "fault", raising(fault))
    answer = bare.test_client().get("/api/fault")
    assert (answer.status_code, answer.get_json()["code"]) == (500, "web.incident")
    assert "inside" not in answer.text


def test_each_incident_has_a_number_of_its_own(bare: Flask) -> None:
    bare.add_url_rule("/api/fault", "fault", raising(RuntimeError("inside")))
    told = {bare.test_client().get("/api/fault").get_json()["detail"] for _ in range(5)}
    assert len(told) == 5


def test_a_client_learns_which_methods_an_address_takes(world: World) -> None:
    answer = world.open("xaa", "PUT", "/api/v1/me")
    assert answer.status_code == 405
    assert {"GET", "HEAD"} <= {name.strip() for name in answer.headers["Allow"].split(",")}


def test_a_body_larger_than_the_limit_is_refused(world: World) -> None:
    world.with_settings(max_content_length=1000)
    answer = world.post("xaa", world.address(), b"{" + b" " * 2000)
    assert answer.status_code == 413


def test_a_browser_that_came_by_https_is_told_to_stay(world: World) -> None:
    plain = world.get(None, "/")
    safe = world.app.test_client().get("/", base_url="https://comity.example")
    assert "Strict-Transport-Security" not in plain.headers
    assert "max-age=" in safe.headers["Strict-Transport-Security"]


def test_forwarded_headers_are_believed_of_counted_proxies_alone(world: World) -> None:
    sent = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}
    assert "evil.example" not in world.get(None, "/", headers=sent).text
    world.with_app_of_its_own(trusted_proxies=1)
    sent["X-Forwarded-Host"] = "comity.example"
    answer = world.get(None, "/", headers=sent)
    assert "https://comity.example/taxii2/" in answer.text
    assert "Strict-Transport-Security" in answer.headers


def test_a_set_address_is_given_out_whatever_the_host_header_says(world: World) -> None:
    world.with_settings(public_url="https://comity.example/")
    answer = world.get(None, "/", headers={"Host": "evil.example"})
    assert "https://comity.example/taxii2/" in answer.text
    assert "evil.example" not in answer.text


@pytest.mark.parametrize(
    ("method", "address"), [("GET", "/"), ("GET", "/taxii2/"), ("POST", "/oauth/token")]
)
def test_a_name_that_is_no_host_is_refused_everywhere(
    world: World, method: str, address: str
) -> None:
    answer = world.open("xaa", method, address, headers={"Host": 'a"b<>'})
    assert answer.status_code == 400
    assert "Host" in answer.text


def test_a_part_of_the_address_space_ends_at_its_slash() -> None:
    assert is_below("/api/v1", "/api/")
    assert is_below("/api", "/api/")
    assert not is_below("/apiary", "/api/")


def test_an_unknown_status_still_has_a_phrase() -> None:
    assert (phrase_of(404), phrase_of(499)) == ("Not Found", "Refused")
