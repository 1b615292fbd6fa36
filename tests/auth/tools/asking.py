"""A tool that asks a person to be let in, and the person at her browser, in process."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from auth.services.tools import NewTool, Registered, add_tool
from tests.browsing import Browser, add_person
from tests.sharing.taxii.world import World

BACK = "https://workbench.example/back"
HERE = "http://localhost"
BEA = "bea@xbb.example"
VERIFIER = "v" * 64
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')
_TICKED = re.compile(r'name="granted" value="([^"]+)" checked')
_FORM = re.compile(r'<form method="post" action="/oauth/authorize".*?</form>', re.DOTALL)


def challenge_of(verifier: str) -> str:
    """RFC 7636 §4.2."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def register(world: World, **more: Any) -> Registered:
    """A tool of XBB's that may ask for everything, unless said."""
    told: dict[str, Any] = {
        "name": "Workbench",
        "redirects": [BACK],
        "scopes": ["taxii:read", "taxii:write", "api:read", "api:write"],
        "member_code": "XBB",
    }
    with world.database.write() as connection:
        return add_tool(
            connection,
            world.signer,
            NewTool(**(told | more)),
            actor="operator",
            now_us=world.clock(),
        )


@dataclass
class Asked:
    """What a tool is told at the address it registered."""

    address: str
    told: dict[str, str]


@dataclass
class Desk:
    """A person's browser, and a tool that knows its own secret."""

    world: World
    tool: Registered
    browser: Browser
    back: str = BACK
    shown: Any = None
    tokens: dict[str, Any] = field(default_factory=dict)

    def request(self, **changed: Any) -> dict[str, Any]:
        """The parameters with which a tool sends a person here; None takes one out."""
        asked = {
            "response_type": "code",
            "client_id": self.tool.id,
            "redirect_uri": self.back,
            "scope": "taxii:read api:read",
            "state": "s t/a+t&e",
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
        } | changed
        return {name: value for name, value in asked.items() if value is not None}

    def look(self, **changed: Any) -> Any:
        """What the person is shown; a redirect is not followed."""
        query = urlencode(self.request(**changed), doseq=True)
        self.shown = self.browser.client.get(f"/oauth/authorize?{query}")
        return self.shown

    def fields(self) -> dict[str, Any]:
        """The form of the page that is shown, as it would be sent."""
        found = _FORM.search(self.shown.text)
        assert found is not None, self.shown.text
        sent: dict[str, Any] = {
            name: html.unescape(value) for name, value in _HIDDEN.findall(found[0])
        }
        return sent | {"granted": _TICKED.findall(found[0])}

    def answer(self, answer: str = "let-in", **changed: Any) -> Any:
        """The person's button, on the page that is shown."""
        sent = self.fields() | {"answer": answer} | changed
        return self.browser.client.post("/oauth/authorize", data=sent)

    def consent(self, answer: str = "let-in", granted: Any = None, **changed: Any) -> Asked:
        """Look, press the button, and be led back to the tool."""
        assert self.look(**changed).status_code == 200, self.shown.text
        more = {} if granted is None else {"granted": granted}
        return led_to(self.answer(answer, **more))

    def code(self, **changed: Any) -> str:
        return self.consent(**changed).told["code"]

    def exchange(self, code: str, **changed: Any) -> Any:
        """The tool's own request for tokens (RFC 6749 §4.1.3)."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.back,
            "code_verifier": VERIFIER,
        }
        return self.post("/oauth/token", form | changed)

    def renew(self, refresh: str, **changed: Any) -> Any:
        form = {"grant_type": "refresh_token", "refresh_token": refresh}
        return self.post("/oauth/token", form | changed)

    def post(self, address: str, form: dict[str, Any]) -> Any:
        """As this tool: with its secret, or by its id alone where it has none."""
        own = {"client_id": self.tool.id}
        if self.tool.secret is not None:
            own["client_secret"] = self.tool.secret
        sent = {name: value for name, value in (own | form).items() if value is not None}
        return self.world.app.test_client().post(address, data=sent)

    def let_in(self, **changed: Any) -> dict[str, Any]:
        """The whole way: what the tool holds in the end."""
        answer = self.exchange(self.code(**changed))
        assert answer.status_code == 200, answer.text
        self.tokens = answer.get_json()
        return self.tokens

    def use(self, token: str, address: str = "/taxii2/", method: str = "GET", **rest: Any) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        answer = self.world.open(None, method, address, headers=headers, **rest)
        return answer.status_code

    def actions(self) -> list[str]:
        """What the audit trail of XBB says of tools and credentials, in its order."""
        browser = Browser(self.world, add_person(self.world, "aud@xbb.example", "XBB", "auditor"))
        rows = browser.get("/members/audit?format=json&limit=1000").get_json()["items"]
        told = [row["action"] for row in reversed(rows)]
        return [one for one in told if one.startswith(("tool.", "credential."))]


def led_to(answer: Any) -> Asked:
    """Where an answer leads, and what it tells there."""
    assert answer.status_code == 303, answer.text
    parts = urlsplit(answer.headers["Location"])
    told = {name: values[0] for name, values in parse_qs(parts.query).items()}
    assert len(told) == len(parse_qsl(parts.query))
    return Asked(f"{parts.scheme}://{parts.netloc}{parts.path}", told)


def make_desk(world: World, *roles: str, **more: Any) -> Desk:
    """Bea with these roles, signed in, before a tool."""
    email = add_person(world, BEA, "XBB", *(roles or ("reader",)))
    return Desk(world, register(world, **more), Browser(world, email))
