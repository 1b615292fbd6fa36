"""Partner feeds in the paired worlds: XCC's own in both, XBB's in the second, and what XCC asks."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from auth.queries import list_roster
from sharing.partners import feeds_of
from sharing.queries.feeds import Feed
from sharing.services.feeds.keeping import NewFeed
from tests.sharing.feeds.nodes import Network, Node
from tests.sharing.feeds.odd import COLLECTION, Odd
from tests.sharing.taxii.world import World

if TYPE_CHECKING:
    from tests.access.pairs import Side

FEEDS = "/api/v1/feeds"
OWN, THEIRS = "own", "theirs"
NOBODYS = str(uuid.UUID(int=9998, version=4))
_READS = ("", "/runs", "/refusals", "/sent")


def open_network(world: World) -> Node:
    """What the world's feeds reach: two servers of partners, and nobody else."""
    node = Node("home.example", world, Network())
    for host in ("odd.example", "other.example"):
        node.network.others[host] = Odd(now_us=world.clock(), host=host, page=50)
    feeds_of(world.app).runner = node.runner()
    return node


def begin_feed(node: Node, *objects: dict[str, Any], code: str = "XCC") -> Feed:
    """A feed of XCC's that has brought these, and had one refused."""
    partner = node.network.others["odd.example"]
    assert isinstance(partner, Odd)
    partner.add(*objects, objects[0] | {"modified": "never"})
    made = node.add_new(NewFeed(OWN, "https://odd.example/", COLLECTION), code=code)
    node.runner().run(made.id)
    return made


def hide_feeds(side: Side, number: int) -> None:
    """XBB has feeds, of the name of XCC's and of others: one brings something, one fails."""
    partner = side.feeding.network.others["other.example"]
    assert isinstance(partner, Odd)
    partner.now_us = side.world.clock()
    partner.add(side.indicator(number + 640, 1, labels=["hidden"]))
    names = ((OWN, "other"), (THEIRS, "nobody"), (f"theirs-{number}", "other"))
    # Among what is hidden is that its seat comes and goes.
    for name, host in names if _has_seat(side.world) else ():
        if name not in side.others_feeds:
            new = NewFeed(name, f"https://{host}.example/", COLLECTION)
            side.others_feeds[name] = side.feeding.add_new(new, code="XBB")
    for found in side.others_feeds.values():
        side.feeding.runner().run(found.id)


def _has_seat(world: World) -> bool:
    with world.database.read() as connection:
        roster = list_roster(connection, world.forum_id)
    return any(row.name == "XBB" and row.is_active for row in roster)


def list_feed_askings() -> Iterator[tuple[str, str, str, Any]]:
    """All that can be asked about feeds: XCC's own, one that XBB may have, one that never was."""
    new = {"forum": "harbour", "collection": "reports", "url": "https://odd.example/"}
    new |= {"remote": COLLECTION, "name": THEIRS}
    yield (FEEDS, "GET", f"{FEEDS}?limit=1", None)
    for name in (OWN, THEIRS, NOBODYS):
        for rest in _READS:
            yield (f"{FEEDS}/<feed>{rest}", "GET", f"{FEEDS}/{name}{rest}", None)
        for act in ("pause", "resume", "run", "replay", "test"):
            yield (f"{FEEDS}/<feed>/{act}", "POST", f"{FEEDS}/{name}/{act}", {})
        yield (f"{FEEDS}/<feed>/secrets", "PUT", f"{FEEDS}/{name}/secrets", {"token": "t"})
        yield (f"{FEEDS}/<feed>", "DELETE", f"{FEEDS}/{name}", None)
    yield (f"{FEEDS}/test", "POST", f"{FEEDS}/test", {"url": new["url"]})
    yield (FEEDS, "POST", FEEDS, new)
    yield (FEEDS, "GET", f"{FEEDS}?limit=1", None)
