"""What ends or bounds a tool that was let in, from the very next request."""

from __future__ import annotations

import time
from typing import Any

import pytest
from sqlalchemy import select, update

from auth import services as auth_services
from auth.queries.persons import find_person
from auth.services.persons import change_roles
from auth.services.tools import revoke_tool
from auth.tables import member, tool_grant
from kernel.db import Database
from kernel.errors import StorageFull
from sharing.services import seating
from tests.auth.tools.asking import BEA, Desk, make_desk
from tests.browsing import Browser, add_person
from tests.sharing.api.asking import GREEN, RED, issue
from tests.sharing.taxii.world import World


def end(world: World, how: str, tool_id: str) -> None:
    said = {"actor": "operator", "now_us": world.clock()}
    if how == "suspended-member":
        seating.change_member(world.database, "operator", "XBB", "suspended", now_us=world.clock())
        return
    with world.database.write() as connection:
        if how == "disabled-person":
            auth_services.disable_person(connection, BEA, **said)
        else:
            revoke_tool(connection, tool_id, **said)


@pytest.mark.parametrize("how", ["suspended-member", "disabled-person", "revoked-tool"])
def test_what_ends_a_person_or_a_tool_ends_its_tokens_at_the_next_request(
    desk: Desk, how: str
) -> None:
    pending, tokens = desk.code(), desk.let_in()
    assert desk.use(tokens["access_token"]) == 200
    end(desk.world, how, desk.tool.id)
    assert desk.use(tokens["access_token"]) == 401
    error = "invalid_client" if how == "revoked-tool" else "invalid_grant"
    for answer in (desk.renew(tokens["refresh_token"]), desk.exchange(pending)):
        assert answer.get_json()["error"] == error
    shown = desk.look()
    assert shown.status_code in {303, 404}
    assert "workbench" not in shown.headers.get("Location", "").partition("?")[0]


def test_a_member_that_is_reinstated_has_its_peoples_tools_again(desk: Desk) -> None:
    tokens, world = desk.let_in(), desk.world
    for status, expected in (("suspended", 401), ("active", 200), ("departed", 401)):
        seating.change_member(world.database, "operator", "XBB", status, now_us=world.clock())
        assert desk.use(tokens["access_token"]) == expected


def test_a_suspended_seat_is_no_api_root_for_a_tool_either(desk: Desk) -> None:
    tokens, world = desk.let_in(), desk.world
    seating.change_seat(
        world.database, "operator", "harbour", "XBB", "suspended", now_us=world.clock()
    )
    assert desk.use(tokens["access_token"], "/taxii2/harbour/") == 404
    assert desk.use(tokens["access_token"], "/taxii2/") == 200


def test_a_tool_loses_what_the_persons_roles_lose_and_wins_nothing(desk: Desk) -> None:
    world = desk.world
    tokens = desk.let_in()
    for roles, taxii in ((["auditor"], 403), (["contributor"], 200)):
        with world.database.write() as connection:
            found = find_person(connection, BEA)
            assert found is not None
            change_roles(connection, found, roles, actor="operator", now_us=world.clock())
        assert desk.use(tokens["access_token"]) == taxii
    # She contributes now; the tool was let in to read.
    body = b'{"objects": []}'
    headers = {"Content-Type": "application/taxii+json;version=2.1"}
    held = {"Authorization": f"Bearer {tokens['access_token']}"} | headers
    answer = world.open(None, "POST", world.address(), headers=held, data=body)
    assert answer.status_code == 403
    assert desk.renew(tokens["refresh_token"]).get_json()["scope"] == "taxii:read api:read"


def test_a_grant_of_which_the_roles_leave_nothing_gives_no_tokens(small_desk: Desk) -> None:
    world = small_desk.world
    code = small_desk.code(scope="taxii:read")
    with world.database.write() as connection:
        found = find_person(connection, BEA)
        assert found is not None
        change_roles(connection, found, ["auditor"], actor="operator", now_us=world.clock())
    assert small_desk.exchange(code).get_json()["error"] == "invalid_grant"
    assert small_desk.actions()[-1] == "tool.grant"


def test_red_for_a_person_reaches_her_tool_and_no_feed(desk: Desk) -> None:
    world = desk.world
    world.set_policy(
        {
            "rules": [
                {
                    "id": "one",
                    "effect": "share",
                    "audience": {"any": ["member:XBB"]},
                }
            ]
        }
    )
    red = world.indicator(object_marking_refs=[RED])
    world.contribute(red, world.indicator(object_marking_refs=[GREEN]))
    tokens = desk.let_in()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    seen = world.get(None, world.address(), headers=headers).get_json()["objects"]
    feeds = world.get("xbb", world.address()).get_json()["objects"]
    assert red["id"] in {one["id"] for one in seen}
    assert red["id"] not in {one["id"] for one in feeds}


def test_a_tool_changes_no_credential_but_gives_up_its_own(small_world: World) -> None:
    desk = make_desk(small_world, "member-admin")
    world = small_world
    other = issue(world, "xbb-more", "XBB")
    tokens = desk.let_in(scope="api:read api:write")
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    own = world.get(None, "/api/v1/me", headers=headers).get_json()["credential"]
    asked: list[tuple[str, str, int]] = [
        ("POST", f"/api/v1/credentials/{other}/rotate", 404),
        ("DELETE", f"/api/v1/credentials/{other}", 404),
        ("POST", f"/api/v1/credentials/{own}/rotate", 409),
        ("DELETE", f"/api/v1/credentials/{own}", 204),
        ("GET", "/api/v1/me", 401),
    ]
    for method, address, expected in asked:
        answer = world.open(None, method, address, headers=headers)
        assert answer.status_code == expected, (method, address, answer.text)
    assert world.get("xbb-more", "/taxii2/").status_code == 200


def test_an_administrator_ends_what_a_person_of_the_member_granted(desk: Desk) -> None:
    world, tokens = desk.world, desk.let_in()
    adam = Browser(world, add_person(world, "adam@xbb.example", "XBB", "member-admin"))
    rows = adam.get("/account/credentials?format=json").get_json()["items"]
    (row,) = [one for one in rows if one["tool"] is not None]
    assert (row["tool"], row["person"], row["name"]) == (desk.tool.id, BEA, "Workbench")
    listed = adam.get("/account/credentials").text
    assert f"/account/credentials/{row['id']}/rotate" not in listed
    assert adam.post(f"/account/credentials/{row['id']}/revoke").status_code == 200
    assert desk.use(tokens["access_token"]) == 401


def test_a_secretariats_person_lets_in_a_tool_for_everybody(small_world: World) -> None:
    desk = make_desk(small_world, member_code=None)
    body = auth_services.PersonsBody(forum_slug="harbour")
    with small_world.database.write() as connection:
        auth_services.add_person(
            connection,
            body,
            "sec@harbour.example",
            ["secretariat"],
            actor="operator",
            now_us=small_world.clock(),
        )
    desk.browser = Browser(small_world, "sec@harbour.example")
    tokens = desk.let_in()
    assert tokens["scope"] == "api:read"
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    me = small_world.get(None, "/api/v1/me", headers=headers).get_json()
    assert (me["member"], me["secretariat"], me["person"]) == (
        None,
        "harbour",
        "sec@harbour.example",
    )


def test_when_a_tool_was_last_used_is_written_down_every_five_minutes_at_most(desk: Desk) -> None:
    world, tokens = desk.world, desk.let_in()
    shown: Any = desk.browser.get("/account").text
    assert "never" in shown
    at = world.clock()
    desk.use(tokens["access_token"])
    assert "never" not in desk.browser.get("/account").text
    for later, is_new in ((300_000_000, False), (300_000_001, True)):
        world.clock.now_us = at + later
        before = used(world.database)
        desk.use(tokens["access_token"])
        assert (used(world.database) != before) is is_new
    assert used(world.database) == [world.clock()]


def test_a_tool_reads_where_nothing_can_be_written(
    small_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = small_desk.let_in()

    def fail(*_given: Any, **_named: Any) -> None:
        raise StorageFull("kernel.storage-full", "no room")

    monkeypatch.setattr("auth.authentication.note_use", fail)
    assert small_desk.use(tokens["access_token"]) == 200
    assert used(small_desk.world.database) == [None]


def test_neither_a_tool_nor_a_page_waits_for_a_long_write_to_note_that_it_was_used(
    desk: Desk,
) -> None:
    world, tokens = desk.world, desk.let_in()
    world.clock.now_us += 600_000_000
    with world.database.write() as busy:
        busy.execute(update(member).where(member.c.code == "XEE").values(name="Busy"))
        began = time.monotonic()
        assert desk.use(tokens["access_token"]) == 200
        assert desk.browser.get("/account").status_code == 200
        # The embedded database lets a writer wait for half a minute.
        assert time.monotonic() - began < 10
    is_left_out = world.database.is_sqlite
    assert used(world.database) == [None if is_left_out else world.clock()]
    assert desk.use(tokens["access_token"]) == 200
    assert used(world.database) == [world.clock()]
    # Others are waited for as ever, on the connections that noted something.
    with world.database.content.connect() as connection:
        if world.database.is_sqlite:
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 30_000


def used(database: Database) -> list[int | None]:
    with database.read() as connection:
        return list(connection.execute(select(tool_grant.c.used_us)).scalars())
