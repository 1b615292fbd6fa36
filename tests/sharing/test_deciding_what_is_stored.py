"""Stored contributions decided: markings follow what carries them, faults hide."""

from __future__ import annotations

import uuid
from typing import Any

import orjson
import pytest
from sqlalchemy import update

from auth import services as auth_services
from auth.queries import find_forum, find_member
from kernel.db import Database
from sharing.queries.collections import find_collection
from sharing.rules.tlp import WELL_KNOWN, Tlp
from sharing.services import collections, policies, seating
from sharing.services.contribute import Receipt, contribute
from sharing.tables import forum_policy, policy
from tests.sharing.oracle.stored import View, stored_views

NOW_US = 1_760_000_000_000_000
TLP = {level: marking for marking, level in WELL_KNOWN.items()}
SHARE_GREEN = {
    "id": "green",
    "effect": "share",
    "audience": {"any": ["forum"]},
    "when": {"tlp_at_most": "green"},
}


def make_marking(*carried: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": f"marking-definition--{uuid.uuid4()}",
        "created": "2025-01-01T00:00:00.000Z",
        "definition_type": "statement",
        "definition": {"statement": "Name the source."},
    }
    return {**made, "object_marking_refs": list(carried)} if carried else made


def make_campaign(*carried: str) -> dict[str, Any]:
    return {
        "type": "campaign",
        "spec_version": "2.1",
        "id": f"campaign--{uuid.uuid4()}",
        "created": "2025-01-01T00:00:00.000Z",
        "modified": "2025-01-01T00:00:00.000Z",
        "name": "A campaign",
        "object_marking_refs": list(carried),
    }


class Forum:
    """XAA shares what is green with all; XBB is there to see it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        with database.write() as connection:
            for code in ("XAA", "XBB"):
                new = auth_services.NewMember(code=code, name=code)
                auth_services.add_member(connection, new, actor="operator", now_us=NOW_US)
            auth_services.add_forum(
                connection, "forum", "Forum", tlp_ceiling=4, actor="operator", now_us=NOW_US
            )
            seating.open_forum_for_sharing(connection, "operator", "forum", now_us=NOW_US)
            self.id = find_forum(connection, "forum").id
            self.xaa = find_member(connection, "XAA").id
        for code in ("XAA", "XBB"):
            seating.seat_member(database, "operator", "forum", code, "member", now_us=NOW_US)
        new_place = collections.NewCollection("Main", alias="main")
        collections.add_collection(database, "operator", "forum", new_place, now_us=NOW_US)
        self.set_rules(SHARE_GREEN)

    def set_rules(self, *rules: dict[str, Any]) -> None:
        policies.set_policy(
            self.database,
            policies.Setter("operator", self.xaa),
            self.id,
            self.xaa,
            orjson.dumps({"rules": list(rules)}),
            now_us=NOW_US,
        )

    def set_forum_rules(self, *rules: dict[str, Any]) -> None:
        policies.set_forum_policy(
            self.database,
            policies.Setter("operator"),
            self.id,
            orjson.dumps({"rules": list(rules)}),
            now_us=NOW_US,
        )

    def contribute(self, *objects: dict[str, Any]) -> Receipt:
        with self.database.read() as connection:
            seated = auth_services.seat_for_operator(connection, "XAA", "forum")
            place = find_collection(connection, seated, "main")
        body = orjson.dumps({"objects": list(objects)})
        return contribute(self.database, seated, place, body, now_us=NOW_US)

    def seen_by(self, code: str) -> int:
        with self.database.read() as connection:
            views = stored_views(connection, self.id)
        return sum(
            len(seen)
            for view, seen in views.items()
            if isinstance(view, View) and view.recipient == code and view.kind == "machine"
        )


def test_an_object_may_carry_a_marking_that_stands_after_it(database: Database) -> None:
    forum = Forum(database)
    outer = make_marking()
    inner = make_marking(outer["id"])
    receipt = forum.contribute(make_campaign(TLP[Tlp.GREEN], inner["id"]), inner, outer)
    assert [outcome.is_success for outcome in receipt.outcomes] == [True, True, True]
    assert forum.seen_by("XBB") == 3


def test_markings_that_carry_each_other_are_refused_and_nothing_else_is(
    database: Database,
) -> None:
    forum = Forum(database)
    one = make_marking()
    two = make_marking(one["id"])
    one["object_marking_refs"] = [two["id"]]
    receipt = forum.contribute(one, two, make_campaign(TLP[Tlp.GREEN]))
    assert [outcome.code for outcome in receipt.failures] == ["sharing.unresolved-marking"] * 2
    assert forum.seen_by("XBB") == 1


def test_a_statement_leaves_the_view_with_the_last_object_that_carries_it(
    database: Database,
) -> None:
    forum = Forum(database)
    marking = make_marking()
    forum.contribute(marking, make_campaign(TLP[Tlp.GREEN], marking["id"]))
    assert forum.seen_by("XBB") == 2
    forum.set_rules()
    assert forum.seen_by("XBB") == 0
    assert forum.seen_by("XAA") == 2


def test_a_suspended_originator_sees_not_even_its_own_statement(database: Database) -> None:
    forum = Forum(database)
    forum.contribute(make_marking())
    assert forum.seen_by("XAA") == 1
    seating.change_seat(database, "operator", "forum", "XAA", "suspended", now_us=NOW_US)
    assert forum.seen_by("XAA") == 0


def test_an_object_is_at_least_as_strict_as_the_markings_it_carries(database: Database) -> None:
    forum = Forum(database)
    marking = make_marking(TLP[Tlp.AMBER])
    forum.contribute(marking, make_campaign(TLP[Tlp.GREEN], marking["id"]))
    assert forum.seen_by("XBB") == 0


def test_a_saved_policy_that_cannot_be_read_shares_nothing(database: Database) -> None:
    forum = Forum(database)
    forum.contribute(make_campaign(TLP[Tlp.GREEN]))
    assert forum.seen_by("XBB") == 1
    with database.write() as connection:
        connection.execute(update(policy).values(document='{"rules": [{"id": 7}]}'))
    seating.change_seat(database, "operator", "forum", "XBB", "suspended", now_us=NOW_US)
    seating.change_seat(database, "operator", "forum", "XBB", "active", now_us=NOW_US)
    assert forum.seen_by("XBB") == 0
    assert forum.seen_by("XAA") == 1


@pytest.mark.parametrize("document", ['{"rules": [{"id": 7}]}', "{"])
def test_rules_of_a_forum_that_cannot_be_read_withhold_everything(
    database: Database, document: str
) -> None:
    forum = Forum(database)
    forum.contribute(make_campaign(TLP[Tlp.GREEN]))
    forum.set_forum_rules()
    assert forum.seen_by("XBB") == 1
    with database.write() as connection:
        connection.execute(update(forum_policy).values(document=document))
    # What is contributed now is taken, and its originator alone sees it.
    receipt = forum.contribute(make_campaign(TLP[Tlp.GREEN]))
    assert len(receipt.successes) == 1
    assert forum.seen_by("XAA") == 2
    assert forum.seen_by("XBB") == 1
    seating.change_seat(database, "operator", "forum", "XBB", "suspended", now_us=NOW_US)
    seating.change_seat(database, "operator", "forum", "XBB", "active", now_us=NOW_US)
    assert forum.seen_by("XBB") == 0
    # Rules that can be read take their place, as ever.
    forum.set_forum_rules()
    assert forum.seen_by("XBB") == 2
