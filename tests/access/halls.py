"""Two worlds that differ in what some people may not see, and all that these can look at.

Sharing policy §9.1, at the pages: those of `pairs`, with people at browsers and the register of a
forum. What else happens in the second: people, sessions and pages of others, a State's closed
entries. What is of one answer alone (the token of forms) is taken out of it, instants become
ranks, cursors what they hold.
"""

from __future__ import annotations

import base64
import bisect
import itertools
import json
import re
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from types import FunctionType
from typing import Any
from urllib.parse import urlencode

import pytest
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from auth.doors import find_sign
from auth.pages.members import name_of_person
from auth.queries.persons import find_person
from kernel.clock import parse_instant
from kernel.db import Database
from kernel.settings import Settings
from tests.access.feeding import THEIRS
from tests.access.pairs import CITED, SECRET, Ids, Side, indicator_id
from tests.auth.tools.asking import BACK, VERIFIER, Desk, challenge_of, register
from tests.browsing import Browser, add_person
from tests.norms.states import ADOPTION, DECISION, Register
from tests.sharing.api.asking import issue
from tests.sharing.jobs.asking import ask_to_export, ask_to_simulate, run
from tests.sharing.views.looking import policy, share
from web.listing import NEXT_HEADER

EVERY_ROLE = (
    *("reader", "contributor", "policy-officer", "release-approver", "member-admin", "auditor"),
    *("drafter", "clearance-officer"),
)
READERS: dict[str, str | None] = {
    "xcc-all": "all@xcc.example",
    "xcc-reader": "reads@xcc.example",
    "xdd-all": "all@xdd.example",
    "ann": "ann@people.example",
    "ivo": "ivo@people.example",
    "visitor": None,
}
"""XCC has a seat and is shown a little; XDD's is elsewhere; Ann is of the quay's secretariat, Ivo
of the islet's; a visitor has not signed in."""
ROOT = "/sharing/harbour"
NEVER = str(uuid.UUID(int=9999, version=4))
SAID = {"title": "T", "body": "B", "date": "2026", "provisions": ["qd:1"]}


class Hall(Side):
    """One of the two worlds, with people and a register in it."""

    def __init__(self, database: Database, settings: Settings, ids: Ids) -> None:
        super().__init__(database, replace(settings, failed_delay_seconds=0.0), ids)
        began_us = self.world.clock()
        ids.reseed("register")
        self.register = Register(self.world)
        self.register.done("ann", "POST", "records", DECISION)
        self.adopted = self.register.record("ann", ADOPTION)[0]
        self.public = {
            "positions": self._publish("positions", SAID),
            "actions": self._publish("actions", {"plan": "P", "provisions": ["qd:1"]}),
        }
        draft = {"title": "D", "symbol": "QD/2", "deadline": "2030-01-01T11:00:00Z"}
        silence = self.register.done("ann", "POST", "forums/quay/silence-procedures", draft)
        self.silence: str = silence["id"]
        self.register.person("bea", "secretariat", forum="quay")
        self.world.clock.now_us = began_us
        ids.reseed("people")
        add_person(self.world, "leaves@xcc.example", "XCC", "reader")
        for code in ("XCC", "XDD"):
            add_person(self.world, f"all@{code.lower()}.example", code, *EVERY_ROLE)
            add_person(self.world, f"reads@{code.lower()}.example", code, "reader")
        ids.reseed("tools")
        self.tool = register(self.world, member_code=None, name="Everybody's")
        self.hidden_tools: list[str] = []
        self.acts: list[int] = []
        self.browsers: dict[str, Browser] = {}
        self.tokens: dict[str, str] = {}
        self.closed: dict[str, list[str]] = {"positions": [], "actions": []}
        self.work: list[str] = []
        self.hidden_work: list[str] = []
        self.waiting: list[str] = []

    def _publish(self, noun: str, said: dict[str, Any]) -> str:
        name: str = self.register.done("xbb-drafter", "POST", noun, said)["id"]
        body = {"audience": "public"}
        self.register.done("xbb-clearance-officer", "POST", f"{noun}/{name}/release", body)
        return name

    def let_pass(self, hours: int) -> None:
        super().let_pass(hours)
        self.acts.append(self.world.clock())

    def act_at(self, at_us: int) -> int:
        """The instant of the act that something is stamped with, or stamped with a moment after."""
        place = bisect.bisect_right(self.acts, at_us) - 1
        act_us = self.acts[place] if place >= 0 else 0
        return act_us if at_us - act_us < _MOMENT_US else at_us

    def sign_in(self) -> None:
        """Everybody begins a session; what was begun before is forgotten."""
        for name, email in READERS.items():
            self.ids.reseed(("sign-in", name, self.world.clock()))
            self.browsers[name] = Browser(self.world, email)
            found = _TOKEN.search(self.browsers[name].get("/sign-in").text)
            assert found is not None
            self.tokens[name] = found[2]

    def have_made(self, who: str, step: object) -> str:
        """Somebody's view of the reports made into a file, as long work."""
        self.ids.reseed((step, who, self.world.clock()))
        made = ask_to_export(self.world, who)
        run(self.world, made)
        return made

    # What happens in the second world alone.

    def hide_work(self, number: int) -> None:
        """XBB has a view made into a file, and begins to try a policy out."""
        self.hidden_work.append(self.have_made("b@xbb.example", ("hidden", number)))
        ask_to_simulate(self.world, policy(share("member:XEE")), "o@xbb.example")

    def hide_people(self, number: int) -> None:
        """XBB has one more person, who signs in and has a credential."""
        name = f"guest-{number}"
        with self.world.database.read() as connection:
            known = find_person(connection, f"{name}@xbb.example") is not None
        if not known:
            issue(self.world, name, "XBB", "reader", "contributor")
        Browser(self.world, f"{name}@xbb.example")

    def hide_visits(self, number: int) -> None:
        """XBB's people look at pages, look something up, and contribute by a form."""
        browser = Browser(self.world, "b@xbb.example")
        for address in ("/sharing", f"{ROOT}/objects", f"{ROOT}/objects/{indicator_id(number)}"):
            browser.get(address)
        browser.post("/sharing/search", {"q": "x.example\nnumber 1"})
        issued = f"desk-{number}@xbb.example"
        with self.world.database.read() as connection:
            known = find_person(connection, issued) is not None
        if not known:
            add_person(self.world, issued, "XBB", "contributor", "policy-officer")
        desk = Browser(self.world, issued)
        desk.get(f"{ROOT}/contribute")
        hidden = json.dumps([self.indicator(number + 100, 1, labels=["hidden"])])
        sent = {"collection": self.world.collections["second"], "objects": hidden}
        desk.post(f"{ROOT}/contribute", sent | {"confirm": "yes"})
        wider = json.dumps(policy(share("member:XEE")))
        desk.get(f"{ROOT}/policy/edit")
        desk.post(f"{ROOT}/policy/edit", {"document": wider})

    def hide_recordings(self, number: int) -> None:
        """The quay's secretariat records what waits for a second person, or is refused."""
        began_us = self.world.clock()
        said = ADOPTION | {"key": f"hidden-{number}", "date": "2026-02-01"}
        for _ in range(2):
            told = self.register.done("bea", "POST", "events", {"events": [said]})
            self.waiting.append(told["recording"])
        self.register.done("bea", "POST", f"recordings/{self.waiting[-1]}/refusal", {})
        self.world.clock.now_us = began_us

    def hide_entries(self, _number: int) -> None:
        """XAA drafts, shows to itself or to XBB, and withdraws positions and actions."""
        began_us = self.world.clock()
        for noun, body in (("positions", SAID), ("actions", {"plan": "P", "due": "2026-10"})):
            for audience in (
                None,
                {"audience": "own"},
                {"audience": "parties", "parties": ["XBB"]},
            ):
                name = self.register.done("xaa-drafter", "POST", noun, body)["id"]
                self.closed[noun].append(name)
                path = f"{noun}/{name}"
                if audience:
                    self.register.done("xaa-clearance-officer", "POST", f"{path}/release", audience)
            self.register.done("xaa-clearance-officer", "POST", f"{path}/withdrawal")
        self.world.clock.now_us = began_us

    def hide_tools(self, _number: int) -> None:
        """XBB registers a tool; one of its people lets in that one, and everybody's."""
        browser = Browser(self.world, "b@xbb.example")
        theirs = register(self.world, member_code="XBB")
        for tool in (theirs, self.tool):
            desk = Desk(self.world, tool, browser)
            desk.use(desk.let_in()["access_token"])
        self.hidden_tools.append(theirs.id)


HIDDEN_FROM_PAGES: tuple[Callable[[Any, int], None], ...] = (
    *SECRET,
    Hall.hide_work,
    Hall.hide_people,
    Hall.hide_visits,
    Hall.hide_entries,
    Hall.hide_tools,
)
"""From all readers; what waits in a secretariat (`hide_recordings`) is seen by its people."""


@dataclass(frozen=True, slots=True)
class Look:
    """One question to a page: a form where `sent` is given, with `address` as it is written."""

    method: str
    address: str
    sent: tuple[tuple[str, Any], ...] = ()


def list_rules(side: Hall) -> list[tuple[str, Rule]]:
    """(method, rule) of every page, what signs out last: it ends what the others need."""
    app = side.world.app
    found = [
        (method, rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if (sign := find_sign(app, rule.endpoint, method)) is not None and sign.is_of_page
    ]
    return sorted(found, key=lambda one: (one[1].rule == "/sign-out", one[0], one[1].rule))


def list_looks(one: Hall, other: Hall) -> Iterator[Look]:
    """Every method of every page, by what its address can name; forms are empty and come last."""
    names = _names(one, other)
    looks = [
        Look(method, address)
        for method, rule in list_rules(one)
        for address in _addresses(rule, names)
    ]
    for tool_id in names["tool_id"]:
        looks.append(Look("GET", f"/oauth/authorize?{urlencode(_asked_by(tool_id))}"))
        agreed = _asked_by(tool_id) | {"answer": "let-in", "granted": "api:read"}
        looks.append(Look("POST", "/oauth/authorize", tuple(agreed.items())))
    yield from (look for look in looks if look.method == "GET")
    yield from (look for look in looks if look.method != "GET")


def _names(one: Hall, other: Hall) -> dict[str, list[str]]:
    """What each name in an address may be: seen, hidden in the second world, never there."""
    guest = "guest-1@xbb.example"
    with one.world.app.app_context():
        people = [name_of_person(email) for email in ("leaves@xcc.example", guest)]
    places = one.world.collections
    objects = [indicator_id(number) for number in (1, 2, 3, 4, 100, 101)]
    edge = f"relationship--{uuid.UUID(int=7001, version=4)}"
    return {
        "forum": ["harbour", "basin", "nowhere"],
        "ref": [places["reports"], places["sealed"], places["elsewhere"], NEVER],
        "stix_id": [*objects, edge, f"indicator--{NEVER}"],
        "slug": ["quay", "nowhere"],
        "code": ["XAA", "XZZ"],
        "instrument": ["qd", "nothing"],
        "provision": ["qd:1", "qd:9"],
        "event": [one.adopted, NEVER],
        "position": [one.public["positions"], *other.closed["positions"][:4], NEVER],
        "action": [one.public["actions"], *other.closed["actions"][:4], NEVER],
        "procedure": [one.silence, NEVER],
        "recording": [*other.waiting[:2], NEVER],
        "credential_id": [one.world.secrets["xcc"][0], one.others_credential, "k3v7q2m9x4b8"],
        "tool_id": [one.tool.id, *other.hidden_tools[:2], "tool-aaaaaaaaaaaaaaaa"],
        "person": [*people, "nobody"],
        "name": [NEVER],
        "passkey_id": [NEVER],
        "simulation_id": [NEVER],
        "job_id": [*one.work, *other.hidden_work, NEVER],
        "held_id": [NEVER],
        "recall_id": [NEVER],
        "feed": [one.own_feed, *(each.uuid for each in other.others_feeds.values()), NEVER],
    }


def _addresses(rule: Rule, names: dict[str, list[str]]) -> Iterator[str]:
    """The first value of every name, and each other value of one of them."""
    asked = sorted(rule.arguments)
    unknown = [name for name in asked if name not in names]
    assert not unknown, f"say what {unknown} in {rule.rule} may be"
    first = {name: names[name][0] for name in asked}
    choices = [first] + [first | {name: value} for name in asked for value in names[name][1:]]
    for choice in choices:
        address = rule.rule
        for name, value in choice.items():
            address = re.sub(rf"<(\w+:)?{name}>", value, address)
        yield address


def _asked_by(tool_id: str) -> dict[str, str]:
    """What a tool asks a person."""
    return {
        "response_type": "code",
        "client_id": tool_id,
        "redirect_uri": BACK,
        "state": "s",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    }


def list_filtered(side: Hall) -> Iterator[Look]:
    """Lists with filters, as files and by pages; lookups; graphs."""
    yield from (Look("GET", address) for address in _filtered(side))


def _filtered(side: Hall) -> Iterator[str]:
    place = side.world.collections["reports"]
    hidden, seen = indicator_id(101), indicator_id(1)
    for query in ("type=indicator", "tlp=amber%2Bstrict", "limit=2", f"collection={place}"):
        yield f"{ROOT}/objects?{query}"
    for form in ("json", "csv"):
        yield f"{ROOT}/objects?format={form}&limit=2"
        yield f"{ROOT}/contributions?format={form}&limit=1"
        yield f"/members?format={form}"
        yield f"/sharing/feeds?format={form}&limit=1"
        for what in ("runs", "refusals", "sent"):
            yield f"/sharing/feeds/{side.own_feed}/{what}?format={form}&limit=1"
        yield f"/sharing/jobs?format={form}&limit=1"
        yield f"/sharing/jobs/{side.work[0]}?format={form}"
        yield f"/members/audit?format={form}&limit=3"
        yield f"/members/tools?format={form}&limit=1"
        yield f"/account/credentials?format={form}&limit=1"
        for noun in ("events", "positions", "actions", "silence-procedures", "unverified"):
            yield f"/norms/{noun}?format={form}&limit=1"
        for noun in ("forums", "instruments", "parties", "due", "forums/quay/status"):
            yield f"/norms/{noun}?format={form}&limit=2"
    yield f"{ROOT}/objects?format=stix&limit=2"
    yield f"{ROOT}/objects?format=stix&type=indicator"
    yield f"{ROOT}/objects?format=atom&limit=2"
    yield "/norms/due?format=atom"
    yield "/norms/events?format=atom"
    for form in ("stix", "graph"):
        yield f"{ROOT}/objects/{seen}?format={form}"
        yield f"{ROOT}/objects/{hidden}?format={form}"
    for asked in (seen, hidden, "x.example", "number", "number 101", "nothing%20like%20it"):
        yield f"/sharing/search?q={asked}"
    yield f"{ROOT}/contributions?limit=1"
    yield f"{ROOT}/policy?limit=1"
    yield "/members/audit?limit=3"
    for stix_id in (hidden, f"indicator--{NEVER}"):
        yield f"{ROOT}/served?collection={place}&id={stix_id}"
    for party in ("XAA", "XBB"):
        yield f"/norms/positions?party={party}"
        yield f"/norms/actions?party={party}"
        yield f"/norms/due?party={party}"
    yield f"/norms/positions?provision={CITED}"
    yield "/norms/actions?status=planned"
    yield "/norms/compare/parties?left=XAA&right=XBB"
    yield "/norms/compare/provisions?left=qd&right=qd"
    yield "/norms/briefing?forum=quay&state=XAA&state=XBB"
    yield "/norms/forums/quay/status?as_of=2026-06-01&member=XAA"
    yield "/norms/calendar.ics?forum=quay"


def list_forms(side: Hall) -> Iterator[Look]:
    """Forms as people fill them in; each is answered, and some change what is theirs."""
    place = side.world.collections["reports"]
    lines = "\n".join([*(f"number {n}" for n in (1, 101, 9)), indicator_id(101), "x[.]example"])
    # What XCC contributes has an id that is hidden from it.
    given = json.dumps([side.indicator(101, 1), side.indicator(55, 1)])
    wider = json.dumps(policy(share("member:XAA", "member:XBB", "role:observer", "partners")))
    new_feed = {"name": THEIRS, "url": "https://odd.example/", "place": f"harbour/{place}"}
    tried = dict(zip(("id", "secret"), side.world.secrets["xcc"], strict=True))
    forms: tuple[tuple[str, dict[str, Any]], ...] = (
        ("/sharing/search", {"q": lines}),
        (f"{ROOT}/contribute", {"collection": place, "objects": given}),
        (f"{ROOT}/contribute", {"collection": place, "objects": given, "confirm": "yes"}),
        (f"{ROOT}/contribute/file", {"long_collection": place}),
        (f"{ROOT}/export", {"collection": place}),
        (f"{ROOT}/policy/edit", {"document": wider}),
        (f"{ROOT}/policy", {"document": wider}),
        (f"{ROOT}/accepts", {"document": '{"except_originators": ["XEE"]}'}),
        (f"{ROOT}/served?collection={place}&id={indicator_id(101)}", {"reason": "Wrong."}),
        (f"{ROOT}/collections/{place}/test", tried),
        ("/sharing/feeds/new", new_feed | {"do": "test"}),
        ("/sharing/feeds/new", new_feed),
        ("/members", {"email": "new@xcc.example", "roles": ["reader"]}),
        ("/account/credentials", {"name": "desk", "kind": "individual"}),
        ("/members/tools", {"name": "N", "redirects": BACK, "scopes": ["taxii:read"]}),
        ("/norms/positions/new", SAID),
        ("/norms/actions/new", {"plan": "P", "provisions": ["qd:1"]}),
        ("/norms/events/new", {"kind": "reservation", "instrument": "qd", "date": "2026-01-01"}),
        ("/language", {"language": "ar", "back": "/norms"}),
        ("/language", {"language": "en", "back": "/norms"}),
    )
    for address, sent in forms:
        yield Look("POST", address, tuple(sent.items()))
        # What it says of that.
        yield Look("GET", "/account")
    for address in (
        "/inbox",
        "/sharing/jobs",
        "/members",
        "/norms/positions",
        "/norms/events",
        "/sharing",
        "/sharing/feeds",
        f"{ROOT}/objects",
        f"{ROOT}/contributions",
    ):
        yield Look("GET", address)


_TOKEN = re.compile(r'(name="csrf_token" value=")([^"]+)')
_FORM_COOKIE = re.compile(r"(comity-form=)[^;]+")
_TIME = re.compile(r'(<time dir="ltr" datetime="|<updated>)([^"<]+Z)("|</updated>)')
_NEXT = re.compile(r'(\bnext=|"next":")([\w-]{22,})')
_MOMENT_US = 100_000
Answer = tuple[str, tuple[tuple[str, str], ...], str]


def look_at(side: Hall, who: str, look: Look, step: object) -> list[Answer]:
    """The answers to one look and to all pages behind it."""
    found: list[Answer] = []
    address = look.address
    for page in itertools.count():
        side.ids.reseed((step, page))
        answer = _open(side, who, look, address)
        headers = ((name, _FORM_COOKIE.sub(r"\1-", value)) for name, value in answer.headers)
        text = _TOKEN.sub(r"\1-", answer.text)
        found.append((answer.status, tuple(sorted(headers)), text))
        onwards = _as_query(NEXT_HEADER, answer.headers.get(NEXT_HEADER, ""))
        token = _NEXT.search(answer.text) or _NEXT.search(onwards)
        if look.method != "GET" or token is None or token[2] in address or page > 20:
            return found
        address = f"{look.address}{'&' if '?' in look.address else '?'}next={token[2]}"
    raise AssertionError


def _open(side: Hall, who: str, look: Look, address: str) -> TestResponse:
    client = side.browsers[who].client
    if look.method == "GET":
        return client.get(address)
    sent = {**dict(look.sent), "csrf_token": side.tokens[who]}
    return client.open(address, method=look.method, data=sent)


def as_seen(side: Hall, answers: list[Answer]) -> list[Answer]:
    """Answers with each instant as the act that it belongs to, each cursor as what it holds.

    A release is stamped at the instant of what released it, or a moment later where others' run
    ahead of the clock: acts are a second apart, so that the order of acts is all that is left.
    """

    def time(found: re.Match[str]) -> str:
        return f"{found[1]}{side.act_at(parse_instant(found[2]))}{found[3]}"

    def cursor(found: re.Match[str]) -> str:
        held = [side.act_at(one) if isinstance(one, int) else one for one in _held(found[2])]
        return f"{found[1]}{held or found[2]}"

    return [
        (
            status,
            tuple((name, _NEXT.sub(cursor, _as_query(name, value))) for name, value in headers),
            _NEXT.sub(cursor, _TIME.sub(time, text)),
        )
        for status, headers, text in answers
    ]


def _as_query(name: str, value: str) -> str:
    """A header, with the cursor of a file written as an address has it."""
    return f"next={value}" if name == NEXT_HEADER else value


def _held(token: str) -> list[Any]:
    """What a list's cursor holds behind its seal: whoever is given one can read it."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        held = json.loads(raw[16:])
    except ValueError:
        return []
    return held if isinstance(held, list) else []


def inject_randomness(monkeypatch: pytest.MonkeyPatch, ids: Ids) -> None:
    """Let whatever draws at random draw from `ids`."""
    monkeypatch.setattr(uuid, "uuid4", ids.uuid4)
    for module in list(sys.modules.values()):
        if not getattr(module, "__name__", "").startswith("auth."):
            continue
        for verb in list(vars(module).values()):
            given = verb.__kwdefaults__ if isinstance(verb, FunctionType) else None
            if given and "randomness" in given:
                monkeypatch.setitem(given, "randomness", ids.token_bytes)
