"""A partner that is suspended or has ended: refused, shown nothing, until it is taken up again."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import update

from auth.services import NewCredential, add_credential
from auth.tables import partner
from sharing.services.seating import change_partner
from tests.sharing.taxii.world import TLP_GREEN, World
from tests.sharing.views.looking import date_added, look
from tests.sharing.views.operating import list_audit, list_ledger, operate, refused

MIRROR = ("harbour", "mirror")


@pytest.fixture
def shared(world: World) -> World:
    """XAA has given the forum's partner, which is called mirror, an indicator."""
    world.contribute(world.indicator(object_marking_refs=[TLP_GREEN]))
    return world


def status_of(world: World) -> str:
    [row] = operate(world, "partner", "list", "harbour")
    return str(row["status"])


def test_a_suspended_partner_is_refused_and_gets_everything_anew_when_it_is_back(
    shared: World,
) -> None:
    [stix_id] = look(shared, "mirror")
    [before] = date_added(shared, "mirror", stix_id)
    token = shared.open(
        "mirror", "POST", "/oauth/token", data={"grant_type": "client_credentials"}
    ).get_json()["access_token"]
    bearer = {"headers": {"Authorization": f"Bearer {token}"}}
    done = operate(shared, "partner", "suspend", *MIRROR)
    assert (done["status"], done["lost"], status_of(shared)) == ("suspended", 1, "suspended")
    for address in (shared.address(), "/taxii2/", "/api/v1/me"):
        assert shared.get("mirror", address).status_code == 401
        assert shared.get(None, address, **bearer).status_code == 401
    missed = shared.indicator(object_marking_refs=[TLP_GREEN])
    shared.contribute(missed)
    back = operate(shared, "partner", "reinstate", *MIRROR)
    assert (back["status"], back["gained"], status_of(shared)) == ("active", 2, "active")
    assert look(shared, "mirror").keys() == {stix_id, missed["id"]}
    [after] = date_added(shared, "mirror", stix_id)
    assert after > before
    subject = f"forum:{shared.forum_id} mirror"
    assert list_audit(shared, "partner.status") == [
        (subject, {"from": "active", "to": "suspended"}),
        (subject, {"from": "suspended", "to": "active"}),
    ]
    assert list_ledger(shared, "partner-status") == ["mirror suspended", "mirror active"]


def test_a_partner_that_ended_comes_back_with_new_credentials_alone(shared: World) -> None:
    operate(shared, "partner", "end", *MIRROR)
    assert status_of(shared) == "ended"
    assert shared.get("mirror", shared.address()).status_code == 401
    assert "has ended" in refused(shared, "partner", "reinstate", *MIRROR)
    assert "has ended" in refused(shared, "partner", "suspend", *MIRROR)
    again = operate(shared, "partner", "add", *MIRROR)
    assert (again["status"], again["gained"]) == ("active", 1)
    assert shared.get("mirror", shared.address()).status_code == 401
    new = NewCredential("new", partner="harbour/mirror")
    with shared.database.write() as connection:
        made = add_credential(
            connection, shared.signer, new, actor="operator", now_us=shared.clock()
        )
    shared.secrets["mirror"] = (made.id, made.secret)
    assert len(look(shared, "mirror")) == 1


def test_a_partner_that_has_ended_is_given_no_credential(shared: World) -> None:
    operate(shared, "partner", "end", *MIRROR)
    said = refused(shared, "credential", "add", "--partner", "harbour/mirror", "--name", "new")
    assert "the partner harbour/mirror has ended; `comity partner add` it first" in said
    assert shared.get("mirror", shared.address()).status_code == 401


def test_a_credential_that_was_added_after_the_end_is_revoked_when_the_partner_is_added_again(
    shared: World,
) -> None:
    """As an earlier release let one be added."""
    with shared.database.write() as connection:
        connection.execute(update(partner).values(status="ended"))
    operate(shared, "partner", "add", *MIRROR)
    assert shared.get("mirror", shared.address()).status_code == 401


def test_a_credential_that_is_just_added_is_revoked_with_the_partner_that_ends(
    shared: World,
) -> None:
    def end() -> None:
        said = {"now_us": shared.clock()}
        change_partner(shared.database, "operator", *MIRROR, "ended", **said)

    ending = threading.Thread(target=end)
    new = NewCredential("new", partner="harbour/mirror")
    with shared.database.write() as connection:
        made = add_credential(
            connection, shared.signer, new, actor="operator", now_us=shared.clock()
        )
        ending.start()
        ending.join(0.5)
        assert ending.is_alive()
    ending.join(30)
    shared.secrets["mirror"] = (made.id, made.secret)
    operate(shared, "partner", "add", *MIRROR)
    assert shared.get("mirror", shared.address()).status_code == 401


def test_what_it_would_be_shown_is_told_as_it_is(shared: World) -> None:
    [stix_id] = look(shared, "mirror")
    operate(shared, "partner", "suspend", *MIRROR)
    place = ("--collection", shared.collections["reports"])
    told = operate(shared, "explain", stix_id, *place, "--as", "XAA", "--recipient", "mirror")
    assert told["decision"] == "hidden"
    assert "is not active" in told["trace"][0]["sentence"]
    nobody = operate(shared, "policy", "simulate", "XAA", "harbour", "-", given={"rules": []})
    assert {row["recipient"] for row in nobody["loses"]} == {"XBB"}


def test_what_is_no_partner_cannot_be_stopped(shared: World) -> None:
    for verb in ("suspend", "reinstate", "end"):
        assert "no partner 'relay'" in refused(shared, "partner", verb, "harbour", "relay")
        assert "no partner 'mirror'" in refused(shared, "partner", verb, "basin", "mirror")
        assert "no forum 'nowhere'" in refused(shared, "partner", verb, "nowhere", "mirror")
