"""A forum decides otherwise about what some member contributed (sharing policy §5)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sharing.taxii.world import TLP_GREEN, World
from tests.sharing.views.looking import look, policy, share, withhold
from tests.sharing.views.operating import operate, refused

FORUM = "harbour"


def about(*codes: str, **when: Any) -> dict[str, Any]:
    return {"when": {"originators": list(codes)} | when}


@pytest.fixture
def shared(world: World) -> World:
    """XAA and XBB have each given the forum and its partner two indicators."""
    for code in ("XAA", "XBB"):
        world.set_policy(policy(share("forum", "partners")), code)
        objects = [
            world.indicator(name=f"of {code}", labels=[label], object_marking_refs=[TLP_GREEN])
            for label in ("frost", "thaw")
        ]
        world.contribute(*objects, who=code.lower())
    return world


def seen(world: World, who: str) -> list[tuple[str, str]]:
    return sorted((value["name"], value["labels"][0]) for value in look(world, who).values())


def test_a_forum_withholds_what_a_departed_member_gave_and_gives_it_back(shared: World) -> None:
    every = [(f"of {code}", label) for code in ("XAA", "XBB") for label in ("frost", "thaw")]
    operate(shared, "member", "depart", "XBB")
    assert seen(shared, "xcc") == seen(shared, "mirror") == every
    rules = policy(
        withhold("partners", **about("XBB")),
        withhold("member:XCC", **about("XBB", labels=["frost"])),
    )
    told = operate(shared, "forum-policy", "simulate", FORUM, "-", given=rules)
    assert {row["recipient"]: row["versions"] for row in told["loses"]} == {
        "partner:mirror": 2,
        "XCC": 1,
    }
    command = ("forum-policy", "set", FORUM, "-", "--simulation", told["id"])
    held = operate(shared, *command, given=rules)
    assert (held["version"], held["document"]) == (1, rules)
    assert seen(shared, "mirror") == every[:2]
    assert seen(shared, "xcc") == [*every[:2], every[3]]
    assert seen(shared, "xaa") == every
    operate(shared, "forum-policy", "set", FORUM, "-", given={"rules": []})
    assert seen(shared, "xcc") == seen(shared, "mirror") == every
    shown = operate(shared, "forum-policy", "show", FORUM)
    assert (shown["version"], shown["document"]) == (2, {"rules": []})


def test_the_originator_is_told_why_and_sees_its_own_whole(shared: World) -> None:
    rules = policy(withhold("forum", only=["labels"], **about("XBB", "XEE")))
    operate(shared, "forum-policy", "set", FORUM, "-", given=rules)
    assert ("of XBB", "thaw") in seen(shared, "xbb")
    [given] = [
        value
        for value in look(shared, "xcc").values()
        if value["name"] == "of XBB" and value["pattern"].endswith("host-3.example']")
    ]
    assert "labels" not in given
    collection = ("--collection", shared.collections["reports"])
    told = operate(shared, "explain", given["id"], *collection, "--as", "XBB", "--recipient", "XCC")
    sentences = [step["sentence"] for step in told["trace"]]
    assert "A rule of the forum about what XBB contributes withholds labels from XCC." in sentences
    assert "XEE" not in " ".join(sentences)


def test_a_member_is_simulated_its_policy_under_the_forum_s_rules(shared: World) -> None:
    rules = policy(withhold("member:XCC", **about("XBB")))
    operate(shared, "forum-policy", "set", FORUM, "-", given=rules)
    mine = policy(share("member:XCC"), share("member:XEE"))
    told = operate(shared, "policy", "simulate", "XBB", FORUM, "-", given=mine)
    assert "XCC" not in {row["recipient"] for row in [*told["gains"], *told["loses"]]}
    told = operate(shared, "policy", "simulate", "XAA", FORUM, "-", given=policy())
    assert {row["recipient"]: row["versions"] for row in told["loses"]} == {
        "XBB": 2, "XCC": 2, "XEE": 2, "partner:mirror": 2,
    }  # fmt: skip


def test_whom_it_does_not_know_or_may_not_name_is_refused_with_its_path(shared: World) -> None:
    unknown = policy(withhold("forum", **about("XAA", "XQQ")))
    for verb in ("set", "simulate"):
        reason = refused(shared, "forum-policy", verb, FORUM, "-", given=unknown)
        assert reason.startswith("comity: rules[0].when.originators[1]: no member has the code")
    mine = policy(withhold("forum", **about("XBB")))
    for command in (
        ("policy", "set", "XAA", FORUM, "-"),
        ("policy", "simulate", "XAA", FORUM, "-"),
        ("forum-policy", "template", "set", FORUM, "-"),
    ):
        reason = refused(shared, *command, given=mine)
        assert reason.startswith("comity: rules[0].when.originators: only a forum's policy has it")
    address, sent = f"/api/v1/forums/{FORUM}/policy", {"Accept": "application/json"}
    answer = shared.open("xbb-officer", "PUT", address, json=mine, headers=sent)
    assert (answer.status_code, answer.get_json()["code"]) == (400, "sharing.policy-refused")
    assert answer.get_json()["detail"].startswith("rules[0].when.originators: ")
