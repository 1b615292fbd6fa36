"""Push: exactly what the recipient sees, once, and back what it sees no more."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from sharing.services.feeds.keeping import NewFeed
from sharing.tables import delivery
from tests.sharing.feeds.nodes import Node
from tests.sharing.feeds.odd import COLLECTION, Odd
from tests.sharing.taxii.world import SHARES_WITH_XBB, START_US, TLP_GREEN

NOBODY: dict[str, Any] = {"rules": []}
SHARE_ALL = {"rules": [{"id": "all", "effect": "share", "audience": {"any": ["forum"]}}]}


@pytest.fixture
def partner(home: Node) -> Odd:
    server = Odd(now_us=START_US, page=50)
    home.network.others["odd.example"] = server
    return server


def push(home: Node, **more: Any) -> None:
    code = more.pop("code", "XBB")
    home.add_new(
        NewFeed("out", "https://odd.example/", COLLECTION, direction="push", **more), code=code
    )


def run(home: Node, code: str = "XBB") -> Any:
    home.world.clock.now_us += 60_000_000
    return home.run("out", code)


def test_a_push_sends_what_its_recipient_sees_and_then_what_is_new(
    home: Node, partner: Odd
) -> None:
    hidden = home.world.indicator()
    home.world.contribute(hidden, who="xcc")
    home.world.contribute(*home.world.indicators(5))
    push(home)
    first = run(home)
    assert (first.state, first.contributed) == ("done", 5), first
    assert {one["id"]: one for one in partner.posted} == {
        one["id"]: one for one in home.walk("xbb")
    }
    assert (run(home).contributed, len(partner.posted)) == (0, 5)
    home.world.contribute(home.world.indicator())
    assert (run(home).contributed, len(partner.posted)) == (1, 6)


def test_every_object_is_on_record_before_it_leaves(home: Node, partner: Odd) -> None:
    home.world.contribute(*home.world.indicators(3))
    push(home)
    recorded: list[int] = []

    def look(method: str, _url: str) -> None:
        if method == "POST":
            with home.world.database.deliveries.connect() as connection:
                rows = connection.execute(select(delivery.c.count, delivery.c.door)).all()
            recorded.extend(row.count for row in rows if row.door == "push")

    home.network.before = look
    run(home)
    assert recorded == [3]


def test_a_partner_of_the_forum_is_sent_its_view(home: Node, partner: Odd) -> None:
    green = home.world.indicator(object_marking_refs=[TLP_GREEN])
    home.world.contribute(green, home.world.indicator())
    push(home, code="XAA", as_recipient="mirror")
    feed_id = home.operated("out").id
    home.runner().run(feed_id)
    assert [one["id"] for one in partner.posted] == [green["id"]]
    # What that view holds is not the member's to count.
    with home.world.database.read() as connection:
        from sharing.queries.feeds import list_feeds  # noqa: PLC0415 - one use

        assert list_feeds(connection, home.world.seated("XAA").reader) == []


@pytest.mark.parametrize("deletes", [True, False])
def test_what_the_recipient_sees_no_more_is_withdrawn_or_recalled(
    home: Node, partner: Odd, deletes: bool
) -> None:
    partner.deletes = deletes
    one = home.world.indicator()
    home.world.contribute(one)
    push(home)
    run(home)
    home.world.set_policy(NOBODY)
    second = run(home)
    assert (second.state, second.withdrawn) == ("done", 1), second
    assert partner.deleted == ([one["id"]] if deletes else [])
    state = "withdrawn" if deletes else "recalled"
    assert [each.stix_id for each in home.sent("out", state, "XBB")] == [one["id"]]
    assert run(home).withdrawn == 0
    home.world.set_policy(SHARES_WITH_XBB)
    assert run(home).contributed == 1


@pytest.mark.parametrize("deletes", [True, False])
def test_a_version_that_is_seen_in_part_only_takes_the_place_of_the_whole(
    home: Node, partner: Odd, deletes: bool
) -> None:
    partner.deletes = deletes
    one = home.world.indicator(description="where from")
    home.world.contribute(one)
    push(home)
    run(home)
    less = {"id": "ally", "effect": "share", "audience": {"any": ["member:XBB"]}}
    home.world.set_policy({"rules": [less | {"omit": ["description"]}]})
    second = run(home)
    assert (second.state, second.withdrawn) == ("done", 1), second
    (seen,) = home.walk("xbb")
    assert "description" not in seen
    held = [each for _, each in partner.rows]
    assert held == ([seen] if deletes else [one])
    assert bool(home.sent("out", "recalled", "XBB")) is not deletes


def test_nothing_goes_back_to_where_it_came_from(home: Node, partner: Odd) -> None:
    partner.add(home.world.indicator())
    home.add_new(NewFeed("in", "https://odd.example/", COLLECTION))
    home.run("in")
    own = home.world.indicator()
    home.world.set_policy(SHARE_ALL, "XBB")
    home.world.contribute(own, who="xbb")
    push(home, code="XAA")
    out = run(home, "XAA")
    # Not what the partner gave, nor what XAA contributed itself: what others share with it.
    assert [one["id"] for one in partner.posted] == [own["id"]], out
    # And what was sent there comes back as nothing.
    home.world.clock.now_us = partner.now_us = partner.now_us + 3_600_000_000
    assert home.run("in").returned == 1


def test_one_object_that_is_refused_keeps_back_no_other(home: Node, partner: Odd) -> None:
    good, bad = home.world.indicators(2)
    home.world.contribute(good, bad)
    partner.refuses = lambda one: "not here" if one["id"] == bad["id"] else None
    push(home)
    first = run(home)
    assert (first.state, first.contributed, first.refused) == ("done", 1, 1), first
    assert [(each.stix_id, each.reason) for each in home.refusals("out", "XBB")] == [
        (bad["id"], "not here")
    ]


def test_envelopes_are_no_longer_than_the_partner_takes(home: Node, partner: Odd) -> None:
    partner.max_content_length = 1000
    home.world.contribute(*home.world.indicators(6))
    push(home)
    assert run(home).contributed == 6
    posts = [url for method, url in partner.asked if method == "POST"]
    assert len(posts) >= 3


def test_a_reply_that_is_lost_is_made_good_by_sending_again(home: Node, partner: Odd) -> None:
    from kernel.outbound.errors import AnswerBroken  # noqa: PLC0415 - one use

    home.world.contribute(*home.world.indicators(3))
    push(home)

    def lose(method: str, _url: str) -> None:
        if method == "POST":
            raise AnswerBroken("the line was cut")

    home.network.after = lose
    assert run(home).state == "failed"
    home.network.after = lambda _method, _url: None
    home.world.clock.now_us += 3_600_000_000
    second = run(home)
    assert (second.state, second.contributed) == ("done", 3), second
    assert {one["id"] for one in partner.posted} == {one["id"] for one in home.walk("xbb")}
