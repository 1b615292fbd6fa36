"""Two worlds that differ only in what XCC may not see, and all that XCC can ask of each.

Sharing policy §9.1. The second world has everything of the first and more: policies, traffic,
objects, copies, held versions, accepts and standing of others, none of which XCC may see and
none of which anything that XCC sees names. The clock is the test's; ids are drawn by the number
of the step, so that what happens beside does not move them.
"""

from __future__ import annotations

import itertools
import json
import random
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from werkzeug.test import TestResponse

from auth.services import MemberChange
from kernel.db import Database
from kernel.settings import Settings
from sharing.queries.feeds import Feed
from sharing.rules.mentions import CITATION
from sharing.rules.tlp import WELL_KNOWN, Tlp
from sharing.services import policies, seating
from tests.access.feeding import begin_feed, hide_feeds, list_feed_askings, open_network
from tests.access.keeping import hide_commitments, hide_confirmations, hide_recalls
from tests.access.longwork import hide_work, list_work_askings
from tests.sharing.api.asking import FORUM, issue, items
from tests.sharing.jobs.asking import ask_to_simulate
from tests.sharing.taxii.world import World, make_world
from tests.sharing.views.looking import policy, share, withhold

TLP = {level: marking for marking, level in WELL_KNOWN.items()}
NEVER = f"indicator--{uuid.UUID(int=9999, version=4)}"
PERSON = "xcc-person"
CITED = "qd:1"
TO_XCC = [
    share("member:XCC", when={"labels": ["whole"]}),
    share(
        "member:XCC",
        when={"labels": ["half"]},
        omit=["description", "confidence", "external_references"],
    ),
    share("member:XCC", when={"labels": ["later"]}, delay="PT2H"),
    share("member:XCC", when={"labels": ["brief"]}, expire_after="PT3H"),
    share("partners", when={"tlp_at_most": "clear"}),
]
"""What XAA shares with XCC, in both worlds and at all times."""
LABELS = ("whole", "half", "later", "brief")


class Ids:
    """What draws random ids: the same for the same step, whatever else has drawn."""

    def __init__(self) -> None:
        self.reseed("beginning")

    def reseed(self, step: object) -> None:
        self._random = random.Random(str(step))

    def uuid4(self) -> uuid.UUID:
        return uuid.UUID(int=self._random.getrandbits(128), version=4)

    def token_bytes(self, size: int) -> bytes:
        return self._random.randbytes(size)


def indicator_id(number: int) -> str:
    return f"indicator--{uuid.UUID(int=number, version=4)}"


class Side:
    """One of the two worlds: what may happen in it, and what XCC asks of it."""

    def __init__(self, database: Database, settings: Settings, ids: Ids) -> None:
        ids.reseed("beginning")
        self.ids = ids
        self.world: World = make_world(database, settings)
        ids.reseed("person")
        issue(self.world, PERSON, "XCC", "contributor", "policy-officer", "member-admin")
        self.others_credential = self.world.secrets["xbb"][0]
        self.world.set_policy(policy(*TO_XCC))
        self.world.set_policy(policy(share("member:XAA")), code="XCC")
        ids.reseed("work")
        self.own_work = ask_to_simulate(self.world, {"rules": []}, f"{PERSON}@xcc.example")
        self.has_hidden_work = False
        ids.reseed("feed")
        self.feeding = open_network(self.world)
        self.own_feed = begin_feed(self.feeding, self.indicator(640, 1)).uuid
        self.others_feeds: dict[str, Feed] = {}
        self.marks: set[str] = set()
        self.newest = ""
        self.simulation = ""

    # What happens in both worlds.

    def contribute(self, who: str, *objects: dict[str, Any], to: str = "reports") -> int:
        answer = self.world.post(who, self.world.address(to), {"objects": list(objects)})
        return answer.status_code

    def indicator(self, number: int, version: int, **members: Any) -> dict[str, Any]:
        stamp = f"2026-01-0{version}T00:00:00.000Z"
        value = self.world.indicator(id=indicator_id(number), modified=stamp)
        value |= {"name": f"number {number}", "pattern": "[domain-name:value = 'x.example']"}
        # What is hidden cites what XCC's own cites.
        value |= {"external_references": [{"source_name": CITATION, "external_id": CITED}]}
        return value | {"description": "Said in confidence.", "confidence": 70} | members

    def withdraw(self, who: str, number: int, *, at: str = "reports") -> int:
        address = self.world.address(at, f"objects/{indicator_id(number)}/")
        return self.world.delete(who, address).status_code

    def let_pass(self, hours: int) -> None:
        # A second at least: a burst of hidden releases runs ahead of the clock for a moment.
        self.world.clock.now_us += hours * 3_600_000_000 + 1_000_007

    # What happens in the second world alone. No hidden object is named by anything of XCC's.

    def hide_objects(self, number: int) -> None:
        """XAA and XBB contribute what nobody, or XBB alone, is granted."""
        hidden = [self.indicator(number + n, 1, labels=["hidden"]) for n in range(3)]
        self.contribute("xaa", *hidden)
        self.contribute("xbb", *hidden, to="second")

    def hide_copies(self, number: int) -> None:
        """XBB, whose policy is silent, contributes what XCC sees or contributed itself."""
        copies = [self.indicator(each, 2, labels=["whole"]) for each in range(number, number + 4)]
        self.contribute("xbb", *copies)

    def hide_held_version(self, number: int) -> None:
        """XAA contributes a version that is marked looser than its own, and therefore held."""
        if not items(self.world, "xaa", f"{FORUM}/contributions", id=indicator_id(number)):
            return
        answer = self.world.get("xaa", self.world.address(rest="objects/?match[version]=all"))
        known = [v for v in answer.get_json().get("objects", []) if v["id"] == indicator_id(number)]
        if known:
            looser = {"modified": "2026-02-01T00:00:00.000Z", "labels": ["whole"]}
            looser |= {"object_marking_refs": [TLP[Tlp.CLEAR]]}
            made = known[-1] | looser
            made.pop("granular_markings", None)
            self.contribute("xaa", made)

    def hide_rules(self, number: int) -> None:
        """XAA's and XBB's policies change in what they say about others."""
        more = [share("member:XBB", "partners"), withhold("member:XEE", only=["confidence"])]
        self.set_policy("XAA", policy(*TO_XCC, *more[: number % 3]))
        asked = {"reciprocity": {"min_contributions": 1, "window_days": 2}}
        wanted = share("member:XEE", "member:XAA", conditions=asked, delay="PT1H")
        self.set_policy("XBB", policy(*[wanted][: number % 2]))

    def hide_forum_rule(self, number: int) -> None:
        about_xbb = withhold("forum", "partners", when={"originators": ["XBB"]})
        rules = [about_xbb, withhold("member:XBB", "partners")]
        self._set_forum_rules(policy(*rules[: number % 3]))

    def hide_accepts(self, number: int) -> None:
        document = [{}, {"types": []}, {"tlp_at_most": "green"}][number % 3]
        policies.set_accepts(
            self.world.database,
            policies.Setter("operator"),
            self.world.forum_id,
            self.world.member_id("XBB"),
            json.dumps(document).encode(),
            now_us=self.world.clock(),
        )

    def hide_standing(self, number: int) -> None:
        """XBB's and the observer's seats come and go, and what they may have; what XAA
        contributed stays."""
        database, said = self.world.database, {"now_us": self.world.clock()}
        status = ("suspended", "active")[number % 2]
        change = MemberChange(accredited_to=(1, 4)[number % 2])
        for code in ("XBB", "XEE"):
            seating.change_seat(database, "operator", "harbour", code, status, **said)
            seating.set_member(database, "operator", code, change, **said)

    def hide_seats(self, number: int) -> None:
        said = {"now_us": self.world.clock()}
        name = f"relay-{number}"
        if name in self.marks:
            return
        if not self.marks:
            seating.seat_member(self.world.database, "operator", "harbour", "XDD", "member", **said)
        self.marks.add(name)
        seating.add_partner(self.world.database, "operator", "harbour", name, **said)

    def hide_withdrawals(self, number: int) -> None:
        for who, place in (("xbb", "reports"), ("xbb", "second")):
            for each in range(number, number + 4):
                self.withdraw(who, each, at=place)

    def hide_polls(self, number: int) -> None:
        for who in ("xbb", "xaa", "mirror", "xee"):
            self.world.get(who, self.world.address(rest=f"objects/?limit={1 + number % 3}"))

    def hide_edges(self, number: int) -> None:
        """Others' relationships to what XCC sees, and to what it does not."""
        ends = {"source_ref": indicator_id(number), "target_ref": indicator_id(number + 500)}
        edge = {
            "type": "relationship",
            "spec_version": "2.1",
            "id": f"relationship--{uuid.UUID(int=7000 + number, version=4)}",
            "created": "2026-01-01T00:00:00.000Z",
            "modified": "2026-01-01T00:00:00.000Z",
            "relationship_type": "related-to",
        }
        self.contribute("xbb", edge | ends)

    def hide_statement(self, number: int) -> None:
        marking = {
            "type": "marking-definition",
            "spec_version": "2.1",
            "id": f"marking-definition--{uuid.UUID(int=8000, version=4)}",
            "created": "2026-01-01T00:00:00.000Z",
            "definition_type": "statement",
            "definition": {"statement": "XBB's own words."},
        }
        carrier = self.indicator(number + 600, 1, object_marking_refs=[marking["id"]])
        self.contribute("xbb", marking, carrier)

    def set_policy(self, code: str, document: dict[str, Any]) -> None:
        policies.set_policy(
            self.world.database,
            policies.Setter("operator"),
            self.world.forum_id,
            self.world.member_id(code),
            json.dumps(document).encode(),
            now_us=self.world.clock(),
        )

    def _set_forum_rules(self, document: dict[str, Any]) -> None:
        policies.set_forum_policy(
            self.world.database,
            policies.Setter("operator"),
            self.world.forum_id,
            json.dumps(document).encode(),
            now_us=self.world.clock(),
        )


SECRET: tuple[Callable[[Side, int], None], ...] = (
    Side.hide_objects,
    Side.hide_copies,
    Side.hide_held_version,
    Side.hide_rules,
    Side.hide_accepts,
    Side.hide_withdrawals,
    Side.hide_polls,
    Side.hide_edges,
    Side.hide_statement,
    hide_feeds,
    hide_work,
    hide_recalls,
    hide_confirmations,
    hide_commitments,
)
"""What nothing tells XCC."""
UNNAMED: tuple[Callable[[Side, int], None], ...] = (
    Side.hide_standing,
    Side.hide_seats,
    Side.hide_forum_rule,
)
"""Who else has a seat, and what the forum rules of others: told to who shares with them."""
HIDDEN = SECRET + UNNAMED


# All that XCC can ask. Each is (route, method, address, body); the first names what it covers.

Asking = tuple[str, str, str, Any]
_OBJECTS = "/taxii2/<forum>/collections/<ref>/objects/"
_OBJECT = f"{_OBJECTS}<stix_id>/"
_MARKINGS = "/taxii2/<forum>/collections/<ref>/x-comity-markings/"
_API = "/api/v1/forums/<forum>"


def list_askings(side: Side, *, of_recipients: bool = True) -> Iterator[Asking]:
    """Everything that only reads, or tries in vain to change something.

    `of_recipients`: also to whom XCC's own objects go, which names the forum's recipients.
    """
    root, api = "/taxii2/harbour/", "/api/v1/forums/harbour"
    yield ("/taxii2/", "GET", "/taxii2/", None)
    for forum in ("harbour", "basin", "nowhere"):
        yield ("/taxii2/<forum>/", "GET", f"/taxii2/{forum}/", None)
        yield ("/taxii2/<forum>/collections/", "GET", f"/taxii2/{forum}/collections/", None)
    for name in ("reports", "second", "sealed", "drop"):
        place = f"{root}collections/{side.world.collections[name]}/"
        yield ("/taxii2/<forum>/collections/<ref>/", "GET", place, None)
        for query in ("", "match[version]=all", "match[version]=first", "match[type]=indicator"):
            yield (_OBJECTS, "GET", f"{place}objects/?{query}", None)
            manifest = "/taxii2/<forum>/collections/<ref>/manifest/"
            yield (manifest, "GET", f"{place}manifest/?{query}", None)
        yield (_MARKINGS, "GET", f"{place}x-comity-markings/", None)
        path = f"{_API}/collections/<ref>/markings"
        ref = side.world.collections[name]
        yield (path, "GET", f"{api}/collections/{ref}/markings", None)
    yield from _by_id(side, root, api)
    if of_recipients:
        yield from _of_recipients(side, api)
    own = ("collections", "policy", "policy/history", "accepts", "contributions", "held")
    for path in (*own, "recalls", "recalls/sent"):
        yield (f"{_API}/{path}", "GET", f"{api}/{path}", None)
    for query in ("versions=all", "type=indicator", "tlp=amber+strict", "limit=2"):
        yield (f"{_API}/received/objects", "GET", f"{api}/received/objects?{query}", None)
    yield (f"{_API}/received", "GET", f"{api}/received", None)
    for query in ("", "?type=indicator", "?tlp=amber%2Bstrict"):
        yield (f"{_API}/new.atom", "GET", f"{api}/new.atom{query}", None)
    for query in ("", f"?provision={CITED}", "?limit=1"):
        yield (f"{_API}/citations", "GET", f"{api}/citations{query}", None)
    yield (f"{_API}/statuses", "GET", f"{api}/statuses", None)
    for path in ("me", "forums", "credentials"):
        yield (f"/api/v1/{path}", "GET", f"/api/v1/{path}", None)
    theirs = f"/api/v1/credentials/{side.others_credential}"
    yield ("/api/v1/credentials/<credential_id>", "DELETE", theirs, None)
    yield ("/api/v1/credentials/<credential_id>/rotate", "POST", f"{theirs}/rotate", None)
    yield from list_work_askings(side)
    yield from list_feed_askings()


def _by_id(side: Side, root: str, api: str) -> Iterator[Asking]:
    """By id: what it sees, what it never saw, what nobody ever had."""
    place = f"{root}collections/{side.world.collections['reports']}/"
    collections = f"{api}/collections/{side.world.collections['reports']}"
    ids = [indicator_id(n) for n in (*range(1, 7), 100, 101, 600)]
    for stix_id in [*ids, NEVER, f"relationship--{uuid.UUID(int=7001, version=4)}"]:
        yield (_OBJECT, "GET", f"{place}objects/{stix_id}/?match[version]=all", None)
        yield (f"{_OBJECT}versions/", "GET", f"{place}objects/{stix_id}/versions/", None)
        yield (_OBJECTS, "GET", f"{place}objects/?match[id]={stix_id}", None)
        path = f"{_API}/contributions/<stix_id>"
        yield (path, "GET", f"{api}/contributions/{stix_id}", None)
        path = f"{_API}/received/objects/<stix_id>/explanation"
        yield (path, "GET", f"{api}/received/objects/{stix_id}/explanation", None)
    for stix_id in (indicator_id(100), NEVER):
        yield (_OBJECT, "DELETE", f"{place}objects/{stix_id}/", None)
        path = f"{_API}/collections/<ref>/contributions/<stix_id>"
        yield (path, "DELETE", f"{collections}/contributions/{stix_id}", None)
        path = "/taxii2/<forum>/status/<status_id>/"
        yield (path, "GET", f"{root}status/{stix_id[11:]}/", None)
        yield (f"{_API}/statuses/<status_id>", "GET", f"{api}/statuses/{stix_id[11:]}", None)
        yield from _recalling(side, api, stix_id)
    malformed = {"rules": [{"id": "x", "effect": "share", "audience": {"any": ["member:XZZ"]}}]}
    yield (f"{_API}/policy", "PUT", f"{api}/policy", malformed)
    yield (f"{_API}/accepts", "PUT", f"{api}/accepts", {"types": 7})
    empty: dict[str, Any] = {"objects": []}
    yield (_OBJECTS, "POST", f"{place}objects/", empty)
    path = f"{_API}/collections/<ref>/contributions"
    yield (path, "POST", f"{collections}/contributions", empty)


def _recalling(side: Side, api: str, stix_id: str) -> Iterator[Asking]:
    """To recall, confirm and acknowledge what is not its own, or never was."""
    ref = side.world.collections["reports"]
    yield (f"{_API}/served", "GET", f"{api}/served?id={stix_id}&collection={ref}", None)
    body = {"id": stix_id, "collection": ref, "reason": "It was wrong."}
    yield (f"{_API}/recalls", "POST", f"{api}/recalls", body)
    name = stix_id[11:]
    for path, method in (
        ("held/<held_id>/confirmation", "POST"),
        ("recalls/<recall_id>/receipt", "POST"),
        ("recalls/sent/<recall_id>", "GET"),
    ):
        address = path.replace("<held_id>", name).replace("<recall_id>", name)
        yield (f"{_API}/{path}", method, f"{api}/{address}", {} if method == "POST" else None)


def _of_recipients(side: Side, api: str) -> Iterator[Asking]:
    """To whom its own objects go, and would go by another policy."""
    path = f"{_API}/contributions/<stix_id>/explanation"
    for stix_id in (indicator_id(1), indicator_id(3), indicator_id(100), NEVER):
        about = f"{api}/contributions/{stix_id}/explanation"
        yield (f"{path}s", "GET", f"{about}s", None)
        for recipient in ("XAA", "XBB", "XEE", "mirror", "XCC", "XZZ"):
            yield (path, "GET", f"{about}?recipient={recipient}", None)
    asked = {"reciprocity": {"min_contributions": 1, "window_days": 2}}
    wider = policy(
        share("member:XAA", "member:XBB", "role:observer", "partners"),
        share("forum", conditions=asked),
    )
    path = f"{_API}/policy/simulations"
    yield (path, "POST", f"{api}/policy/simulations", wider)
    one = f"{path}/<simulation_id>"
    yield (one, "GET", f"{api}/policy/simulations/{NEVER[11:]}", None)
    yield (one, "GET", f"{api}/policy/simulations/{side.simulation}", None)
    yield (f"{_API}/policy", "PUT", f"{api}/policy?simulation={side.simulation}", wider)


_DATE_ADDED = re.compile(r'("date_added[a-z_]*":\s*"|<updated>)([^"<]+)("|</updated>)')
# Of one's own contributions that is the instant of contributing, which is the clock's.
_OWN = re.compile(
    r'("through":"own","count":\d+,)"date_added_first":("[^"]+"),"date_added_last":("[^"]+")'
)
_NEXT = re.compile(r'("next":\s*")([^"]+)(")')
_STAMPED = ("X-TAXII-Date-Added-First", "X-TAXII-Date-Added-Last")


def ask(side: Side, asking: Asking, step: object) -> list[tuple[Any, ...]]:
    """The answers to one question and to all pages behind it, whole."""
    _, method, address, body = asking
    who = PERSON if address.startswith("/api/") else "xcc"
    found = []
    following = ""
    for page in itertools.count():
        side.ids.reseed((step, address, page))
        answer = _open(side, who, method, address + following, body)
        found.append((answer.status, sorted(answer.headers), answer.text))
        if method == "POST" and address.endswith("/policy/simulations"):
            side.simulation = answer.get_json().get("id", "")
        token = _NEXT.search(answer.text)
        if token is None or page > 20:
            return found
        following = f"{'&' if '?' in address else '?'}next={token[2]}"
    raise AssertionError


def _open(side: Side, who: str, method: str, address: str, body: Any) -> TestResponse:
    if body is None:
        kept = {} if address.startswith("/taxii2/") else {"Accept": "application/json"}
        return side.world.open(who, method, address, headers=kept)
    if address.startswith("/taxii2/"):
        return side.world.post(who, address, body)
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    content = json.dumps(body).encode()
    return side.world.open(who, method, address, data=content, headers=headers)


def by_rank(asked: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Answers with each `date_added` as its rank among all, and each cursor as its number."""
    answers = [
        (status, headers, _OWN.sub(r'\1"first":\2,"last":\3', text))
        for status, headers, text in asked
    ]
    stamps: set[str] = set()
    for _, headers, text in answers:
        stamps |= {value for name, value in headers if name in _STAMPED}
        stamps |= {found[2] for found in _DATE_ADDED.finditer(text)}
    ranks = {stamp: f"instant {rank}" for rank, stamp in enumerate(sorted(stamps))}
    cursors: dict[str, str] = {}

    def number(found: re.Match[str]) -> str:
        cursors.setdefault(found[2], f"cursor {len(cursors)} of {len(found[2])}")
        return found[1] + cursors[found[2]] + found[3]

    return [
        (
            status,
            [(name, ranks[value] if name in _STAMPED else value) for name, value in headers],
            _NEXT.sub(number, _DATE_ADDED.sub(lambda f: f[1] + ranks[f[2]] + f[3], text)),
        )
        for status, headers, text in answers
    ]
