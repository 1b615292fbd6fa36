"""Feed pages: a feed added by the page alone, watched, steered; another member's is absent."""

from __future__ import annotations

import re
from typing import Any

import pytest

from sharing.partners import feeds_of
from sharing.services import seating
from tests.browsing import Browser, add_person
from tests.sharing.feeds.nodes import Node
from tests.sharing.feeds.odd import COLLECTION, Odd
from tests.sharing.taxii.world import START_US

CANARY = "canary-7f3a91d2c4"
ODD = "https://odd.example/"


@pytest.fixture
def odd(home: Node) -> Odd:
    server = Odd(now_us=START_US, page=50, deletes=True)
    home.network.others["odd.example"] = server
    return server


@pytest.fixture
def desk(home: Node) -> Node:
    """`home` with people of XAA, XBB and XCC, whose pages reach the network of the test."""
    feeds_of(home.world.app).runner = home.runner()
    for code in ("XAA", "XBB"):
        for role in ("reader", "contributor", "member-admin", "auditor"):
            add_person(home.world, f"{role}@{code.lower()}.example", code, role)
        add_person(home.world, f"all@{code.lower()}.example", code, "contributor", "member-admin")
    return home


def browse(desk: Node, who: str = "all", code: str = "xaa") -> Browser:
    return Browser(desk.world, f"{who}@{code}.example")


def filled(desk: Node, **changed: Any) -> dict[str, Any]:
    place = f"harbour/{desk.world.collections['reports']}"
    return {
        "name": "odd",
        "direction": "pull",
        "url": ODD,
        "user": "us",
        "password": CANARY,
        "remote": "odd",
        "place": place,
        "every": "900",
        "do": "save",
    } | changed


def poll(desk: Node, name: str = "odd") -> None:
    desk.world.clock.now_us += 60_000_000
    for other in desk.network.others.values():
        other.now_us = desk.world.clock.now_us
    desk.run(name)


def test_a_feed_is_added_by_the_page_alone_and_what_it_brings_is_told(desk: Node, odd: Odd) -> None:
    odd.add(desk.world.indicator(), desk.world.indicator() | {"created": "2024"})
    xaa = browse(desk)
    assert "Our member has no feed like this" in xaa.get("/sharing/feeds").text
    xaa.get("/sharing/feeds/new")
    tried = xaa.post("/sharing/feeds/new", filled(desk, do="test", remote="", name=""))
    assert (tried.status_code, "Every step is passed" in tried.text) == (200, True), tried.text
    assert COLLECTION in tried.text
    assert "first-page" in tried.text
    assert desk.network.asked
    added = xaa.post("/sharing/feeds/new", filled(desk, remote=""))
    assert "The feed is set up" in added.text, added.text
    found = desk.feed("odd")
    assert (found.remote, found.every_s, xaa.address()) == (
        COLLECTION,
        900,
        f"/sharing/feeds/{found.uuid}",
    )
    poll(desk)
    shown = xaa.get(f"/sharing/feeds/{found.uuid}").text
    assert "1 new, 1 refused" in shown, shown
    assert "1 version stands refused" in shown
    assert "1 new, 1 refused" in xaa.get("/sharing/feeds").text
    refused = xaa.get(f"/sharing/feeds/{found.uuid}/refusals").text
    assert "created" in refused
    brought = next(iter(desk.objects().values()))
    provenance = xaa.get(f"/sharing/harbour/objects/{brought['id']}").text
    assert "second-hand" in provenance
    assert f"/sharing/feeds/{found.uuid}" in provenance


def add(desk: Node, **changed: Any) -> str:
    """The address of a feed that XAA has added by the page."""
    xaa = browse(desk)
    xaa.get("/sharing/feeds/new")
    added = xaa.post("/sharing/feeds/new", filled(desk, **changed))
    assert "The feed is set up" in added.text, added.text
    return xaa.address()


@pytest.mark.parametrize(
    ("changed", "step"),
    [
        ({"url": "https://nobody.example/"}, "connect"),
        ({"remote": "nothing"}, "collection"),
        ({"token": "two"}, None),
        ({"name": "a/b"}, None),
        ({"place": "harbour/none"}, None),
        ({"url": "https://us:them@odd.example/"}, None),
        ({"url": ""}, None),
        ({"ca": "no PEM"}, None),
        ({"every": "1"}, None),
        ({"min_tlp": "purple"}, None),
        ({"direction": "push", "min_tlp": "red"}, None),
    ],
)
def test_what_fails_is_named_and_nothing_is_kept(
    desk: Node, odd: Odd, changed: dict[str, Any], step: str | None
) -> None:
    xaa = browse(desk)
    xaa.get("/sharing/feeds/new")
    answer = xaa.post("/sharing/feeds/new", filled(desk, **changed))
    assert answer.status_code == 400
    assert 'id="error-summary"' in answer.text
    assert CANARY not in answer.text
    if step is not None:
        assert f"It fails at the step “{step}”" in answer.text
        assert 'name="anyway"' in answer.text
    assert "Our member has no feed like this" in xaa.get("/sharing/feeds").text
    assert odd.posted == []


def test_a_feed_can_be_kept_although_its_partner_is_away(desk: Node, odd: Odd) -> None:
    address = add(desk, url="https://nobody.example/", anyway="yes")
    for _ in range(5):
        poll(desk)
    xaa, reader = browse(desk), browse(desk, "reader")
    shown = xaa.get(address).text
    assert "in trouble" in shown
    assert "failed at the step “connect”" in shown
    assert "1 partner feed fails again and again" in xaa.get("/inbox").text
    assert "again and again" not in reader.get("/inbox").text
    assert "again and again" not in browse(desk, "contributor", "xbb").get("/inbox").text
    assert f'href="{address}"' in xaa.get("/sharing/feeds?in_trouble=yes").text
    assert f'href="{address}"' not in xaa.get("/sharing/feeds?in_trouble=no").text
    op = Browser(desk.world, add_person(desk.world, "op@comity.example", None, "operator"))
    told = op.get("/operator").text
    assert re.search(r"https://nobody\.example:443.*in trouble.*connect", told), told
    assert op.get("/sharing/feeds").status_code == 403


def test_the_operator_is_told_nothing_of_what_feeds_move(desk: Node, odd: Odd) -> None:
    add(desk)
    indicator = desk.world.indicator() | {"name": CANARY}
    odd.add(indicator, desk.world.indicator() | {"created": "2024"})
    poll(desk)
    op = Browser(desk.world, add_person(desk.world, "op@comity.example", None, "operator"))
    told = op.get("/operator").text
    assert "https://odd.example:443" in told
    for hidden in (CANARY, "indicator--", "refused", "1 new"):
        assert hidden not in told


LISTS = (
    "",
    "/runs",
    "/refusals",
    "/sent",
    "/runs?format=json",
    "/refusals?format=csv",
    "/secrets",
    "/remove",
)
ACTS = ("pause", "resume", "run", "replay", "test", "secrets", "remove")
NEVER = "/sharing/feeds/00000000-0000-4000-8000-000000009999"


def test_another_members_feed_is_one_that_never_was(desk: Node, odd: Odd) -> None:
    address = add(desk)
    xbb = browse(desk, code="xbb")

    def bare(page: str) -> str:
        return re.sub(r'value="[^"]*"', "", page).replace(address, NEVER)

    for rest in LISTS:
        answers = [xbb.get(f"{one}{rest}") for one in (address, NEVER)]
        assert [one.status_code for one in answers] == [404, 404], rest
        assert bare(answers[0].text) == bare(answers[1].text)
    for act in ACTS:
        answers = [xbb.post(f"{one}/{act}", {"token": "t"}) for one in (address, NEVER)]
        assert [one.status_code for one in answers] == [404, 404], act
        assert bare(answers[0].text) == bare(answers[1].text)
    assert "odd" not in xbb.get("/sharing/feeds").text
    assert desk.feed("odd").state == "active"
    xbb.get("/sharing/feeds/new")
    assert "The feed is set up" in xbb.post("/sharing/feeds/new", filled(desk)).text


def test_roles_say_who_looks_who_steers_and_who_sets_up(desk: Node, odd: Odd) -> None:
    address = add(desk)
    allowed = {
        "reader": ({"", "/runs", "/refusals", "/sent"}, set()),
        "contributor": ({"", "/runs", "/refusals", "/sent"}, set(ACTS) - {"secrets", "remove"}),
        "member-admin": ({"", "/runs", "/secrets", "/remove"}, {"secrets", "remove"}),
        "auditor": (set(), set()),
    }
    for who, (lists, acts) in allowed.items():
        browser = browse(desk, who)
        for rest in ("", "/runs", "/refusals", "/sent", "/secrets", "/remove"):
            expected = 200 if rest in lists else 403
            assert browser.get(f"{address}{rest}").status_code == expected, (who, rest)
        for act in ACTS:
            answer = browser.post(f"{address}/{act}", {"token": "t"})
            assert (answer.status_code == 403) == (act not in acts), (who, act)
        may_set_up = who == "member-admin"
        assert (browser.get("/sharing/feeds/new").status_code == 200) == may_set_up
        listed = browser.get("/sharing/feeds")
        assert listed.status_code == (403 if who == "auditor" else 200)
        assert ("Add a feed" in listed.text) == may_set_up
        assert ("Partner feeds" in browser.get("/sharing").text) == (who != "auditor")


def test_a_feed_is_steered_by_forms(desk: Node, odd: Odd) -> None:
    address = add(desk)
    odd.add(*desk.world.indicators(2))
    poll(desk)
    xaa = browse(desk)
    xaa.get(address)
    paused = xaa.post(f"{address}/pause").text
    assert "none, until it is resumed" in paused
    assert "Resume it" in paused
    assert xaa.post(f"{address}/run").status_code == 400
    assert "Run it now" in xaa.post(f"{address}/resume").text
    assert "It is due now" in xaa.post(f"{address}/run").text
    wrong = xaa.post(f"{address}/replay", {"after": "yesterday"})
    assert (wrong.status_code, "error-summary" in wrong.text) == (400, True)
    assert (
        "2026-01-01 00:00 UTC"
        in xaa.post(f"{address}/replay", {"after": "2026-01-01T00:00:00Z"}).text
    )
    assert "at the beginning" in xaa.post(f"{address}/replay").text
    poll(desk)
    assert "2 known already" in xaa.get(address).text
    tested = xaa.post(f"{address}/test").text
    assert "Every step is passed" in tested
    refused = xaa.post(f"{address}/secrets", {"user": "us"})
    assert (refused.status_code, "error-summary" in refused.text) == (400, True)
    changed = xaa.post(f"{address}/secrets", {"token": CANARY, "ca": ""}).text
    assert "other credentials from its next run on" in changed
    assert desk.feed("odd").auth == "bearer"
    assert CANARY not in changed


def test_a_feed_is_removed_after_a_page_that_says_what_stays(desk: Node, odd: Odd) -> None:
    address = add(desk)
    odd.add(*desk.world.indicators(2))
    poll(desk)
    brought = desk.objects()
    xaa = browse(desk)
    assert f'href="{address}/remove"' in xaa.get(address).text
    asked = xaa.get(f"{address}/remove").text
    assert "What it brought stays ours" in asked
    assert "Have the partner revoke them" in asked
    gone = xaa.post(f"{address}/remove").text
    assert "The feed is removed" in gone
    assert "removed: it runs never again" in gone
    assert "2 new" in gone
    assert "Run it now" not in gone
    assert f"{address}/secrets" not in gone
    for act in ACTS:
        assert xaa.post(f"{address}/{act}", {"token": "t"}).status_code == 409, act
    assert [xaa.get(f"{address}{rest}").status_code for rest in LISTS[:4]] == [200] * 4
    assert address not in xaa.get("/sharing/feeds").text
    assert address in xaa.get("/sharing/feeds?state=removed").text
    assert address in xaa.get(f"/sharing/harbour/objects/{next(iter(brought.values()))['id']}").text
    assert desk.objects() == brought
    assert add(desk) != address


@pytest.mark.parametrize(
    ("direction", "said"),
    [("pull", "nothing is fetched until it is given back"), ("push", "asks the partner to delete")],
)
def test_a_feed_of_a_suspended_seat_says_what_it_does(
    desk: Node, odd: Odd, direction: str, said: str
) -> None:
    address = add(desk, direction=direction)
    xaa = browse(desk)
    assert said not in xaa.get(address).text
    seating.change_seat(
        desk.world.database, "operator", "harbour", "XAA", "suspended", now_us=desk.world.clock()
    )
    assert said in xaa.get(address).text


def test_a_run_is_watched_while_it_goes_on(desk: Node, odd: Odd) -> None:
    """By htmx where there is JavaScript, else by a page that loads itself again, or does not."""
    address = add(desk)
    odd.page = 1
    odd.add(*desk.world.indicators(3))
    seen: list[str] = []

    def look(_method: str, url: str) -> None:
        if "next=" in url:
            seen.append(browse(desk).get(address).text)

    desk.network.before = look
    poll(desk)
    first, last = seen[0], seen[-1]
    for page in (first, last):
        assert "it is being run now" in page
        assert 'hx-trigger="every 2s"' in page
        assert '<noscript><meta http-equiv="refresh"' in page
        assert "<progress" in page
    assert "1 new" in first
    assert "2 new" in last
    ended = browse(desk).get(address).text
    for mark in ("hx-trigger", "http-equiv", "<progress"):
        assert mark not in ended
    browser = browse(desk)
    browser.get(address)
    assert "hx-trigger" in browser.post(f"{address}/run").text
    still = browser.get(f"{address}?still=yes").text
    assert "http-equiv" not in still
    assert "hx-trigger" in still


def test_what_a_push_has_sent_and_what_the_partner_keeps(desk: Node, odd: Odd) -> None:
    odd.deletes = False
    desk.world.set_policy({"rules": []})
    desk.world.contribute(*desk.world.indicators(3), who="xbb")
    desk.world.set_policy(
        {"rules": [{"id": "all", "effect": "share", "audience": {"any": ["forum"]}}]}, "XBB"
    )
    address = add(desk, direction="push")
    poll(desk)
    desk.world.set_policy({"rules": []}, "XBB")
    poll(desk)
    xaa = browse(desk)
    assert "recalled; the partner keeps it: 3" in xaa.get(address).text
    kept = xaa.get(f"{address}/sent?state=recalled").text
    assert kept.count("does not delete") == 3
    assert "Nothing like this was sent" in xaa.get(f"{address}/sent?state=sent").text
    listed = xaa.get(f"{address}/sent?format=json&limit=2").get_json()
    assert (len(listed["items"]), "next" in listed) == (2, True)


def test_no_secret_is_in_any_page(desk: Node, odd: Odd, capfd: pytest.CaptureFixture[str]) -> None:
    pem = f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----"
    xaa = browse(desk)
    xaa.get("/sharing/feeds/new")
    sent = filled(desk, do="test", client_cert=pem)
    assert CANARY not in xaa.post("/sharing/feeds/new", sent).text
    assert CANARY not in xaa.post("/sharing/feeds/new", sent | {"name": ""}).text
    address = add(desk)
    poll(desk)
    for rest in LISTS:
        assert CANARY not in xaa.get(f"{address}{rest}").text
    shown = xaa.post(f"{address}/secrets", {"user": "us", "password": CANARY, "token": CANARY})
    assert (shown.status_code, CANARY in shown.text) == (400, False)
    assert CANARY not in xaa.get("/members/audit").text
    told = capfd.readouterr()
    assert CANARY not in told.out + told.err
