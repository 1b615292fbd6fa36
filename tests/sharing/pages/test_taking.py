"""A list of objects as a bundle and as a feed: what may leave, recorded before it does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select

from auth.tables import audit
from kernel.errors import Unavailable
from sharing.rules.tlp import Tlp
from sharing.services import taking
from sharing.services.collections import NewCollection, add_collection
from sharing.tables import delivery
from tests.atom import read_feed
from tests.browsing import Browser
from tests.sharing.api.asking import GREEN, RED
from tests.sharing.pages.conftest import browse
from tests.sharing.taxii.world import World

ROOT = "/sharing/harbour"
OBJECTS = f"{ROOT}/objects"
# By name: only so does what is red reach anybody.
TO_XBB = {"rules": [{"id": "ally", "effect": "share", "audience": {"any": ["member:XBB"]}}]}


def taken(browser: Browser, query: str = "") -> list[dict[str, Any]]:
    answer = browser.client.get(f"{OBJECTS}?format=stix{query}")
    assert answer.status_code == 200, answer.text
    assert answer.content_type == "application/stix+json;version=2.1"
    assert "attachment" in answer.headers["Content-Disposition"]
    bundle = json.loads(answer.data)
    assert bundle["id"].startswith("bundle--")
    objects: list[dict[str, Any]] = bundle.get("objects", [])
    return objects


def list_deliveries(world: World) -> list[Any]:
    with world.database.read_deliveries() as connection:
        return list(connection.execute(select(delivery).order_by(delivery.c.id)).mappings())


def told_to(world: World, stix_id: str) -> str:
    """What XAA's page says of whom one of its objects was served."""
    place = world.collections["reports"]
    text: str = browse(world).get(f"{ROOT}/served?collection={place}&id={stix_id}").text
    return text


def test_a_bundle_holds_what_may_leave_as_it_is_served(world: World) -> None:
    world.set_policy(TO_XBB)
    plain = world.indicator(name="Plain", object_marking_refs=[GREEN])
    inside = world.indicator(
        name="Inside", granular_markings=[{"marking_ref": RED, "selectors": ["name"]}]
    )
    red = world.indicator(name="Codename", object_marking_refs=[RED])
    world.contribute(plain, inside, red)
    person = browse(world, "xbb", "reads")
    assert "Codename" in person.get(OBJECTS).text
    before = len(list_deliveries(world))
    assert taken(person) == [plain]
    (entry,) = list_deliveries(world)[before:]
    assert (entry["door"], entry["count"]) == ("export", 1)
    with world.database.read() as connection:
        rows = connection.execute(select(audit).where(audit.c.action == "export")).all()
    assert [json.loads(row.detail)["count"] for row in rows] == [1]
    assert taken(browse(world, "xcc")) == []


def test_only_what_is_in_the_bundle_counts_as_served(world: World) -> None:
    world.set_policy(TO_XBB)
    plain, red = (world.indicator(object_marking_refs=[mark]) for mark in (GREEN, RED))
    identity = {
        "type": "identity",
        "spec_version": "2.1",
        "id": "identity--00000000-0000-4000-8000-0000000000e1",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "name": "A team",
    }
    world.contribute(plain, red, identity)
    assert taken(browse(world, "xbb", "reads"), "&type=identity") == [identity]
    nobody = "Nobody else has been served it"
    assert nobody not in told_to(world, identity["id"])
    assert nobody in told_to(world, plain["id"])
    assert taken(browse(world, "xbb", "reads"), "&tlp=red") == []
    assert nobody in told_to(world, red["id"])
    taken(browse(world, "xbb", "reads"), "&tlp=green")
    assert nobody not in told_to(world, plain["id"])
    assert nobody in told_to(world, red["id"])


def test_bundles_are_paged_without_loss_or_double(world: World) -> None:
    world.set_policy(TO_XBB)
    sent = [world.indicator(object_marking_refs=[RED if n % 3 == 0 else GREEN]) for n in range(7)]
    world.contribute(*sent[:4])
    world.contribute(*sent[4:], to="second")
    person, found, query = browse(world, "xbb", "reads"), [], ""
    while True:
        answer = person.client.get(f"{OBJECTS}?format=stix&limit=2{query}")
        found += json.loads(answer.data).get("objects", [])
        following = answer.headers.get("X-Comity-Next")
        if following is None:
            break
        query = f"&next={following}"
    wanted = [one["id"] for n, one in enumerate(sent) if n % 3]
    assert sorted(one["id"] for one in found) == sorted(wanted)


def test_what_cannot_be_recorded_does_not_leave(
    small: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.set_policy(TO_XBB)
    small.contribute(small.indicator(object_marking_refs=[GREEN]))
    person = browse(small, "xbb", "reads")
    person.client.head(f"{OBJECTS}?format=stix")
    assert list_deliveries(small) == []

    def refuse(*_given: object, **_named: object) -> None:
        raise Unavailable("sharing.delivery-not-recorded", "not now")

    monkeypatch.setattr(taking, "record_deliveries", refuse)
    answer = person.client.get(f"{OBJECTS}?format=stix")
    assert answer.status_code == 503
    assert b"indicator--" not in answer.data


def test_a_statement_leaves_with_what_carries_it(world: World) -> None:
    statement = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": "marking-definition--00000000-0000-4000-8000-0000000000a1",
        "created": "2026-01-01T00:00:00.000Z",
        "definition_type": "statement",
        "definition": {"statement": "Ours"},
    }
    # What is unmarked is red here: a statement does not leave by itself.
    world.collections["red"] = add_collection(
        world.database,
        "operator",
        "harbour",
        NewCollection("Red", "red", unmarked_as=Tlp.RED),
        now_us=world.clock(),
    )
    carrying = world.indicator(object_marking_refs=[GREEN, statement["id"]])
    world.set_policy(TO_XBB)
    world.contribute(statement, carrying, to="red")
    person = browse(world, "xbb", "reads")
    assert {one["id"] for one in taken(person)} == {statement["id"], carrying["id"]}
    assert taken(person, "&type=marking-definition") == []


def test_a_feed_names_what_is_new_and_says_nothing_of_it(world: World) -> None:
    world.set_policy(TO_XBB)
    red = world.indicator(name="Codename", object_marking_refs=[RED])
    world.contribute(world.indicator(name="Plain", object_marking_refs=[GREEN]))
    world.contribute(red)
    person = browse(world, "xbb", "reads")
    answer = person.client.get(f"{OBJECTS}?format=atom")
    read = read_feed(answer)
    assert [one["title"] for one in read.entries] == ["indicator, TLP:RED", "indicator, TLP:GREEN"]
    assert b"Codename" not in answer.data
    assert b"Plain" not in answer.data
    assert read == read_feed(person.client.get(f"{OBJECTS}?format=atom"))
    looked = read.entries[0]["links"]["alternate"].removeprefix("http://localhost")
    assert person.get(looked).status_code == 200
    assert [one["door"] for one in list_deliveries(world)][:2] == ["api", "api"]
    assert read_feed(browse(world, "xcc").client.get(f"{OBJECTS}?format=atom")).entries == []


def test_a_feed_is_paged_and_filtered(small: World) -> None:
    small.set_policy(TO_XBB)
    small.contribute(*small.indicators(5))
    person, found = browse(small, "xbb", "reads"), []
    address: str | None = f"{OBJECTS}?format=atom&limit=2&type=indicator"
    names = set()
    while address is not None:
        read = read_feed(person.client.get(address))
        found += [one["id"] for one in read.entries]
        names.add(read.feed["id"])
        address = read.feed["links"].get("next")
    assert len(set(found)) == len(found) == 5
    assert len(names) == 1
    assert read_feed(person.client.get(f"{OBJECTS}?format=atom&type=malware")).entries == []
    assert person.client.get(f"{OBJECTS}?format=rss").status_code == 400


def test_home_leads_to_the_feed_of_each_forum(small: World) -> None:
    person = browse(small, "xbb", "reads")
    small.contribute(*small.indicators(1))
    assert 'type="application/atom+xml"' in person.get("/sharing").text
