"""What a State keeps to itself is absent for everybody else: the same bytes at every door."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from auth import services as auth_services
from kernel.db import Database
from kernel.settings import Settings
from tests.conftest import POSTGRESQL_AT_LENGTH
from tests.norms.states import ADOPTION, DECISION, NORMS, TERMINATION, Register
from tests.sharing.taxii.world import make_world

NEVER = str(uuid.UUID(int=9999, version=4))
ASKERS = ("xbb-reader", "xbb-drafter", "xbb-clearance-officer", "ann", "ivo", "mirror")
POSITION = {"title": "T", "body": "B", "date": "2026", "provisions": ["qd:1"]}


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


@pytest.fixture
def pair(
    make_settings: Callable[[], Settings], monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Register, Register, Ids]]:
    """Two registers that are the same so far."""
    ids = Ids()
    monkeypatch.setattr(uuid, "uuid4", ids.uuid4)
    drawing = auth_services.add_credential.__kwdefaults__
    monkeypatch.setitem(drawing, "randomness", ids.token_bytes)
    opened: list[Database] = []
    sides = []
    for _ in range(2):
        chosen = make_settings()
        opened.append(Database.open(chosen))
        # The first world of a process is made, the next is a copy: they draw differently.
        world = make_world(opened[-1], chosen)
        ids.reseed("people")
        made = Register(world)
        made.done("ann", "POST", "records", DECISION)
        made.record("ann", ADOPTION)
        made.person("bea", "secretariat", forum="quay")
        sides.append(made)
    yield sides[0], sides[1], ids
    for database in opened:
        database.close()


def keep_closed(side: Register) -> list[str]:
    """What XAA drafts, shows to itself or to XCC, and withdraws; the ids of all of it."""
    paths = []
    for noun, body in (("positions", POSITION), ("actions", {"plan": "P", "due": "2026-06"})):
        for audience in (None, {"audience": "own"}, {"audience": "parties", "parties": ["XCC"]}):
            name = side.done("xaa-drafter", "POST", noun, body)["id"]
            paths.append(f"{noun}/{name}")
            if audience:
                side.done("xaa-clearance-officer", "POST", f"{paths[-1]}/release", audience)
        side.done("xaa-clearance-officer", "POST", f"{paths[-1]}/withdrawal")
    return paths


def askings(closed: list[str], waiting: list[str]) -> Iterator[tuple[str, str, str, Any]]:
    """(route, method, path, body): all that can be asked of the register."""
    yield from (
        (route, "GET", route.replace("<code>", "XAA").replace("<slug>", "quay"), None)
        for route in (
            *("parties", "parties/<code>", "parties/<code>/commitments", "forums"),
            *("forums/<slug>", "forums/<slug>/members", "forums/<slug>/status", "sessions"),
            *("instruments", "provisions", "events", "positions", "actions", "due"),
            *("silence-procedures", "calendar.ics", "due.atom", "events.atom"),
        )
    )
    for route, path in (
        ("comparison", "comparison?left=XAA&right=XBB"),
        ("instruments/<instrument>", "instruments/qd"),
        ("instruments/<instrument>/participants", "instruments/qd/participants"),
        ("instruments/<instrument>/parallels", "instruments/qd/parallels?beside=qd"),
        ("provisions/<provision>", "provisions/qd:1"),
        ("events/<event>", f"events/{NEVER}"),
        ("silence-procedures/<procedure>", f"silence-procedures/{NEVER}"),
        ("positions", "positions?format=csv&provision=qd:1"),
        ("actions", "actions?format=csv&status=planned"),
    ):
        yield (route, "GET", path, None)
    for path in (*closed, f"positions/{NEVER}", f"actions/{NEVER}"):
        noun = path.partition("/")[0]
        route = f"{noun}/<{noun[:-1]}>"
        yield (route, "GET", path, None)
        yield (route, "PUT", path, POSITION if noun == "positions" else {"plan": "P"})
        yield (f"{route}/release", "POST", f"{path}/release", {"audience": "public"})
        yield (f"{route}/withdrawal", "POST", f"{path}/withdrawal", None)
        if noun == "actions":
            begun = {"kind": "begun", "date": "2025"}
            yield (f"{route}/events", "POST", f"{path}/events", begun)
    for route in ("events", "records", "confirmations", "positions", "actions"):
        yield (route, "POST", route, {})
    yield ("positions/recorded", "POST", "positions/recorded", {})
    yield ("forums/<slug>/silence-procedures", "POST", "forums/quay/silence-procedures", {})
    for name in (*waiting, NEVER):
        path = f"recordings/{name}"
        yield ("recordings/<recording>", "GET", path, None)
        for verb in ("confirmation", "refusal"):
            route = f"recordings/<recording>/{verb}"
            yield (route, "POST", f"{path}/{verb}", None if verb == "confirmation" else {})
    yield ("recordings", "GET", "recordings", None)
    yield ("recordings", "GET", "recordings?format=csv&state=waiting", None)
    for verb in ("extension", "objection", "end"):
        path = f"silence-procedures/{NEVER}/{verb}"
        yield (f"silence-procedures/<procedure>/{verb}", "POST", path, {})


@POSTGRESQL_AT_LENGTH
def test_nobody_else_can_tell_a_register_with_closed_entries_from_one_without(
    pair: tuple[Register, Register, Ids],
) -> None:
    one, two, ids = pair
    for side in (one, two):
        ids.reseed("public")
        name = side.done("xaa-drafter", "POST", "positions", POSITION)["id"]
        released = {"audience": "public"}
        side.done("xaa-clearance-officer", "POST", f"positions/{name}/release", released)
    ids.reseed("closed")
    closed = keep_closed(two)
    assert len(closed) == 6
    asked = set()
    # Told to Ann and her colleague; to nobody else, which is asked below.
    waiting = [
        two.done("bea", "POST", "events", {"events": [TERMINATION]})["recording"] for _ in range(2)
    ]
    two.done("bea", "POST", f"recordings/{waiting[1]}/refusal", {})
    for number, (route, method, path, body) in enumerate(askings(closed, waiting)):
        asked.add((f"{NORMS}/{route}", method))
        for who in ASKERS:
            if who == "ann" and path.startswith("recordings"):
                continue
            answers = []
            for side in (one, two):
                ids.reseed(number)
                side.world.clock.now_us = 1_790_000_000_000_000 + number
                answers.append(side.ask(who, method, path, body))
            first, second = answers
            assert first.status_code == second.status_code, (who, method, path, second.text)
            assert first.data == second.data, (who, method, path)
            assert sorted(first.headers) == sorted(second.headers), (who, method, path)
    routes = {
        (rule.rule, method)
        for rule in one.world.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith(f"{NORMS}/")
    }
    assert routes - asked == set(), "a route nobody asks"
    # The control: XAA and XCC can tell.
    assert len(two.items("xaa-reader", "positions")) == 4
    assert [row["title"] for row in two.items("xcc-reader", "positions")] == ["T"]
    assert one.items("xaa-reader", "actions") != two.items("xaa-reader", "actions")


def test_the_chosen_see_and_are_not_told_who_else_was_chosen(register: Register) -> None:
    name = register.done("xaa-drafter", "POST", "positions", POSITION)["id"]
    chosen = {"audience": "parties", "parties": ["XBB", "XCC"]}
    register.done("xaa-clearance-officer", "POST", f"positions/{name}/release", chosen)
    assert register.get("xbb-reader", f"positions/{name}")["parties"] is None
    assert register.get("xaa-reader", f"positions/{name}")["parties"] == ["XBB", "XCC"]
    assert register.ask("mirror", "GET", f"positions/{name}").status_code == 404


def test_a_machine_of_the_state_reads_and_does_not_write(register: Register) -> None:
    assert register.ask("xaa", "GET", "positions").status_code == 200
    assert register.refused("xaa", "POST", "positions", POSITION) == (403, "auth.role-needed")
