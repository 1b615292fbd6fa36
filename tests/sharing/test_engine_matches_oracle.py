"""Whatever happens in whatever order, every view is what the policy's text says from scratch.

Sharing policy §9.2: contributions, policies, accepts, seats, members, partners and time, in any
order. After each step every recipient's view is read from the open releases and compared with
the oracle's: which versions, first and last, and the very JSON value of each.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

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

from kernel.db import Database
from tests.sharing.oracle import drawing
from tests.sharing.oracle.afterwards import Afterwards
from tests.sharing.oracle.drawing import BOUND, STATES, WRITERS
from tests.sharing.oracle.objects import Object
from tests.sharing.oracle.record import Contribution

STATUSES = st.sampled_from(["active", "active", "suspended", "ended"])
CHOICES: tuple[Callable[[list[int]], list[int]], ...] = (
    lambda versions: versions,
    lambda versions: versions[-1:],
    lambda versions: versions[:1],
)
_numbers = itertools.count()


class Forum(RuleBasedStateMachine):
    """One forum; each step is committed, written into the record too, and looked at."""

    database: Database = None
    exchange: Afterwards | None = None

    @initialize(data=st.data())
    def open_a_forum(self, data: st.DataObject) -> None:
        self.exchange = Afterwards(self.database, f"forum-{next(_numbers)}")
        sent = [drawing.statement(each) for each in drawing.STATEMENTS]
        self.exchange.contribute("XAA", 0, sent)
        self.exchange.contribute("XBB", 1, sent[:1])
        for code in ("XAA", "XBB"):
            self.share_with_many(code, data)
            self.contribute_some(code, 0, data)

    def teardown(self) -> None:
        if self.exchange is not None:
            self.exchange.close()

    @rule(code=WRITERS, data=st.data())
    def share_with_many(self, code: str, data: st.DataObject) -> None:
        """A policy that grants much, or nothing would ever be seen."""
        drawn = data.draw(self._rules(most=2))
        wide = {"id": "wide", "effect": "share", "audience": {"any": ["forum", "partners"]}}
        self.exchange.set_policy(code, [wide, *drawn])

    @rule(code=WRITERS, place=st.integers(0, 1), data=st.data())
    def contribute_some(self, code: str, place: int, data: st.DataObject) -> None:
        sent = data.draw(st.lists(drawing.objects(), min_size=2, max_size=5))
        self.exchange.contribute(code, place, [self._claimed(code, each, data) for each in sent])

    @rule(code=WRITERS, place=st.integers(0, 1), data=st.data())
    def contribute_one(self, code: str, place: int, data: st.DataObject) -> None:
        sent = self._claimed(code, data.draw(drawing.objects()), data)
        self.exchange.contribute(code, place, [sent])

    @rule(code=WRITERS, data=st.data())
    def contribute_what_others_have(self, code: str, data: st.DataObject) -> None:
        given = self._contributed(data)
        drawn = self._claimed(code, data.draw(drawing.objects(given.id)), data)
        self.exchange.contribute(code, given.place.key, [drawn])

    @rule(code=STATES, place=st.integers(0, 1), data=st.data())
    def repost(self, code: str, place: int, data: st.DataObject) -> None:
        given = self._contributed(data)
        if data.draw(st.booleans()):
            code, place = given.originator, given.place.key
        self.exchange.contribute(code, place, [given.value])

    @rule(data=st.data())
    def change(self, data: st.DataObject) -> None:
        """The same object again, newer or older, with another marking or other words."""
        given = self._contributed(data)
        value = {**given.value}
        if "modified" in value:
            value["modified"] = data.draw(st.sampled_from(drawing.VERSIONS))
        drawn = data.draw(drawing.objects())
        for name in data.draw(
            st.lists(st.sampled_from(["object_marking_refs", "labels", "extensions"]), max_size=2)
        ):
            value.pop(name, None)
            if name in drawn and not (name == "labels" and "modified" not in value):
                value[name] = drawn[name]
        if {"granular_markings", "extensions", "labels"} & value.keys():
            value.pop("granular_markings", None)
        self.exchange.contribute(given.originator, given.place.key, [value])

    @rule(data=st.data())
    def loosen(self, data: st.DataObject) -> None:
        """A newer version, marked lower: one that may have to be held."""
        self._loosen(self._contributed(data), data)

    @rule(data=st.data())
    def confirm(self, data: st.DataObject) -> None:
        """Somebody confirms what is held; where nothing is, something is loosened first."""
        if not self._held():
            self._loosen(self._contributed(data), data)
            self.exchange.look()
        held = self._held()
        code = data.draw(st.sampled_from(held)).originator if held else "XAA"
        self.exchange.confirm(code, lambda many: data.draw(st.integers(0, many - 1)))

    def _held(self) -> list[Contribution]:
        return [e for e in self.exchange.record.contributions if e.is_held and not e.is_deleted]

    def _loosen(self, given: Contribution, data: st.DataObject) -> None:
        if "modified" not in given.value:
            return
        later = [each for each in drawing.VERSIONS if each > given.version]
        value = {**given.value, "modified": later[0] if later else given.version}
        value.pop("granular_markings", None)
        lower = data.draw(st.integers(0, 3))
        value["object_marking_refs"] = [drawing.TLPS[lower]]
        self.exchange.contribute(given.originator, given.place.key, [value])

    @rule(data=st.data(), choose=st.sampled_from(CHOICES))
    def withdraw_some(self, data: st.DataObject, choose: Callable[[list[int]], list[int]]) -> None:
        given = self._contributed(data)
        self.exchange.withdraw(given.copy, choose)

    @rule(data=st.data(), choose=st.sampled_from(CHOICES), how=st.integers(0, 3))
    def recall(
        self, data: st.DataObject, choose: Callable[[list[int]], list[int]], how: int
    ) -> None:
        given = self._contributed(data)
        self.exchange.recall(given.copy, choose, never_return=how > 1, keep=how == 0)

    @rule(place=st.integers(0, 1), data=st.data())
    def answer(self, place: int, data: st.DataObject) -> None:
        """What is bound to a version that is seen, or now and then to one that may not be."""
        code = data.draw(WRITERS)
        seen = [each for each in self.exchange.list_shown(code) if each.originator != code]
        given = data.draw(st.sampled_from(seen)) if seen else self._contributed(data)
        if given.is_statement:
            return
        own = {e.id for e in self.exchange.record.contributions if e.originator == code}
        stix_id = data.draw(st.sampled_from(["", "", *sorted(own)]))
        sent = data.draw(drawing.objects(stix_id)) | {"object_marking_refs": [drawing.TLPS[0]]}
        sent = self._claimed(code, sent, data)
        if data.draw(st.integers(0, 3)):
            sent.pop("granular_markings", None)
        else:
            sent["object_marking_refs"] = [data.draw(st.sampled_from(drawing.TLPS))]
        self.exchange.answer(code, place, given, [sent])

    @rule(
        code=WRITERS,
        place=st.integers(0, 1),
        name=st.sampled_from(["odd", "odd", "other"]),
        floor=st.sampled_from([None, None, 2]),
        data=st.data(),
    )
    def deliver(
        self, code: str, place: int, name: str, floor: int | None, data: st.DataObject
    ) -> None:
        """A feed brings what is new, what it brought before, and what others have."""
        sent = data.draw(st.lists(drawing.objects(), max_size=2))
        many = [each for each in self.exchange.record.contributions if not each.is_statement]
        brought = [each for each in many if each.feed]
        given = data.draw(st.sampled_from(brought or many))
        if brought:
            code, place = given.originator, given.place.key
            again = data.draw(drawing.objects(given.id))
            again |= {"modified": given.version} if "modified" in again else {}
            sent.append(again)
        elif data.draw(st.booleans()):
            sent.append(given.value)
        sent = [self._claimed("", each, data) for each in sent]
        if sent:
            self.exchange.deliver(code, place, name, floor, sent)

    @rule(data=st.data())
    def commit(self, data: st.DataObject) -> None:
        """A member commits itself, or it turns out that it never did; and somebody shares with
        whoever is committed, so that it makes a difference.
        """
        known = self.exchange.record.commitments
        provision = data.draw(st.sampled_from([None, *drawing.PROVISIONS]))
        if provision is not None:
            audience = {"any": [f"committed:{provision}"]}
            rule = {"id": "committed", "effect": "share", "audience": audience}
            self.exchange.set_policy(data.draw(WRITERS), [rule, *data.draw(self._rules(most=1))])
        if known and data.draw(st.booleans()):
            self.exchange.take_back(data.draw(st.sampled_from(known)))
        else:
            self.exchange.commit(data.draw(drawing.commitments(self.exchange.now_us)))

    @rule(code=STATES, data=st.data())
    def set_a_policy(self, code: str, data: st.DataObject) -> None:
        self.exchange.set_policy(code, data.draw(self._rules(most=4)))

    @rule(data=st.data())
    def set_the_forums_rules(self, data: st.DataObject) -> None:
        self.exchange.set_forum_rules(data.draw(self._rules(most=1, of_forum=True)))

    @rule(data=st.data())
    def set_the_template(self, data: st.DataObject) -> None:
        self.exchange.set_template(data.draw(self._rules(most=1)))

    @rule(code=STATES, document=drawing.accepts())
    def accept(self, code: str, document: dict[str, Any]) -> None:
        self.exchange.set_accepts(code, document)

    @rule(code=STATES, status=STATUSES, data=st.data())
    def change_standing(self, code: str, status: str, data: st.DataObject) -> None:
        if data.draw(st.booleans()):
            self.exchange.change_seat(code, status)
        else:
            left = {"ended": "departed"}
            self.exchange.change_member(code, left.get(status, status))

    @rule(code=STATES, data=st.data())
    def become_otherwise(self, code: str, data: st.DataObject) -> None:
        """A State's attributes change, or whether an identity is bound to it."""
        if code in self.exchange.record.recipients:
            blocs = self.exchange.record.recipients[code].blocs
            is_bound = BOUND[code] in self.exchange.record.identities
            self.exchange.set_member(code, data.draw(drawing.changes(code, blocs, is_bound)))

    @rule(status=STATUSES, data=st.data())
    def change_a_partner(self, status: str, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(self._partners()))
        self.exchange.change_partner(name, status)

    @rule()
    def reinstate_all(self) -> None:
        for recipient in self.exchange.record.recipients.values():
            if recipient.is_partner:
                self.exchange.add_partner(recipient.name)
                self.exchange.change_partner(recipient.name, "active")
                continue
            if recipient.has_seat_ended:
                self.exchange.seat(recipient.name, recipient.role)
            if not recipient.is_seat_active:
                self.exchange.change_seat(recipient.name, "active")
            if not recipient.is_member_active:
                self.exchange.change_member(recipient.name, "active")

    @rule(data=st.data())
    def somebody_joins(self, data: st.DataObject) -> None:
        ended = [e for e in self.exchange.record.recipients.values() if e.has_seat_ended]
        again = data.draw(st.sampled_from(ended)) if ended else None
        if again is not None and again.is_partner:
            self.exchange.add_partner(again.name)
        elif again is not None:
            role = data.draw(st.sampled_from(["member", "observer", "partner-state"]))
            self.exchange.seat(again.name, role)
        elif data.draw(st.booleans()):
            self.exchange.seat("XDD", "member")
        else:
            self.exchange.add_partner("mirror")

    @rule(hours=st.sampled_from([0, 1, 2, 6, 12, 25, 50]))
    def let_time_pass(self, hours: int) -> None:
        self.exchange.wait(hours * drawing.HOUR_US)

    @rule()
    def wait_until_something_falls_due(self) -> None:
        self.exchange.wait_until_due()

    @rule(data=st.data(), kind=drawing.KINDS, place=st.integers(0, 1), limit=st.integers(1, 9))
    def poll(self, data: st.DataObject, kind: str, place: int, limit: int) -> None:
        who = data.draw(st.sampled_from(sorted(self.exchange.record.recipients)))
        self.exchange.poll(who, kind, place, limit=limit)

    @invariant()
    def every_view_is_what_the_policy_says(self) -> None:
        if self.exchange is not None:
            self.exchange.look()

    def _rules(self, *, most: int, of_forum: bool = False) -> st.SearchStrategy[Any]:
        exchange = self.exchange
        one = drawing.rules(
            exchange.now_us,
            [place.uuid for place in exchange.record.places],
            self._partners(),
            of_forum=of_forum,
        )
        return st.lists(one, max_size=most)

    def _partners(self) -> list[str]:
        many = self.exchange.record.recipients.values()
        return [each.name for each in many if each.is_partner]

    def _claimed(self, code: str, value: Object, data: st.DataObject) -> Object:
        """The object, mostly in the name of nobody but its originator (none: of nobody)."""
        if value.get("created_by_ref") in BOUND.values() and data.draw(st.integers(0, 4)):
            value = {key: held for key, held in value.items() if key != "created_by_ref"}
            return value | ({"created_by_ref": BOUND[code]} if code else {})
        return value

    def _contributed(self, data: st.DataObject) -> Contribution:
        many = self.exchange.record.contributions
        return many[data.draw(st.integers(0, len(many) - 1))]


def run_forum(database: Database, *, examples: int, steps: int) -> None:
    machine = type("ForumOnOneDatabase", (Forum,), {"database": database})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )


def test_every_view_equals_the_policy_read_from_scratch(database: Database) -> None:
    run_forum(database, examples=6, steps=10)
    assert Forum.database is None  # each engine's machine is a class of its own


@pytest.mark.audit
def test_every_view_equals_the_policy_read_from_scratch_at_length(database: Database) -> None:
    run_forum(database, examples=1500, steps=40)
    assert Forum.database is None
