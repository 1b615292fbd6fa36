"""Pull: everything arrives once, second-hand, with the place that it leads to."""

from __future__ import annotations

from tests.sharing.feeds.nodes import Node


def test_a_feed_brings_what_its_credential_sees_and_then_what_is_new(
    source: Node, home: Node
) -> None:
    source.world.contribute(*source.world.indicators(3))
    home.add("north", source)
    first = home.run("north")
    assert (first.state, first.contributed, first.pages) == ("done", 3, 1), first
    assert home.objects("xaa") == source.objects("xbb")
    source.world.contribute(source.world.indicator())
    second = home.run("north")
    assert (second.state, second.contributed, second.refused) == ("done", 1, 0), second
    assert home.objects("xaa") == source.objects("xbb")
    assert home.objects("xbb") == source.objects("xbb")
