"""A member that departs: refused everywhere, shown nothing; what it gave stays as it left it."""

from __future__ import annotations

import pytest

from tests.sharing.cli.running import Installation
from tests.sharing.taxii.world import World
from tests.sharing.views.looking import date_added, look, policy, share
from tests.sharing.views.operating import list_audit, list_ledger, operate, refused


@pytest.fixture
def shared(world: World) -> World:
    """XAA and XBB have each given the whole forum an indicator."""
    for code in ("XAA", "XBB"):
        world.set_policy(policy(share("forum")), code)
        world.contribute(world.indicator(name=f"of {code}"), who=code.lower())
    return world


def names(world: World, who: str) -> set[str]:
    return {value["name"] for value in look(world, who).values()}


def test_a_member_that_departs_is_refused_and_what_it_gave_stays(shared: World) -> None:
    token = shared.authorization("xbb")
    gone = operate(shared, "member", "depart", "XBB")
    assert gone["status"] == "departed"
    for address in ("/taxii2/", shared.address(), "/api/v1/me"):
        assert shared.get(None, address, headers={"Authorization": token}).status_code == 401
    refusal = shared.post("xbb", shared.address(), {"objects": [shared.indicator()]})
    assert refusal.status_code == 401
    assert names(shared, "xcc") == {"of XAA", "of XBB"}
    assert list_audit(shared, "member.status") == [
        ("member:XBB", {"from": "active", "to": "departed"})
    ]
    assert list_ledger(shared, "member-status") == [f"member:{shared.member_id('XBB')} departed"]


def test_a_member_that_comes_back_gets_what_it_missed_with_a_new_date(shared: World) -> None:
    [(seen, _)] = [one for one in look(shared, "xbb").items() if one[1]["name"] == "of XAA"]
    [before] = date_added(shared, "xbb", seen)
    operate(shared, "member", "depart", "XBB")
    shared.contribute(shared.indicator(name="missed"))
    back = operate(shared, "member", "reinstate", "XBB")
    assert back["status"] == "active"
    assert names(shared, "xbb") == {"of XAA", "of XBB", "missed"}
    [after] = date_added(shared, "xbb", seen)
    assert after > before


def test_a_departure_is_tried_out_and_is_no_suspension(shared: World) -> None:
    told = operate(shared, "member", "depart", "XBB", "--simulate")
    assert [(row["recipient"], row["versions"]) for row in told["loses"]] == [("XBB", 1)]
    another = refused(shared, "member", "suspend", "XBB", "--simulation", told["id"])
    assert "not what was simulated" in another
    assert operate(shared, "member", "show", "XBB")["status"] == "active"
    done = operate(shared, "member", "depart", "XBB", "--simulation", told["id"])
    assert done["status"] == "departed"
    stale = refused(shared, "member", "depart", "XBB", "--simulation", told["id"])
    assert "simulate again" in stale


def test_the_help_says_what_becomes_of_what_it_gave(shared: World) -> None:
    told = Installation(shared.settings).run("member", "depart", "--help").out
    assert "stays under its last policy" in " ".join(told.split())
    text = Installation(shared.settings).run("member", "depart", "XCC", "--simulate").out
    assert "comity member depart XCC --simulation " in text
