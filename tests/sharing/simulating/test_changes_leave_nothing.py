"""A change decides only what it is about: deciding everything anew finds nothing more.

Whether it is one of rules, of seats, members and partners, or of what a member accepts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from kernel.clock import DAY_US
from kernel.db import Database
from kernel.errors import Conflict, NotFound
from sharing.queries.contributions import Stored
from sharing.services.reconsider import reconsider
from sharing.services.releasing import Releasing
from sharing.services.settling import hold_forum, settle_forum
from sharing.services.wholesale import Outcome, Wholesale
from sharing.tables import contribution, release
from tests.sharing.simulating.random_worlds import (
    DAYS,
    FORUM_RULES,
    MEMBERS,
    NAMES,
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
    st.one_of(
        st.tuples(st.just("set_policy"), WHOSE, POLICIES),
        st.tuples(st.just("set_rules"), FORUM_RULES),
    ),
    min_size=1,
    max_size=3,
)
ACCEPTS = st.fixed_dictionaries(
    {},
    optional={
        "types": st.lists(st.sampled_from(["campaign", "note", "relationship"]), max_size=2),
        "tlp_at_most": st.sampled_from(["clear", "amber"]),
        "except_originators": st.lists(CONTRIBUTORS, max_size=1),
    },
)
SOMEBODY = st.sampled_from([*MEMBERS, "XDD"])
STANDING = st.lists(
    st.one_of(
        st.tuples(st.just("set_template"), POLICIES),
        st.tuples(st.just("set_accepts"), WHOSE, ACCEPTS),
        st.tuples(st.just("seat"), SOMEBODY, st.sampled_from(["member", "observer"])),
        st.tuples(
            st.just("change_seat"), SOMEBODY, st.sampled_from(["active", "suspended", "ended"])
        ),
        st.tuples(st.just("change_member"), SOMEBODY, st.sampled_from(["active", "suspended"])),
        st.tuples(st.just("add_partner"), st.sampled_from(["mirror", "relay"])),
        st.tuples(
            st.just("change_partner"),
            st.just("relay"),
            st.sampled_from(["active", "suspended", "ended"]),
        ),
    ),
    min_size=2,
    max_size=5,
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
    for verb, *told in changes:
        try:
            getattr(forum, verb)(*told)
        except (Conflict, NotFound):
            # Who has a seat is not seated again, and who has none has none to lose.
            continue
        # What had fallen due is settled by whoever comes first, and a change that concerns nothing
        # here comes not at all.
        settle_forum(forum.database, forum.id, now_us=forum.clock.now_us)
        state = state_of(forum)
        decide_everything(forum)
        assert state_of(forum) == state


def run(database: Database, examples: int, drawn: st.SearchStrategy[Any]) -> int:
    ran = []

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(POLICIES, DEEDS, drawn)
    def one(before: Any, done: Any, changes: Any) -> None:
        check(database, before, done, changes)
        ran.append(1)

    one()
    return len(ran)


def test_after_a_change_of_rules_deciding_everything_anew_changes_nothing(
    database: Database,
) -> None:
    assert run(database, 8, CHANGES) >= 8


def test_after_a_change_of_standing_deciding_everything_anew_changes_nothing(
    database: Database,
) -> None:
    assert run(database, 8, STANDING) >= 8


@pytest.mark.audit
def test_after_a_change_of_rules_deciding_everything_anew_changes_nothing_at_length(
    database: Database,
) -> None:
    assert run(database, 1000, CHANGES) >= 1000


@pytest.mark.audit
def test_after_a_change_of_standing_deciding_everything_anew_changes_nothing_at_length(
    database: Database,
) -> None:
    assert run(database, 1000, STANDING) >= 1000


CHANGED: dict[str, Callable[[Forum], None]] = {
    "a seat": lambda forum: forum.seat("XDD", "observer"),
    "a partner": lambda forum: forum.add_partner("mirror"),
    "a suspended partner": lambda forum: forum.change_partner("relay", "suspended"),
    "a suspended seat": lambda forum: forum.change_seat("XCC", "suspended"),
    "a suspended member": lambda forum: forum.change_member("XCC", "suspended"),
    "accepts": lambda forum: forum.set_accepts("XCC", {"types": []}),
}


@pytest.mark.parametrize("what", sorted(CHANGED))
def test_a_change_of_standing_decides_only_what_it_is_about(
    database: Database, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """XAA shows XCC one object of four; neither who comes nor the partner is shown anything."""
    forum = open_forum(database, Clock())
    shown = {"when": {"labels": ["frost"]}, "audience": {"any": ["member:XCC"]}}
    meant = {"audience": {"any": ["member:XBB"]}}
    forum.set_policy(
        "XAA",
        {
            "rules": [
                {"id": "one", "effect": "share", **shown},
                {"id": "all", "effect": "share", **meant},
            ]
        },
    )
    sent = [campaign(NAMES[0], "frost"), *(campaign(name, "thaw") for name in NAMES[1:])]
    forum.do("XAA", ("contribute", 0, sent))
    decided = watch_decided(monkeypatch)
    CHANGED[what](forum)
    assert decided == (
        [] if what in {"a seat", "a partner", "a suspended partner"} else [sent[0]["id"]]
    )


def watch_decided(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of whatever is decided from now on, one by one or wholesale."""
    decided: list[str] = []
    release_copies, decide = Releasing.release_copies, Wholesale.decide

    def watch(releasing: Releasing, copies: Iterable[Stored], *more: Any) -> None:
        copies = list(copies)
        decided.extend(stored.stix_id for stored in copies)
        release_copies(releasing, copies, *more)

    def watch_all(wholesale: Wholesale, step: Any) -> Outcome:
        outcome = decide(wholesale, step)
        decided.extend(stix_id for _, stix_id in outcome.decided)
        return outcome

    monkeypatch.setattr(Releasing, "release_copies", watch)
    monkeypatch.setattr(Wholesale, "decide", watch_all)
    return decided


def test_counting_reciprocity_decides_only_what_asks_for_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """XBB shows XAA something: the next day it gets what XAA gives for that, and nothing else
    is decided; what falls due at the same instant comes after."""
    forum = open_forum(database, Clock())
    given = {"reciprocity": {"min_contributions": 1, "window_days": 30}}
    frost = {"any": ["member:XBB"]}
    mutual = {"when": {"labels": ["frost"]}, "audience": frost, "conditions": given}
    forum.set_policy(
        "XAA",
        {
            "rules": [
                {"id": "mutual", "effect": "share", **mutual},
                {"id": "all", "effect": "share", "audience": {"any": ["member:XCC"]}},
            ]
        },
    )
    everything = {"id": "all", "effect": "share", "audience": {"any": ["forum"]}}
    forum.set_policy("XBB", {"rules": [everything]})
    sent = [campaign(NAMES[0], "frost"), *(campaign(name, "thaw") for name in NAMES[1:3])]
    forum.do("XAA", ("contribute", 0, sent))
    forum.do("XBB", ("contribute", 0, [campaign(NAMES[3], "thaw")]))
    decided = watch_decided(monkeypatch)
    seen = []
    for _ in range(2):
        forum.clock.now_us += DAY_US
        settle_forum(forum.database, forum.id, now_us=forum.clock.now_us)
        seen.append(list(decided))
        state = state_of(forum)
        decide_everything(forum)
        assert state_of(forum) == state
        decided.clear()
    assert seen == [[sent[0]["id"]], []]


def campaign(name: str, label: str) -> dict[str, Any]:
    return {
        "type": "campaign",
        "spec_version": "2.1",
        "id": f"campaign--{name}",
        "created": DAYS[0],
        "modified": DAYS[0],
        "name": "a campaign",
        "labels": [label],
    }
