"""What a member is changes: its views, and whose copies stand, follow at once in every forum."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from sharing.rules.tlp import WELL_KNOWN, Tlp
from sharing.services import seating
from tests.sharing.cli.running import Installation
from tests.sharing.taxii.world import World
from tests.sharing.views.looking import date_added, look, policy, share, withhold
from tests.sharing.views.operating import list_audit, list_ledger, operate, refused

AMBER = next(marking for marking, level in WELL_KNOWN.items() if level == Tlp.AMBER)
IDENTITY = f"identity--{uuid.UUID(int=7, version=4)}"


def named(world: World, who: str) -> set[str]:
    return {value["name"] for value in look(world, who).values()}


def test_a_lower_accreditation_withdraws_in_every_forum_at_once_and_a_higher_one_releases(
    world: World,
) -> None:
    seating.seat_member(world.database, "operator", "basin", "XBB", "member", now_us=world.clock())
    elsewhere = f"/taxii2/basin/collections/{world.collections['elsewhere']}/objects/"
    operate(world, "policy", "set", "XDD", "basin", "-", given=policy(share("forum")))
    given = world.indicator(object_marking_refs=[AMBER])
    world.contribute(given)
    assert world.post("xdd", elsewhere, {"objects": [given]}).status_code == 202
    [before] = date_added(world, "xbb", given["id"])
    lowered = operate(world, "member", "set", "XBB", "--accredited-to", "green")
    assert lowered["accredited_to"] == "green"
    assert look(world, "xbb") == world.get("xbb", elsewhere).get_json() == {}
    operate(world, "member", "set", "XBB", "--accredited-to", "red")
    assert look(world, "xbb").keys() == {given["id"]}
    assert len(world.get("xbb", elsewhere).get_json()["objects"]) == 1
    [after] = date_added(world, "xbb", given["id"])
    assert after > before
    assert list_audit(world, "member.set") == [
        ("member:XBB", {"accredited_to.from": "red", "accredited_to.to": "green"}),
        ("member:XBB", {"accredited_to.from": "green", "accredited_to.to": "red"}),
    ]
    assert list_ledger(world, "member-set") == [f"member:{world.member_id('XBB')}"] * 4


def test_blocs_jurisdiction_and_residency_open_and_close_what_rules_ask_for(world: World) -> None:
    operate(world, "member", "set", "XBB", "--bloc", "north", "--jurisdiction", "XBB")
    operate(world, "member", "set", "XAA", "--residency", "XAA")
    world.set_policy(
        policy(
            share("bloc:north", when={"labels": ["bloc"]}),
            share("jurisdiction:XBB", when={"labels": ["jurisdiction"]}),
            share("forum", when={"labels": ["residency"]}, conditions={"residency": ["XAA"]}),
        )
    )
    labels = ("bloc", "jurisdiction", "residency")
    world.contribute(*(world.indicator(name=one, labels=[one]) for one in labels))
    assert named(world, "xbb") == {"bloc", "jurisdiction"}
    assert named(world, "xcc") == set()
    given = ("--bloc", "north", "--bloc", "east", "--jurisdiction", "XBB", "--residency", "XAA")
    changed = operate(world, "member", "set", "XCC", *given)
    assert (changed["blocs"], changed["residency"]) == (["east", "north"], "XAA")
    assert named(world, "xcc") == set(labels)
    operate(world, "member", "set", "XCC", "--residency", "", "--no-bloc", "north")
    shown = operate(world, "member", "show", "XCC")
    assert (shown["blocs"], shown["residency"], shown["jurisdiction"]) == (["east"], None, "XBB")
    assert named(world, "xcc") == {"jurisdiction"}
    assert list_audit(world, "member.set")[-1] == (
        "member:XCC",
        {
            "blocs.from": ["east", "north"],
            "blocs.to": ["east"],
            "residency.from": "XAA",
            "residency.to": None,
        },
    )


def test_whose_identity_made_an_object_decides_whose_copy_of_it_stands(world: World) -> None:
    every = policy(share("forum"))
    for code in ("XAA", "XBB"):
        world.set_policy(every, code)
    given = world.indicator(created_by_ref=IDENTITY)
    other = world.indicator()
    for code in ("XAA", "XBB"):
        copies = [one | {"name": f"of {code}"} for one in (given, other)]
        world.contribute(*copies, who=code.lower())

    def stands() -> dict[str, Any]:
        seen = look(world, "xcc")
        return {stix_id: value["name"] for stix_id, value in seen.items()}

    assert stands() == {given["id"]: "of XAA", other["id"]: "of XAA"}
    operate(world, "member", "set", "XBB", "--identity", IDENTITY)
    assert stands() == {given["id"]: "of XBB", other["id"]: "of XAA"}
    assert "bound to a member already" in refused(
        world, "member", "set", "XAA", "--identity", IDENTITY
    )
    operate(world, "member", "set", "XBB", "--no-identity", IDENTITY)
    assert stands() == {given["id"]: "of XAA", other["id"]: "of XAA"}
    operate(world, "member", "set", "XAA", "--identity", IDENTITY)
    forged = world.indicator(created_by_ref=IDENTITY)
    answer = world.post("xbb", world.address(), {"objects": [forged]})
    assert answer.get_json()["failure_count"] == 1


def test_a_policy_that_names_a_bloc_nobody_holds_any_more_is_read_and_shares_nothing_by_it(
    world: World,
) -> None:
    operate(world, "member", "set", "XBB", "--bloc", "north")
    rules = policy(
        share("bloc:north", when={"labels": ["frost"]}),
        share("member:XBB", when={"labels": ["thaw"]}),
        withhold("bloc:north", when={"labels": ["secret"]}),
    )
    world.set_policy(rules)
    frost, thaw = (world.indicator(name=one, labels=[one]) for one in ("frost", "thaw"))
    world.contribute(frost, thaw)
    assert named(world, "xbb") == {"frost", "thaw"}
    operate(world, "member", "set", "XBB", "--no-bloc", "north")
    assert named(world, "xbb") == {"thaw"}
    assert operate(world, "policy", "show", "XAA", "harbour")["document"] == rules
    world.contribute(world.indicator(name="more", labels=["frost"]))
    assert named(world, "xbb") == {"thaw"}
    place = ("--collection", world.collections["reports"], "--as", "XAA", "--recipient", "XBB")
    assert operate(world, "explain", frost["id"], *place)["decision"] == "hidden"
    reason = refused(world, "policy", "set", "XAA", "harbour", "-", given=rules)
    assert reason.startswith("comity: rules[0].audience.any[0]: no member belongs to the bloc")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--no-bloc", "nrth"], "--no-bloc 'nrth': the member does not have it"),
        (["--no-identity", IDENTITY], "the member does not have it"),
        (["--bloc", "north", "--no-bloc", "north"], "given and taken at once"),
        (["--bloc", "no space"], "--bloc 'no space'"),
        (["--jurisdiction", "?"], "--jurisdiction '?'"),
        (["--residency", "?"], "--residency '?'"),
        (["--accredited-to", "purple"], "purple"),
        (["--identity", "identity--1"], "no STIX identity id"),
        (["--name", " "], "--name must be one line"),
    ],
)
def test_what_cannot_be_taken_is_refused_and_changes_nothing(
    small_world: World, options: list[str], reason: str
) -> None:
    operate(small_world, "member", "set", "XBB", "--bloc", "north", "--name", "Borealia")
    before = operate(small_world, "member", "show", "XBB")
    told = refused(small_world, "member", "set", "XBB", "--bloc", "new", *options)
    assert reason in told
    assert operate(small_world, "member", "show", "XBB") == before


def test_another_name_decides_nothing_and_no_option_is_bad_usage(small_world: World) -> None:
    operate(small_world, "member", "set", "XBB", "--name", " Borealia ")
    assert operate(small_world, "member", "show", "XBB")["name"] == "Borealia"
    assert list_ledger(small_world, "member-set") == []
    ran = Installation(small_world.settings).run("member", "set", "XBB")
    assert (ran.code, ran.out) == (2, "")
    assert "no member has the code" in refused(small_world, "member", "set", "XZZ", "--name", "Z")
