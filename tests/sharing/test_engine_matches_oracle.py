"""Whatever happens in whatever order, every view is what the specification says from scratch."""

from __future__ import annotations

import itertools
import uuid
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from auth import services as auth_services
from auth.queries import find_forum, find_member
from kernel.db import Database
from kernel.errors import Conflict, Forbidden, NotFound
from sharing.queries.collections import Collection, find_collection
from sharing.rules.tlp import WELL_KNOWN, Tlp
from sharing.services import collections as places
from sharing.services import policies, seating
from sharing.services.contribute import contribute
from sharing.services.withdraw import withdraw
from tests.sharing.oracle import View, expected_views, stored_views

MEMBERS = ("XAA", "XBB", "XCC")
STATES = st.sampled_from(MEMBERS)
TLP_2 = {level: marking for marking, level in WELL_KNOWN.items()}
NAMES = [str(uuid.UUID(int=number, version=4)) for number in range(1, 5)]
IDENTITY = {code: f"identity--{uuid.uuid4()}" for code in MEMBERS}
STATEMENT = f"marking-definition--{uuid.UUID(int=77, version=4)}"
DAYS = [f"2025-01-0{day}T00:00:00.000Z" for day in range(1, 4)]
TERMS = st.sampled_from(
    ["forum", "member:XAA", "member:XBB", "member:XCC", "role:observer", "bloc:north", "partners"]
)
_numbers = itertools.count()


@st.composite
def rules(draw: st.DrawFn, *, withhold_only: bool = False) -> dict[str, Any]:
    share = not withhold_only and draw(st.booleans())
    chosen = draw(st.lists(TERMS, min_size=1, max_size=2, unique=True))
    found: dict[str, Any] = {
        "id": f"rule-{next(_numbers)}",
        "effect": "share" if share else "withhold",
        "audience": {"any": chosen, "except": draw(st.lists(TERMS, max_size=1))},
    }
    when: dict[str, Any] = {}
    if draw(st.booleans()):
        when["labels"] = ["frost"]
    if draw(st.booleans()):
        when["tlp_at_most" if share else "tlp_at_least"] = draw(st.sampled_from(["green", "red"]))
    if when:
        found["when"] = when
    if draw(st.integers(0, 9)) == 0:
        found["omit" if share else "only"] = ["description"]
    return found


@st.composite
def objects(draw: st.DrawFn) -> dict[str, Any]:
    marks = [TLP_2[draw(st.sampled_from(sorted(Tlp)))]] if draw(st.booleans()) else []
    if draw(st.booleans()):
        marks.append(STATEMENT)
    found = {
        "type": "campaign",
        "spec_version": "2.1",
        "id": f"campaign--{draw(st.sampled_from(NAMES))}",
        "created": DAYS[0],
        "modified": draw(st.sampled_from(DAYS)),
        "name": draw(st.sampled_from(["one", "two"])),
        "labels": ["frost"] if draw(st.booleans()) else ["thaw"],
    }
    return {**found, "object_marking_refs": marks} if marks else found


class Exchange(RuleBasedStateMachine):
    """One forum, three States, one partner; each step is committed and looked at."""

    database: Database = None

    def __init__(self) -> None:
        super().__init__()
        self.now_us = 1_760_000_000_000_000
        self.stamps: dict[View, dict[int, int]] = {}
        self.newest: dict[View, int] = {}

    @initialize()
    def open_a_forum(self) -> None:
        self.slug = f"forum-{next(_numbers)}"
        with self.database.write() as connection:
            for number, code in enumerate(MEMBERS):
                if find_member(connection, code) is None:
                    new = auth_services.NewMember(
                        code=code,
                        name=code,
                        blocs=("north",) if number else (),
                        identities=(IDENTITY[code],),
                        accredited_to=int(Tlp.RED),
                    )
                    auth_services.add_member(connection, new, actor="operator", now_us=self.now_us)
            auth_services.add_forum(
                connection,
                self.slug,
                "A forum",
                tlp_ceiling=4,
                actor="operator",
                now_us=self.now_us,
            )
            seating.open_forum_for_sharing(connection, "operator", self.slug, now_us=self.now_us)
            self.forum_id = find_forum(connection, self.slug).id
        for code, role in zip(MEMBERS, ("member", "partner-state", "observer"), strict=True):
            self.seat(code, role)
        seating.add_partner(self.database, "operator", self.slug, "relay", now_us=self.now_us)
        self.places = [
            places.add_collection(
                self.database,
                "operator",
                self.slug,
                places.NewCollection(title),
                now_us=self.now_us,
            )
            for title in ("First", "Second")
        ]

    def seat(self, code: str, role: str) -> None:
        seating.seat_member(self.database, "operator", self.slug, code, role, now_us=self.now_us)

    def enter(self, code: str, place: int) -> tuple[Any, Collection] | None:
        with self.database.read() as connection:
            try:
                seated = auth_services.seat_for_operator(connection, code, self.slug)
            except NotFound:
                return None
            found = find_collection(connection, seated, self.places[place])
            assert found is not None
            return seated, found

    @rule(
        code=STATES,
        place=st.integers(0, 1),
        sent=st.lists(objects(), min_size=1, max_size=3),
        has_statement=st.booleans(),
        claims=st.booleans(),
    )
    def contribute_some(
        self,
        code: str,
        place: int,
        sent: list[dict[str, Any]],
        has_statement: bool,
        claims: bool,
    ) -> None:
        self.tick()
        entered = self.enter(code, place)
        if entered is None:
            return
        if claims:
            sent = [{**value, "created_by_ref": IDENTITY[code]} for value in sent]
        if has_statement:
            sent = [*sent, statement()]
        body = orjson.dumps({"objects": sent})
        try:
            receipt = contribute(self.database, *entered, body, now_us=self.now_us)
        except Forbidden:
            assert entered[0].role == "observer"
            return
        assert len(receipt.outcomes) == len(sent)
        for outcome in receipt.failures:
            assert outcome.code in {"sharing.version-conflict", "sharing.unresolved-marking"}

    @rule(code=STATES, place=st.integers(0, 1), name=st.sampled_from(NAMES), newest=st.booleans())
    def withdraw_some(self, code: str, place: int, name: str, newest: bool) -> None:
        self.tick()
        entered = self.enter(code, place)
        if entered is None:
            return
        try:
            withdraw(
                self.database,
                *entered,
                f"campaign--{name}",
                (lambda versions: versions[-1:]) if newest else (lambda versions: versions),
                now_us=self.now_us,
            )
        except (Forbidden, NotFound):
            return

    @rule(code=STATES, place=st.integers(0, 1))
    def withdraw_the_statement(self, code: str, place: int) -> None:
        self.tick()
        entered = self.enter(code, place)
        if entered is None:
            return
        try:
            withdraw(self.database, *entered, STATEMENT, now_us=self.now_us)
        except (Forbidden, NotFound, Conflict):
            return

    @rule(code=STATES, chosen=st.lists(rules(), max_size=3))
    def set_a_policy(self, code: str, chosen: list[dict[str, Any]]) -> None:
        self.tick()
        with self.database.read() as connection:
            member_id = find_member(connection, code).id
        policies.set_policy(
            self.database,
            policies.Setter("operator", member_id),
            self.forum_id,
            member_id,
            orjson.dumps({"rules": chosen}),
            now_us=self.now_us,
        )

    @rule(chosen=st.lists(rules(withhold_only=True), max_size=1))
    def set_the_forums_rules(self, chosen: list[dict[str, Any]]) -> None:
        self.tick()
        policies.set_forum_policy(
            self.database,
            policies.Setter("operator"),
            self.forum_id,
            orjson.dumps({"rules": chosen}),
            now_us=self.now_us,
        )

    @rule(code=STATES, status=st.sampled_from(["active", "suspended"]))
    def change_a_seat(self, code: str, status: str) -> None:
        self.tick()
        seating.change_seat(self.database, "operator", self.slug, code, status, now_us=self.now_us)

    @invariant()
    def every_view_is_what_the_rules_say(self) -> None:
        if not hasattr(self, "places"):
            return
        with self.database.read() as connection:
            stored = stored_views(connection, self.forum_id)
            expected = expected_views(connection, self.forum_id)
        assert {view: {s for s, _ in seen.values()} for view, seen in stored.items()} == expected
        self._check_stamps(stored)

    def _check_stamps(self, stored: dict[View, dict[int, Any]]) -> None:
        """What stays keeps its stamp; what is gained comes after all the view ever had."""
        for view, seen in stored.items():
            before = self.stamps.get(view, {})
            newest = self.newest.get(view, 0)
            for number, (_, stamp) in seen.items():
                if number in before:
                    assert stamp == before[number]
                else:
                    assert stamp > newest
            self.newest[view] = max([newest, *(stamp for _, stamp in seen.values())])
        self.stamps = {
            view: {number: stamp for number, (_, stamp) in seen.items()}
            for view, seen in stored.items()
        }

    def tick(self) -> None:
        self.now_us += 1_000_000


def statement() -> dict[str, Any]:
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": STATEMENT,
        "created": DAYS[0],
        "definition_type": "statement",
        "definition": {"statement": "Name the source."},
    }


def run_exchange(database: Database, *, examples: int, steps: int) -> None:
    machine = type("ExchangeOnOneDatabase", (Exchange,), {"database": database})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_every_view_equals_the_rules_applied_from_scratch(database: Database) -> None:
    run_exchange(database, examples=12, steps=12)
    assert Exchange.database is None  # each engine's machine is a class of its own


@pytest.mark.audit
def test_every_view_equals_the_rules_applied_from_scratch_at_length(database: Database) -> None:
    run_exchange(database, examples=500, steps=40)
    assert Exchange.database is None
