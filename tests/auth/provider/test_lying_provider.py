"""A member's identity provider signs its people in, and no others, whatever it says."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from joserfc.jwk import RSAKey
from sqlalchemy import select

from auth import services as auth_services
from auth.queries.providers import find_provider_of
from auth.services.providers import open_secret, remove_provider, set_provider
from auth.tables import audit, identity_provider
from kernel.clock import MINUTE_US
from kernel.errors import BadInput, Misconfigured, NotFound
from kernel.signing import Signer
from tests.auth.provider.lying import CLIENT, SECRET, Lying
from tests.browsing import Browser, add_person
from tests.kernel.outbound.listening import answer, listening
from tests.sharing.taxii.world import World

ANA, OWN = "ana@xaa.example", "/account/provider"
_LINK = re.compile(r'class="button" href="(http://127[^"]+)"')
_KEY = RSAKey.generate_key(2048, {"kid": "1"})


@pytest.fixture
def provider(world: World) -> Iterator[Lying]:
    """XAA's provider; the world's clock is that of the host, as the provider's is."""
    world.clock.now_us = time.time_ns() // 1000
    world.app.extensions["comity.throttle"]._delay_seconds = 0.0
    made = Lying(key=_KEY)
    server = made.open()
    put(world, made.issuer)
    add_person(world, ANA, "XAA", "reader")
    yield made
    server.shutdown()
    server.server_close()


def put(world: World, issuer: str, code: str = "XAA", **more: str) -> None:
    given = {"client_id": CLIENT, "secret": SECRET} | more
    with world.database.write() as connection:
        set_provider(
            connection,
            world.signer,
            code,
            issuer=issuer,
            actor="operator",
            now_us=world.clock(),
            **given,
        )


def leave(browser: Browser, member: str = "XAA") -> str:
    """The address at the provider that a visitor is sent to."""
    browser.get("/sign-in")
    found = _LINK.search(browser.post("/sign-in/provider", {"member": member}).text)
    assert found is not None, browser.last.text
    return html.unescape(found[1])


def come_back(browser: Browser, told: dict[str, str]) -> Any:
    return browser.get("/sign-in/provider/return", query_string=told)


def is_signed_in(browser: Browser) -> bool:
    return bool(browser.client.get("/account").status_code == 200)


def bind(world: World, provider: Lying, email: str = ANA, subject: str = "ana-there") -> Browser:
    browser = Browser(world, email)
    browser.get(OWN)
    found = _LINK.search(browser.post(OWN).text)
    assert found is not None
    come_back(browser, provider.visit(html.unescape(found[1]), subject))
    return browser


def sign_in(world: World, provider: Lying, subject: str = "ana-there") -> Browser:
    visitor = Browser(world)
    come_back(visitor, provider.visit(leave(visitor), subject))
    return visitor


def test_a_person_binds_itself_and_signs_in_there_from_then_on(
    world: World, provider: Lying
) -> None:
    assert not is_signed_in(sign_in(world, provider))
    bound = bind(world, provider)
    assert "ana-there" in bound.get(OWN).text
    visitor = sign_in(world, provider)
    assert ANA in visitor.get("/account").text
    assert "provider" in visitor.last.text
    assert not is_signed_in(sign_in(world, provider, "eva-there"))
    bound.get(OWN)
    bound.post(f"{OWN}/remove")
    assert not is_signed_in(sign_in(world, provider))
    with world.database.read() as connection:
        rows = connection.execute(select(audit.c.action)).scalars().all()
    assert {"provider.set", "identity.bind", "identity.free"} <= set(rows)


LIES: dict[str, dict[str, Any]] = {
    "of-another-issuer": {"iss": "http://127.0.0.1:9"},
    "for-another-client": {"aud": "another"},
    "for-several-clients": {"aud": [CLIENT, "another"]},
    "for-several-clients-by-another": {"aud": [CLIENT, "another"], "azp": "another"},
    "of-another-journey": {"nonce": "0" * 64},
    "without-nonce": {"nonce": None},
    "expired": {"exp": int(time.time()) - 3600},
    "never-expiring": {"exp": None},
    "of-nobody": {"sub": None},
    "of-no-text": {"sub": 7},
    "of-an-empty-name": {"sub": ""},
}


def test_no_lie_of_a_provider_signs_anybody_in(world: World, provider: Lying) -> None:
    bind(world, provider)
    for name, lie in LIES.items():
        told = lambda claims, lie=lie: {  # noqa: E731 - one line, for one round
            key: value for key, value in (claims | lie).items() if value is not None
        }
        provider.claims = told
        assert not is_signed_in(sign_in(world, provider)), name
    provider.claims = lambda claims: claims
    provider.signs_with = RSAKey.generate_key(2048, {"kid": "1"})
    assert not is_signed_in(sign_in(world, provider))
    provider.signs_with = None
    assert is_signed_in(sign_in(world, provider))


@pytest.mark.parametrize(
    "change",
    [
        lambda told: told | {"state": "0" * 64},
        lambda told: {"code": told["code"]},
        lambda told: {"state": told["state"]},
        lambda told: told | {"iss": "http://evil.example"},
        lambda told: {"error": "access_denied", "state": told["state"]},
    ],
    ids=["of-another-state", "without-state", "without-code", "of-another-issuer", "refused"],
)
def test_a_return_that_was_not_begun_so_signs_nobody_in(
    world: World, provider: Lying, change: Callable[[dict[str, str]], dict[str, str]]
) -> None:
    bind(world, provider)
    visitor = Browser(world)
    told = provider.visit(leave(visitor), "ana-there")
    assert come_back(visitor, change(told)).status_code == 403
    assert come_back(visitor, told).status_code == 403
    assert not is_signed_in(visitor)


def test_a_return_is_good_at_the_browser_that_left_once_and_soon(
    world: World, provider: Lying
) -> None:
    bind(world, provider)
    visitor, thief = Browser(world), Browser(world)
    told = provider.visit(leave(visitor), "ana-there")
    assert come_back(thief, told).status_code == 403
    world.clock.now_us += 15 * MINUTE_US
    assert come_back(visitor, told).status_code == 403
    world.clock.now_us -= 15 * MINUTE_US
    again = Browser(world)
    told = provider.visit(leave(again), "ana-there")
    come_back(again, told)
    assert is_signed_in(again)
    assert come_back(again, told).status_code == 403


def test_an_identity_is_one_persons_and_its_members(world: World, provider: Lying) -> None:
    bind(world, provider)
    add_person(world, "ben@xaa.example", "XAA", "reader")
    bind(world, provider, "ben@xaa.example", "ana-there")
    assert ANA in sign_in(world, provider).get("/account").text
    put(world, provider.issuer, "XBB")
    visitor = Browser(world)
    come_back(visitor, provider.visit(leave(visitor, "XBB"), "ana-there"))
    assert not is_signed_in(visitor)
    foreign = Browser(world, add_person(world, "x@xbb.example", "XBB", "reader"))
    link = _LINK.search((foreign.get(OWN), foreign.post(OWN))[1].text)
    assert link is not None
    told = provider.visit(html.unescape(link[1]), "x-there")
    foreign.sign_in(ANA)
    assert come_back(foreign, told).status_code in {303, 200, 403}
    assert "x-there" not in foreign.get(OWN).text


def test_a_disabled_person_and_a_suspended_member_are_out(world: World, provider: Lying) -> None:
    bind(world, provider)
    said = {"actor": "operator", "now_us": world.clock()}
    with world.database.write() as connection:
        auth_services.disable_person(connection, ANA, **said)
    assert not is_signed_in(sign_in(world, provider))
    with world.database.write() as connection:
        auth_services.set_member_status(connection, "XAA", "suspended", **said)
    visitor = Browser(world)
    visitor.get("/sign-in")
    assert visitor.post("/sign-in/provider", {"member": "XAA"}).status_code == 403


def test_a_member_without_provider_and_no_member_are_answered_alike(
    world: World, provider: Lying
) -> None:
    shown = set()
    marks = re.compile(r'name="csrf_token" value="[^"]+"|data-options="[^"]+"')
    for code in ("XBB", "XZZ", "", "X\0"):
        visitor = Browser(world)
        visitor.get("/sign-in")
        answer = visitor.post("/sign-in/provider", {"member": code})
        assert answer.status_code == 403
        shown.add(marks.sub("", answer.text))
    assert len(shown) == 1
    ben = Browser(world, add_person(world, "x@xbb.example", "XBB", "reader"))
    assert "No identity provider" in ben.get(OWN).text
    assert ben.post(OWN).status_code == 404
    assert ben.post(f"{OWN}/remove").status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "http://127.0.0.1:9"},
        {"token_endpoint": None},
        {"jwks_uri": 7},
        {"token_endpoint": "http://127.0.0.1:9/nobody-listens"},
    ],
)
def test_a_provider_that_says_nonsense_of_itself_signs_nobody_in(
    world: World, provider: Lying, change: dict[str, Any]
) -> None:
    bind(world, provider)
    visitor = Browser(world)
    told = provider.visit(leave(visitor), "ana-there")
    provider.metadata = lambda found: found | change
    assert come_back(visitor, told).status_code == 403
    assert not is_signed_in(visitor)


@pytest.mark.parametrize("endpoint", ["token_endpoint", "jwks_uri"])
def test_a_provider_leads_no_request_to_a_server_that_is_not_reached_otherwise(
    world: World, provider: Lying, endpoint: str
) -> None:
    bind(world, provider)
    with listening(answer()) as inside:
        visitor = Browser(world)
        told = provider.visit(leave(visitor), "ana-there")
        provider.metadata = lambda found: found | {endpoint: inside.url("/secret")}
        assert come_back(visitor, told).status_code == 403
        assert inside.accepted == 0
        # The operator may list where it is: then it is asked, and answers nothing of use.
        world.with_settings(egress_allow="127.0.0.0/8")
        again = Browser(world)
        told = provider.visit(leave(again), "ana-there")
        assert come_back(again, told).status_code == 403
        assert inside.accepted == 1
    assert not is_signed_in(visitor)


def test_a_providers_answer_is_bounded_and_asked_for_without_a_proxy(
    world: World, provider: Lying, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening(answer()) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url())
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        bind(world, provider)
        assert is_signed_in(sign_in(world, provider))
        provider.metadata = lambda found: found | {"filler": "a" * 600_000}
        visitor = Browser(world)
        visitor.get("/sign-in")
        assert visitor.post("/sign-in/provider", {"member": "XAA"}).status_code == 403
        assert proxy.accepted == 0


def test_a_provider_that_is_away_is_told_and_stops_no_other_way(world: World) -> None:
    put(world, "http://127.0.0.1:9")
    visitor = Browser(world)
    visitor.get("/sign-in")
    assert visitor.post("/sign-in/provider", {"member": "XAA"}).status_code == 403


def test_a_providers_secret_is_kept_encrypted_and_opens_under_one_key(world: World) -> None:
    put(world, "https://idp.xaa.example")
    with world.database.read() as connection:
        kept = connection.execute(select(identity_provider.c.secret)).scalar_one()
        found = find_provider_of(connection, "XAA")
    assert found is not None
    assert SECRET.encode() not in bytes(kept)
    assert open_secret(world.signer, found) == SECRET
    with pytest.raises(Misconfigured):
        open_secret(Signer(b"t" * 32), found)


@pytest.mark.parametrize(
    ("issuer", "more"),
    [
        ("http://idp.xaa.example", {}),
        ("file:///etc/passwd", {}),
        ("https://", {}),
        ("https://idp.xaa.example/?x=1", {}),
        ("https://idp.xaa.example", {"secret": ""}),
        ("https://idp.xaa.example", {"client_id": "two\nlines"}),
    ],
)
def test_a_provider_that_cannot_be_is_not_set(
    world: World, issuer: str, more: dict[str, str]
) -> None:
    with pytest.raises(BadInput):
        put(world, issuer, **more)
    with pytest.raises(NotFound):
        put(world, "https://idp.xaa.example", "XZZ")


def test_a_provider_is_removed_once(world: World) -> None:
    put(world, "https://idp.xaa.example")
    said = {"actor": "operator", "now_us": world.clock()}
    with world.database.write() as connection:
        remove_provider(connection, "XAA", **said)
    for code in ("XAA", "XZZ"):
        with world.database.write() as connection, pytest.raises(NotFound):
            remove_provider(connection, code, **said)
