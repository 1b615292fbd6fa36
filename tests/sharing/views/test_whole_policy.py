"""What a State's neighbours see of it under every part of the sharing policy."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from sharing.rules.properties import RELEASE_EXTENSION
from sharing.rules.tlp import WELL_KNOWN, Tlp
from sharing.services import policies, seating
from tests.sharing.taxii.world import World
from tests.sharing.views.looking import DAY_US, date_added, look, policy, share, walk, withhold

TLP = {level: marking for marking, level in WELL_KNOWN.items()}


def identity(**members: Any) -> dict[str, Any]:
    return {
        "type": "identity",
        "spec_version": "2.1",
        "id": f"identity--{uuid.uuid4()}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "name": "Somebody",
    } | members


def report(*named: str, **members: Any) -> dict[str, Any]:
    return {
        "type": "report",
        "spec_version": "2.1",
        "id": f"report--{uuid.uuid4()}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "name": "Named",
        "published": "2026-01-01T00:00:00.000Z",
        "object_refs": list(named),
    } | members


def relationship(source: str, target: str, **members: Any) -> dict[str, Any]:
    return {
        "type": "relationship",
        "spec_version": "2.1",
        "id": f"relationship--{uuid.uuid4()}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "relationship_type": "related-to",
        "source_ref": source,
        "target_ref": target,
    } | members


def set_accepts(world: World, code: str, document: dict[str, Any]) -> None:
    world.clock.now_us += 1_000_000
    policies.set_accepts(
        world.database,
        policies.Setter("operator"),
        world.forum_id,
        world.member_id(code),
        json.dumps(document).encode(),
        now_us=world.clock(),
    )


def test_a_neighbour_gets_an_object_less_what_the_rule_omits(world: World) -> None:
    world.set_policy(policy(share("member:XBB", omit=["description", "labels"])))
    given = world.indicator(description="secret", labels=["frost"], confidence=70)
    world.contribute(given)
    kept = {key: value for key, value in given.items() if key not in ("description", "labels")}
    assert look(world, "xbb")[given["id"]] == kept
    assert look(world, "xaa")[given["id"]] == given
    assert look(world, "xcc") == {}


def test_two_rules_grant_the_union_of_what_each_grants(world: World) -> None:
    world.set_policy(
        policy(
            share("member:XBB", omit=["description"]),
            share("member:XBB", omit=["labels"]),
            withhold("member:XBB", only=["confidence"]),
        )
    )
    given = world.indicator(description="kept", labels=["kept"], confidence=70)
    world.contribute(given)
    seen = look(world, "xbb")[given["id"]]
    assert seen["description"] == "kept"
    assert seen["labels"] == ["kept"]
    assert "confidence" not in seen


def test_what_loses_something_required_is_hidden(world: World) -> None:
    world.set_policy(policy(share("member:XBB", omit=["pattern"])))
    world.contribute(world.indicator())
    assert look(world, "xbb") == {}


def test_an_embargo_opens_to_the_second_with_no_worker_alive(world: World) -> None:
    world.set_policy(policy(share("member:XBB", delay="P1D")))
    given = world.indicator()
    world.contribute(given)
    contributed_us = world.clock()
    world.clock.now_us = contributed_us + DAY_US - 1
    assert look(world, "xbb") == {}
    world.clock.now_us = contributed_us + DAY_US
    assert look(world, "xbb") == {given["id"]: given}


def test_a_release_expires_to_the_second_with_no_worker_alive(world: World) -> None:
    world.set_policy(policy(share("member:XBB", expire_after="P1D")))
    given = world.indicator()
    world.contribute(given)
    contributed_us = world.clock()
    world.clock.now_us = contributed_us + DAY_US - 1
    assert look(world, "xbb") == {given["id"]: given}
    world.clock.now_us = contributed_us + DAY_US
    assert look(world, "xbb") == {}
    assert look(world, "xaa") == {given["id"]: given}


def test_what_opens_later_comes_to_an_incremental_poll(world: World) -> None:
    world.set_policy(
        policy(
            share("member:XBB", when={"labels": ["soon"]}, delay="PT1H"),
            share("member:XBB", when={"labels": ["now"]}),
        )
    )
    soon, now = world.indicator(labels=["soon"]), world.indicator(labels=["now"])
    world.contribute(soon)
    world.contribute(now)
    assert look(world, "xbb") == {now["id"]: now}
    [last] = date_added(world, "xbb", now["id"])
    world.clock.now_us += 3_600_000_000
    assert walk(world, "xbb", after=last) == [soon]


def test_an_edge_is_hidden_with_either_of_its_ends(world: World) -> None:
    world.set_policy(
        policy(share("member:XBB"), withhold("member:XBB", when={"labels": ["frost"]}))
    )
    open_one, hidden = world.indicator(), world.indicator(labels=["frost"])
    edge = relationship(open_one["id"], hidden["id"])
    world.contribute(open_one, hidden, edge)
    assert look(world, "xbb").keys() == {open_one["id"]}
    assert look(world, "xaa").keys() == {open_one["id"], hidden["id"], edge["id"]}
    world.set_policy(policy(share("member:XBB")))
    assert look(world, "xbb").keys() == {open_one["id"], hidden["id"], edge["id"]}


def test_a_hidden_id_is_dropped_with_its_item_and_an_emptied_list_goes(world: World) -> None:
    world.set_policy(
        policy(share("member:XBB"), withhold("member:XBB", when={"labels": ["frost"]}))
    )
    open_one, hidden = world.indicator(), world.indicator(labels=["frost"])
    author = identity(labels=["frost"])
    report = {
        "type": "report",
        "spec_version": "2.1",
        "id": f"report--{uuid.uuid4()}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "name": "A report",
        "published": "2026-01-01T00:00:00Z",
        "created_by_ref": author["id"],
        "object_refs": [hidden["id"], open_one["id"]],
    }
    only_hidden = report | {"id": f"report--{uuid.uuid4()}", "object_refs": [hidden["id"]]}
    world.contribute(open_one, hidden, author, report, only_hidden)
    seen = look(world, "xbb")
    assert seen.keys() == {open_one["id"], report["id"]}
    expected = {key: value for key, value in report.items() if key != "created_by_ref"}
    assert seen[report["id"]] == expected | {"object_refs": [open_one["id"]]}


def test_an_own_copy_that_comes_later_guards_what_named_it_before(world: World) -> None:
    world.set_policy(
        policy(share("member:XBB"), withhold("member:XBB", when={"labels": ["frost"]}))
    )
    source, target = world.indicator(), world.indicator(labels=["frost"])
    edge = relationship(source["id"], target["id"])
    world.contribute(source, edge)
    assert edge["id"] in look(world, "xbb")
    world.contribute(target)
    assert edge["id"] not in look(world, "xbb")


def test_nobody_makes_anothers_object_vanish_by_contributing_what_it_names(world: World) -> None:
    world.set_policy(policy(share("member:XBB")))
    source, target = world.indicator(), world.indicator()
    edge = relationship(source["id"], target["id"])
    world.contribute(source, edge)
    world.contribute(target, who="xcc")
    assert edge["id"] in look(world, "xbb")


def test_a_copy_that_stood_when_it_was_named_guards_the_object(world: World) -> None:
    world.set_policy(policy(share("forum")))
    world.set_policy(policy(share("member:XAA")), code="XCC")
    target = world.indicator()
    world.contribute(target, who="xcc")
    source = world.indicator()
    edge = relationship(source["id"], target["id"])
    world.contribute(source, edge)
    assert look(world, "xbb").keys() == {source["id"]}
    world.set_policy(policy(share("forum")), code="XCC")
    assert look(world, "xbb").keys() == {source["id"], edge["id"], target["id"]}


def test_releasable_to_narrows_whatever_the_rules_grant(world: World) -> None:
    world.set_policy(policy(share("forum", "partners")))
    extension = {"extension_type": "property-extension", "releasable_to": ["member:XCC"]}
    given = world.indicator(
        extensions={RELEASE_EXTENSION: extension}, object_marking_refs=[TLP[Tlp.GREEN]]
    )
    world.contribute(given)
    assert look(world, "xcc") == {given["id"]: given}
    assert look(world, "xbb") == {} == look(world, "mirror")


def test_a_property_marked_higher_stays_only_where_the_object_would_be_granted_so(
    world: World,
) -> None:
    world.set_policy(
        policy(
            share("member:XBB", when={"tlp_at_most": "green"}),
            share("member:XCC", when={"tlp_at_most": "amber"}),
        )
    )
    given = world.indicator(
        description="sources",
        object_marking_refs=[TLP[Tlp.GREEN]],
        granular_markings=[{"marking_ref": TLP[Tlp.AMBER], "selectors": ["description"]}],
    )
    world.contribute(given)
    assert look(world, "xcc")[given["id"]] == given
    less = {k: v for k, v in given.items() if k not in ("description", "granular_markings")}
    assert look(world, "xbb")[given["id"]] == less


def test_a_member_is_not_given_what_it_does_not_accept(world: World) -> None:
    world.set_policy(policy(share("forum")))
    given = world.indicator()
    world.contribute(given)
    set_accepts(world, "XBB", {"types": ["malware"]})
    assert look(world, "xbb") == {}
    assert look(world, "xcc") == {given["id"]: given}
    [before] = date_added(world, "xcc", given["id"])
    set_accepts(world, "XBB", {})
    assert look(world, "xbb") == {given["id"]: given}
    assert date_added(world, "xbb", given["id"]) > [before]


def test_a_looser_version_is_held_and_its_originator_alone_sees_it(world: World) -> None:
    world.set_policy(
        policy(
            share("member:XBB", when={"tlp_at_most": "amber"}),
            share("member:XCC", when={"tlp_at_most": "green"}),
        )
    )
    first = world.indicator(object_marking_refs=[TLP[Tlp.AMBER]])
    looser = first | {
        "modified": "2026-01-02T00:00:00.000Z",
        "object_marking_refs": [TLP[Tlp.GREEN]],
    }
    world.contribute(first)
    status = world.contribute(looser)
    assert "held" in status["successes"][0]["message"]
    assert walk(world, "xbb") == [first]
    assert walk(world, "xcc") == []
    assert walk(world, "xaa") == [first, looser]


def test_a_looser_version_that_drops_what_hid_it_is_held(world: World) -> None:
    world.set_policy(
        policy(share("member:XBB"), withhold("member:XBB", when={"labels": ["frost"]}))
    )
    hidden, shown = world.indicator(labels=["frost"]), world.indicator()
    first = report(hidden["id"], object_marking_refs=[TLP[Tlp.AMBER]])
    world.contribute(hidden, shown, first)
    assert walk(world, "xbb") == [shown]
    # What both versions name goes on hiding both.
    looser = first | {
        "modified": "2026-01-02T00:00:00.000Z",
        "object_marking_refs": [TLP[Tlp.GREEN]],
    }
    assert "held" not in world.contribute(looser)["successes"][0].get("message", "")
    elsewhere = looser | {
        "modified": "2026-01-03T00:00:00.000Z",
        "object_refs": [shown["id"]],
    }
    assert "held" not in world.contribute(elsewhere)["successes"][0].get("message", "")
    assert walk(world, "xbb") == [shown, elsewhere]
    # Had the marking been loosened in the same breath, its looseness would have gone unseen.
    other = first | {"id": f"report--{uuid.uuid4()}"}
    world.contribute(other)
    both = elsewhere | {"id": other["id"]}
    assert "held" in world.contribute(both)["successes"][0]["message"]
    assert walk(world, "xbb") == [shown, elsewhere]


@pytest.mark.parametrize("shown_to", [["member:XAA"], ["member:XAA", "member:XCC"]])
def test_whether_a_version_is_held_tells_nothing_of_what_others_hide(
    world: World, shown_to: list[str]
) -> None:
    world.set_policy(policy(share(*shown_to)), code="XBB")
    world.set_policy(policy(share("member:XCC")))
    of_another, own = world.indicator(), world.indicator()
    world.contribute(of_another, who="xbb")
    first = report(of_another["id"], object_marking_refs=[TLP[Tlp.AMBER]])
    world.contribute(own, first)
    looser = first | {
        "modified": "2026-01-02T00:00:00.000Z",
        "object_refs": [own["id"]],
        "object_marking_refs": [TLP[Tlp.GREEN]],
    }
    assert "held" in world.contribute(looser)["successes"][0]["message"]


def test_what_comes_in_the_same_envelope_guards_there_too(world: World) -> None:
    world.set_policy(
        policy(share("member:XBB"), withhold("member:XBB", when={"labels": ["frost"]}))
    )
    hidden, shown = world.indicator(labels=["frost"]), world.indicator()
    first = report(hidden["id"], object_marking_refs=[TLP[Tlp.AMBER]])
    looser = first | {
        "modified": "2026-01-02T00:00:00.000Z",
        "object_refs": [shown["id"]],
        "object_marking_refs": [TLP[Tlp.GREEN]],
    }
    told = world.contribute(hidden, shown, first, looser)
    assert ["held" in one.get("message", "") for one in told["successes"]].count(True) == 1
    assert walk(world, "xbb") == [shown]


@pytest.mark.parametrize("met", [True, False])
def test_whether_a_version_is_held_tells_nothing_of_who_meets_reciprocity(
    world: World, met: bool
) -> None:
    asked = {"reciprocity": {"min_contributions": 1, "window_days": 3}}
    green = share("member:XBB", when={"tlp_at_most": "green"})
    world.set_policy(policy(share("member:XBB", conditions=asked), green))
    world.set_policy(policy(share("member:XAA")), code="XBB")
    if met:
        world.contribute(world.indicator(), who="xbb")
    world.clock.now_us += 2 * DAY_US
    first = world.indicator(object_marking_refs=[TLP[Tlp.AMBER]])
    world.contribute(first)
    assert (first["id"] in look(world, "xbb")) is met
    looser = {"modified": "2026-01-02T00:00:00.000Z", "object_marking_refs": [TLP[Tlp.GREEN]]}
    assert "held" in world.contribute(first | looser)["successes"][0]["message"]


def test_reciprocity_is_counted_at_midnight(world: World) -> None:
    asked = {"reciprocity": {"min_contributions": 2, "window_days": 3}}
    world.set_policy(policy(share("forum", conditions=asked)))
    world.set_policy(policy(share("member:XAA")), code="XBB")
    given = world.indicator()
    world.contribute(given)
    world.contribute(*world.indicators(2), who="xbb")
    assert given["id"] not in look(world, "xbb")
    midnight_us = world.clock() - world.clock() % DAY_US + DAY_US
    world.clock.now_us = midnight_us - 1
    assert given["id"] not in look(world, "xbb")
    world.clock.now_us = midnight_us
    assert given["id"] in look(world, "xbb")
    assert look(world, "xcc") == {}
    # Nothing of XBB's is seen any more: three days later it no longer counts.
    world.set_policy(policy(), code="XBB")
    world.clock.now_us = midnight_us + 3 * DAY_US
    assert given["id"] in look(world, "xbb")
    world.clock.now_us = midnight_us + 4 * DAY_US
    assert given["id"] not in look(world, "xbb")


def test_a_wider_form_comes_anew_and_a_narrower_one_keeps_its_place(world: World) -> None:
    world.set_policy(policy(share("member:XBB", omit=["description"])))
    given = world.indicator(description="secret")
    world.contribute(given)
    [first] = date_added(world, "xbb", given["id"])
    world.set_policy(policy(share("member:XBB")))
    [wider] = date_added(world, "xbb", given["id"])
    assert wider > first
    assert look(world, "xbb") == {given["id"]: given}
    world.set_policy(policy(share("member:XBB", omit=["description", "labels"])))
    assert date_added(world, "xbb", given["id"]) == [wider]
    assert "description" not in look(world, "xbb")[given["id"]]


def test_an_older_version_lacks_what_the_newest_is_withheld(world: World) -> None:
    world.set_policy(
        policy(
            share("member:XBB"),
            withhold("member:XBB", only=["description"], when={"labels": ["frost"]}),
        )
    )
    first = world.indicator(description="secret")
    world.contribute(first)
    assert look(world, "xbb")[first["id"]]["description"] == "secret"
    newer = first | {"modified": "2026-01-02T00:00:00.000Z", "labels": ["frost"]}
    world.contribute(newer)
    assert ["description" in value for value in walk(world, "xbb")] == [False, False]


def test_a_statement_goes_only_where_the_form_that_is_served_carries_it(world: World) -> None:
    world.set_policy(policy(share("member:XBB", omit=["description"]), share("member:XCC")))
    statement = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": f"marking-definition--{uuid.uuid4()}",
        "created": "2026-01-01T00:00:00.000Z",
        "definition_type": "statement",
        "definition": {"statement": "Ask before you pass it on."},
    }
    given = world.indicator(
        description="secret",
        granular_markings=[{"marking_ref": statement["id"], "selectors": ["description"]}],
    )
    world.contribute(statement, given)
    assert look(world, "xcc").keys() == {statement["id"], given["id"]}
    assert look(world, "xbb").keys() == {given["id"]}


def test_a_partner_gets_what_is_green_and_nothing_conditional(world: World) -> None:
    world.set_policy(policy(share("partners", when={"tlp_at_most": "green"})))
    green = world.indicator(object_marking_refs=[TLP[Tlp.GREEN]])
    amber = world.indicator(object_marking_refs=[TLP[Tlp.AMBER]])
    world.contribute(green, amber)
    assert look(world, "mirror") == {green["id"]: green}


def test_a_seat_that_is_suspended_and_reinstated_gets_everything_anew(world: World) -> None:
    given = world.indicator()
    world.contribute(given)
    [before] = date_added(world, "xbb", given["id"])
    for status in ("suspended", "active"):
        world.clock.now_us += 1_000_000
        seating.change_seat(
            world.database, "operator", "harbour", "XBB", status, now_us=world.clock()
        )
    [after] = date_added(world, "xbb", given["id"])
    assert after > before


def test_a_deleted_version_goes_on_guarding_and_gating(world: World) -> None:
    world.set_policy(
        policy(share("member:XBB"), withhold("member:XBB", when={"labels": ["frost"]}))
    )
    source, target = world.indicator(), world.indicator(labels=["frost"])
    edge = relationship(source["id"], target["id"])
    world.contribute(source, target, edge)
    answer = world.delete("xaa", world.address(rest=f"objects/{target['id']}/"))
    assert answer.status_code == 200
    assert look(world, "xbb").keys() == {source["id"]}
