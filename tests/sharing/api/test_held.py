"""Held downgrades: listed for their member, released by a release-approver with four eyes."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from auth.tables import audit
from sharing.rules.tlp import Tlp
from sharing.tables import ledger
from tests.sharing.api.asking import FORUM, TLP, issue, items, same_refusal, send, walk
from tests.sharing.taxii.world import World
from tests.sharing.views.looking import look, policy, share

HELD = f"{FORUM}/held"


def hold(world: World, who: str = "xaa", **members: Any) -> dict[str, Any]:
    """A version that is held: green, where amber was before."""
    first = world.indicator(object_marking_refs=[TLP[Tlp.AMBER]], **members)
    world.contribute(first, who=who)
    looser = first | {
        "modified": "2026-01-02T00:00:00.000Z",
        "object_marking_refs": [TLP[Tlp.GREEN]],
    }
    world.contribute(looser, who=who)
    return looser


def confirm(world: World, who: str, held_id: str) -> Any:
    return send(world, who, "POST", f"{HELD}/{held_id}/confirmation")


@pytest.fixture
def asked(world: World) -> World:
    """A policy by which green reaches the partner too; two approvers, one of whom contributes."""
    world.set_policy(policy(share("member:XBB"), share("partners", when={"tlp_at_most": "green"})))
    issue(world, "approver", "XAA", "release-approver")
    issue(world, "both", "XAA", "contributor", "release-approver")
    issue(world, "stranger", "XBB", "release-approver", "contributor")
    return world


def test_an_approver_releases_a_version_that_only_its_member_saw(asked: World) -> None:
    looser = hold(asked)
    [row] = items(asked, "xaa", HELD)
    assert row | {"id": "", "contributed": ""} == {
        "id": "",
        "collection": asked.collections["reports"],
        "object_id": looser["id"],
        "type": "indicator",
        "modified": looser["modified"],
        "contributed": "",
        "would_reach": ["XBB", "partner:mirror"],
    }
    assert look(asked, "mirror") == {}
    answer = confirm(asked, "approver", row["id"])
    assert (answer.status_code, answer.get_json()) == (200, row)
    assert look(asked, "mirror") == {looser["id"]: looser} == look(asked, "xbb")
    assert items(asked, "xaa", HELD) == []
    assert confirm(asked, "approver", row["id"]).status_code == 404


def test_a_confirmation_is_in_the_ledger_and_on_the_audit_trail(asked: World) -> None:
    looser = hold(asked)
    [row] = items(asked, "xaa", HELD)
    confirm(asked, "approver", row["id"])
    with asked.database.read() as connection:
        entry = connection.execute(select(ledger).where(ledger.c.kind == "confirm")).one()
        trail = connection.execute(select(audit).where(audit.c.action == "release.confirm")).one()
    assert entry.subject.split()[0] == looser["id"]
    assert entry.cause == "person:approver@xaa.example"
    assert trail.actor == f"credential:{asked.secrets['approver'][0]}"
    assert trail.member_id == asked.member_id("XAA")


def test_a_person_does_not_confirm_what_it_contributed_and_another_does(asked: World) -> None:
    hold(asked, who="both")
    [row] = items(asked, "xaa", HELD)
    refused = confirm(asked, "both", row["id"])
    assert (refused.status_code, refused.get_json()["code"]) == (403, "sharing.four-eyes")
    assert look(asked, "mirror") == {}
    assert confirm(asked, "approver", row["id"]).status_code == 200
    assert len(look(asked, "mirror")) == 1


def test_whoever_brings_a_held_version_back_does_not_confirm_it_either(asked: World) -> None:
    looser = hold(asked)
    asked.delete("both", asked.address(rest=f"objects/{looser['id']}/?match[version]=last"))
    assert items(asked, "xaa", HELD) == []
    asked.contribute(looser, who="both")
    [row] = items(asked, "xaa", HELD)
    assert confirm(asked, "both", row["id"]).get_json()["code"] == "sharing.four-eyes"


@pytest.mark.parametrize("who", ["xaa", "xaa-person", "xbb", "mirror"])
def test_nobody_without_the_role_confirms_anything(asked: World, who: str) -> None:
    hold(asked)
    [row] = items(asked, "xaa", HELD)
    for held_id in (row["id"], "0" * 32):
        assert confirm(asked, who, held_id).status_code == 403
    assert look(asked, "mirror") == {}


def test_a_held_version_of_another_member_is_one_that_never_was(asked: World) -> None:
    hold(asked)
    [row] = items(asked, "xaa", HELD)
    assert items(asked, "xbb", HELD) == []
    answers = [confirm(asked, "stranger", held_id) for held_id in (row["id"], "0" * 32)]
    assert same_refusal(*answers) == (404, "sharing.unknown-held")
    assert len(items(asked, "xaa", HELD)) == 1


def test_what_others_accept_and_what_reciprocity_counts_is_not_told(asked: World) -> None:
    asks = {"reciprocity": {"min_contributions": 9, "window_days": 1}}
    asked.set_policy(
        policy(
            share("partners", when={"tlp_at_most": "green"}),
            share("member:XBB", conditions=asks),
            share("member:XCC", delay="P7D"),
        )
    )
    hold(asked)
    before = items(asked, "xaa", HELD)
    assert [row["would_reach"] for row in before] == [["XBB", "XCC", "partner:mirror"]]
    send(asked, "xbb-officer", "PUT", f"{FORUM}/accepts", {"types": []})
    assert items(asked, "xaa", HELD) == before


def test_the_next_version_is_compared_with_what_was_confirmed(asked: World) -> None:
    looser = hold(asked)
    third = looser | {"modified": "2026-01-03T00:00:00.000Z"}
    asked.contribute(third)
    assert len(items(asked, "xaa", HELD)) == 2
    for row in items(asked, "xaa", HELD):
        assert confirm(asked, "approver", row["id"]).status_code == 200
    asked.contribute(looser | {"modified": "2026-01-04T00:00:00.000Z"})
    assert items(asked, "xaa", HELD) == []
    assert look(asked, "mirror")[looser["id"]]["modified"] == "2026-01-04T00:00:00.000Z"


def test_a_member_pages_its_held_versions_and_finds_them_among_its_own(asked: World) -> None:
    objects = [hold(asked) for _ in range(3)]
    rows = walk(asked, "xaa", HELD, limit=1)
    assert [row["object_id"] for row in rows] == [value["id"] for value in objects]
    assert items(asked, "xaa", HELD, object_id=objects[1]["id"]) == rows[1:2]
    states = items(asked, "xaa", f"{FORUM}/contributions", state="held")
    assert [row["id"] for row in states] == [value["id"] for value in objects]
