"""A change of rules decides only what it is about: deciding everything anew finds nothing more."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from kernel.db import Database
from sharing.services.reconsider import reconsider
from sharing.services.settling import hold_forum
from sharing.tables import contribution, release
from tests.sharing.simulating.random_worlds import (
    FORUM_RULES,
    MEMBERS,
    POLICIES,
    Forum,
    deeds,
    open_forum,
)
from tests.sharing.taxii.world import Clock

WHOSE = st.sampled_from(MEMBERS)
CONTRIBUTORS = st.sampled_from(["XAA", "XBB"])
DEEDS = st.lists(st.tuples(CONTRIBUTORS, deeds()), min_size=1, max_size=6)
CHANGES = st.lists(
    st.one_of(st.tuples(WHOSE, POLICIES), st.tuples(st.none(), FORUM_RULES)),
    min_size=1,
    max_size=3,
)


def state_of(forum: Forum) -> Any:
    """Who sees what, who was decided to, and when that changes next."""
    with forum.database.read() as connection:
        releases = connection.execute(
            select(release.c.id, release.c.closed)
            .where(release.c.forum_id == forum.id)
            .order_by(release.c.id)
        ).all()
        decided = connection.execute(
            select(
                contribution.c.id,
                contribution.c.seen,
                contribution.c.seen_since_us,
                contribution.c.due_us,
            )
            .where(contribution.c.forum_id == forum.id)
            .order_by(contribution.c.id)
        ).all()
    return list(releases), list(decided)


def decide_everything(forum: Forum) -> None:
    with forum.database.write() as connection:
        lock = hold_forum(connection, forum.id, now_us=forum.clock.now_us)
        reconsider(lock, lock.append("test", "everything", "test"))
        lock.save()


def check(database: Database, before: Any, done: Any, changes: Any) -> None:
    forum = open_forum(database, Clock())
    for code in MEMBERS:
        forum.set_policy(code, before)
    for code, deed in done:
        forum.do(code, deed)
    for code, document in changes:
        forum.set_rules(document) if code is None else forum.set_policy(code, document)
        told = state_of(forum)
        decide_everything(forum)
        assert state_of(forum) == told


def run(database: Database, examples: int) -> int:
    ran = []

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(POLICIES, DEEDS, CHANGES)
    def one(before: Any, done: Any, changes: Any) -> None:
        check(database, before, done, changes)
        ran.append(1)

    one()
    return len(ran)


def test_after_a_change_deciding_everything_anew_changes_nothing(database: Database) -> None:
    assert run(database, 8) >= 8


@pytest.mark.audit
def test_after_a_change_deciding_everything_anew_changes_nothing_at_length(
    database: Database,
) -> None:
    assert run(database, 1000) >= 1000
