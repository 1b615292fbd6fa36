"""A forum's secretariat: persons with credentials of their own, recipients of nothing."""

from __future__ import annotations

from typing import Any

import pytest

from auth.services import NewCredential, PersonsBody, add_credential, add_person
from kernel.db import Database
from kernel.errors import ComityError
from kernel.settings import Settings
from tests.sharing.taxii.world import World, make_world

ANN = "ann@secretariat.example"


@pytest.fixture
def world(database: Database, settings: Settings) -> World:
    """The harbour, with Ann of its secretariat."""
    made = make_world(database, settings)
    with made.database.write() as connection:
        body = PersonsBody(forum_slug="harbour")
        add_person(connection, body, ANN, ["secretariat"], actor="operator", now_us=made.clock())
    issue(made)
    return made


def issue(world: World, **more: Any) -> None:
    """Give Ann a credential for the secretariat."""
    said: dict[str, Any] = {"kind": "individual", "person_email": ANN, "secretariat": "harbour"}
    new = NewCredential("ann", **{**said, **more})
    with world.database.write() as connection:
        issued = add_credential(
            connection, world.signer, new, actor="operator", now_us=world.clock()
        )
    world.secrets["ann"] = (issued.id, issued.secret)


def api(world: World, address: str) -> Any:
    return world.get("ann", f"/api/v1/{address}", headers={"Accept": "application/json"})


def test_a_secretariat_is_told_who_it_is(world: World) -> None:
    told = api(world, "me").get_json()
    assert (told["secretariat"], told["member"], told["partner"]) == ("harbour", None, None)
    assert told["roles"] == ["secretariat"]
    assert told["forums"] == []


def test_a_secretariat_reads_nothing_that_is_shared(world: World) -> None:
    given = world.indicator()
    world.contribute(given)
    hidden = api(world, "forums/harbour/received")
    absent = api(world, "forums/nowhere/received")
    assert (hidden.status_code, hidden.data) == (absent.status_code, absent.data)
    for rest in ("", f"objects/{given['id']}/", "objects/", "manifest/"):
        address = f"/taxii2/harbour/collections/{world.collections['reports']}/{rest}"
        assert world.get("ann", address).status_code == 403
    assert world.get("ann", "/taxii2/").status_code == 403


def test_a_secretariats_person_that_is_disabled_is_refused_at_the_next_request(
    world: World,
) -> None:
    from auth.services import disable_person  # noqa: PLC0415

    assert api(world, "me").status_code == 200
    with world.database.write() as connection:
        disable_person(connection, ANN, actor="operator", now_us=world.clock())
    assert api(world, "me").status_code == 401


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "machine", "person_email": None},
        {"secretariat": "nowhere"},
        {"secretariat": "quay"},
        {"member_code": "XAA"},
        {"secretariat": None, "member_code": "XAA"},
        {"person_email": None},
    ],
)
def test_nobody_but_its_own_person_acts_for_a_secretariat(
    world: World, wrong: dict[str, Any]
) -> None:
    with pytest.raises(ComityError) as refused:
        issue(world, **wrong)
    assert refused.value.status in (400, 404, 409)
