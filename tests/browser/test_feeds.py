"""A feed added by the page alone, at a real browser, from another real server; seen to arrive."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from playwright.sync_api import expect as wait_for

from auth.queries.persons import find_person
from auth.services.sessions import begin_session
from kernel.db import Database
from kernel.settings import Settings
from tests.browser.conftest import Watched
from tests.browser.places import Look
from tests.browser.test_every_page import COLOURS, LANGUAGES, find_faults
from tests.browsing import add_person
from tests.journeys.serving import serving
from tests.sharing.taxii.world import World, make_world

ANA = "ana@xaa.example"
KEY = b"s" * 32


def found(settings: Settings, folder: Path) -> World:
    """An installation of its own; its database is closed, for the server's process."""
    made = replace(settings, data_dir=str(folder), failed_delay_seconds=0.0)
    database = Database.open(made)
    return make_world(database, made)


@pytest.fixture
def partner(
    sqlite_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[str, World]]:
    """Another installation on a socket, where XBB sees three indicators of XAA's."""
    world = found(sqlite_settings, Path(sqlite_settings.data_dir))
    world.contribute(*world.indicators(3))
    world.database.close()
    monkeypatch.setenv("COMITY_EMBEDDED_WORKER", "false")
    with serving(world.settings, KEY) as base:
        yield base, world


@pytest.fixture
def home(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[str, str]]:
    """Where XAA's Ana is signed in: its address, and her session."""
    folder = tmp_path / "home"
    folder.mkdir()
    for each in sqlite_template.iterdir():
        if each.is_file():
            (folder / each.name).write_bytes(each.read_bytes())
    world = found(Settings(), folder)
    add_person(world, ANA, "XAA", "contributor", "member-admin")
    with world.database.write() as connection:
        person = find_person(connection, ANA)
        assert person is not None
        token = begin_session(
            connection,
            world.signer,
            person,
            "password",
            agent="a browser",
            now_us=time.time_ns() // 1000,
        )
    world.database.close()
    monkeypatch.setenv("COMITY_EGRESS_ALLOW", "127.0.0.0/8")
    monkeypatch.setenv("COMITY_EMBEDDED_WORKER", "true")
    with serving(world.settings, KEY) as base:
        yield base, token


def fill(page: Page, base: str, world: World, *, secret: str) -> None:
    user, _ = world.secrets["xbb"]
    page.fill("#name", "north")
    page.fill("#url", f"{base}/taxii2/harbour/")
    page.fill("#user", user)
    page.fill("#password", secret)
    page.select_option("#place", index=1)
    page.select_option("#every", "900")


@pytest.mark.parametrize("has_javascript", [True, False], ids=["javascript", "none"])
def test_a_feed_is_added_by_the_page_alone_and_arrives(
    chromium: Browser,
    partner: tuple[str, World],
    home: tuple[str, str],
    *,
    has_javascript: bool,
) -> None:
    (there, world), (base, token) = partner, home
    with ExitStack() as stack:
        context = chromium.new_context(base_url=base, java_script_enabled=has_javascript)
        stack.callback(context.close)
        context.add_cookies([{"name": "comity-session", "value": token, "url": base}])
        watched = Watched(context.new_page())
        page = watched.page
        page.set_default_timeout(30_000)
        page.goto("/sharing/feeds")
        page.click("text=Add a feed")
        # What is wrong is named before anything is kept.
        fill(page, there, world, secret="not-the-password")
        page.click("text=Test and add it")
        assert "It fails at the step “authenticate”" in page.inner_text("main")
        # The test tells which collections there are.
        fill(page, there, world, secret=world.secrets["xbb"][1])
        page.click("text=Only test the connection")
        assert "Reports" in page.inner_text("main")
        fill(page, there, world, secret=world.secrets["xbb"][1])
        page.select_option("#remote", world.collections["reports"])
        page.click("text=Test and add it")
        page.wait_for_url("**/sharing/feeds/*-*")
        # It runs by itself, and the page tells of it by itself.
        wait_for(page.locator("#live")).to_contain_text("3 new", timeout=60_000)
        address = page.url
        page.goto("/sharing/harbour/objects")
        page.click("text=indicator 2")
        assert "second-hand, through the feed" in page.inner_text("main")
        page.click("main dl >> text=north")
        assert page.url == address
        if has_javascript:
            faults = [one for one in watched.faults if "status of 400" not in one]
            assert faults == []
            for number, (rest, language) in enumerate(
                [
                    (rest, each)
                    for rest in ("", "/runs", "/secrets", "/remove")
                    for each in LANGUAGES
                ]
            ):
                other = chromium.new_context(
                    base_url=base, locale=language, color_scheme=COLOURS[number % 2]
                )
                stack.callback(other.close)
                other.add_cookies([{"name": "comity-session", "value": token, "url": base}])
                seen = Watched(other.new_page())
                seen.page.goto(f"{address}{rest}")
                direction = "rtl" if language == "ar" else "ltr"
                assert find_faults(seen, Look(rest, ANA, rest), direction) == []
