"""An originator is told to whom its objects go and why, and nothing of others' secrets."""

from __future__ import annotations

import itertools
import json
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from kernel.clock import format_instant
from kernel.db import Database
from kernel.settings import Settings
from sharing.rules.properties import RELEASE_EXTENSION
from sharing.rules.tlp import WELL_KNOWN, Tlp
from sharing.services import policies, seating
from tests.sharing.api.asking import FORUM, same_refusal
from tests.sharing.taxii.test_hidden_is_absent import NEVER, raw
from tests.sharing.taxii.world import World, make_world
from tests.sharing.views.looking import DAY_US, policy, share, walk, withhold

TLP = {level: marking for marking, level in WELL_KNOWN.items()}
LATER = "2026-01-02T00:00:00.000Z"


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


def ask(world: World, who: str, stix_id: str, recipient: str = "XBB", **query: str) -> Any:
    asked = {"recipient": recipient} | query
    answer = world.get(
        who,
        f"{FORUM}/contributions/{stix_id}/explanation",
        query_string=asked,
        headers={"Accept": "application/json"},
    )
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def sentences(told: Any) -> str:
    return " ".join(line["sentence"] for line in told["trace"])


def set_accepts(world: World, code: str, document: dict[str, Any]) -> None:
    policies.set_accepts(
        world.database,
        policies.Setter("operator"),
        world.forum_id,
        world.member_id(code),
        json.dumps(document).encode(),
        now_us=world.clock(),
    )


def set_forum_policy(world: World, document: dict[str, Any]) -> None:
    world.clock.now_us += 1_000_000
    policies.set_forum_policy(
        world.database,
        policies.Setter("operator"),
        world.forum_id,
        json.dumps(document).encode(),
        now_us=world.clock(),
    )


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


# --- what others keep to themselves ----------------------------------------------------------


@dataclass
class Asked:
    """One world with an object of XAA's that is shared with XBB, in words that never vary."""

    world: World
    target: dict[str, Any]
    given: dict[str, Any]
    edge: dict[str, Any]

    def everything(self) -> list[tuple[Any, ...]]:
        """All that XAA can be told about its objects, as bytes."""
        addresses = []
        for one in (self.given, self.edge):
            below = f"{FORUM}/contributions/{one['id']}"
            addresses += [f"{below}/explanations", f"{below}/explanations?format=csv"]
            for name, kind in itertools.product(("XBB", "XCC", "XEE"), ("machine", "individual")):
                addresses.append(f"{below}/explanation?recipient={name}&kind={kind}")
        return [raw(self.world.get("xaa", address)) for address in addresses]


def make_asked(database: Database, settings: Settings) -> Asked:
    """XAA names an object of XCC's that it sees, has another that XCC had first and shows to
    nobody, and asks XBB for reciprocity before it gives all of it."""
    world = make_world(database, settings)
    asked = {"reciprocity": {"min_contributions": 1, "window_days": 9}}
    world.set_policy(
        policy(
            share("member:XBB", omit=["name"]),
            share("member:XBB", "role:observer", conditions=asked),
        )
    )
    world.set_policy(
        policy(share("member:XAA", "member:XBB", when={"labels": ["open"]})), code="XCC"
    )
    target, given = world.indicator(labels=["open"]), world.indicator(description="words")
    world.contribute(target, given | {"name": "XCC's"}, who="xcc")
    edge = relationship(
        given["id"], target["id"], id=f"relationship--{uuid.UUID(int=7, version=4)}"
    )
    world.contribute(given, edge)
    return Asked(world, target, given, edge)


def refuse_it(asked: Asked) -> None:
    set_accepts(asked.world, "XBB", {"types": ["malware"]})


def refuse_the_originator(asked: Asked) -> None:
    set_accepts(asked.world, "XBB", {"except_originators": ["XAA"]})


def let_another_copy_stand(asked: Asked) -> None:
    """XCC's copy, which was there first, takes the place of XAA's in XBB's view."""
    asked.world.set_policy(policy(share("member:XAA", "member:XBB")), code="XCC")


def bring_another_copy(asked: Asked) -> None:
    asked.world.contribute(asked.edge | {"relationship_type": "derived-from"}, who="xcc")


def hide_the_target(asked: Asked) -> None:
    asked.world.set_policy(policy(share("member:XAA")), code="XCC")


def meet_reciprocity(asked: Asked) -> None:
    world = asked.world
    world.set_policy(policy(share("member:XAA")), code="XBB")
    world.contribute(world.indicator(), who="xbb")


SECRETS: tuple[Callable[[Asked], None], ...] = (
    refuse_it,
    refuse_the_originator,
    let_another_copy_stand,
    bring_another_copy,
    hide_the_target,
    meet_reciprocity,
)


@pytest.mark.parametrize("keep", SECRETS)
def test_no_secret_of_others_changes_a_byte_of_what_an_originator_is_told(
    database: Database, settings: Settings, keep: Callable[[Asked], None]
) -> None:
    asked = make_asked(database, settings)
    before = asked.everything()
    keep(asked)
    assert asked.everything() == before
    # Whatever falls due, reciprocity among it.
    asked.world.clock.now_us += 2 * DAY_US
    assert asked.everything() == before


def test_a_rule_that_asks_for_reciprocity_says_so_and_not_whether_it_is_met(world: World) -> None:
    wanted = {"reciprocity": {"min_contributions": 2, "window_days": 3}}
    world.set_policy(policy(share("forum", conditions=wanted)))
    world.set_policy(policy(share("member:XAA")), code="XBB")
    given = world.indicator()
    world.contribute(given)
    address = f"{FORUM}/contributions/{given['id']}/explanation?recipient=XBB"
    before = raw(world.get("xaa", address))
    assert walk(world, "xbb") == []
    world.contribute(*world.indicators(2), who="xbb")
    world.clock.now_us += DAY_US
    assert given in walk(world, "xbb")
    assert raw(world.get("xaa", address)) == before
    told = ask(world, "xaa", given["id"])
    assert (told["decision"], told["unless"]) == ("whole", "not deliverable")
    assert "It asks XBB for 2 contributions that XAA may see within 3 days." in sentences(told)
    assert sentences(told).endswith("is not deliverable to XBB.")


def test_the_secrets_that_are_kept_are_kept_from_the_view(
    database: Database, settings: Settings
) -> None:
    """The control: what the paired worlds differ in does change what XBB is given."""
    asked = make_asked(database, settings)

    def view() -> dict[str, Any]:
        return {value["id"]: value for value in walk(asked.world, "xbb")}

    given, edge = asked.given["id"], asked.edge["id"]
    assert "name" not in view()[given]
    assert edge in view()
    meet_reciprocity(asked)
    asked.world.clock.now_us += DAY_US
    assert view()[given] == asked.given
    let_another_copy_stand(asked)
    assert view()[given]["name"] == "XCC's"
    hide_the_target(asked)
    assert view()[given] == asked.given
    assert edge not in view()
    refuse_it(asked)
    assert given not in view()


# --- hidden is absent ------------------------------------------------------------------------


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


# --- what is told is true ----------------------------------------------------------------------


def _draw_policy(chance: random.Random) -> dict[str, Any]:
    rules = []
    for _ in range(chance.randint(1, 4)):
        kind = share if chance.random() < 0.7 else withhold
        terms = chance.sample(["forum", "member:XBB", "member:XCC", "role:observer"], 2)
        keys: dict[str, Any] = {}
        if chance.random() < 0.5:
            keys["when"] = {"labels": [chance.choice(["frost", "thaw"])]}
        if kind is share:
            if chance.random() < 0.4:
                keys["omit"] = chance.sample(["description", "name", "x_seen", "pattern"], 1)
            if chance.random() < 0.3:
                keys["delay"] = "P1D"
        elif chance.random() < 0.7:
            keys["only"] = chance.sample(["description", "x_seen", "labels"], 2)
        rules.append(kind(*terms, **keys))
    return policy(*rules)


def _draw_objects(world: World, chance: random.Random) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for number in range(8):
        level = chance.choice([Tlp.GREEN, Tlp.AMBER, Tlp.RED])
        members: dict[str, Any] = {"labels": [chance.choice(["frost", "thaw"])]}
        members["object_marking_refs"] = [TLP[level]]
        if chance.random() < 0.5:
            members["description"] = "words"
        if chance.random() < 0.2:
            members["extensions"] = {
                RELEASE_EXTENSION: {
                    "extension_type": "property-extension",
                    "releasable_to": ["member:XBB"],
                }
            }
        if made and chance.random() < 0.6:
            members["x_seen"] = [one["id"] for one in chance.sample(made, min(2, len(made)))]
        if number > 3 and chance.random() < 0.5:
            ends = [one["id"] for one in chance.sample(made[:4], 2)]
            value = relationship(*ends, **members)
            value["id"] = f"relationship--{uuid.UUID(int=chance.getrandbits(128), version=4)}"
            made.append(value)
        else:
            made.append(world.indicator(**members))
    for old in chance.sample(made, 4):
        newer = {"modified": LATER, "labels": [chance.choice(["frost", "thaw"])]}
        made.append(old | newer)
    return made


@pytest.mark.parametrize("seed", range(6))
def test_where_nobody_keeps_a_secret_what_is_told_is_what_is_given(world: World, seed: int) -> None:
    chance = random.Random(seed)
    world.set_policy(_draw_policy(chance))
    objects = _draw_objects(world, chance)
    for value in objects:
        world.contribute(value)
    world.set_policy(_draw_policy(chance))
    if chance.random() < 0.5:
        world.clock.now_us += DAY_US
    for who, code, kind in (
        ("xbb", "XBB", "machine"),
        ("xbb-person", "XBB", "individual"),
        ("xcc", "XCC", "machine"),
        ("xee", "XEE", "machine"),
    ):
        given = {(one["id"], one["modified"]): one for one in walk(world, who)}
        for value in objects:
            told = ask(world, "xaa", value["id"], code, kind=kind, version=value["modified"])
            seen = given.get((value["id"], value["modified"]))
            assert (told["decision"] == "hidden") == (seen is None), (value, told)
            if seen is not None:
                missing = sorted(value.keys() - seen.keys())
                assert told["omitted_properties"] == missing, (value, seen, told)
                assert (told["decision"] == "whole") == (seen == value), (value, seen, told)
                assert all(one["because"] for one in told["omitted"]), told
