"""`/api/v1/feeds`: set up, read, steered; whose they are, and that no secret comes out."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from auth.tables import audit
from sharing.feeds.asking import FREE_TESTS
from sharing.partners import feeds_of
from sharing.rules.walking import ODDITIES
from tests.sharing.api.asking import (
    SHARE_ALL,
    exported,
    issue,
    items,
    read,
    same_refusal,
    send,
    status_of,
    walk,
)
from tests.sharing.feeds.nodes import Network, Node
from tests.sharing.feeds.odd import COLLECTION, Odd
from tests.sharing.taxii.world import START_US, World

ROOT = "/api/v1/feeds"
CANARY = "canary-9d1f4be27a"
PEM = f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----\n"
ADMIN, HAND, EYES, OFFICER = "xaa-admin", "xaa-hand", "xaa-eyes", "xaa-officer"


@pytest.fixture
def home(world: World) -> Node:
    """The world as a node of a network on which `odd.example` answers; people of XAA in it."""
    node = Node("home.example", world, Network())
    node.network.others["odd.example"] = Odd(now_us=START_US, page=50, digits=0)
    feeds_of(world.app).runner = node.runner()
    for name, role in (
        (ADMIN, "member-admin"),
        (HAND, "contributor"),
        (EYES, "reader"),
        (OFFICER, "policy-officer"),
    ):
        issue(world, name, "XAA", role)
    issue(world, "xbb-admin", "XBB", "member-admin", "contributor")
    return node


def odd_of(home: Node) -> Odd:
    found = home.network.others["odd.example"]
    assert isinstance(found, Odd)
    return found


def new(**changed: Any) -> dict[str, Any]:
    return {
        "name": "odd",
        "forum": "harbour",
        "collection": "reports",
        "url": "https://odd.example/",
        "remote": "odd",
        "user": "us",
        "password": CANARY,
    } | changed


def set_up(home: Node, who: str = ADMIN, **changed: Any) -> dict[str, Any]:
    answer = send(home.world, who, "POST", ROOT, new(**changed))
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.get_json()
    return document


def poll(home: Node, name: str = "odd") -> None:
    home.world.clock.now_us += 60_000_000
    odd_of(home).now_us = home.world.clock.now_us
    home.run(name)


def test_a_feed_is_set_up_and_tells_how_it_ran(home: Node) -> None:
    made = set_up(home, every=900, min_tlp="amber")
    assert (made["every"], made["min_tlp"], made["last_run"]) == (900, "amber", None)
    assert (made["auth"], made["user"], made["cursor"]["added_after"]) == ("basic", "us", None)
    bad = home.world.indicator() | {"created": "2024"}
    odd_of(home).add(bad, *home.world.indicators(3))
    poll(home)
    world = home.world
    for who in (ADMIN, HAND, EYES, "xaa"):
        (found,) = items(world, who, ROOT)
        assert found == read(world, who, f"{ROOT}/odd") == read(world, who, f"{ROOT}/{made['id']}")
        assert (found["last_run"]["contributed"], found["last_run"]["refused"]) == (3, 1)
        assert found["last_success"] == found["last_run"]["ended"]
        (run,) = items(world, who, f"{ROOT}/odd/runs")
        assert run == found["last_run"]
    named = {"name": "second-precision", "meaning": ODDITIES["second-precision"]}
    assert named in run["oddities"]
    (refused,) = items(world, EYES, f"{ROOT}/odd/refusals")
    assert (refused["id"], "created" in refused["reason"]) == (bad["id"], True)
    assert items(world, "xaa", f"{ROOT}/odd/refusals", code="sharing.nothing") == []
    assert items(world, "xaa", f"{ROOT}/odd/sent") == []


def test_a_feed_is_removed_by_a_member_admin_alone(home: Node) -> None:
    world, made = home.world, set_up(home)
    for who in (HAND, EYES, "xaa", "xbb-admin"):
        refused = send(world, who, "DELETE", f"{ROOT}/odd")
        assert refused.status_code == (404 if who == "xbb-admin" else 403)
    gone = send(world, ADMIN, "DELETE", f"{ROOT}/odd").get_json()
    assert (gone["state"], gone["id"], gone["auth"], gone["user"]) == (
        *("removed", made["id"], "none", None),
    )
    assert gone == read(world, EYES, f"{ROOT}/{made['id']}")
    assert status_of(world, EYES, "GET", f"{ROOT}/odd") == 404
    assert items(world, EYES, ROOT) == []
    assert items(world, EYES, ROOT, state="removed") == [gone]
    assert status_of(world, ADMIN, "DELETE", f"{ROOT}/{made['id']}") == 409
    assert status_of(world, HAND, "POST", f"{ROOT}/{made['id']}/resume") == 409
    assert set_up(home)["id"] != made["id"]


def test_lists_are_filtered_paged_and_exported(home: Node) -> None:
    world = home.world
    for number in range(5):
        set_up(home, name=f"odd {number}")
    send(world, HAND, "POST", f"{ROOT}/odd 3/pause", {})
    named = [one["name"] for one in walk(world, EYES, ROOT, limit=2)]
    assert named == [f"odd {number}" for number in range(5)]
    assert [one["name"] for one in items(world, EYES, ROOT, state="paused")] == ["odd 3"]
    assert items(world, EYES, ROOT, direction="push") == items(world, EYES, ROOT, forum="no") == []
    assert items(world, EYES, ROOT, in_trouble="yes") == []
    odd_of(home).add(*(one | {"created": "2024"} for one in world.indicators(5)))
    for _ in range(3):
        poll(home, "odd 0")
    runs = walk(world, EYES, f"{ROOT}/odd 0/runs", limit=1)
    assert [one["refused"] for one in runs] == [5, 5, 5]
    assert runs == sorted(runs, key=lambda one: one["started"], reverse=True)
    since = runs[1]["started"]
    assert len(items(world, EYES, f"{ROOT}/odd 0/runs", since=since)) == 2
    assert len(items(world, EYES, f"{ROOT}/odd 0/runs", until=since)) == 1
    assert items(world, EYES, f"{ROOT}/odd 0/runs", state="failed") == []
    refused = walk(world, EYES, f"{ROOT}/odd 0/refusals", limit=2)
    assert len({one["id"] for one in refused}) == 5
    one = items(world, EYES, f"{ROOT}/odd 0/refusals", id=refused[0]["id"])
    assert one == refused[:1]
    rows = exported(world.get(EYES, f"{ROOT}/odd 0/refusals?format=csv"))
    assert [row["id"] for row in rows] == [one["id"] for one in refused]
    assert len(exported(world.get(EYES, f"{ROOT}?format=csv"))) == 5
    assert len(exported(world.get(EYES, f"{ROOT}/odd 0/runs?format=csv"))) == 3


def test_a_push_of_the_members_own_view_tells_what_was_sent_and_taken_back(home: Node) -> None:
    world = home.world
    world.set_policy(SHARE_ALL)
    world.contribute(*world.indicators(3))
    set_up(home, "xbb-admin", direction="push")
    poll_push(home)
    sent = walk(world, "xbb", f"{ROOT}/odd/sent", limit=2, state="sent")
    assert {one["id"] for one in sent} == {one["id"] for one in odd_of(home).posted}
    assert len(sent) == 3
    world.set_policy({"rules": []})
    poll_push(home)
    kept = items(world, "xbb", f"{ROOT}/odd/sent", state="recalled")
    assert len(kept) == 3
    assert "does not delete" in kept[0]["reason"]
    assert items(world, "xbb", f"{ROOT}/odd/sent", id=kept[0]["id"]) == kept[:1]
    assert len(exported(world.get("xbb", f"{ROOT}/odd/sent?format=csv"))) == 3


def poll_push(home: Node) -> None:
    home.world.clock.now_us += 60_000_000
    home.run("odd", "XBB")


def routes(name: str) -> list[tuple[str, str, Any]]:
    """Everything that can be asked about one feed."""
    lists = [("GET", f"{ROOT}/{name}{rest}", None) for rest in ("", "/runs", "/refusals", "/sent")]
    acts = [("POST", f"{ROOT}/{name}/{act}", {}) for act in ("pause", "resume", "run", "replay")]
    return [
        *lists,
        *acts,
        ("POST", f"{ROOT}/{name}/test", {}),
        ("PUT", f"{ROOT}/{name}/secrets", {"token": CANARY}),
    ]


def test_another_members_feed_is_one_that_never_was(home: Node) -> None:
    made = set_up(home)
    for name in ("odd", made["id"]):
        for (method, address, body), (_, unknown, _) in zip(
            routes(name), routes("never"), strict=True
        ):
            answers = [
                send(home.world, "xbb-admin", method, one, body) for one in (address, unknown)
            ]
            assert same_refusal(*answers) == (404, "sharing.unknown-feed"), address
    assert items(home.world, "xbb-admin", ROOT) == []
    # Nor does a name that is taken tell that there is one.
    assert set_up(home, "xbb-admin")["member"] == "XBB"
    again = send(home.world, ADMIN, "POST", ROOT, new())
    assert (again.status_code, again.get_json()["code"]) == (409, "sharing.feed-exists")
    assert home.feed("odd").member_code == "XAA"


def test_what_is_pushed_to_a_partner_of_the_forum_is_the_operators_alone(home: Node) -> None:
    from sharing.services.feeds.keeping import NewFeed  # noqa: PLC0415 - one use

    home.add_new(
        NewFeed("theirs", "https://odd.example/", COLLECTION, "push", as_recipient="mirror")
    )
    assert items(home.world, "xaa", ROOT) == []
    answers = [home.world.get("xaa", f"{ROOT}/{name}") for name in ("theirs", "never")]
    assert same_refusal(*answers) == (404, "sharing.unknown-feed")
    refused = send(home.world, ADMIN, "POST", ROOT, new(direction="push", as_recipient="mirror"))
    assert (refused.status_code, refused.get_json()["code"]) == (400, "sharing.bad-feed")


def test_roles_say_who_looks_who_steers_and_who_sets_up(home: Node) -> None:
    set_up(home)
    looks = {(method, address) for method, address, _ in routes("odd") if method == "GET"}
    objects = {("GET", f"{ROOT}/odd/{one}") for one in ("refusals", "sent")}
    steers = {(method, address) for method, address, _ in routes("odd") if method == "POST"}
    secrets = {("PUT", f"{ROOT}/odd/secrets")}
    allowed = {
        EYES: looks,
        HAND: looks | steers,
        ADMIN: (looks - objects) | secrets,
        OFFICER: set(),
        "xaa": looks | steers,
        "xaa-api": looks,
        "mirror": set(),
    }
    for who, may in allowed.items():
        for method, address, body in routes("odd"):
            answer = send(home.world, who, method, address, body)
            expected = 200 if (method, address) in may else 403
            assert answer.status_code == expected, (who, method, address, answer.text)
    for who in (EYES, HAND, OFFICER, "xaa", "xaa-api", "mirror"):
        assert send(home.world, who, "POST", ROOT, new(name="more")).status_code == 403, who
        tried = send(home.world, who, "POST", f"{ROOT}/test", {"url": "https://odd.example/"})
        assert tried.status_code == 403, who
    assert home.feed("odd").auth == "bearer"


def test_a_feed_is_steered(home: Node) -> None:
    world, made = home.world, set_up(home)

    def steer(act: str, body: Any = None) -> dict[str, Any]:
        answer = send(world, HAND, "POST", f"{ROOT}/odd/{act}", body or {})
        assert answer.status_code == 200, answer.text
        document: dict[str, Any] = answer.get_json()
        return document

    odd_of(home).add(*world.indicators(2))
    poll(home)
    paused = steer("pause")
    assert (paused["state"], paused["next_try"]) == ("paused", None)
    refused = send(world, HAND, "POST", f"{ROOT}/odd/run", {})
    assert (refused.status_code, refused.get_json()["code"]) == (400, "sharing.feed-paused")
    assert steer("resume")["state"] == "active"
    poll(home)
    world.clock.now_us += 1_000_000
    assert steer("run")["next_try"] > made["next_try"]
    back = steer("replay", {"after": "2026-01-01T00:00:00Z"})
    assert back["cursor"]["added_after"] == "2026-01-01T00:00:00.000000Z"
    assert steer("replay")["cursor"]["added_after"] is None
    poll(home)
    assert home.runs("odd")[0].known == 2
    changed = send(world, ADMIN, "PUT", f"{ROOT}/odd/secrets", {"token": CANARY, "ca": PEM})
    assert (changed.get_json()["auth"], changed.get_json()["user"]) == ("bearer", None)
    assert changed.get_json()["ca"] is True
    with world.database.read() as connection:
        told = [row for row in connection.execute(select(audit)) if row.action.startswith("feed.")]
    actions = [row.action for row in told]
    assert actions == [
        *("feed.add", "feed.pause", "feed.resume", "feed.run"),
        *("feed.replay", "feed.replay", "feed.secrets"),
    ]
    assert {row.member_id for row in told} == {world.member_id("XAA")}


def test_a_connection_test_names_the_failing_step_and_what_is_shown(home: Node) -> None:
    world = home.world
    tried = send(world, ADMIN, "POST", f"{ROOT}/test", {"url": "https://odd.example/"}).get_json()
    assert tried["passed"]
    assert [one["id"] for one in tried["collections"]] == [COLLECTION]
    assert tried["steps"][-1]["step"] == "first-page"
    asked = {"url": "https://nobody.example/", "user": "us", "password": CANARY}
    tried = send(world, ADMIN, "POST", f"{ROOT}/test", asked).get_json()
    assert (tried["passed"], tried["collections"]) == (False, [])
    assert "nobody.example" in tried["steps"][-1]["sentence"]
    asked = {"url": "https://odd.example/", "remote": "nothing"}
    tried = send(world, ADMIN, "POST", f"{ROOT}/test", asked).get_json()
    assert (tried["steps"][-1]["step"], tried["steps"][-1]["passed"]) == ("collection", False)
    set_up(home)
    tried = send(world, HAND, "POST", f"{ROOT}/odd/test", {}).get_json()
    assert tried["passed"]
    # A feed may be called as the route is.
    set_up(home, name="test")
    assert read(world, EYES, f"{ROOT}/test")["name"] == "test"
    assert (home.runs("odd"), odd_of(home).posted) == ([], [])


def test_connection_tests_are_few_for_each_member(home: Node) -> None:
    asked = {"url": "https://odd.example/"}
    answers = [
        send(home.world, ADMIN, "POST", f"{ROOT}/test", asked) for _ in range(FREE_TESTS + 1)
    ]
    assert [one.status_code for one in answers] == [200] * FREE_TESTS + [429]
    assert answers[-1].get_json()["code"] == "sharing.too-many-tests"
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    other = send(home.world, "xbb-admin", "POST", f"{ROOT}/test", asked)
    assert other.status_code == 200
    asked_before = len(home.network.asked)
    assert send(home.world, ADMIN, "POST", f"{ROOT}/test", asked).status_code == 429
    assert len(home.network.asked) == asked_before


def test_no_secret_is_in_any_answer_log_or_record(
    home: Node, capfd: pytest.CaptureFixture[str]
) -> None:
    world = home.world
    answers = [send(world, ADMIN, "POST", ROOT, new(ca=PEM.replace(CANARY, "AA")))]
    bad: list[dict[str, Any]] = [
        new(name="x", client_cert=CANARY),
        new(name="x", token=CANARY),
        new(name="", ca=PEM),
        new(name="x", url="ftp://x/"),
        new(name="x", password=f"{CANARY}\n"),
    ]
    answers += [send(world, ADMIN, "POST", ROOT, one) for one in bad]
    assert [one.status_code for one in answers] == [201, 400, 400, 400, 400, 400]
    answers += [
        send(world, "xaa", method, address, body) for method, address, body in routes("odd")
    ]
    given = {"user": "us", "password": CANARY, "client_cert": PEM}
    answers.append(send(world, ADMIN, "PUT", f"{ROOT}/odd/secrets", given))
    answers.append(send(world, HAND, "POST", f"{ROOT}/odd/test", {}))
    assert answers[-1].get_json()["passed"] in (True, False)
    poll(home)
    answers += [world.get(who, f"{ROOT}?format=csv") for who in (ADMIN, "xaa")]
    for answer in answers:
        assert CANARY not in answer.text
    logged = capfd.readouterr()
    assert "request" in logged.out + logged.err
    assert CANARY not in logged.out + logged.err
    with world.database.read() as connection:
        assert CANARY not in str(list(connection.execute(select(audit))))


@pytest.mark.parametrize(
    "changed",
    [
        {"name": 7},
        {"name": ""},
        {"name": "a/b"},
        {"every": 1},
        {"every": 1.5},
        {"every": True},
        {"min_tlp": "purple"},
        {"direction": "sideways"},
        {"manifest_first": "yes"},
        {"remote": ""},
        {"url": "https://us:them@odd.example/"},
        {"url": "https://odd.example:99999/"},
        {"user": None},
        {"password": "a\u0000b"},
        {"token": "t"},
        {"ca": "no PEM"},
        {"direction": "push", "min_tlp": "red"},
        {"secret": "s"},
        {"as_recipient": "XBB"},
    ],
)
def test_what_no_feed_can_be_set_up_with_is_refused(home: Node, changed: Any) -> None:
    answer = send(home.world, ADMIN, "POST", ROOT, new(**changed))
    assert answer.status_code == 400, answer.text
    assert answer.get_json()["code"] in ("sharing.bad-feed", "sharing.bad-tlp")
    assert home.network.asked == []


def test_bodies_that_are_none_and_places_that_are_not_there(home: Node) -> None:
    world = home.world
    set_up(home)
    for body in (b"", b"{", b"[]", b"7", b'{"after": 7}', b'{"after": "soon"}', b'{"when": ""}'):
        answer = send(world, HAND, "POST", f"{ROOT}/odd/replay", body)
        assert answer.status_code == 400, body
    assert status_of(world, HAND, "POST", f"{ROOT}/odd/replay", data=b"{}") == 415
    for changed in ({"forum": "nowhere"}, {"forum": "basin"}, {"collection": "elsewhere"}):
        assert send(world, ADMIN, "POST", ROOT, new(name="x", **changed)).status_code == 404
    missing = new(name="x")
    del missing["url"]
    assert send(world, ADMIN, "POST", ROOT, missing).status_code == 400
