"""What a State is told of a policy before it sets it, and that setting it does exactly that."""

from __future__ import annotations

import uuid
from itertools import pairwise
from typing import Any

import pytest

from kernel.clock import format_instant
from kernel.errors import Conflict, NotFound
from sharing.services.simulations import try_out
from tests.sharing.simulating.trying import (
    apply,
    counts,
    named,
    policy_trial,
    simulate,
    simulate_policy,
)
from tests.sharing.taxii.world import TLP_GREEN, TLP_RED, World
from tests.sharing.views.looking import DAY_US, look, policy, share, withhold
from tests.sharing.views.test_whole_policy import identity, relationship, set_accepts


def test_an_officer_is_told_who_gains_and_who_loses_before_anything_changes(world: World) -> None:
    world.set_policy(policy(share("member:XBB")))
    given = world.indicator()
    world.contribute(given)
    told = simulate_policy(world, policy(share("member:XCC")))
    assert counts(told.result["gains"]) == {"XCC": 1}
    assert counts(told.result["loses"]) == {"XBB": 1}
    (gained,) = named(told.result["gains"], "XCC")
    assert gained == {
        "collection": world.collections["reports"],
        "id": given["id"],
        "version": given["modified"],
        "type": "indicator",
        "change": "appears",
        "through": ["individual", "machine"],
    }
    assert told.result["already_served"] == []
    assert set(look(world, "xbb")) == {given["id"]}
    assert look(world, "xcc") == {}


def note_about(named: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "note",
        "spec_version": "2.1",
        "id": f"note--{uuid.uuid4()}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "content": "See there.",
        "object_refs": [named["id"]],
    }


def test_an_officer_sees_how_far_a_simulation_has_come_to_its_end(
    world: World,
) -> None:
    """Every look at a copy is told, those for the sake of what names another among them."""
    chain = [identity()]
    for _ in range(3):
        chain.append(note_about(chain[-1]))
    world.contribute(*chain, *world.indicators(3))
    told: list[tuple[int, int]] = []
    trial = policy_trial(world, policy(share("member:XBB", when={"types": ["note"]})))
    try_out(
        *(world.database, "operator", trial),
        now_us=world.clock(),
        progress=lambda done, total: told.append((done, total)),
    )
    assert told[-1][0] == told[-1][1]
    assert all(before < after for (before, _), (after, _) in pairwise(told))
    # Seven ids, and three that name another: looked at until they are settled, and once more.
    assert told[-1][0] > 7 + 2 * 3
    assert sum(done > 7 for done, _ in told) > 2


def test_applying_a_simulation_does_what_it_said(world: World) -> None:
    given = world.indicator(description="secret")
    world.contribute(given)
    trial = policy_trial(world, policy(share("member:XBB", omit=["description"])))
    told = simulate(world, trial)
    assert named(told.result["gains"], "XBB")[0]["without"] == ["description"]
    saved = apply(world, trial, told)
    assert (saved.change.gained, saved.change.lost) == (1, 0)
    assert "description" not in look(world, "xbb")[given["id"]]


def test_an_officer_is_told_which_properties_come_and_go(world: World) -> None:
    world.set_policy(policy(share("member:XBB", omit=["description"])))
    world.contribute(world.indicator(description="secret", labels=["frost"]))
    told = simulate_policy(world, policy(share("member:XBB", omit=["labels"])))
    (gained,) = named(told.result["gains"], "XBB")
    (lost,) = named(told.result["loses"], "XBB")
    assert (gained["change"], gained["properties"]) == ("more", ["description"])
    assert (lost["change"], lost["properties"]) == ("less", ["labels"])
    assert told.result["gains"][0]["properties"] == {"description": 1}


def test_a_simulation_that_the_world_has_overtaken_is_refused_and_changes_nothing(
    world: World,
) -> None:
    world.contribute(world.indicator())
    trial = policy_trial(world, policy(share("member:XBB")))
    told = simulate(world, trial)
    world.contribute(world.indicator())
    with pytest.raises(Conflict) as refusal:
        apply(world, trial, told)
    assert refusal.value.code == "sharing.world-moved"
    assert look(world, "xbb") == {}
    apply(world, trial, simulate(world, trial))
    assert len(look(world, "xbb")) == 2


def test_a_simulation_holds_while_only_what_it_does_not_tell_has_moved(world: World) -> None:
    world.contribute(world.indicator())
    trial = policy_trial(world, policy(share("member:XBB", when={"labels": ["none"]})))
    told = simulate(world, trial)
    world.contribute(world.indicator())
    world.contribute(world.indicator(), who="xcc")
    assert apply(world, trial, told).change.gained == 0


def test_another_document_is_not_what_was_simulated(world: World) -> None:
    told = simulate_policy(world, policy(share("member:XBB")))
    with pytest.raises(Conflict) as refusal:
        apply(world, policy_trial(world, policy(share("member:XCC"))), told)
    assert refusal.value.code == "sharing.other-document"


def test_a_simulation_of_another_state_or_of_long_ago_is_unknown(world: World) -> None:
    trial = policy_trial(world, policy(share("member:XBB")))
    told = simulate(world, trial)
    for code in ("XBB", "XAA"):
        with pytest.raises(NotFound) as refusal:
            apply(world, policy_trial(world, policy(share("member:XBB")), code), told, code)
        assert refusal.value.code == "sharing.unknown-simulation"
        world.clock.now_us += 7 * DAY_US
    later = simulate(world, trial)
    assert apply(world, trial, later).version == 4


def test_an_officer_is_told_what_the_losers_were_served_already(world: World) -> None:
    world.set_policy(policy(share("forum")))
    polled, unpolled = world.indicator(labels=["a"]), world.indicator(labels=["b"])
    world.contribute(polled)
    assert set(look(world, "xbb")) == {polled["id"]}
    world.contribute(unpolled)
    # A manifest names an object; it does not carry it away.
    assert world.get("xcc", world.address(rest="manifest/")).status_code == 200
    told = simulate_policy(world, policy(share("member:XEE")))
    assert counts(told.result["loses"]) == {"XBB": 2, "XCC": 2}
    assert counts(told.result["already_served"]) == {"XBB": 1}
    assert [row["id"] for row in named(told.result["already_served"], "XBB")] == [polled["id"]]


def test_what_a_filter_left_out_was_not_served(world: World) -> None:
    world.set_policy(policy(share("forum")))
    first, second = world.indicator(), world.indicator()
    world.contribute(first, second)
    older = world.indicator()
    newer = older | {"modified": "2026-02-01T00:00:00.000Z"}
    world.contribute(older, newer)
    asked = f"objects/?match[id]={first['id']},{older['id']}"
    assert len(world.get("xbb", world.address(rest=asked)).get_json()["objects"]) == 2
    told = simulate_policy(world, policy())
    served = [(row["id"], row["version"]) for row in named(told.result["already_served"], "XBB")]
    assert sorted(served) == sorted(
        [(first["id"], first["modified"]), (newer["id"], newer["modified"])]
    )


def test_what_was_served_before_is_another_result_once_it_is_served(world: World) -> None:
    world.set_policy(policy(share("member:XBB")))
    world.contribute(world.indicator())
    trial = policy_trial(world, policy())
    told = simulate(world, trial)
    assert len(look(world, "xbb")) == 1
    with pytest.raises(Conflict) as refusal:
        apply(world, trial, told)
    assert refusal.value.code == "sharing.world-moved"


def test_a_red_object_is_told_to_reach_persons_only(world: World) -> None:
    world.contribute(world.indicator(object_marking_refs=[TLP_RED]))
    told = simulate_policy(world, policy(share("member:XBB", "forum")))
    assert counts(told.result["gains"]) == {"XBB": 1}
    assert named(told.result["gains"], "XBB")[0]["through"] == ["individual"]


def test_a_partner_is_told_by_its_name(world: World) -> None:
    world.contribute(world.indicator(object_marking_refs=[TLP_GREEN]))
    told = simulate_policy(world, policy(share("partners")))
    assert counts(told.result["gains"]) == {"partner:mirror": 1}


def test_an_embargo_and_an_expiry_are_told_with_their_instants(world: World) -> None:
    given = world.indicator()
    world.contribute(given)
    contributed_us = world.clock()
    told = simulate_policy(
        world, policy(share("member:XBB", delay="P1D", expire_after="P3D"), share("member:XCC"))
    )
    assert counts(told.result["gains"]) == {"XCC": 1}
    later = told.result["later"]
    (opens,), (closes,) = named(later["opens"], "XBB"), named(later["closes"], "XBB")
    assert opens["at"] == format_instant(contributed_us + DAY_US)
    assert closes["at"] == format_instant(contributed_us + 3 * DAY_US)
    assert (opens["change"], closes["change"]) == ("appears", "disappears")
    assert later["opens"][0]["first_at"] == later["opens"][0]["last_at"] == opens["at"]
    assert counts(later["opens"]) == counts(later["closes"]) == {"XBB": 1}


def test_an_embargo_that_has_opened_meanwhile_is_another_result(world: World) -> None:
    world.contribute(world.indicator())
    trial = policy_trial(world, policy(share("member:XBB", delay="PT1H")))
    told = simulate(world, trial)
    world.clock.now_us += DAY_US
    with pytest.raises(Conflict):
        apply(world, trial, told)


def test_a_relationship_goes_with_its_own_end_and_a_list_loses_an_item(world: World) -> None:
    world.set_policy(policy(share("forum")))
    kept, hidden = world.indicator(), world.indicator(labels=["frost"])
    edge = relationship(kept["id"], hidden["id"])
    note = {
        "type": "note",
        "spec_version": "2.1",
        "id": edge["id"].replace("relationship", "note"),
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "content": "both",
        "object_refs": [kept["id"], hidden["id"]],
    }
    world.contribute(kept, hidden, edge, note)
    trial = policy_trial(
        world,
        policy(share("forum"), withhold("member:XBB", when={"labels": ["frost"]})),
    )
    told = simulate(world, trial)
    lost = {row["id"]: row for row in named(told.result["loses"], "XBB")}
    assert {row_id: row["change"] for row_id, row in lost.items()} == {
        hidden["id"]: "disappears",
        edge["id"]: "disappears",
        note["id"]: "less",
    }
    assert lost[note["id"]]["properties"] == ["object_refs"]
    saved = apply(world, trial, told)
    assert (saved.change.gained, saved.change.lost) == (0, 3)
    assert set(look(world, "xbb")) == {kept["id"], note["id"]}


def test_an_older_version_is_told_to_come_with_the_newer_one_that_held_it_back(
    world: World,
) -> None:
    older = world.indicator()
    newer = older | {"modified": "2026-02-01T00:00:00.000Z", "labels": ["frost"]}
    kept = policy(share("member:XBB"), withhold("forum", when={"labels": ["frost"]}))
    world.set_policy(kept)
    world.contribute(older, newer)
    told = simulate_policy(world, policy(share("member:XBB")))
    assert counts(told.result["gains"]) == {"XBB": 2}


def test_what_was_withdrawn_and_statements_are_not_told(world: World) -> None:
    statement = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": f"marking-definition--{identity()['id'].partition('--')[2]}",
        "created": "2026-01-01T00:00:00.000Z",
        "definition_type": "statement",
        "definition": {"statement": "Ask us."},
    }
    carrier, gone = world.indicator(object_marking_refs=[statement["id"]]), world.indicator()
    world.contribute(statement, carrier, gone)
    assert world.delete("xaa", world.address(rest=f"objects/{gone['id']}/")).status_code == 200
    told = simulate_policy(world, policy(share("member:XBB")))
    assert [row["id"] for row in named(told.result["gains"], "XBB")] == [carrier["id"]]


def test_reciprocity_is_told_as_what_it_depends_on(world: World) -> None:
    world.contribute(world.indicator(), world.indicator(labels=["sure"]))
    asked = {"reciprocity": {"min_contributions": 1, "window_days": 30}}
    told = simulate_policy(
        world,
        policy(share("member:XBB", conditions=asked), share("forum", when={"labels": ["sure"]})),
    )
    assert counts(told.result["gains"]) == {"XBB": 2, "XCC": 1, "XEE": 1}
    doubted = {row["recipient"]: row.get("depends_on_reciprocity") for row in told.result["gains"]}
    assert doubted == {"XBB": 1, "XCC": None, "XEE": None}
    assert [row.get("depends_on") for row in named(told.result["gains"], "XBB")].count(
        ["reciprocity"]
    ) == 1
    assert "rule-0 depends on reciprocity" in told.result["notes"][0]
    assert "never start" in told.result["notes"][1]


def test_many_versions_are_counted_and_the_first_hundred_named(small_world: World) -> None:
    world = small_world
    world.contribute(*world.indicators(130))
    told = simulate_policy(world, policy(share("member:XBB")))
    (row,) = told.result["gains"]
    assert (row["versions"], len(row["objects"]), row["more_objects"]) == (130, 100, 30)
    assert row["types"] == {"indicator": 130}


def test_a_recipient_that_declines_is_told_all_the_same(world: World) -> None:
    world.contribute(world.indicator())
    set_accepts(world, "XBB", {"types": []})
    told = simulate_policy(world, policy(share("member:XBB")))
    assert counts(told.result["gains"]) == {"XBB": 1}
    assert look(world, "xbb") == {}
