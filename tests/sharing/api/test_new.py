"""What is new to a caller, as a feed that any feed reader can ask for with a credential."""

from __future__ import annotations

import pytest

from kernel.errors import Unavailable
from sharing.api import new as door
from tests.atom import read_feed
from tests.sharing.api.asking import FORUM, GREEN, RED
from tests.sharing.api.test_received import list_deliveries
from tests.sharing.taxii.world import World

NEW = f"{FORUM}/new.atom"
TO_XBB = {"rules": [{"id": "ally", "effect": "share", "audience": {"any": ["member:XBB"]}}]}


def test_each_sees_what_is_new_to_it_by_its_kind_of_credential(world: World) -> None:
    world.set_policy(TO_XBB)
    world.contribute(world.indicator(name="Codename", object_marking_refs=[RED]))
    world.contribute(world.indicator(name="Plain", object_marking_refs=[GREEN]), to="second")
    machine = world.get("xbb", NEW)
    assert [one["title"] for one in read_feed(machine).entries] == ["indicator, TLP:GREEN"]
    person = world.get("xbb-person", NEW)
    titles = ["indicator, TLP:GREEN", "indicator, TLP:RED"]
    assert [one["title"] for one in read_feed(person).entries] == titles
    assert b"Codename" not in person.data
    for who in ("xcc", "mirror"):
        assert read_feed(world.get(who, NEW)).entries == []
    assert {entry["door"] for entry in list_deliveries(world)} == {"api"}
    assert len(list_deliveries(world)) == 3


def test_a_feed_is_filtered_and_misspelt_filters_are_refused(world: World) -> None:
    world.set_policy(TO_XBB)
    world.contribute(world.indicator(object_marking_refs=[GREEN]))
    counts = {
        query: len(read_feed(world.get("xbb", f"{NEW}?{query}")).entries)
        for query in (
            *("type=indicator", "type=malware", "tlp=green", "tlp=red"),
            *("collection=reports", "collection=nowhere", "added_after=2030-01-01T00:00:00Z"),
        )
    }
    assert [query for query, count in counts.items() if count] == [
        *("type=indicator", "tlp=green", "collection=reports")
    ]
    assert world.get("xbb", f"{NEW}?typ=indicator").status_code == 422
    assert world.get(None, NEW).status_code == 401
    assert world.get("xdd", NEW).status_code == 404
    assert world.get("xaa-reads", NEW).status_code == 403


def test_a_feed_that_cannot_be_recorded_is_not_served(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_world.set_policy(TO_XBB)
    small_world.contribute(small_world.indicator())
    small_world.open("xbb", "HEAD", NEW)
    assert list_deliveries(small_world) == []

    def refuse(*_given: object, **_named: object) -> None:
        raise Unavailable("sharing.delivery-not-recorded", "not now")

    monkeypatch.setattr(door, "record_deliveries", refuse)
    answer = small_world.get("xbb", NEW)
    assert answer.status_code == 503
    assert b"indicator" not in answer.data
