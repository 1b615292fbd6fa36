"""Pulls from and pushes to servers of others, over sockets, each with its own ways."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import pytest

from kernel.outbound.session import Surroundings
from sharing.queries.feeds import FeedRun
from sharing.services.feeds.keeping import NewFeed
from tests.peers.servers import PeerServer
from tests.sharing.feeds.nodes import Node
from tests.sharing.taxii.world import SHARES_WITH_XBB

NOBODY: dict[str, Any] = {"rules": []}


@pytest.fixture(params=["medallion_server", "opentaxii_server"])
def partner(request: pytest.FixtureRequest) -> PeerServer:
    found: PeerServer = request.getfixturevalue(request.param)
    return found


def add(home: Node, partner: PeerServer, direction: Any, code: str) -> None:
    new = NewFeed(
        direction,
        partner.url,
        partner.title,
        direction=direction,
        user_name=partner.user,
        secret=partner.password,
    )
    home.add_new(new, code=code)


def run(home: Node, name: str, code: str) -> FeedRun:
    home.world.clock.now_us += 60_000_000
    found = home.feed(name, code)
    over_sockets = replace(
        home.runner(),
        settings=replace(home.world.settings, egress_allow="127.0.0.1/32"),
        transport=None,
        surroundings=Surroundings(),
    )
    over_sockets.run(found.id)
    return home.runs(name, code)[0]


def new_indicators(home: Node) -> list[dict[str, Any]]:
    """Three that no partner has seen: partners are there for both databases."""
    return [home.world.indicator(id=f"indicator--{uuid.uuid4()}") for _ in range(3)]


def ids(objects: Any) -> set[str]:
    return {one["id"] for one in objects}


def test_what_a_partner_holds_is_pulled_once_and_what_is_added_at_the_next(
    home: Node, partner: PeerServer
) -> None:
    there = ids(partner.objects())
    one, two, three = new_indicators(home)
    partner.add(one)
    partner.add(two)
    add(home, partner, "pull", "XAA")
    first = run(home, "pull", "XAA")
    assert (first.state, first.refused) == ("done", 0), first
    assert first.contributed == len(there | ids([one, two]))
    assert ids([one, two]) <= ids(home.walk())
    assert run(home, "pull", "XAA").contributed == 0
    partner.add(three)
    assert run(home, "pull", "XAA").contributed == 1
    assert three["id"] in ids(home.walk())


def test_what_is_sent_again_is_not_refused_and_what_is_said_to_be_deleted_is_looked_for(
    home: Node, partner: PeerServer
) -> None:
    objects = new_indicators(home)
    home.world.contribute(*objects)
    # As after a reply that was lost: the partner has one of them already.
    (own,) = [one for one in home.walk("xbb") if one["id"] == objects[0]["id"]]
    partner.add(own)
    add(home, partner, "push", "XBB")
    first = run(home, "push", "XBB")
    assert (first.state, first.contributed, first.refused) == ("done", 3, 0), first
    assert ids(objects) <= ids(partner.objects())
    home.world.set_policy(NOBODY)
    second = run(home, "push", "XBB")
    assert (second.state, second.withdrawn) == ("done", 3), second
    # OpenTAXII answers that it deleted what it keeps: that is a recall, and said so.
    kept = partner.name == "OpenTAXII"
    state, other = ("recalled", "withdrawn") if kept else ("withdrawn", "recalled")
    assert {each.stix_id for each in home.sent("push", state, "XBB")} == ids(objects)
    assert home.sent("push", other, "XBB") == []
    assert ids(objects).isdisjoint(ids(partner.objects())) is not kept
    home.world.set_policy(SHARES_WITH_XBB)
    assert run(home, "push", "XBB").state == "done"
