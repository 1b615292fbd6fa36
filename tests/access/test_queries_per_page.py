"""No page asks the database more than a dozen questions, whatever there is to show."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import event

from auth.doors import find_sign
from auth.pages.members import name_of_person
from sharing.queries.feeds import list_feeds
from sharing.services import seating
from tests.access.feeding import begin_feed, open_network
from tests.access.test_matrix import NEVER
from tests.auth.tools.asking import Desk, register
from tests.browsing import Browser, add_person
from tests.norms.states import ADOPTION, DECISION, TERMINATION, TREATY, Register
from tests.sharing.api.asking import SHARE_ALL
from tests.sharing.jobs.asking import (
    ask_to_export,
    ask_to_import,
    ask_to_simulate,
    lines,
    run,
)
from tests.sharing.taxii.world import World

MOST = 12
ROOT = "/sharing/harbour"
STAMPS = {
    "spec_version": "2.1",
    "created": "2026-01-01T00:00:00.000Z",
    "modified": "2026-01-01T00:00:00.000Z",
}
MAKER = f"identity--{'0' * 8}-0000-4000-8000-0000000000e1"
OURS = f"indicator--{'0' * 8}-0000-4000-8000-000000000001"
THEIRS = f"indicator--{'0' * 8}-0000-4000-8000-0000000000b1"
BOTH = f"indicator--{'0' * 8}-0000-4000-8000-0000000000c1"
LINK = f"relationship--{'0' * 8}-0000-4000-8000-0000000000d1"
REPORT = f"report--{'0' * 8}-0000-4000-8000-0000000000d2"
ROLES = (
    *("reader", "contributor", "policy-officer", "release-approver"),
    *("drafter", "clearance-officer", "member-admin", "auditor"),
)
ANA, ANN, OPERATOR = "ana@xaa.example", "ann@people.example", "op@comity.example"
FEED = ("", "/runs", "/refusals", "/sent", "/secrets", "/remove")
NOT_LOOKED_AT = {"sign-in.link", "sign-in.returned"}
"""Pages that only somebody who is on the way in comes by, with what was given out for it."""


@contextmanager
def counting(world: World) -> Iterator[list[str]]:
    """The statements that the databases are asked meanwhile."""
    asked: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(("BEGIN", "SET ", "SHOW", "PRAGMA")):
            asked.append(statement)

    engines = {world.database.content, world.database.deliveries}
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)


@pytest.fixture
def busy(small_world: World) -> World:
    """Something of everything, in two forums and several collections, and a register."""
    fill_register(Register(small_world))
    fill_forums(small_world)
    add_person(small_world, ANA, "XAA", *ROLES)
    begin_feed(open_network(small_world), *small_world.indicators(3), code="XAA")
    add_person(small_world, OPERATOR, None, "operator")
    return small_world


def fill_register(told: Register) -> None:
    """A decision and two treaties, of which each State has said something different."""
    second = json.loads(json.dumps(TREATY).replace('"qt"', '"qu"').replace("QT 1", "QU 1"))
    for document in (DECISION, TREATY, second):
        told.done("ann", "POST", "records", document)
    told.record("ann", ADOPTION)
    for name in ("qt", "qu"):
        signed = {"kind": "signature-simple", "instrument": name, "confidence": "checked"}
        said = {"kind": "reservation", "instrument": name, "date": "2025-10-05"}
        for code in ("XAA", "XBB", "XCC"):
            told.record("ann", {**signed, "party": code, "date": "2025-09-01"})
        for code in ("XBB", "XCC"):
            [made] = told.record("ann", {**said, "party": code, "provisions": ["Art. 2"]})
            against = {"kind": "objection", "instrument": name, "refers_to": made}
            told.record("ann", {**against, "party": "XAA", "date": "2025-10-09"})
    for number in range(3):
        title = {"title": f"T {number}", "body": "B", "date": "2026-01", "provisions": ["qd:1"]}
        plan = {"plan": f"P {number}", "provisions": ["qd:1"]}
        silence = {"title": "D", "symbol": f"QD/{number}", "deadline": "2030-01-01T11:00:00Z"}
        for code in ("xaa", "xbb"):
            position = told.done(f"{code}-drafter", "POST", "positions", title)
            action = told.done(f"{code}-drafter", "POST", "actions", plan)
            if number:
                public = {"audience": "public"}
                cleared = f"{code}-clearance-officer"
                told.done(cleared, "POST", f"positions/{position['id']}/release", public)
                told.done(cleared, "POST", f"actions/{action['id']}/release", public)
                happened = {"kind": "evidence", "date": "2026-01", "body": "Done"}
                told.done(cleared, "POST", f"actions/{action['id']}/events", happened)
        told.done("ann", "POST", "forums/quay/silence-procedures", silence)
    told.person("bea", "secretariat", forum="quay")
    for _ in range(3):
        told.done("bea", "POST", "events", {"events": [TERMINATION]})


def fill_forums(world: World) -> None:
    """Objects that name each other, ours and others', one that two members contributed."""
    now = {"now_us": world.clock()}
    seating.seat_member(world.database, "operator", "basin", "XAA", "member", **now)
    for code in ("XAA", "XBB"):
        world.set_policy(SHARE_ALL, code)
    maker = {**STAMPS, "type": "identity", "id": MAKER, "name": "A team", "identity_class": "group"}
    ours = world.indicators(5, created_by_ref=MAKER)
    assert ours[0]["id"] == OURS
    link = {
        **STAMPS,
        "type": "relationship",
        "id": LINK,
        "relationship_type": "related-to",
        "source_ref": OURS,
        "target_ref": ours[1]["id"],
        "created_by_ref": MAKER,
    }
    report = {
        **STAMPS,
        "type": "report",
        "id": REPORT,
        "name": "Weekly",
        "published": STAMPS["created"],
        "object_refs": [LINK, OURS, BOTH],
        "created_by_ref": MAKER,
    }
    seen = [
        {
            **STAMPS,
            "type": "sighting",
            "id": f"sighting--{NEVER[:-2]}{number:02x}",
            "count": number,
            "sighting_of_ref": OURS,
            "last_seen": f"2026-01-{number:02d}T00:00:00Z",
        }
        for number in range(1, 9)
    ]
    both = world.indicator(id=BOTH)
    world.contribute(world.indicator(id=THEIRS), both, who="xbb")
    world.contribute(maker, *ours, both, link, report, *seen)
    world.contribute(*world.indicators(5), to="second")
    elsewhere = f"/taxii2/basin/collections/{world.collections['elsewhere']}/objects/"
    answer = world.post("xdd", elsewhere, {"objects": world.indicators(3)})
    assert answer.status_code == 202


def addresses(world: World) -> list[tuple[str, str]]:
    """Who looks at what."""
    place = f"{ROOT}/collections/{world.collections['reports']}"
    mine = [
        *("/account", "/account/credentials", "/account/passkeys", "/account/provider"),
        asked_by_tool(world),
        *("/inbox", "/members", "/members/audit", "/members/tools", f"/members/{name_of(world)}"),
        *("/sharing", "/sharing/search?q=host-1.example", "/sharing/search?q=host-"),
        f"{ROOT}/objects",
        *(f"{ROOT}/objects/{one}" for one in (OURS, THEIRS, BOTH, LINK, REPORT, MAKER)),
        f"{ROOT}/contributions",
        "/sharing/feeds",
        "/sharing/feeds/new",
        *(f"/sharing/feeds/{list_feed(world)}{rest}" for rest in FEED),
        "/sharing/jobs",
        *(f"/sharing/jobs/{job_id}" for job_id in list_work(world)),
        f"{ROOT}/contribute",
        f"{ROOT}/policy",
        f"{ROOT}/policy/edit",
        f"{ROOT}/policy/simulations/{try_policy(world)}",
        f"{ROOT}/accepts",
        f"{ROOT}/held",
        f"{ROOT}/recalls",
        f"{ROOT}/served?collection={world.collections['reports']}&id={OURS}",
        f"{ROOT}/collections",
        place,
        f"{place}/contributions/{OURS}/withdraw",
        "/norms",
        "/norms/forums",
        "/norms/forums/quay",
        "/norms/forums/quay/status",
        "/norms/instruments",
        "/norms/instruments/qd",
        "/norms/instruments/qt",
        "/norms/provisions/qd:1",
        "/norms/parties",
        "/norms/parties/XAA",
        "/norms/compare/parties?left=XAA&right=XBB",
        "/norms/compare/provisions?left=qd&right=qt",
        "/norms/due",
        "/norms/calendar.ics",
        "/norms/positions",
        "/norms/positions/new",
        "/norms/actions",
        "/norms/actions/new",
        "/norms/silence-procedures",
        "/norms/events",
        "/norms/events/new",
        "/norms/unverified",
        "/norms/briefing?forum=quay&state=XAA&state=XBB",
        *list_closed(world),
    ]
    recorded = [
        "/norms/confirmations/new",
        "/norms/records/new",
        "/norms/forums/quay/silence-procedures/new",
        "/norms/events/new",
        "/inbox",
        "/norms/recordings",
        f"/norms/recordings/{list_waiting(world)[0]}",
    ]
    return [
        *((ANA, one) for one in mine),
        *((ANN, one) for one in recorded),
        (OPERATOR, "/operator"),
        (OPERATOR, "/operator/tools"),
        *(("", one) for one in ("/", "/sign-in")),
    ]


def list_waiting(world: World) -> list[str]:
    """What one person of the secretariat recorded, and another is to confirm."""
    told = Register(world, is_made=True)
    return [one["id"] for one in told.items("ann", "recordings")]


def list_feed(world: World) -> str:
    """The id of XAA's feed."""
    with world.database.read() as connection:
        return list_feeds(connection, world.seated("XAA").reader)[0].uuid


def list_work(world: World) -> list[str]:
    """Long work of each kind, done; and its file."""
    imported = ask_to_import(world, lines(1, world.indicator()), ANA, name="two.jsonl")
    exported = ask_to_export(world, ANA)
    tried = ask_to_simulate(world, SHARE_ALL, ANA)
    for job_id in (imported, exported, tried):
        run(world, job_id)
    return [imported, exported, tried, f"{exported}/file"]


def name_of(world: World) -> str:
    """What addresses call somebody of Ana's member."""
    with world.app.test_request_context():
        return name_of_person("a@xaa.example")


def try_policy(world: World) -> str:
    """A simulation that Ana has begun."""
    browser = Browser(world, ANA)
    browser.get(f"{ROOT}/policy/edit")

    tried: str = browser.post(f"{ROOT}/policy/edit", {"document": json.dumps(SHARE_ALL)}).text
    return tried.split('name="simulation" value="')[1].split('"', maxsplit=1)[0]


def asked_by_tool(world: World) -> str:
    """Where a tool of XAA's sends a person."""
    desk = Desk(world, register(world, member_code="XAA"), Browser(world))
    return f"/oauth/authorize?{urlencode(desk.request())}"


def list_closed(world: World) -> list[str]:
    """The pages of what XAA says and does itself, and of a draft under silence."""
    told = Register(world, is_made=True)
    position = told.items("xaa-drafter", "positions")[0]["id"]
    action = told.items("xaa-drafter", "actions")[0]["id"]
    silence = told.items("xaa-drafter", "silence-procedures")[0]["id"]
    recorded = told.items("xaa-drafter", "events")[0]["id"]
    return [
        f"/norms/positions/{position}",
        f"/norms/positions/{position}/edit",
        f"/norms/actions/{action}",
        f"/norms/actions/{action}/edit",
        f"/norms/silence-procedures/{silence}",
        f"/norms/events/{recorded}",
    ]


def test_no_page_asks_more_questions_than_it_may(busy: World) -> None:
    looks = addresses(busy)
    browsers = {who: Browser(busy, who or None) for who in {who for who, _ in looks}}
    found = {}
    for who, address in looks:
        with counting(busy) as asked:
            answer = browsers[who].client.get(address)
        assert answer.status_code == 200, (address, answer.status_code)
        found[address] = len(asked)
    above = {address: count for address, count in found.items() if count > MOST}
    assert above == {}, above


def test_two_hundred_lines_are_looked_up_at_once(busy: World) -> None:
    browser = Browser(busy, ANA)
    browser.get("/sharing/search")
    lines = "\n".join(f"host-{number}.example" for number in range(200))
    with counting(busy) as asked:
        text = browser.post("/sharing/search", {"q": lines}).text
    assert len(asked) <= MOST
    assert text.count("not known to us") < 200


def test_every_page_is_looked_at(busy: World) -> None:
    adapter = busy.app.url_map.bind("localhost")
    looked = {adapter.match(address.partition("?")[0])[0] for _, address in addresses(busy)}
    pages = {
        rule.endpoint
        for rule in busy.app.url_map.iter_rules()
        if "GET" in (rule.methods or ())
        and (sign := find_sign(busy.app, rule.endpoint, "GET")) is not None
        and sign.is_of_page
    }
    assert pages - looked == NOT_LOOKED_AT


def test_control_questions_are_counted(busy: World) -> None:
    browser = Browser(busy, ANA)
    with counting(busy) as asked:
        browser.client.get("/account")
    assert any("session" in statement for statement in asked)
