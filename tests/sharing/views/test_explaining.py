"""An originator is told to whom its objects go and why, as far as it may know."""

from __future__ import annotations

import uuid

from kernel.clock import format_instant
from sharing.rules.tlp import Tlp
from sharing.services import seating
from tests.sharing.api.asking import FORUM, same_refusal
from tests.sharing.taxii.test_hidden_is_absent import NEVER
from tests.sharing.taxii.world import World
from tests.sharing.views.asking import (
    LATER,
    TLP,
    ask,
    relationship,
    sentences,
    set_forum_policy,
)
from tests.sharing.views.looking import DAY_US, policy, share, withhold


def test_an_originator_reads_its_own_rule_ids_and_what_they_leave_out(world: World) -> None:
    world.set_policy(
        policy(
            share("member:XBB", omit=["description", "labels"], terms={"attribution": "must"}),
            share("forum", omit=["description"]),
            withhold("member:XBB", only=["confidence"]),
        )
    )
    given = world.indicator(description="secret", labels=["frost"], confidence=70)
    world.contribute(given)
    told = ask(world, "xaa", given["id"])
    assert (told["decision"], told["unless"]) == ("less", "not deliverable")
    assert told["omitted_properties"] == ["confidence", "description"]
    why = {one["property"]: one["rules"] for one in told["omitted"]}
    assert why == {"confidence": ["rule-2"], "description": ["rule-0", "rule-1"]}
    assert told["rules"] == ["rule-0", "rule-1", "rule-2"]
    assert told["terms"] == {"attribution": ["must"]}
    assert [line["clause"] for line in told["trace"]] == [
        *("4.0", "4.1", "4.2", "4.2", "4.3", "8"),
    ]


def test_an_originator_reads_the_forum_s_rules_as_the_forum_s(world: World) -> None:
    world.set_policy(policy(share("forum")))
    set_forum_policy(world, policy(withhold("member:XBB", when={"tlp_at_least": "amber"})))
    given = world.indicator()
    world.contribute(given)
    told = ask(world, "xaa", given["id"])
    assert (told["decision"], told["unless"]) == ("hidden", None)
    last = told["trace"][-1]
    assert (last["rule"], last["rule_of"]) == ("rule-0", "forum")
    assert last["sentence"] == "A rule of the forum withholds the object from XBB."
    assert ask(world, "xaa", given["id"], "XCC")["decision"] == "whole"


def test_an_originator_is_told_until_when_an_embargo_holds_and_when_it_ends(world: World) -> None:
    world.set_policy(policy(share("member:XBB", delay="P1D", expire_after="P3D")))
    given = world.indicator()
    world.contribute(given)
    begins, ends = (format_instant(world.clock() + days * DAY_US) for days in (1, 3))
    told = ask(world, "xaa", given["id"])
    assert (told["decision"], told["changes_at"]) == ("hidden", begins)
    assert f"does not hold before {begins}" in sentences(told)
    world.clock.now_us += DAY_US
    told = ask(world, "xaa", given["id"])
    assert (told["decision"], told["changes_at"]) == ("whole", ends)
    assert f"shares the object with XBB, until {ends}." in sentences(told)
    world.clock.now_us += 2 * DAY_US
    told = ask(world, "xaa", given["id"])
    assert (told["decision"], told["changes_at"]) == ("hidden", None)
    assert f"held until {ends} only" in sentences(told)


def test_an_originator_is_told_which_newer_version_an_older_one_waits_on(world: World) -> None:
    world.set_policy(
        policy(share("member:XBB"), withhold("member:XBB", when={"labels": ["frost"]}))
    )
    first = world.indicator()
    world.contribute(first)
    newer = first | {"modified": LATER, "labels": ["frost"]}
    world.contribute(newer)
    told = ask(world, "xaa", first["id"], version=first["modified"])
    assert told["decision"] == "hidden"
    assert (told["trace"][-1]["clause"], told["trace"][-1]["rule"]) == ("5", None)
    assert f"The newer version {LATER} does not reach XBB" in sentences(told)
    world.delete("xaa", world.address(rest=f"objects/{first['id']}/?match[version]={LATER}"))
    told = ask(world, "xaa", first["id"])
    assert told["version"] == first["modified"]
    assert f"The newer version {LATER}, since withdrawn, does not" in sentences(told)
    told = ask(world, "xaa", first["id"], version=LATER)
    assert sentences(told) == "XAA has withdrawn this version, so nobody is given it."


def test_an_older_version_is_told_to_lack_what_the_newest_is_withheld(world: World) -> None:
    world.set_policy(
        policy(
            share("member:XBB"),
            withhold("member:XBB", only=["description"], when={"labels": ["frost"]}),
        )
    )
    first = world.indicator(description="secret")
    world.contribute(first)
    world.contribute(first | {"modified": LATER, "labels": ["frost"]})
    told = ask(world, "xaa", first["id"], version=first["modified"])
    assert told["omitted"] == [
        {
            "property": "description",
            "rules": [],
            "because": [f"description is left out, as it is of the newest version, {LATER}."],
        }
    ]


def test_an_originator_is_told_that_a_version_is_held(world: World) -> None:
    world.set_policy(policy(share("member:XBB", when={"tlp_at_most": "green"})))
    first = world.indicator(object_marking_refs=[TLP[Tlp.AMBER]])
    world.contribute(first)
    looser = first | {"modified": LATER, "object_marking_refs": [TLP[Tlp.GREEN]]}
    world.contribute(looser)
    told = ask(world, "xaa", first["id"])
    assert (told["version"], told["decision"]) == (LATER, "hidden")
    assert "held: only XAA sees it until one of its release-approvers" in sentences(told)


def test_an_originator_is_told_which_of_its_own_copies_guard_an_object(world: World) -> None:
    world.set_policy(
        policy(share("member:XBB"), withhold("member:XBB", when={"labels": ["frost"]}))
    )
    one, secret = world.indicator(), world.indicator(labels=["frost"])
    edge = relationship(one["id"], secret["id"])
    note = relationship(one["id"], one["id"], created_by_ref=secret["id"], x_see=[secret["id"]])
    note |= {"x_seen": [one["id"], secret["id"]], "created_by_ref": f"identity--{uuid.uuid4()}"}
    world.contribute(one, secret, edge, note)
    told = ask(world, "xaa", edge["id"])
    assert told["decision"] == "hidden"
    assert told["trace"][-1] == {
        "clause": "4.8",
        "rule": None,
        "rule_of": None,
        "sentence": f"It names {secret['id']}, of which XBB sees no version, so it is hidden.",
    }
    told = ask(world, "xaa", note["id"])
    assert (told["decision"], told["omitted_properties"]) == ("less", ["x_see"])
    assert told["dropped_ids"] == [secret["id"]]
    assert f"{secret['id']} is dropped from x_seen" in sentences(told)


def test_a_statement_is_told_to_go_with_what_carries_it(world: World) -> None:
    world.set_policy(policy(share("member:XBB", omit=["description"]), share("member:XCC")))
    statement = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": f"marking-definition--{uuid.uuid4()}",
        "created": "2026-01-01T00:00:00.000Z",
        "definition_type": "statement",
        "definition": {"statement": "Ask before you pass it on."},
    }
    marking = {"marking_ref": statement["id"], "selectors": ["description"]}
    given = world.indicator(description="secret", granular_markings=[marking])
    world.contribute(statement, given)
    assert ask(world, "xaa", statement["id"], "XBB")["decision"] == "hidden"
    told = ask(world, "xaa", statement["id"], "XCC")
    assert told["decision"] == "whole"
    assert given["id"] in sentences(told)


def test_a_red_object_is_told_to_reach_persons_only(world: World) -> None:
    world.set_policy(policy(share("member:XBB", "partners")))
    given = world.indicator(object_marking_refs=[TLP[Tlp.RED]])
    world.contribute(given)
    assert ask(world, "xaa", given["id"])["kind"] == "individual"
    assert ask(world, "xaa", given["id"])["decision"] == "whole"
    told = ask(world, "xaa", given["id"], kind="machine")
    assert sentences(told).endswith("TLP:red reaches persons only, not machine credentials.")
    told = ask(world, "xaa", given["id"], "mirror")
    assert (told["kind"], told["is_partner"], told["decision"]) == ("machine", True, "hidden")
    told = ask(world, "xaa", given["id"], "XAA")
    assert (told["decision"], told["unless"]) == ("whole", None)


def test_a_list_says_to_whom_an_object_goes(world: World) -> None:
    given = world.indicator(object_marking_refs=[TLP[Tlp.GREEN]])
    world.contribute(given)
    address = f"{FORUM}/contributions/{given['id']}/explanations"
    found = world.get("xaa", address).get_json()["items"]
    assert [(one["recipient"], one["kind"], one["decision"]) for one in found] == [
        ("XBB", "individual", "whole"),
        ("XBB", "machine", "whole"),
        ("XCC", "individual", "hidden"),
        ("XCC", "machine", "hidden"),
        ("XEE", "individual", "hidden"),
        ("XEE", "machine", "hidden"),
        ("mirror", "machine", "whole"),
    ]
    page = world.get("xaa", f"{address}?decision=whole&kind=machine&limit=1").get_json()
    assert [one["recipient"] for one in page["items"]] == ["XBB"]
    rest = world.get(
        "xaa",
        address,
        query_string={"decision": "whole", "kind": "machine", "next": page["next"]},
    )
    assert [one["recipient"] for one in rest.get_json()["items"]] == ["mirror"]
    assert world.get("xaa", f"{address}?format=csv").text.count("\r\n") == 8


def test_an_object_in_several_collections_is_asked_about_in_one(world: World) -> None:
    given = world.indicator()
    world.contribute(given)
    world.contribute(given, to="second")
    answer = world.get("xaa", f"{FORUM}/contributions/{given['id']}/explanation?recipient=XBB")
    assert (answer.status_code, answer.get_json()["code"]) == (400, "sharing.collection-needed")
    place = world.collections["second"]
    assert ask(world, "xaa", given["id"], collection=place)["collection"] == place


def test_to_whoever_did_not_contribute_it_an_object_is_an_unknown_one(world: World) -> None:
    given = world.indicator()
    world.contribute(given)
    for rest in (
        "explanation?recipient=XBB",
        "explanation?recipient=XZZ",
        "explanation?recipient=XCC&collection=nothing",
        "explanation?recipient=XAA&version=2026-01-01T00:00:00Z",
        "explanation",
        "explanations",
        "explanations?decision=whole",
    ):
        for who in ("xbb", "xcc", "xbb-person"):
            answers = [
                world.get(who, f"{FORUM}/contributions/{name}/{rest}")
                for name in (given["id"], NEVER)
            ]
            status, _ = same_refusal(*answers)
            assert status == (422 if rest == "explanation" else 404), (who, rest)
    assert world.get("mirror", f"{FORUM}/contributions/{NEVER}/explanations").status_code == 403


def test_an_unknown_recipient_is_refused_to_the_originator(world: World) -> None:
    given = world.indicator()
    world.contribute(given)
    for name in ("XDD", "XZZ", "nobody"):
        answer = world.get(
            "xaa", f"{FORUM}/contributions/{given['id']}/explanation?recipient={name}"
        )
        assert (answer.status_code, answer.get_json()["code"]) == (
            404,
            "sharing.unknown-recipient",
        )
    seating.change_seat(
        world.database, "operator", "harbour", "XBB", "suspended", now_us=world.clock()
    )
    told = ask(world, "xaa", given["id"])
    assert sentences(told) == "XBB or its seat is not active, so it sees nothing."
