"""Whatever other States keep to themselves, a simulation is the same to the byte."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernel.db import Database
from sharing.services.policies import Setter
from sharing.services.simulations import apply_policy
from tests.conftest import POSTGRESQL_AT_LENGTH
from tests.sharing.api.asking import FORUM, read, send
from tests.sharing.simulating.random_worlds import FORUM_RULES, POLICIES, Forum, deeds
from tests.sharing.simulating.test_simulations_come_true import DEEDS, make, try_policy
from tests.sharing.taxii.world import World
from tests.sharing.views.looking import policy, share, withhold
from tests.sharing.views.test_whole_policy import relationship, set_accepts

OTHERS = st.sampled_from(["XBB", "XCC"])
ASKING = {"reciprocity": {"min_contributions": 1, "window_days": 30}}
SECRETS = st.lists(
    st.one_of(
        st.tuples(st.just("policy"), OTHERS, POLICIES),
        st.tuples(st.just("policy"), OTHERS, st.just(policy(share("forum", conditions=ASKING)))),
        st.tuples(st.just("accepts"), OTHERS, st.sampled_from([{}, {"types": []}])),
        st.tuples(st.just("deed"), st.just("XBB"), deeds()),
    ),
    min_size=1,
    max_size=4,
)


def keep_to_themselves(forum: Forum, secrets: list[Any]) -> None:
    forum.tick_us = 0
    for what, code, value in secrets:
        if what == "policy":
            forum.set_policy(code, value)
        elif what == "accepts":
            forum.set_accepts(code, value)
        else:
            forum.do(code, value)


def check(
    database: Database,
    before: Any,
    forum_rules: Any,
    done: list[Any],
    after: Any,
    secrets: list[Any],
) -> None:
    forum = make(database, before, forum_rules, done)
    trial, first = try_policy(forum, after)
    keep_to_themselves(forum, secrets)
    _, second = try_policy(forum, after)
    assert orjson.dumps(first.result) == orjson.dumps(second.result)
    now_us = forum.clock.now_us
    saved = apply_policy(database, Setter("operator"), trial, first.id, now_us=now_us)
    assert saved.version > 1


def run(database: Database, examples: int) -> int:
    ran = []

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(POLICIES, FORUM_RULES, DEEDS, POLICIES, SECRETS)
    def one(before: Any, rules: Any, done: list[Any], after: Any, secrets: list[Any]) -> None:
        check(database, before, rules, done, after, secrets)
        ran.append(1)

    one()
    return len(ran)


@POSTGRESQL_AT_LENGTH
def test_no_secret_of_others_changes_a_simulation_or_makes_it_stale(database: Database) -> None:
    assert run(database, 6) >= 6


@pytest.mark.audit
def test_no_secret_of_others_changes_a_simulation_at_length(database: Database) -> None:
    assert run(database, 500) >= 500


def test_an_officer_is_answered_the_same_bytes_beside_everything_others_hide(
    world: World,
) -> None:
    """What XAA, XCC and XEE keep from XBB: wishes, copies, counts, targets, traffic."""
    shared, absent = world.indicator(), world.indicator()
    edge = relationship(shared["id"], absent["id"])
    world.contribute(shared, edge, who="xbb")
    asked = policy(share("forum"), share("member:XCC", conditions=ASKING), withhold("member:XAA"))
    answers = [answer(world, asked)]
    set_accepts(world, "XEE", {"types": []})
    world.set_policy(policy(share("member:XEE")), "XCC")
    world.contribute(shared | {"name": "another"}, absent, who="xcc")
    world.set_policy(policy(share("member:XCC", conditions=ASKING)), "XAA")
    world.contribute(*world.indicators(3))
    answers.append(answer(world, asked))
    assert answers[0] == answers[1]
    assert "never start" in answers[0]


def answer(world: World, document: dict[str, Any]) -> str:
    told = send(world, "xbb-officer", "POST", f"{FORUM}/policy/simulations", document)
    assert told.status_code == 201, told.text
    value = told.get_json()
    assert read(world, "xbb-officer", f"{FORUM}/policy/simulations/{value['id']}") == value
    told_of = told.text
    for part in (value["id"], value["made_at"], value["kept_until"]):
        told_of = told_of.replace(part, "")
    return told_of
