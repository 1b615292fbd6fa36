"""Signing in and out: what opens a session, what ends one, and what never does."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import insert, select

from auth import services as auth_services
from auth.queries.persons import find_person
from auth.services.links import make_link
from auth.services.passwords import set_password
from auth.services.sessions import IDLE_US, LONGEST_US, SEEN_EVERY_US
from auth.tables import audit, person_password, session
from auth.tasks import TASKS
from kernel.clock import DAY_US, HOUR_US
from kernel.errors import BadInput
from tests.browsing import PASSWORD, Browser, add_person
from tests.sharing.taxii.world import World

ANA = "ana@xaa.example"
_ENDS = re.compile(r"/account/sessions/(\w+)/end")
# Of her password, as the first world stored it: it is made to take long, once is enough.
_hashes: list[str] = []


@pytest.fixture
def ana(world: World) -> World:
    """A world in which Ana of XAA has a password."""
    add_person(world, ANA, "XAA", "reader", "contributor")
    with world.database.write() as connection:
        found = find_person(connection, ANA)
        assert found is not None
        if not _hashes:
            set_password(connection, found, PASSWORD, actor="operator", now_us=world.clock())
            _hashes.append(connection.execute(select(person_password.c.hash)).scalar_one())
        else:
            row = {"person_id": found.id, "hash": _hashes[0], "changed_us": world.clock()}
            connection.execute(insert(person_password).values(row))
    return world


def give(browser: Browser, email: str, password: str, **more: str):
    browser.get("/sign-in")
    return browser.post("/sign-in", {"email": email, "password": password, **more})


def is_signed_in(browser: Browser) -> bool:
    return browser.get("/account").request.path == "/account"


def link_of(world: World, email: str = ANA) -> str:
    with world.database.write() as connection:
        found = find_person(connection, email)
        return make_link(connection, world.signer, found, actor="operator", now_us=world.clock())


def test_a_person_signs_in_sees_who_it_is_and_signs_out(ana: World) -> None:
    browser = Browser(ana)
    assert not is_signed_in(browser)
    assert give(browser, ANA.upper(), PASSWORD, next="/account").request.path == "/account"
    assert ANA in browser.last.text
    assert "contributor" in browser.last.text
    browser.post("/sign-out")
    assert not is_signed_in(browser)


@pytest.mark.parametrize(
    ("email", "password"),
    [(ANA, PASSWORD + "!"), ("nobody@xaa.example", PASSWORD), ("", PASSWORD), (ANA, "")],
)
def test_what_does_not_belong_together_opens_nothing(ana: World, email: str, password: str) -> None:
    browser = Browser(ana)
    answer = give(browser, email, password)
    assert answer.status_code in {400, 403}
    assert "comity-session" not in str(answer.headers)
    assert PASSWORD not in answer.text
    assert not is_signed_in(browser)


def test_an_unknown_address_and_a_wrong_password_are_answered_alike(ana: World) -> None:
    wrong = give(Browser(ana), "ana@xaa.example", "wrong wrong wrong")
    unknown = give(Browser(ana), "eva@xaa.example", "wrong wrong wrong")
    assert wrong.status_code == unknown.status_code == 403
    token = re.compile(r'name="csrf_token" value="[^"]+"|data-options="[^"]+"')
    assert token.sub("", wrong.text) == token.sub("", unknown.text.replace("eva@", "ana@"))


def test_a_link_signs_in_once_and_looking_at_it_uses_nothing_up(ana: World) -> None:
    token = link_of(ana)
    visitor = Browser(ana)
    for _ in range(2):
        assert ANA in visitor.get(f"/sign-in/link?token={token}").text
    visitor.post("/sign-in/link", {"token": token})
    assert is_signed_in(visitor)
    again = Browser(ana)
    again.get("/sign-in")
    assert again.post("/sign-in/link", {"token": token}).status_code == 400
    assert not is_signed_in(again)
    assert again.get(f"/sign-in/link?token={token}").status_code == 404


def test_a_link_leads_on_to_what_was_asked_for_at_this_browser(ana: World) -> None:
    visitor = Browser(ana)
    consent = "/oauth/authorize?client_id=x&state=a%26b"
    assert visitor.get(consent).request.path == "/sign-in"
    token = link_of(ana)
    assert "You then go on" in visitor.get(f"/sign-in/link?token={token}").text
    token_of_form = re.search(r'name="csrf_token" value="([^"]+)"', visitor.last.text)
    assert token_of_form is not None
    sent = {"token": token, "csrf_token": token_of_form[1]}
    answer = visitor.client.post("/sign-in/link", data=sent)
    assert (answer.status_code, answer.headers["Location"]) == (303, consent)
    # Once: the next who signs in here begins at the account.
    visitor.post("/sign-out")
    visitor.get(f"/sign-in/link?token={(token := link_of(ana))}")
    assert visitor.post("/sign-in/link", {"token": token}).request.path == "/account"


@pytest.mark.parametrize(
    "address",
    ["//evil.example", "https://evil.example/", "/\\evil.example", "/a\nb", "/" + "a" * 1600, "/é"],
)
def test_a_link_leads_to_no_other_site_and_to_nothing_asked_for_long_ago(
    ana: World, address: str
) -> None:
    visitor = Browser(ana)
    visitor.client.get("/sign-in", query_string={"next": "/norms"})
    ana.clock.now_us += HOUR_US
    visitor.client.get("/sign-in", query_string={"next": address})
    token = link_of(ana)
    assert "You then go on" not in visitor.get(f"/sign-in/link?token={token}").text
    assert visitor.post("/sign-in/link", {"token": token}).request.path == "/account"


def test_a_link_dies_after_a_day_with_a_newer_one_and_with_its_person(ana: World) -> None:
    first, second = link_of(ana), link_of(ana)
    browser = Browser(ana)
    assert browser.get(f"/sign-in/link?token={first}").status_code == 404
    assert browser.get(f"/sign-in/link?token={second}").status_code == 200
    ana.clock.now_us += DAY_US
    assert browser.get(f"/sign-in/link?token={second}").status_code == 404
    third = link_of(ana)
    with ana.database.write() as connection:
        auth_services.disable_person(connection, ANA, actor="operator", now_us=ana.clock())
    assert browser.get(f"/sign-in/link?token={third}").status_code == 404


def test_a_session_ends_with_idleness_with_time_and_with_its_person(ana: World) -> None:
    idle = Browser(ana, ANA)
    ana.clock.now_us += IDLE_US
    assert not is_signed_in(idle)
    busy = Browser(ana, ANA)
    for _ in range(LONGEST_US // (IDLE_US // 2) - 1):
        ana.clock.now_us += IDLE_US // 2
        assert is_signed_in(busy)
    ana.clock.now_us += IDLE_US // 2
    assert not is_signed_in(busy)
    disabled = Browser(ana, ANA)
    with ana.database.write() as connection:
        auth_services.disable_person(connection, ANA, actor="operator", now_us=ana.clock())
    assert not is_signed_in(disabled)


def test_a_member_that_is_suspended_has_nobody_signed_in(ana: World) -> None:
    browser = Browser(ana, ANA)
    assert is_signed_in(browser)
    with ana.database.write() as connection:
        auth_services.set_member_status(
            connection, "XAA", "suspended", actor="operator", now_us=ana.clock()
        )
    assert not is_signed_in(browser)


def test_a_person_ends_another_session_of_its_own_and_nobody_elses(ana: World) -> None:
    add_person(ana, "ben@xaa.example", "XAA", "reader")
    here, there, ben = Browser(ana, ANA), Browser(ana, ANA), Browser(ana, "ben@xaa.example")
    with ana.database.read() as connection:
        ids = connection.execute(select(session.c.id).order_by(session.c.id)).scalars().all()
    (bens,) = _ENDS.findall(Browser(ana, "ben@xaa.example").get("/account").text)
    (theres,) = _ENDS.findall(here.get("/account").text)
    for unknown in (bens, ids[1], 10**30, "%00"):
        assert here.post(f"/account/sessions/{unknown}/end").status_code == 404
        here.get("/account")
    assert here.post(f"/account/sessions/{theres}/end").status_code == 200
    assert [is_signed_in(one) for one in (here, there, ben)] == [True, False, True]


def test_a_new_password_ends_the_other_sessions_and_asks_for_the_old_one(ana: World) -> None:
    here, there = Browser(ana, ANA), Browser(ana, ANA)
    new = "another four word password"
    here.get("/account")
    form = {"current": "not that one", "password": new, "again": new}
    assert here.post("/account/password", form).status_code == 403
    with ana.database.read() as connection:
        failed = select(audit.c.id).where(audit.c.action == "authentication.failed")
        assert len(connection.execute(failed).all()) == 1, "guesses are counted here too"
    assert here.post("/account/password", form | {"again": "x"}).status_code == 400
    short = {"current": PASSWORD, "password": "short", "again": "short"}
    assert here.post("/account/password", short).status_code == 400
    assert is_signed_in(there)
    here.get("/account")
    assert here.post("/account/password", form | {"current": PASSWORD}).status_code == 200
    assert (is_signed_in(here), is_signed_in(there)) == (True, False)
    assert give(Browser(ana), ANA, PASSWORD).status_code == 403


@pytest.mark.parametrize(
    "password", ["", "short", "aaaaaaaaaaaaaaaa", "ana-is-my-name-1", "x" * 201]
)
def test_a_password_that_is_easily_guessed_is_not_taken(ana: World, password: str) -> None:
    with ana.database.write() as connection:
        found = find_person(connection, ANA)
        assert found is not None
        with pytest.raises(BadInput):
            set_password(connection, found, password, actor="operator", now_us=ana.clock())


def test_a_form_of_another_session_or_site_is_refused(ana: World) -> None:
    thief, owner = Browser(ana), Browser(ana, ANA)
    thief.get("/sign-in")
    token = thief.last.text.split('name="csrf_token" value="')[1].split('"')[0]
    for given in ("", "x", token):
        owner.get("/account")
        assert owner.post("/sign-out", token=given).status_code == 400
    owner.get("/account")
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert owner.post("/sign-out", headers=foreign).status_code == 400
    assert is_signed_in(owner)


def test_a_visitor_is_not_listened_to_for_long(ana: World) -> None:
    visitor = Browser(ana)
    visitor.get("/sign-in")
    answer = visitor.post("/sign-in", {"email": ANA, "password": "x" * 70_000})
    assert (answer.status_code, "web.too-large" in answer.text) == (413, True)


def test_signing_in_again_ends_the_session_that_the_browser_forgets(ana: World) -> None:
    browser = Browser(ana, ANA)
    kept = browser.client.get_cookie("comity-session")
    assert kept is not None
    token = link_of(ana)
    browser.get(f"/sign-in/link?token={token}")
    browser.post("/sign-in/link", {"token": token})
    assert is_signed_in(browser)
    other = Browser(ana)
    other.client.set_cookie("comity-session", kept.value)
    assert not is_signed_in(other)


def test_cookies_are_for_tls_alone_where_the_request_came_by_it(ana: World) -> None:
    client = ana.app.test_client()
    answer = client.get("/sign-in", base_url="https://localhost")
    assert "comity-form=" in answer.headers["Set-Cookie"]
    assert "Secure" in answer.headers["Set-Cookie"]
    assert "Secure" not in ana.app.test_client().get("/sign-in").headers["Set-Cookie"]


def test_signing_in_gives_a_session_that_nobody_has_seen_before(ana: World) -> None:
    browser = Browser(ana)
    browser.client.set_cookie("comity-session", "comity_se_" + "0" * 64)
    browser.get("/sign-in")
    before = browser.last.text.split('name="csrf_token" value="')[1].split('"')[0]
    give(browser, ANA, PASSWORD)
    kept = browser.client.get_cookie("comity-session")
    assert kept is not None
    assert kept.value != "comity_se_" + "0" * 64
    assert kept.http_only
    assert kept.same_site == "Lax"
    browser.get("/account")
    assert browser.post("/sign-out", token=before).status_code == 400


@pytest.mark.parametrize(
    "address", ["//evil.example/", "https://evil.example", "/\\evil.example", "/a\r\nX: y", ""]
)
def test_signing_in_leads_to_no_other_site(ana: World, address: str) -> None:
    browser = Browser(ana)
    browser.get("/sign-in")
    token = browser.last.text.split('name="csrf_token" value="')[1].split('"')[0]
    sent = {"email": ANA, "password": PASSWORD, "next": address, "csrf_token": token}
    answer = browser.client.post("/sign-in", data=sent)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


def test_a_cookie_opens_no_api_and_a_credential_no_page(ana: World) -> None:
    browser = Browser(ana, ANA)
    for address in ("/taxii2/", "/api/v1/me"):
        assert browser.client.get(address).status_code == 401
    assert ana.get("xaa", "/account").status_code == 303


def test_what_people_do_at_a_browser_is_on_record(ana: World) -> None:
    browser = Browser(ana)
    give(browser, ANA, PASSWORD)
    browser.get("/account")
    browser.post("/sign-out")
    with ana.database.read() as connection:
        kept = connection.execute(
            select(audit.c.action, audit.c.actor).where(audit.c.action.like("session.%"))
        ).all()
    assert [tuple(row) for row in kept] == [
        ("session.begin", f"person:{ANA}"),
        ("session.end", f"person:{ANA}"),
    ]


def test_a_session_is_noted_as_used_now_and_then_and_forgotten_at_last(ana: World) -> None:
    browser = Browser(ana, ANA)
    ana.clock.now_us += SEEN_EVERY_US + 1
    browser.get("/account")
    with ana.database.read() as connection:
        assert connection.execute(select(session.c.seen_us)).scalar_one() == ana.clock()
    forget = TASKS[1]
    assert forget.list_ready(ana.database, now_us=ana.clock()) == []
    ana.clock.now_us += LONGEST_US + DAY_US
    assert forget.list_ready(ana.database, now_us=ana.clock()) == ["all"]
    assert forget.run(ana.database, "all", now_us=ana.clock()) == {"forgotten": 1}


def test_a_reader_chooses_the_language_and_its_direction(ana: World) -> None:
    browser = Browser(ana)
    assert '<html lang="en" dir="ltr">' in browser.get("/sign-in").text
    browser.post("/language", {"language": "ar", "back": "/sign-in"})
    assert '<html lang="ar" dir="rtl">' in browser.last.text
    browser.post("/language", {"language": "../../etc", "back": "//evil.example"})
    assert browser.last.request.path == "/"
    assert '<html lang="ar" dir="rtl">' in browser.last.text
    assert '<html lang="ar" dir="rtl">' in give(browser, ANA, PASSWORD, next="/account").text
    assert '<html lang="ar" dir="rtl">' in browser.post("/sign-out").text
