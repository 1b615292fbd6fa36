"""Whatever the world and the policy: setting what was simulated changes what was said, only."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auth.queries import find_forum
from kernel.clock import parse_instant
from kernel.db import Database
from sharing.queries.simulations import Simulation
from sharing.services.policies import Setter
from sharing.services.settling import settle_forum
from sharing.services.simulations import (
    apply_forum_policy,
    apply_policy,
    trial_of_forum_policy,
    trial_of_policy,
    try_out,
)
from tests.conftest import POSTGRESQL_AT_LENGTH
from tests.sharing.simulating.random_worlds import (
    FORUM_RULES,
    POLICIES,
    Forum,
    changed,
    deeds,
    open_forum,
    views_of,
)
from tests.sharing.taxii.world import Clock

HOUR_US = 3_600_000_000
DEEDS = st.lists(deeds(), min_size=1, max_size=5)


def told(rows: list[dict[str, Any]]) -> set[Any]:
    """The versions that are told of, by recipient."""
    return {
        (row["recipient"], one["collection"], one["id"], parse_instant(one["version"]))
        for row in rows
        for one in row["objects"]
    }


def make(database: Database, before: Any, forum_rules: Any, done: list[Any]) -> Forum:
    forum = open_forum(database, Clock())
    forum.set_rules(forum_rules)
    forum.set_policy("XAA", before)
    for deed in done:
        forum.do("XAA", deed)
    settle_forum(database, forum.id, now_us=forum.now())
    return forum


def try_policy(forum: Forum, after: Any) -> tuple[Any, Simulation]:
    with forum.database.read() as connection:
        place = find_forum(connection, forum.slug)
    assert place is not None
    trial = trial_of_policy(place, forum.member_id("XAA"), orjson.dumps(after))
    now_us = forum.clock.now_us
    return trial, try_out(forum.database, "operator", trial, now_us=now_us)


def check_a_policy(
    database: Database, before: Any, forum_rules: Any, done: list[Any], after: Any
) -> None:
    forum = make(database, before, forum_rules, done)
    seen = views_of(forum, "XAA")
    trial, simulation = try_policy(forum, after)
    assert views_of(forum, "XAA") == seen
    now_us = forum.clock.now_us
    setter = Setter("operator")
    saved = apply_policy(database, setter, trial, simulation.id, now_us=now_us)
    gained, lost = changed(seen, views_of(forum, "XAA"))
    assert told(simulation.result["gains"]) == gained
    assert told(simulation.result["loses"]) == lost
    assert saved.change.gained == len({key[1:] for key in gained})
    assert saved.change.lost == len({key[1:] for key in lost})


def check_counts(rows: list[dict[str, Any]], found: set[Any]) -> None:
    """Counts by recipient and type, and nothing that could name an object."""
    told_of = {row["recipient"]: row["types"] for row in rows}
    expected: dict[str, dict[str, int]] = {}
    for recipient, _, stix_id, _ in found:
        types = expected.setdefault(recipient, {})
        stix_type = stix_id.partition("--")[0]
        types[stix_type] = types.get(stix_type, 0) + 1
    assert told_of == expected
    assert all("--" not in str(row) for row in rows)


def check_forum_rules(
    database: Database, before: Any, forum_rules: Any, done: list[Any], after: Any
) -> None:
    forum = make(database, before, forum_rules, done)
    with database.read() as connection:
        place = find_forum(connection, forum.slug)
    assert place is not None
    trial = trial_of_forum_policy(place, orjson.dumps(after))
    seen, now_us = views_of(forum, "XAA"), forum.clock.now_us
    simulation = try_out(database, "operator", trial, now_us=now_us)
    apply_forum_policy(database, Setter("operator"), trial, simulation.id, now_us=now_us)
    gained, lost = changed(seen, views_of(forum, "XAA"))
    check_counts(simulation.result["gains"], gained)
    check_counts(simulation.result["loses"], lost)


def run(database: Database, check: Any, after: st.SearchStrategy[Any], examples: int) -> int:
    ran = []

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(POLICIES, FORUM_RULES, DEEDS, after)
    def one(before: Any, forum_rules: Any, done: list[Any], chosen: Any) -> None:
        check(database, before, forum_rules, done, chosen)
        ran.append(1)

    one()
    return len(ran)


@POSTGRESQL_AT_LENGTH
def test_setting_a_simulated_policy_changes_exactly_what_was_told(database: Database) -> None:
    assert run(database, check_a_policy, POLICIES, 8) >= 8


@POSTGRESQL_AT_LENGTH
def test_setting_simulated_forum_rules_changes_exactly_what_was_counted(
    database: Database,
) -> None:
    assert run(database, check_forum_rules, FORUM_RULES, 5) >= 5


@pytest.mark.audit
def test_setting_what_was_simulated_changes_what_was_told_at_length(database: Database) -> None:
    assert run(database, check_a_policy, POLICIES, 1000) >= 1000
    assert run(database, check_forum_rules, FORUM_RULES, 300) >= 300
