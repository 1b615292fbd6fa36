"""A passkey at a real browser, with Chromium's own virtual authenticator."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.conftest import Site, Watched

# Nobody else uses this person's link, or minds that the session ends.
WHO = "officer@borealia.example"
_DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def plug_in(page: Page) -> tuple[Any, str]:
    """Give the page's browser an authenticator; the session that commands it, and its id."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": _DEVICE})
    return session, made["authenticatorId"]


def sign_out(page: Page) -> None:
    page.click("header .who button")
    page.goto("/sign-in")


def test_a_person_adds_a_passkey_and_signs_in_with_it_alone(site: Site) -> None:
    # A passkey belongs to a host's name: an address in numbers has none.
    base = site.base.replace("127.0.0.1", "localhost")
    context = site.chromium.new_context(base_url=base)
    context.set_default_timeout(20_000)
    watched = Watched(context.new_page())
    page = watched.page
    session, device = plug_in(page)
    page.goto(site.link_of(WHO).replace("127.0.0.1", "localhost"))
    page.click("main button")
    page.goto("/account/passkeys")
    page.fill("#name", "the blue key")
    page.click("form[data-passkey] button")
    expect(page.get_by_role("rowheader", name="the blue key")).to_be_visible()
    sign_out(page)
    page.click("form[data-passkey] button")
    page.wait_for_url(lambda address: "/sign-in" not in address)
    page.goto("/account")
    expect(page.get_by_text(WHO).first).to_be_visible()
    assert watched.faults == []
    sign_out(page)
    session.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": False})
    page.click("form[data-passkey] button")
    expect(page.locator("form[data-passkey] [data-failed]")).not_to_be_empty()
    context.close()
