"""A feed is removed: nothing more goes over, its secrets are gone, what it moved is on record."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from auth.tables import audit
from kernel.errors import Conflict
from kernel.settings import Settings
from sharing.queries.feeds import Feed
from sharing.services.feeds.keeping import NewFeed, pause_feed, replay_feed, resume_feed
from sharing.services.feeds.removing import KEPT, remove_feed
from sharing.tables import feed
from tests.sharing.cli.running import FORUM, make_harbour
from tests.sharing.feeds.nodes import Node
from tests.sharing.feeds.odd import COLLECTION, Odd
from tests.sharing.taxii.world import START_US


def remove(node: Node, name: str, code: str = "XAA") -> Feed:
    """Remove a feed by its member; what it is afterwards."""
    found = node.feed(name, code)
    with node.world.database.write() as connection:
        reader = node.world.seated(code).reader
        remove_feed(connection, reader, found, now_us=node.world.clock())
    return node.feed(found.uuid, code)


def row_of(node: Node, found: Feed) -> Any:
    with node.world.database.read() as connection:
        return connection.execute(select(feed).where(feed.c.id == found.id)).one()


def audited(node: Node) -> list[str]:
    with node.world.database.read() as connection:
        rows = connection.execute(select(audit.c.action).order_by(audit.c.id)).scalars()
        return [action for action in rows if action.startswith("feed.")]


def test_what_a_removed_feed_brought_stays_and_nothing_more_comes(source: Node, home: Node) -> None:
    source.world.contribute(*source.world.indicators(2))
    home.add("north", source, ca="-----BEGIN CERTIFICATE-----", client_cert="-----BEGIN X-----")
    home.run("north")
    brought = home.objects()
    source.world.contribute(source.world.indicator())
    gone = remove(home, "north")
    assert (gone.state, gone.next_us, gone.auth, gone.user_name) == ("removed", None, "none", None)
    row = row_of(home, gone)
    assert (row.secret, row.client_cert, row.ca) == (None, None, None)
    assert home.runner().run(gone.id) is None
    assert home.objects() == brought
    assert [run.contributed for run in home.runs(gone.uuid)] == [2]
    assert gone.position.after_us is not None
    assert audited(home)[-1] == "feed.remove"


@pytest.mark.parametrize("act", [pause_feed, resume_feed, remove_feed])
def test_a_removed_feed_stays_removed(source: Node, home: Node, act: Any) -> None:
    home.add("north", source)
    gone = remove(home, "north")
    reader = home.world.seated("XAA").reader
    with home.world.database.write() as connection:
        with pytest.raises(Conflict, match="runs never again"):
            act(connection, reader, gone, now_us=home.world.clock())
        with pytest.raises(Conflict, match="runs never again"):
            replay_feed(connection, reader, gone, None, now_us=home.world.clock())
    assert home.feed(gone.uuid) == gone


def test_its_name_is_free_and_what_is_there_does_not_come_twice(source: Node, home: Node) -> None:
    source.world.contribute(*source.world.indicators(2))
    home.add("north", source)
    home.run("north")
    first = remove(home, "north")
    second = home.add("north", source)
    run = home.run("north")
    assert (run.contributed, run.known, run.refused) == (0, 2, 0)
    assert remove(home, "north").uuid == second.uuid
    assert home.feed(first.uuid).name != home.feed(second.uuid).name


def test_a_run_that_goes_on_takes_nothing_more(home: Node) -> None:
    odd = Odd(now_us=START_US)
    home.network.others["odd.example"] = odd
    for one in home.world.indicators(6):
        odd.now_us += 1_000_000
        odd.add(one)
    made = home.add_new(NewFeed("north", "https://odd.example/", COLLECTION))
    removed: list[Feed] = []

    def remove_meanwhile(_method: str, url: str) -> None:
        if "/objects/" in url and "next=" in url and not removed:
            removed.append(remove(home, "north"))

    home.network.before = remove_meanwhile
    ending = home.runner().run(made.id)
    assert removed
    assert ending is not None
    assert (ending.state, ending.code) == ("failed", "sharing.feed-elsewhere")
    assert 0 < len(home.objects()) < 6
    assert home.feed(made.uuid).state == "removed"


def test_what_a_removed_push_has_sent_is_listed_as_kept_by_the_partner(
    source: Node, home: Node
) -> None:
    home.world.contribute(*home.world.indicators(2))
    home.add("south", source, code="XBB", who="xcc", direction="push")
    assert home.run("south", "XBB").contributed == 2
    gone = remove(home, "south", "XBB")
    kept = home.sent(gone.uuid, "recalled", "XBB")
    assert [one.reason for one in kept] == [KEPT, KEPT]
    # What it sent comes back as nothing, as before.
    home.add("back", source, code="XBB", who="xcc")
    run = home.run("back", "XBB")
    assert (run.contributed, run.returned) == (0, 2), run


def test_a_command_removes_it_and_tells_of_it_by_its_id(sqlite_settings: Settings) -> None:
    harbour = make_harbour(sqlite_settings)
    given = ("feed", "add", "north", "--url", "https://odd.example/", "--collection", "odd")
    harbour.done("collection", "add", FORUM, "--title", "North", "--alias", "north")
    made = harbour.done(*given, "--into", "north", "--member", "XAA")
    gone = harbour.done("feed", "remove", "north")
    assert (gone["state"], gone["kept_by_partner"], gone["id"]) == ("removed", 0, made["id"])
    assert harbour.done("feed", "list") == []
    assert [one["id"] for one in harbour.done("feed", "list", "--removed")] == [made["id"]]
    assert harbour.done("feed", "status", made["id"])["removed"] == gone["removed"]
    for act in ("run", "pause", "resume", "replay", "test", "secrets", "remove"):
        assert "runs never again" in harbour.refused("feed", act, made["id"])
    assert "there is no feed" in harbour.refused("feed", "pause", "north")
    assert harbour.done(*given, "--into", "north", "--member", "XAA")["id"] != made["id"]


def test_a_command_says_what_a_feed_without_a_seat_does(sqlite_settings: Settings) -> None:
    harbour = make_harbour(sqlite_settings)
    harbour.done("collection", "add", FORUM, "--title", "North", "--alias", "north")
    for name, way in (("in", "pull"), ("out", "push")):
        harbour.done(
            *("feed", "add", name, "--url", "https://odd.example/", "--collection", "odd"),
            *("--into", "north", "--member", "XAA", "--direction", way),
        )
    assert "seat" not in harbour.run("feed", "status", "out").out
    harbour.done("seat", "suspend", FORUM, "XAA")
    assert harbour.done("feed", "status", "out")["seated"] is False
    assert "asked to delete all that it was sent" in harbour.run("feed", "status", "out").out
    assert "nothing is fetched until it has" in harbour.run("feed", "status", "in").out
