"""A tool that others wrote is let in, over sockets: Authlib's own client, on both databases."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc6749.errors import MismatchingStateException

from auth import services as auth_services
from auth.queries.persons import find_person
from auth.services.links import make_link
from auth.services.tools import NewTool, Registered, add_tool, revoke_tool
from kernel.clock import now_us
from kernel.db import Database
from kernel.settings import Settings
from tests.journeys.serving import serving
from tests.sharing.taxii.world import World, make_world

BACK = "http://127.0.0.1:54321/back"
BEA = "b@xbb.example"
# One's own server on the loopback has no certificate.
PLAIN = {"AUTHLIB_INSECURE_TRANSPORT": "1"}
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')
_MAIN = re.compile(r"<main.*?</main>", re.DOTALL)
_TICKED = re.compile(r'name="granted" value="([^"]+)" checked')


@dataclass
class Hub:
    """A world whose server answers at `base`, and what it says of itself."""

    world: World
    base: str
    metadata: dict[str, Any]

    def person(self) -> requests.Session:
        """Bea of XBB, who reads, signed in by a link that works once."""
        with self.world.database.write() as connection:
            found = find_person(connection, BEA)
            assert found is not None
            token = make_link(
                connection, self.world.signer, found, actor="operator", now_us=now_us()
            )
        browser = requests.Session()
        shown = browser.get(f"{self.base}/sign-in/link", params={"token": token}, timeout=20)
        sent = dict(_HIDDEN.findall(main_of(shown.text)))
        answer = browser.post(f"{self.base}/sign-in/link", data=sent, timeout=20)
        assert answer.url == f"{self.base}/account"
        return browser

    def tool(self, **more: Any) -> Registered:
        told: dict[str, Any] = {
            "name": "Workbench",
            "redirects": ["http://127.0.0.1/back"],
            "scopes": ["taxii:read", "taxii:write", "api:read"],
            "member_code": "XBB",
        }
        with self.world.database.write() as connection:
            return add_tool(
                connection,
                self.world.signer,
                NewTool(**(told | more)),
                actor="operator",
                now_us=now_us(),
            )

    def client(self, tool: Registered, **more: Any) -> OAuth2Session:
        """Authlib's own client, with what the metadata tells."""
        return OAuth2Session(
            tool.id,
            tool.secret,
            token_endpoint_auth_method="none" if tool.secret is None else "client_secret_basic",
            redirect_uri=BACK,
            scope="taxii:read api:read",
            code_challenge_method="S256",
            token_endpoint=self.metadata["token_endpoint"],
            **more,
        )


def main_of(text: str) -> str:
    found = _MAIN.search(text)
    assert found is not None, text
    return found[0]


def let_in(browser: requests.Session, address: str, *, but: str = "") -> str:
    """Where the tool is answered, when the person is asked and presses the button.

    The person takes away the tick from `but`.
    """
    shown = browser.get(address, timeout=20)
    assert shown.status_code == 200, shown.text
    asked = main_of(shown.text)
    assert "Let Workbench in?" in asked
    sent: dict[str, Any] = {name: html.unescape(value) for name, value in _HIDDEN.findall(asked)}
    granted = [scope for scope in _TICKED.findall(asked) if scope != but]
    sent |= {"granted": granted, "answer": "let-in"}
    place = shown.url.partition("?")[0]
    answer = browser.post(place, data=sent, allow_redirects=False, timeout=20)
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


@pytest.fixture(scope="module")
def hub(shared_settings: Settings) -> Iterator[Hub]:
    """XAA has contributed something that XBB is granted."""
    database = Database.open(shared_settings)
    world = make_world(database, shared_settings)
    world.contribute(*world.indicators(3))
    with serving(shared_settings, b"s" * 32) as base:
        place = f"{base}/.well-known/oauth-authorization-server"
        yield Hub(world, base, requests.get(place, timeout=20).json())
    database.close()


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in PLAIN.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("is_public", [True, False])
def test_a_foreign_client_is_let_in_reads_renews_and_is_taken_back(
    hub: Hub, is_public: bool
) -> None:
    assert hub.metadata["issuer"] == hub.base
    browser, tool = hub.person(), hub.tool(is_public=is_public)
    client, verifier = hub.client(tool), "v" * 64
    address, state = client.create_authorization_url(
        hub.metadata["authorization_endpoint"], code_verifier=verifier
    )
    back = let_in(browser, address)
    assert back.startswith(f"{BACK}?")
    told = parse_qs(urlsplit(back).query)
    assert (told["state"], told["iss"]) == ([state], [hub.base])
    token = client.fetch_token(authorization_response=back, code_verifier=verifier, state=state)
    assert token["scope"] == "taxii:read api:read"

    page = client.get(f"{hub.base}{hub.world.address()}", timeout=20)
    assert page.status_code == 200, page.text
    assert len(page.json()["objects"]) == 3
    me = client.get(f"{hub.base}/api/v1/me", timeout=20).json()
    assert (me["person"], me["kind"], me["member"]) == (BEA, "individual", "XBB")
    received = client.get(f"{hub.base}/api/v1/forums/harbour/received", timeout=20).json()
    assert me["credential"] in {one["credential"] for one in received["items"]}

    renewed = client.refresh_token(hub.metadata["token_endpoint"])
    assert renewed["refresh_token"] != token["refresh_token"]
    assert client.get(f"{hub.base}/taxii2/", timeout=20).status_code == 200
    taken = re.search(
        rf'action="(/account/tools/{me["credential"]}/take-back)"',
        browser.get(f"{hub.base}/account", timeout=20).text,
    )
    assert taken is not None
    shown = browser.get(f"{hub.base}/account", timeout=20).text
    sent = {"csrf_token": dict(_HIDDEN.findall(shown))["csrf_token"]}
    assert browser.post(f"{hub.base}{taken[1]}", data=sent, timeout=20).status_code == 200
    assert client.get(f"{hub.base}/taxii2/", timeout=20).status_code == 401
    with pytest.raises(OAuthError, match="invalid_grant"):
        client.refresh_token(hub.metadata["token_endpoint"])


def test_a_foreign_client_with_another_verifier_or_state_gets_nothing(hub: Hub) -> None:
    browser, client = hub.person(), hub.client(hub.tool(is_public=True))
    endpoint = hub.metadata["authorization_endpoint"]
    address, state = client.create_authorization_url(endpoint, code_verifier="v" * 64)
    back = let_in(browser, address)
    with pytest.raises(OAuthError, match="invalid_grant"):
        client.fetch_token(authorization_response=back, code_verifier="w" * 64, state=state)
    with pytest.raises(MismatchingStateException):
        client.fetch_token(authorization_response=back, code_verifier="v" * 64, state="other")


def test_a_foreign_client_that_was_granted_less_goes_on_with_less(hub: Hub) -> None:
    """It asks for the whole again each time, as clients do."""
    client = hub.client(hub.tool(is_public=True))
    endpoint = hub.metadata["authorization_endpoint"]
    address, state = client.create_authorization_url(endpoint, code_verifier="v" * 64)
    back = let_in(hub.person(), address, but="taxii:read")
    token = client.fetch_token(authorization_response=back, code_verifier="v" * 64, state=state)
    assert token["scope"] == "api:read"
    assert client.refresh_token(hub.metadata["token_endpoint"])["scope"] == "api:read"
    assert client.get(f"{hub.base}/api/v1/me", timeout=20).status_code == 200
    assert client.get(f"{hub.base}/taxii2/", timeout=20).status_code == 403


def test_a_foreign_client_gives_its_tokens_up(hub: Hub) -> None:
    client = hub.client(hub.tool(), revocation_endpoint_auth_method="client_secret_basic")
    address, state = client.create_authorization_url(
        hub.metadata["authorization_endpoint"], code_verifier="v" * 64
    )
    back = let_in(hub.person(), address)
    token = client.fetch_token(authorization_response=back, code_verifier="v" * 64, state=state)
    answer = client.revoke_token(
        hub.metadata["revocation_endpoint"], token["refresh_token"], "refresh_token"
    )
    assert answer.status_code == 200
    assert client.get(f"{hub.base}/taxii2/", timeout=20).status_code == 401


def test_a_tool_that_is_revoked_is_refused_by_the_server_that_runs(hub: Hub) -> None:
    tool = hub.tool()
    client = hub.client(tool)
    address, state = client.create_authorization_url(
        hub.metadata["authorization_endpoint"], code_verifier="v" * 64
    )
    browser = hub.person()
    back = let_in(browser, address)
    client.fetch_token(authorization_response=back, code_verifier="v" * 64, state=state)
    assert client.get(f"{hub.base}/taxii2/", timeout=20).status_code == 200
    with hub.world.database.write() as connection:
        revoke_tool(connection, tool.id, actor=auth_services.OPERATOR, now_us=now_us())
    assert client.get(f"{hub.base}/taxii2/", timeout=20).status_code == 401
    assert browser.get(address, timeout=20).status_code == 404
