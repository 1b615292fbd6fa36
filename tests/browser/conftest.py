"""A real browser at a real server: the demonstration, with people of two fictional States.

One server and one Chromium for all tests of a process; each test has a browser context of its
own. A person's session is begun once, by the link that the demonstration prints.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

from tests.journeys.test_demo import demonstrating

ARGUMENTS = (
    *("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    # No page runs for so long that compiling its scripts at length would pay.
    "--js-flags=--max-lazy --no-turbofan",
)
# The shell first: the same engine without a window's machinery, at half the cost.
_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
_PATIENCE_MS = 20_000


@dataclass
class Site:
    """A demonstration that is serving, and the sessions that were begun there."""

    document: dict[str, Any]
    chromium: Browser
    states: dict[str, Any] = field(default_factory=dict)
    waiting: str | None = None
    tried: str | None = None

    @property
    def base(self) -> str:
        return str(self.document["url"]).rstrip("/")

    @property
    def collection(self) -> str:
        return str(self.document["collections"][0]["id"])

    def link_of(self, who: str) -> str:
        return next(str(one["sign_in"]) for one in self.document["people"] if one["email"] == who)

    def recording_seen_by(self, who: str) -> str:
        """The address of what waits for a second person of a secretariat, this person's."""
        if self.waiting is None:
            context = self.context(who, base_url=self.base)
            listed = context.request.get("/norms/recordings?format=json").json()["items"]
            self.waiting = f"/norms/recordings/{listed[0]['id']}"
            context.close()
        return self.waiting

    def simulation_of(self, who: str, policy: str) -> str:
        """The address of what the policy at this address would change, tried out by this person."""
        if self.tried is None:
            context = self.context(who, base_url=self.base)
            page = context.new_page()
            page.goto(f"{policy}/edit")
            # Everything later and less: each part of the page has something to say.
            rule = {"id": "later", "effect": "share", "audience": {"any": ["forum"]}}
            changed = {"rules": [rule | {"omit": ["description"], "delay": "P9000D"}]}
            page.fill("#document", json.dumps(changed))
            page.click("main form button.main")
            name = page.input_value("input[name=simulation]")
            self.tried = f"{policy}/simulations/{name}"
            context.close()
        return self.tried

    def context(self, who: str | None = None, **options: Any) -> BrowserContext:
        """A browser of its own in which this person is signed in; None is a visitor."""
        made = self.chromium.new_context(storage_state=self._begin(who), **options)
        made.set_default_timeout(_PATIENCE_MS)
        return made

    def sign_in(self, context: BrowserContext, who: str | None) -> None:
        """Let this person go on in a browser in which another was signed in, or nobody."""
        context.clear_cookies()
        state = self._begin(who)
        if state is not None:
            context.add_cookies(state["cookies"])

    def _begin(self, who: str | None) -> Any:
        """What a browser keeps of a person's session."""
        if who is not None and who not in self.states:
            first = self.chromium.new_context()
            page = first.new_page()
            page.set_default_timeout(_PATIENCE_MS)
            page.goto(self.link_of(who))
            page.click("main button")
            page.wait_for_url("**/account")
            self.states[who] = first.storage_state()
            first.close()
        return self.states[who] if who is not None else None


@dataclass
class Watched:
    """A page of which everything that goes wrong is kept."""

    page: Page
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        self.page.on("dialog", self._close_dialog)
        self.page.on("console", self._hear)

    def _close_dialog(self, dialog: Any) -> None:
        self.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _hear(self, message: Any) -> None:
        if message.type == "error":
            self.faults.append(f"console: {message.text}")


def find_chromium() -> str:
    """Where Chromium is on this machine."""
    path = next((found for name in _NAMES if (found := shutil.which(name))), None)
    assert path is not None, "there is no Chromium: .ci/browser installs it"
    return path


@pytest.fixture(scope="session")
def playwright_() -> Iterator[Playwright]:
    with sync_playwright() as made:
        yield made


@pytest.fixture(scope="session")
def chromium(playwright_: Playwright) -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    made = playwright_.chromium.launch(executable_path=find_chromium(), args=list(ARGUMENTS))
    yield made
    made.close()


@pytest.fixture(scope="session")
def site(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The demonstration on a socket."""
    with demonstrating(tmp_path_factory.mktemp("site")) as document:
        yield Site(document, chromium)


@pytest.fixture
def open_page(site: Site) -> Iterator[Callable[..., Watched]]:
    """Opens pages in browsers that are closed when the test ends."""
    made: list[BrowserContext] = []

    def open_(who: str | None = None, **options: Any) -> Watched:
        context = site.context(who, base_url=site.base, **options)
        made.append(context)
        return Watched(context.new_page())

    yield open_
    for context in made:
        context.close()
