"""Whom a credential stands for, and where it has a seat."""

from __future__ import annotations

from auth import services as auth_services
from sharing.services import seating
from tests.sharing.api.asking import exported, issue, items, read, status_of, walk
from tests.sharing.taxii.world import World


def test_a_feed_learns_who_it_is_and_where_it_has_a_seat(world: World) -> None:
    me = read(world, "xaa", "/api/v1/me")
    assert (me["member"], me["partner"], me["person"]) == ("XAA", None, None)
    assert (me["kind"], me["roles"]) == ("machine", None)
    assert me["credential"] == world.secrets["xaa"][0]
    assert me["scopes"] == ["api:read", "api:write", "taxii:read", "taxii:write"]
    (forum,) = me["forums"]
    assert (forum["slug"], forum["role"]) == ("harbour", "member")
    assert forum["api_root"].endswith("/taxii2/harbour/")
    assert items(world, "xaa", "/api/v1/forums") == [forum]


def test_a_person_learns_its_roles_and_what_they_leave_of_its_scopes(small_world: World) -> None:
    me = read(small_world, "xbb-person", "/api/v1/me")
    assert (me["person"], me["roles"]) == ("b@xbb.example", ["reader"])
    assert me["scopes"] == ["api:read", "taxii:read"]


def test_a_partner_learns_its_name_and_reads_what_is_meant_for_partners(world: World) -> None:
    me = read(world, "mirror", "/api/v1/me")
    assert (me["member"], me["partner"]) == (None, "harbour/mirror")
    assert me["forums"][0]["role"] == "partner"
    forum = "/api/v1/forums/harbour"
    for address in ("/api/v1/forums", f"{forum}/collections", f"{forum}/received"):
        assert status_of(world, "mirror", "GET", address) == 200


def test_a_partner_has_nothing_of_its_own_to_read(world: World) -> None:
    forum = "/api/v1/forums/harbour"
    rests = ("policy", "policy/history", "accepts", "contributions", "contributions/x")
    for address in (
        "/api/v1/credentials",
        *(f"{forum}/{rest}" for rest in (*rests, "statuses", "statuses/x")),
    ):
        answer = world.get("mirror", address)
        assert (answer.status_code, answer.get_json()["code"]) == (403, "auth.role-needed")


def test_a_member_pages_filters_and_exports_its_forums(world: World) -> None:
    said = {"actor": "operator", "now_us": world.clock()}
    for slug in ("atoll", "cape"):
        with world.database.write() as connection:
            auth_services.add_forum(connection, slug, slug.title(), tlp_ceiling=4, **said)
            seating.open_forum_for_sharing(connection, "operator", slug, now_us=world.clock())
        role = "observer" if slug == "cape" else "member"
        seating.seat_member(world.database, "operator", slug, "XAA", role, now_us=world.clock())
    slugs = [forum["slug"] for forum in walk(world, "xaa", "/api/v1/forums", limit=1)]
    assert slugs == ["atoll", "cape", "harbour"]
    watched = items(world, "xaa", "/api/v1/forums", role="observer")
    assert [forum["slug"] for forum in watched] == ["cape"]
    rows = exported(world.get("xaa", "/api/v1/forums?format=csv"))
    assert [row["slug"] for row in rows] == slugs


def test_a_seat_that_is_suspended_is_no_forum_of_the_member(small_world: World) -> None:
    seating.change_seat(
        small_world.database, "operator", "harbour", "XAA", "suspended", now_us=small_world.clock()
    )
    assert read(small_world, "xaa", "/api/v1/me")["forums"] == []
    assert items(small_world, "xaa", "/api/v1/forums") == []


def test_the_scopes_of_taxii_do_not_open_the_api(small_world: World) -> None:
    assert status_of(small_world, "xaa-reads", "GET", "/api/v1/me") == 403
    assert status_of(small_world, "xaa-api", "GET", "/api/v1/me") == 200
    issue(small_world, "xaa-changes", "XAA", scopes=["api:write"])
    assert status_of(small_world, "xaa-changes", "GET", "/api/v1/me") == 403


def test_a_cursor_of_another_caller_or_list_is_refused(small_world: World) -> None:
    token = read(small_world, "xaa", "/api/v1/credentials", limit=1)["next"]
    for who, address in (
        ("xbb", f"/api/v1/credentials?next={token}"),
        ("xaa-person", f"/api/v1/credentials?next={token}"),
        ("xaa", f"/api/v1/forums?next={token}"),
        ("xaa", f"/api/v1/credentials?kind=machine&next={token}"),
        ("xaa", "/api/v1/credentials?next=forged"),
    ):
        answer = small_world.get(who, address)
        assert (answer.status_code, answer.get_json()["code"]) == (400, "web.bad-next"), address
