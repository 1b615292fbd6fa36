"""A member's credentials: listed without secrets, rotated and revoked by who may."""

from __future__ import annotations

from tests.sharing.api.asking import exported, issue, items, same_refusal, status_of, walk
from tests.sharing.taxii.world import World

ADDRESS = "/api/v1/credentials"
VERBS = [("DELETE", ""), ("POST", "/rotate")]


def test_a_member_lists_its_credentials_and_never_a_secret(world: World) -> None:
    answer = world.get("xaa", ADDRESS)
    ids = {world.secrets[name][0] for name in world.secrets if name.startswith("xaa")}
    assert {row["id"] for row in answer.get_json()["items"]} == ids
    for _, secret in world.secrets.values():
        assert secret not in answer.text
    assert "hash" not in answer.text


def test_a_member_pages_filters_and_exports_its_credentials(world: World) -> None:
    gone = issue(world, "xaa-gone", "XAA")
    brief = issue(world, "xaa-brief", "XAA", expires_us=world.clock() + 1_000_000)
    assert status_of(world, "xaa-gone", "DELETE", f"{ADDRESS}/{gone}") == 204
    world.clock.now_us += 2_000_000
    rows = walk(world, "xaa", ADDRESS, limit=2)
    assert len(rows) == len({row["id"] for row in rows}) == 7
    assert [r["id"] for r in items(world, "xaa", ADDRESS, state="revoked")] == [gone]
    assert [r["id"] for r in items(world, "xaa", ADDRESS, state="expired")] == [brief]
    (person,) = items(world, "xaa", ADDRESS, kind="individual")
    assert items(world, "xaa", ADDRESS, person="a@xaa.example") == [person]
    assert person["created"].endswith(".000000Z")
    assert [row["id"] for row in exported(world.get("xaa", f"{ADDRESS}?format=csv"))] == [
        row["id"] for row in rows
    ]


def test_a_feed_rotates_itself_and_its_old_secret_dies(world: World) -> None:
    own, _ = world.secrets["xaa"]
    answer = world.open("xaa", "POST", f"{ADDRESS}/{own}/rotate")
    assert answer.status_code == 200
    assert status_of(world, "xaa", "GET", "/api/v1/me") == 401
    world.secrets["xaa"] = (own, answer.get_json()["secret"])
    assert status_of(world, "xaa", "GET", "/api/v1/me") == 200


def test_a_feed_revokes_itself(world: World) -> None:
    own, _ = world.secrets["xaa"]
    assert status_of(world, "xaa", "DELETE", f"{ADDRESS}/{own}") == 204
    assert status_of(world, "xaa", "GET", "/api/v1/me") == 401


def test_a_member_admin_rotates_and_revokes_its_members_credentials(world: World) -> None:
    issue(world, "xaa-admin", "XAA", "member-admin")
    other, _ = world.secrets["xaa-reads"]
    answer = world.open("xaa-admin", "POST", f"{ADDRESS}/{other}/rotate")
    assert answer.status_code == 200
    world.secrets["xaa-reads"] = (other, answer.get_json()["secret"])
    assert status_of(world, "xaa-reads", "GET", "/taxii2/") == 200
    assert status_of(world, "xaa-admin", "DELETE", f"{ADDRESS}/{other}") == 204
    assert status_of(world, "xaa-reads", "GET", "/taxii2/") == 401
    again = world.open("xaa-admin", "POST", f"{ADDRESS}/{other}/rotate")
    assert (again.status_code, again.get_json()["code"]) == (409, "auth.credential-ended")


def test_a_credential_that_is_not_the_callers_to_change_is_an_unknown_one(world: World) -> None:
    issue(world, "xaa-admin", "XAA", "member-admin")
    theirs, partners = world.secrets["xbb"][0], world.secrets["mirror"][0]
    unknown = theirs[:-1] + ("a" if theirs[-1] != "a" else "b")
    for verb, ending in VERBS:
        refused = [theirs, partners, unknown, "no%00thing", "x" * 300]
        for who in ("xaa-admin", "xaa"):
            answers = [world.open(who, verb, f"{ADDRESS}/{name}{ending}") for name in refused]
            assert same_refusal(*answers) == (404, "auth.unknown-credential")
            # Its member's others, too, unless its person is their keeper.
            refused.append(world.secrets["xaa-reads"][0])
    for other in ("xbb", "mirror", "xaa-reads"):
        assert status_of(world, other, "GET", "/taxii2/") == 200


def test_a_stolen_feed_credential_without_the_scope_changes_nothing(small_world: World) -> None:
    own, _ = small_world.secrets["xaa-api"]
    assert status_of(small_world, "xaa-api", "POST", f"{ADDRESS}/{own}/rotate") == 403
    assert (
        status_of(small_world, "mirror", "DELETE", f"{ADDRESS}/{small_world.secrets['mirror'][0]}")
        == 403
    )
