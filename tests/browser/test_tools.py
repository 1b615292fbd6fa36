"""A tool is let in at a real browser: asked, led back, seen in the account, taken back."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.auth.tools.asking import VERIFIER, challenge_of
from tests.browser.conftest import Site, Watched
from tests.browser.places import ANALYST, OFFICER

_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@contextmanager
def listening() -> Iterator[tuple[str, list[str]]]:
    """A program on one's own computer: where it is answered, and the queries that came."""
    came: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/back"):  # and no icon
                came.append(urlsplit(self.path).query)
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>Back</title><h1>Back at the tool</h1>")

        def log_message(self, *_said: Any) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/back", came
        finally:
            server.shutdown()
            thread.join()


def register(watched: Watched, name: str) -> str:
    """What an administrator does at its page; the client id of the new tool."""
    page = watched.page
    page.goto("/members/tools")
    page.fill("#name", name)
    page.select_option("#kind", "public")
    page.fill("#redirects", "http://127.0.0.1/back")
    for scope in ("reading over TAXII", "reading over the JSON API"):
        page.get_by_label(scope).check()
    page.get_by_role("button", name="Register it").click()
    return page.locator("dd code").first.inner_text()


def test_a_person_lets_a_tool_in_and_takes_it_back(
    site: Site, open_page: Callable[..., Watched]
) -> None:
    officer, analyst = open_page(OFFICER), open_page(ANALYST)
    tool_id, page = register(officer, "Browser's tool"), analyst.page
    with listening() as (back, came):
        asked = {
            "response_type": "code",
            "client_id": tool_id,
            "redirect_uri": back,
            "state": "s",
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
        }
        address = f"{site.base}/oauth/authorize?{urlencode(asked)}"
        page.goto(address)
        expect(page.get_by_role("heading", level=1)).to_have_text("Let Browser's tool in?")
        assert Axe().run(page, options=_RULES).violations_count == 0
        page.get_by_label("read over TAXII").uncheck()
        page.get_by_role("button", name="Let it in").click()
        # The answer to the form leads to another origin, which the page's policy has to allow.
        expect(page.get_by_role("heading", level=1)).to_have_text("Back at the tool")
        page.goto(address)
        page.get_by_role("button", name="Refuse").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Back at the tool")
        agreed, refused = (parse_qs(one) for one in came)
    assert (agreed["state"], refused["error"]) == (["s"], ["access_denied"])
    token = exchange(site, tool_id, agreed["code"][0], back)
    assert token["scope"] == "api:read"
    assert ask(site, token) == 200
    page.goto("/account")
    expect(page.get_by_role("rowheader", name="Browser's tool")).to_be_visible()
    page.get_by_role("button", name="Take back what Browser's tool may do").click()
    expect(page.get_by_role("status")).to_contain_text("may do nothing in your name any more")
    assert ask(site, token) == 401
    assert analyst.faults == []
    assert officer.faults == []


def exchange(site: Site, tool_id: str, code: str, back: str) -> dict[str, Any]:
    form = {
        "grant_type": "authorization_code",
        "client_id": tool_id,
        "code": code,
        "redirect_uri": back,
        "code_verifier": VERIFIER,
    }
    answer = requests.post(f"{site.base}/oauth/token", data=form, timeout=20)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = json.loads(answer.text)
    return told


def ask(site: Site, token: dict[str, Any]) -> int:
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    return requests.get(f"{site.base}/api/v1/me", headers=headers, timeout=20).status_code


def test_the_question_is_asked_from_the_right_in_arabic(
    site: Site, open_page: Callable[..., Watched]
) -> None:
    tool_id = register(open_page(OFFICER), "Reader of notes")
    watched = open_page(ANALYST, locale="ar", color_scheme="dark")
    asked = {
        "response_type": "code",
        "client_id": tool_id,
        "redirect_uri": "http://127.0.0.1:1/back",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    }
    watched.page.goto(f"{site.base}/oauth/authorize?{urlencode(asked)}")
    assert watched.page.get_attribute("html", "dir") == "rtl"
    expect(watched.page.get_by_role("heading", level=1)).to_contain_text("Reader of notes")
    assert Axe().run(watched.page, options=_RULES).violations_count == 0
    assert watched.faults == []
