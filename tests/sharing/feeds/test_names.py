"""A feed's name is its member's own: no other learns by it that there is one."""

from __future__ import annotations

import pytest

from kernel.errors import Conflict
from kernel.settings import Settings
from sharing.services.feeds.keeping import NewFeed
from tests.sharing.cli.running import FORUM, make_harbour
from tests.sharing.feeds.nodes import Node
from tests.sharing.feeds.odd import COLLECTION


def test_two_members_may_have_feeds_of_one_name(home: Node) -> None:
    new = NewFeed("north", "https://odd.example/", COLLECTION)
    first, second = home.add_new(new), home.add_new(new, code="XBB")
    assert first.uuid != second.uuid
    assert (home.feed("north").uuid, home.feed("north", "XBB").uuid) == (first.uuid, second.uuid)
    with pytest.raises(Conflict, match="your member has a feed 'north' already"):
        home.add_new(new)


def test_a_command_asks_which_of_several_is_meant(sqlite_settings: Settings) -> None:
    harbour = make_harbour(sqlite_settings)
    ref = harbour.done("collection", "add", FORUM, "--title", "North")["id"]
    ids = [
        harbour.done(
            *("feed", "add", "north", "--url", "https://odd.example/", "--collection", "odd"),
            *("--into", ref, "--member", code),
        )["id"]
        for code in ("XAA", "XBB")
    ]
    said = harbour.refused("feed", "pause", "north")
    assert all(one in said for one in ids)
    assert harbour.done("feed", "pause", ids[0])["member"] == "XAA"
    assert [one["state"] for one in harbour.done("feed", "list")] == ["paused", "active"]
