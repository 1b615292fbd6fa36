"""Passkeys: what opens a session once, and the many answers that open nothing."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from auth import services as auth_services
from auth.queries.passkeys import list_passkeys
from auth.queries.persons import Person, find_person
from auth.services.passkeys import MOST_PASSKEYS
from auth.services.passwords import set_password
from auth.tables import audit
from kernel.clock import HOUR_US
from tests.auth.pages.authenticator import PRESENT, VERIFIED, Authenticator
from tests.browsing import PASSWORD, Browser, add_person
from tests.sharing.taxii.world import World

ANA, OWN = "ana@xaa.example", "/account/passkeys"
_OPTIONS = re.compile(r'data-options="([^"]+)"')


@pytest.fixture
def ana(world: World) -> Browser:
    """Ana of XAA, signed in."""
    world.app.extensions["comity.throttle"]._delay_seconds = 0.0
    return Browser(world, add_person(world, ANA, "XAA", "reader"))


def person(world: World, email: str = ANA) -> Person:
    with world.database.read() as connection:
        found = find_person(connection, email)
    assert found is not None
    return found


def options_of(browser: Browser, address: str) -> dict[str, Any]:
    found = _OPTIONS.search(browser.get(address).text)
    assert found is not None
    options: dict[str, Any] = json.loads(html.unescape(found[1]))
    return options


def add(browser: Browser, device: Authenticator, name: str = "a key", **form: str) -> Any:
    answer = device.make(options_of(browser, OWN))
    return browser.post(OWN, {"name": name, "answer": answer, **form})


def sign_in(browser: Browser, device: Authenticator) -> Any:
    answer = device.answer(options_of(browser, "/sign-in"))
    return browser.post("/sign-in/passkey", {"answer": answer, "next": OWN})


def is_signed_in(browser: Browser) -> bool:
    return bool(browser.client.get("/account").status_code == 200)


def kept(world: World) -> list[Any]:
    with world.database.read() as connection:
        return list(list_passkeys(connection, person(world).id))


def test_a_passkey_signs_its_person_in_and_is_seen_to_have_done_so(
    world: World, ana: Browser
) -> None:
    device = Authenticator()
    assert add(ana, device, "the <blue> key").status_code == 200
    assert "the &lt;blue&gt; key" in ana.last.text
    for _ in range(2):
        visitor = Browser(world)
        assert sign_in(visitor, device).request.path == OWN
        assert is_signed_in(visitor)
    (one,) = kept(world)
    assert (one.uses, one.used_us) == (2, world.clock())
    assert "passkey" in ana.get("/account").text
    with world.database.read() as connection:
        rows = connection.execute(select(audit.c.action, audit.c.detail).order_by(audit.c.id)).all()
    assert ("passkey.add", '{"name": "the <blue> key"}') in [tuple(row) for row in rows]
    assert tuple(rows[-1]) == ("session.begin", '{"method": "passkey"}')


def test_an_answer_opens_one_session(world: World, ana: Browser) -> None:
    device, visitor = Authenticator(), Browser(world)
    add(ana, device)
    answer = device.answer(options_of(visitor, "/sign-in"))
    assert visitor.post("/sign-in/passkey", {"answer": answer}).status_code == 200
    thief = Browser(world)
    thief.get("/sign-in")
    assert thief.post("/sign-in/passkey", {"answer": answer}).status_code == 403
    assert not is_signed_in(thief)


WRONG: dict[str, Callable[[Authenticator], Authenticator]] = {
    "of-another-origin": lambda one: replace(one, origin="http://localhost.evil.example"),
    "over-another-scheme": lambda one: replace(one, origin="https://localhost"),
    "for-another-site": lambda one: replace(one, site="evil.example"),
    "of-nobody-verified": lambda one: replace(one, flags=PRESENT),
    "of-nobody-present": lambda one: replace(one, flags=VERIFIED),
    "signed-by-another-key": lambda one: replace(Authenticator(), id=one.id, handle=one.handle),
    "of-a-count-that-went-back": lambda one: replace(one, uses=one.uses - 1),
    "of-a-passkey-nobody-added": lambda one: replace(one, id=b"another"),
    "of-another-person": lambda one: replace(one, handle="AAAA"),
    "of-no-person": lambda one: replace(one, handle=""),
}


def test_no_wrong_answer_opens_a_session_and_all_are_answered_alike(
    world: World, ana: Browser
) -> None:
    device = Authenticator()
    add(ana, device)
    sign_in(Browser(world), device)
    answers = {
        name: change(device).answer(options_of(Browser(world), "/sign-in"))
        for name, change in WRONG.items()
    }
    good = json.loads(device.answer(options_of(Browser(world), "/sign-in")))
    answers |= {
        "empty": "",
        "no-json": "{",
        "no-object": "[]",
        "long": "x" * 30_000,
        "of-a-challenge-that-was-not-given": device.answer({"challenge": "AAAA"}),
        "of-a-challenge-to-add-one": device.answer(options_of(ana, OWN)),
        "without-signature": json.dumps(good | {"response": {}}),
        "null": json.dumps(good | {"response": None}),
        "no-text": json.dumps(good | {"id": 7, "rawId": 7}),
        "no-bytes": json.dumps(good | {"rawId": "\u00e9", "id": "\u00e9"}),
        "broken-data": json.dumps(
            good | {"response": good["response"] | {"authenticatorData": "AAAA"}}
        ),
    }
    shown = set()
    for name, answer in answers.items():
        visitor = Browser(world)
        visitor.get("/sign-in")
        refused = visitor.post("/sign-in/passkey", {"answer": answer})
        assert refused.status_code == 403, name
        assert not is_signed_in(visitor), name
        marks = re.compile(r'name="csrf_token" value="[^"]+"|data-options="[^"]+"')
        shown.add(marks.sub("", refused.text))
    assert len(shown) == 1
    assert is_signed_in_by(world, device)


def is_signed_in_by(world: World, device: Authenticator) -> bool:
    visitor = Browser(world)
    sign_in(visitor, device)
    return is_signed_in(visitor)


def test_a_page_that_was_open_too_long_is_answered_no_more(world: World, ana: Browser) -> None:
    device, visitor = Authenticator(), Browser(world)
    add(ana, device)
    answer = device.answer(options_of(visitor, "/sign-in"))
    world.clock.now_us += 12 * HOUR_US
    assert visitor.post("/sign-in/passkey", {"answer": answer}).status_code == 403


@pytest.mark.parametrize(
    "device",
    [
        Authenticator(origin="http://evil.example"),
        Authenticator(site="evil.example"),
        Authenticator(flags=PRESENT),
    ],
    ids=["of-another-origin", "for-another-site", "of-nobody-verified"],
)
def test_a_passkey_that_is_made_wrongly_is_not_added(
    world: World, ana: Browser, device: Authenticator
) -> None:
    assert add(ana, device).status_code == 400
    assert kept(world) == []


def test_a_passkey_is_added_once_by_the_person_who_was_asked(world: World, ana: Browser) -> None:
    ben = Browser(world, add_person(world, "ben@xaa.example", "XAA", "reader"))
    device = Authenticator()
    answer = device.make(options_of(ben, OWN))
    ana.get(OWN)
    assert ana.post(OWN, {"name": "ben's", "answer": answer}).status_code == 400
    assert add(ana, device).status_code == 200
    assert add(ben, replace(device, key=Authenticator().key)).status_code == 409
    form = {"name": "again", "answer": Authenticator().make(options_of(ana, OWN))}
    assert ana.post(OWN, form).status_code == 200
    assert ana.post(OWN, form).status_code == 400
    for name in ("", "x" * 101, "two\nlines"):
        assert add(ana, Authenticator(), name).status_code == 400
    assert len(kept(world)) == 2


def test_a_passkey_that_is_removed_opens_nothing(world: World, ana: Browser) -> None:
    ben = Browser(world, add_person(world, "ben@xaa.example", "XAA", "reader"))
    device = Authenticator()
    add(ana, device)
    address = re.search(r'action="(/account/passkeys/[^"]+/remove)"', ana.get(OWN).text)
    assert address is not None
    for browser, place, status in (
        (ben, address[1], 404),
        (ana, f"{OWN}/AAAA/remove", 404),
        (ana, f"{OWN}/A/remove", 404),
        (ana, address[1], 200),
    ):
        browser.get(OWN)
        assert browser.post(place).status_code == status
    assert kept(world) == []
    assert not is_signed_in_by(world, device)


def test_a_disabled_persons_passkey_opens_nothing(world: World, ana: Browser) -> None:
    device = Authenticator()
    add(ana, device)
    with world.database.write() as connection:
        auth_services.disable_person(connection, ANA, actor="operator", now_us=world.clock())
    assert not is_signed_in_by(world, device)


def test_a_browser_left_open_is_not_enough_to_add_a_passkey(world: World, ana: Browser) -> None:
    with world.database.write() as connection:
        who = find_person(connection, ANA)
        assert who is not None
        set_password(connection, who, PASSWORD, actor="operator", now_us=world.clock())
    ana.sign_in(ANA)
    for given, status in (("", 403), ("not that one", 403), (PASSWORD, 200)):
        assert add(ana, Authenticator(), current=given).status_code == status
    assert len(kept(world)) == 1


def test_a_person_keeps_a_bounded_number_of_passkeys(world: World, ana: Browser) -> None:
    for _ in range(MOST_PASSKEYS):
        assert add(ana, Authenticator()).status_code == 200
    assert add(ana, Authenticator()).status_code == 409
    assert len(kept(world)) == MOST_PASSKEYS


def test_passkeys_belong_to_the_public_address(world: World) -> None:
    world.with_settings(public_url="https://comity.example")
    ana = Browser(world)
    options = options_of(ana, "/sign-in")
    assert options["rpId"] == "comity.example"
    assert options["userVerification"] == "required"
