"""Rules of a forum, a suspension, a seat: counted for each member and type before they happen."""

from __future__ import annotations

import pytest

from auth.services import NewMember, add_member
from kernel.errors import BadInput, Conflict
from sharing.services.seating import change_seat, seat_member
from sharing.services.simulations import apply_seat, apply_suspension
from tests.sharing.simulating.trying import (
    counts,
    rules_trial,
    seat_trial,
    simulate,
    suspension_trial,
)
from tests.sharing.taxii.world import World
from tests.sharing.views.looking import look, policy, share, withhold


def test_a_forum_rule_is_counted_by_member_and_type_and_names_no_content(world: World) -> None:
    world.set_policy(policy(share("forum")))
    given = world.indicator(labels=["frost"])
    world.contribute(given, world.indicator())
    assert len(look(world, "xbb")) == 2
    trial = rules_trial(world, policy(withhold("member:XBB", when={"labels": ["frost"]})))
    told = simulate(world, trial)
    assert told.result["gains"] == []
    row = {"forum": "harbour", "recipient": "XBB", "versions": 1, "types": {"indicator": 1}}
    assert told.result["loses"] == told.result["already_served"] == [row]
    assert given["id"] not in str(told.document())
    assert world.collections["reports"] not in str(told.document())


def test_a_suspension_takes_what_others_share_in_every_forum(world: World) -> None:
    world.set_policy(policy(share("forum")))
    world.contribute(world.indicator())
    world.contribute(world.indicator(), who="xbb")
    assert len(look(world, "xbb")) == 2
    trial = suspension_trial(world, "XBB")
    told = simulate(world, trial)
    assert counts(told.result["loses"]) == counts(told.result["already_served"]) == {"XBB": 1}
    assert told.result["gains"] == []
    now_us = world.clock()
    apply_suspension(world.database, "operator", "XBB", trial, told.id, now_us=now_us)
    assert world.get("xbb", world.address()).status_code == 401


def test_a_suspension_is_refused_once_it_would_do_something_else(world: World) -> None:
    world.set_policy(policy(share("forum")))
    trial = suspension_trial(world, "XBB")
    told = simulate(world, trial)
    world.contribute(world.indicator())
    with pytest.raises(Conflict) as refusal:
        apply_suspension(world.database, "operator", "XBB", trial, told.id, now_us=world.clock())
    assert refusal.value.code == "sharing.world-moved"
    assert len(look(world, "xbb")) == 1


def test_a_suspension_is_refused_where_a_forum_that_was_not_looked_at_has_seated_the_member(
    world: World,
) -> None:
    """As it is by the time that it is applied: its forums are read again under their locks."""
    trial = suspension_trial(world, "XBB")
    told = simulate(world, trial)
    seat_member(world.database, "operator", "basin", "XBB", "member", now_us=world.clock())
    with pytest.raises(Conflict) as refusal:
        apply_suspension(world.database, "operator", "XBB", trial, told.id, now_us=world.clock())
    assert refusal.value.code == "sharing.world-moved"
    assert look(world, "xbb") == {}


def test_a_member_without_any_seat_is_suspended_as_it_was_simulated(world: World) -> None:
    with world.database.write() as connection:
        new = NewMember(code="XFF", name="State XFF")
        add_member(connection, new, actor="operator", now_us=world.clock())
    trial = suspension_trial(world, "XFF")
    told = simulate(world, trial)
    assert (told.result["loses"], told.epoch) == ([], 0)
    apply_suspension(world.database, "operator", "XFF", trial, told.id, now_us=world.clock())
    assert suspension_trial(world, "XFF").forums == []


def test_a_new_seat_is_told_what_it_would_get_by_its_role(world: World) -> None:
    world.set_policy(
        policy(share("member:XDD", when={"labels": ["frost"]}), share("role:observer"))
    )
    world.contribute(world.indicator(labels=["frost"]), world.indicator())
    told = {
        role: simulate(world, seat_trial(world, "XDD", role)) for role in ("member", "observer")
    }
    assert counts(told["member"].result["gains"]) == {"XDD": 1}
    assert counts(told["observer"].result["gains"]) == {"XDD": 2}
    trial = seat_trial(world, "XDD", "observer")
    change = apply_seat(
        world.database, "operator", "XDD", trial, told["observer"].id, now_us=world.clock()
    )
    assert change.gained == 2
    assert len(look(world, "xdd")) == 2


def test_a_seat_with_another_role_is_not_what_was_simulated(world: World) -> None:
    told = simulate(world, seat_trial(world, "XDD", "observer"))
    trial = seat_trial(world, "XDD", "member")
    with pytest.raises(Conflict) as refusal:
        apply_seat(world.database, "operator", "XDD", trial, told.id, now_us=world.clock())
    assert refusal.value.code == "sharing.other-document"


def test_a_seat_that_is_taken_or_of_no_role_cannot_be_tried_out(world: World) -> None:
    with pytest.raises(Conflict):
        simulate(world, seat_trial(world, "XBB"))
    with pytest.raises(BadInput):
        simulate(world, seat_trial(world, "XDD", "king"))


def test_a_seat_that_ended_is_told_what_it_would_get_again(world: World) -> None:
    world.set_policy(policy(share("forum")))
    world.contribute(world.indicator())
    for status in ("suspended", "ended"):
        change_seat(world.database, "operator", "harbour", "XBB", status, now_us=world.clock())
    trial = seat_trial(world, "XBB")
    told = simulate(world, trial)
    assert counts(told.result["gains"]) == {"XBB": 1}
    now_us = world.clock()
    change = apply_seat(world.database, "operator", "XBB", trial, told.id, now_us=now_us)
    assert change.gained == 1
