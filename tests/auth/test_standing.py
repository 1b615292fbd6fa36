"""What ends or bounds a credential and its tokens, from the very next request."""

from __future__ import annotations

from typing import Any

import pytest

from auth import services as auth_services
from auth.rules import MEMBER_PERSON_ROLES, bound_scopes
from sharing.services import seating
from tests.auth.test_oauth import ask_token, use
from tests.sharing.taxii.world import World


def set_member(world: World, code: str, status: str) -> None:
    seating.change_member(world.database, "operator", code, status, now_us=world.clock())


def token_of(world: World, who: str, **form: str) -> str:
    answer = ask_token(world, who, **form)
    assert answer.status_code == 200, answer.text
    return str(answer.get_json()["access_token"])


def test_a_suspended_members_token_is_refused_until_it_is_reinstated(world: World) -> None:
    token = token_of(world, "xbb")
    for status, expected in (("suspended", 401), ("active", 200), ("departed", 401)):
        set_member(world, "XBB", status)
        assert use(world, token) == expected
        assert world.get("xbb", "/taxii2/").status_code == expected


def test_a_suspended_member_gets_no_token(world: World) -> None:
    world.with_settings(failed_delay_seconds=0.0)
    set_member(world, "XBB", "suspended")
    answer = ask_token(world, "xbb")
    assert (answer.status_code, answer.get_json()["error"]) == (401, "invalid_client")


def test_a_disabled_persons_token_is_refused(world: World) -> None:
    token = token_of(world, "xbb-person")
    assert use(world, token) == 200
    with world.database.write() as connection:
        auth_services.disable_person(
            connection, "b@xbb.example", actor="operator", now_us=world.clock()
        )
    assert use(world, token) == 401


def test_a_suspended_seat_leaves_the_members_other_doors_open(world: World) -> None:
    seating.change_seat(
        world.database, "operator", "harbour", "XBB", "suspended", now_us=world.clock()
    )
    assert world.get("xbb", "/taxii2/harbour/").status_code == 404
    assert world.get("xbb", "/taxii2/").status_code == 200
    assert world.get("xaa", "/taxii2/harbour/").status_code == 200


def test_a_token_carries_no_more_than_its_person_may(world: World) -> None:
    objects = world.address()
    body = {"objects": [world.indicator()]}
    for who, expected in (("xbb-person", 403), ("xaa-person", 202)):
        sent = {"Authorization": f"Bearer {token_of(world, who)}"}
        assert world.get(None, objects, headers=sent).status_code == 200
        assert world.post(None, objects, body, headers=sent).status_code == expected


def test_a_person_who_neither_reads_nor_contributes_meets_no_taxii(world: World) -> None:
    assert world.get("xbb-officer", "/taxii2/").status_code == 403
    assert world.get("xbb-officer", "/api/v1/me").status_code == 200
    assert ask_token(world, "xbb-officer", scope="taxii:read").status_code == 400


def test_a_partner_is_given_scopes_to_read_alone(world: World) -> None:
    assert ask_token(world, "mirror").get_json()["scope"] == "taxii:read api:read"
    for scope in ("taxii:write", "api:write", "taxii:read taxii:write"):
        assert ask_token(world, "mirror", scope=scope).get_json()["error"] == "invalid_scope"


@pytest.mark.parametrize(
    ("roles", "scopes"),
    [
        (None, {"taxii:read", "taxii:write", "api:read", "api:write"}),
        ([], set()),
        (["reader"], {"taxii:read", "api:read"}),
        (["contributor"], {"taxii:read", "taxii:write", "api:read", "api:write"}),
        (["policy-officer"], {"api:read", "api:write"}),
        (["release-approver"], {"api:read", "api:write"}),
        (["member-admin"], {"api:read", "api:write"}),
        (["auditor"], {"api:read"}),
        (["drafter"], {"api:read", "api:write"}),
        (["clearance-officer"], {"api:read", "api:write"}),
        (["secretariat"], {"api:read", "api:write"}),
        (["operator"], set()),
    ],
)
def test_a_persons_roles_bound_the_scopes(roles: list[str] | None, scopes: set[str]) -> None:
    every = ("taxii:read", "taxii:write", "api:read", "api:write")
    held = None if roles is None else frozenset(roles)
    assert bound_scopes(every, of_partner=False, roles=held) == scopes
    assert bound_scopes(every[:1], of_partner=False, roles=held) == scopes & {"taxii:read"}
    assert bound_scopes(every, of_partner=True, roles=held) == scopes & {"taxii:read", "api:read"}


def test_no_role_of_a_member_is_forgotten() -> None:
    for role in MEMBER_PERSON_ROLES:
        assert bound_scopes(["api:read"], of_partner=False, roles=frozenset({role}))


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"grant_type": "authorization_code"}, "unauthorized_client"),
        ({"grant_type": "implicit"}, "unsupported_grant_type"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"scope": "taxii:read\tTAXII:READ"}, "invalid_scope"),
    ],
)
def test_a_request_for_a_token_that_breaks_the_standard_is_told_how(
    small_world: World, form: dict[str, Any], told: str
) -> None:
    answer = small_world.app.test_client().post(
        "/oauth/token",
        data={"grant_type": "client_credentials"} | form,
        headers={"Authorization": small_world.authorization("xaa")},
    )
    assert (answer.status_code, answer.get_json()["error"]) == (400, told)
    assert "no-store" in answer.headers["Cache-Control"]


def test_a_secret_in_the_address_is_not_read(small_world: World) -> None:
    small_world.with_settings(failed_delay_seconds=0.0)
    name, secret = small_world.secrets["xaa"]
    address = f"/oauth/token?client_id={name}&client_secret={secret}"
    answer = small_world.app.test_client().post(address, data={"grant_type": "client_credentials"})
    assert (answer.status_code, answer.get_json()["error"]) == (401, "invalid_client")


def test_revoking_tells_nothing_of_unknown_tokens(small_world: World) -> None:
    headers = {"Authorization": small_world.authorization("xaa")}
    client = small_world.app.test_client()
    token = token_of(small_world, "xaa")
    answers = {
        (answer.status_code, answer.data)
        for answer in (
            client.post("/oauth/revoke", data={"token": text}, headers=headers)
            for text in ("unknown", token, token)
        )
    }
    assert len(answers) == 1
    assert next(iter(answers))[0] == 200
    assert use(small_world, token) == 401
