"""Pages ask the database a dozen questions at most; those that ask more never ask more still."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import event

from sharing.queries.feeds import list_feeds
from tests.access.feeding import begin_feed, open_network
from tests.auth.tools.asking import Desk, register
from tests.browsing import Browser, add_person
from tests.norms.states import ADOPTION, DECISION, TERMINATION, Register
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
OWN = "indicator--00000000-0000-4000-8000-000000000001"
# An object of our own is explained to us; the register's pages are made of many lists.
MORE = {
    f"/sharing/harbour/objects/{OWN}": 20,
    "/norms": 18,
    "/norms/briefing?forum=quay&state=XAA": 18,
    "/norms/due": 13,
    "/norms/calendar.ics": 13,
    "/norms/forums/quay": 14,
    "/norms/instruments/qd": 19,
    "/norms/provisions/qd:1": 20,
}
ROLES = (
    "reader",
    "contributor",
    "policy-officer",
    "release-approver",
    "drafter",
    "clearance-officer",
    "member-admin",
)
FEED = ("", "/runs", "/refusals", "/sent", "/secrets")
ANA = "ana@xaa.example"


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
    """Something of everything in two collections, and a register."""
    register = Register(small_world)
    register.done("ann", "POST", "records", DECISION)
    register.record("ann", ADOPTION)
    said = {"title": "T", "body": "B", "date": "2026-01", "provisions": ["qd:1"]}
    silence = {"title": "D", "symbol": "QD/2", "deadline": "2030-01-01T11:00:00Z"}
    register.done("xaa-drafter", "POST", "positions", said)
    register.done("xaa-drafter", "POST", "actions", {"plan": "P", "provisions": ["qd:1"]})
    register.done("ann", "POST", "forums/quay/silence-procedures", silence)
    small_world.set_policy(SHARE_ALL)
    small_world.contribute(*small_world.indicators(5))
    small_world.contribute(*small_world.indicators(5), to="second")
    add_person(small_world, ANA, "XAA", *ROLES)
    begin_feed(open_network(small_world), *small_world.indicators(3), code="XAA")
    return small_world


def addresses(world: World) -> list[str]:
    root, place = "/sharing/harbour", world.collections["reports"]
    return [
        "/account",
        "/members/tools",
        asked_by_tool(world),
        "/sharing",
        "/sharing/search?q=host-1.example",
        f"{root}/objects",
        f"{root}/objects/{OWN}",
        f"{root}/contributions",
        "/sharing/jobs",
        *(f"/sharing/jobs/{job_id}" for job_id in list_work(world)),
        f"{root}/contribute",
        "/sharing/feeds",
        "/sharing/feeds/new",
        *(f"/sharing/feeds/{list_feed(world)}{rest}" for rest in FEED),
        f"{root}/policy",
        f"{root}/policy/edit",
        f"{root}/accepts",
        f"{root}/held",
        f"{root}/recalls",
        f"{root}/collections",
        f"{root}/collections/{place}",
        "/norms",
        "/norms/forums",
        "/norms/forums/quay",
        "/norms/forums/quay/status",
        "/norms/instruments",
        "/norms/instruments/qd",
        "/norms/provisions/qd:1",
        "/norms/parties",
        "/norms/parties/XAA",
        "/norms/compare/parties?left=XAA&right=XBB",
        "/norms/compare/provisions?left=qd&right=qd",
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
        "/norms/briefing?forum=quay&state=XAA",
        *list_closed(world),
    ]


def list_work(world: World) -> list[str]:
    """Long work of each kind, done; and its file."""
    imported = ask_to_import(world, lines(1, world.indicator()), ANA, name="two.jsonl")
    exported = ask_to_export(world, ANA)
    tried = ask_to_simulate(world, SHARE_ALL, ANA)
    for job_id in (imported, exported, tried):
        run(world, job_id)
    return [imported, exported, tried, f"{exported}/file"]


def asked_by_tool(world: World) -> str:
    """Where a tool of XAA's sends a person."""
    desk = Desk(world, register(world, member_code="XAA"), Browser(world))
    return f"/oauth/authorize?{urlencode(desk.request())}"


def list_feed(world: World) -> str:
    """The id of XAA's feed."""
    with world.database.read() as connection:
        return list_feeds(connection, world.seated("XAA").reader)[0].uuid


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
    browser = Browser(busy, ANA)
    found = {}
    for address in addresses(busy):
        with counting(busy) as asked:
            answer = browser.client.get(address)
        assert answer.status_code == 200, (address, answer.status_code)
        found[address] = len(asked)
    above = {address: count for address, count in found.items() if count > MORE.get(address, MOST)}
    assert above == {}, above


def test_the_pages_of_a_secretariat_ask_no_more(busy: World) -> None:
    register = Register(busy, is_made=True)
    register.person("bea", "secretariat", forum="quay")
    for _ in range(3):
        waits = register.done("bea", "POST", "events", {"events": [TERMINATION]})["recording"]
    ann = Browser(busy, "ann@people.example")
    for address in ("/inbox", "/norms/recordings", f"/norms/recordings/{waits}"):
        with counting(busy) as asked:
            assert ann.client.get(address).status_code == 200
        assert len(asked) <= MOST, (address, len(asked))


def test_control_questions_are_counted(busy: World) -> None:
    browser = Browser(busy, ANA)
    with counting(busy) as asked:
        browser.client.get("/account")
    assert any("session" in statement for statement in asked)
