"""Clients that others wrote, against a real server process, on both databases.

taxii2-client, stix2's TAXIICollectionSource, cytaxii2 and cc-taxii2-client (field notes,
"Clients to test with"). XAA contributes through one of them; XBB, which is granted it, reads
it back through each.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from cc_taxii2_client import CCTaxiiClient
from cytaxii2.cytaxii2 import cytaxii2
from requests.exceptions import HTTPError
from stix2 import Filter, TAXIICollectionSource
from taxii2client.exceptions import AccessError
from taxii2client.v21 import ApiRoot, Collection, Server, as_pages

from kernel.db import Database
from kernel.settings import Settings
from tests.journeys.serving import serving
from tests.sharing.taxii.world import World, make_world

COUNT = 23


@dataclass
class Served:
    """A world whose server answers at `base`, with COUNT indicators of XAA in `reports`."""

    world: World
    base: str
    objects: list[dict[str, Any]]

    @property
    def root(self) -> str:
        return f"{self.base}/taxii2/harbour/"

    def address(self, name: str = "reports") -> str:
        return f"{self.root}collections/{self.world.collections[name]}/"

    def collection(self, who: str, name: str = "reports") -> Collection:
        user, password = self.world.secrets[who]
        return Collection(self.address(name), user=user, password=password)


@pytest.fixture(scope="module")
def served(shared_settings: Settings) -> Iterator[Served]:
    """One server for all clients: what they write, they write to `second`."""
    database = Database.open(shared_settings)
    world = make_world(database, shared_settings)
    objects = world.indicators(COUNT, description="one of many", pattern_version="2.1")
    world.contribute(*objects)
    with serving(shared_settings, b"s" * 32) as base:
        yield Served(world, base, objects)
    database.close()


def test_taxii2_client_discovers_pages_writes_and_deletes(served: Served) -> None:
    user, password = served.world.secrets["xbb"]
    with Server(f"{served.base}/taxii2/", user=user, password=password) as server:
        assert [root.url for root in server.api_roots] == [served.root]
        root = server.default
        assert root.versions == ["application/taxii+json;version=2.1"]
        titles = [one.title for one in root.collections]
        assert titles == ["Reports", "Second", "Drop"]
    pages = list(as_pages(served.collection("xbb").get_objects, per_request=5))
    assert [len(page["objects"]) for page in pages] == [5, 5, 5, 5, 3]
    assert [one for page in pages for one in page["objects"]] == served.objects
    records = list(as_pages(served.collection("xbb").get_manifest, per_request=7))
    listed = [one["id"] for page in records for one in page["objects"]]
    assert listed == [one["id"] for one in served.objects]
    assert list(as_pages(served.collection("xbb").get_objects, type="malware")) == [{}]
    _writes_and_deletes(served)


def _writes_and_deletes(served: Served) -> None:
    collection = served.collection("xaa", "second")
    first = served.world.indicator()
    newer = first | {"modified": "2026-02-02T00:00:00.000Z"}
    status = collection.add_objects({"objects": [first, newer]}, wait_for_completion=True)
    assert (status.status, status.success_count, status.failure_count) == ("complete", 2, 0)
    user, password = served.world.secrets["xaa"]
    again = ApiRoot(served.root, user=user, password=password).get_status(status.id)
    assert again._raw == status._raw
    versions = served.collection("xbb", "second").object_versions(first["id"])
    assert versions["versions"] == [first["modified"], newer["modified"]]
    found = served.collection("xbb", "second").get_object(first["id"], version="first")
    assert found["objects"] == [first]
    collection.delete_object(first["id"], version=newer["modified"])
    assert served.collection("xbb", "second").get_object(first["id"])["objects"] == [first]
    collection.delete_object(first["id"])
    with pytest.raises(HTTPError) as refusal:
        served.collection("xbb", "second").get_object(first["id"])
    assert refusal.value.response.status_code == 404


def test_taxii2_client_is_told_what_it_may_not_do(served: Served) -> None:
    with pytest.raises(AccessError):
        served.collection("mirror").add_objects({"objects": []})
    with pytest.raises(AccessError):
        served.collection("xaa", "drop").get_objects()
    with pytest.raises(HTTPError) as refusal:
        served.collection("xaa", "sealed").get_objects()
    assert refusal.value.response.status_code == 404
    with pytest.raises(HTTPError) as refusal:
        Collection(served.address(), user="nobody", password="x").get_objects()
    assert refusal.value.response.status_code == 401


def test_taxii2_client_polls_on_from_a_stamp_and_gets_what_is_new(served: Served) -> None:
    collection = served.collection("xbb")
    records = collection.get_manifest(limit=100)["objects"]
    after = records[-3]["date_added"]
    found = collection.get_objects(added_after=after)["objects"]
    assert found == served.objects[-2:]
    assert collection.get_objects(added_after=records[-1]["date_added"]) == {}


def test_stix2_reads_a_collection_as_a_source(served: Served) -> None:
    source = TAXIICollectionSource(served.collection("xbb"), items_per_page=10)
    one = served.objects[4]
    assert json.loads(source.get(one["id"]).serialize())["name"] == one["name"]
    found = source.query([Filter("type", "=", "indicator")])
    assert [obj["id"] for obj in found] == [obj["id"] for obj in served.objects]
    assert len(source.all_versions(one["id"])) == 1
    assert source.get(f"indicator--{uuid.uuid4()}") is None
    hidden = TAXIICollectionSource(served.collection("xcc"))
    assert hidden.get(one["id"]) is None
    assert hidden.query([Filter("type", "=", "indicator")]) == []


def test_cytaxii2_goes_from_discovery_to_contribution(served: Served) -> None:
    reader = cytaxii2(f"{served.base}/taxii2/", *served.world.secrets["xbb"])
    name = served.world.collections["reports"]
    assert reader.root_discovery()["response"]["title"] == "Harbour"
    titles = [one["title"] for one in reader.collection_request()["response"]["collections"]]
    assert "Reports" in titles
    assert reader.collection_data_request(name)["response"]["id"] == name
    got, next_ = [], None
    while True:
        page = reader.poll_request(name, limit=10, next=next_)["response"]
        got += page["objects"]
        next_ = page.get("next")
        if not page["more"]:
            break
    assert got == served.objects
    one = reader.poll_request(name, object_id=got[0]["id"])["response"]
    assert one["objects"] == [got[0]]
    writer = cytaxii2(f"{served.base}/taxii2/", *served.world.secrets["xaa"])
    new = served.world.indicator()
    second = served.world.collections["second"]
    sent = writer.inbox_request(second, json.dumps({"objects": [new]}))
    assert (sent["status_code"], sent["response"]["success_count"]) == (202, 1)
    refused = cytaxii2(f"{served.base}/taxii2/", "nobody", "nothing").discovery_request()
    assert (refused["status_code"], refused["response"]["http_status"]) == (401, "401")


def test_cc_taxii2_client_reads_every_page_of_the_envelope_it_knows(served: Served) -> None:
    user, password = served.world.secrets["xbb"]
    client = CCTaxiiClient(user, password)
    client.url = f"{served.base}/taxii2"
    name = served.world.collections["reports"]
    assert client.get_collections("harbour")[0] == name
    # Its own root is the account's name or `api`; ours is the forum's.
    client.account = "harbour"
    pages = client.get_cc_indicators_generator(name, limit=9, private=True, follow_pages=True)
    assert [len(page) for page in pages] == [9, 9, 5]
    some = ",".join(one["id"] for one in served.objects[:2])
    matches = {"id": some, "type": "indicator"}
    found = next(client.get_cc_indicators_generator(name, 5, private=True, matches=matches))
    assert [one.id for one in found] == some.split(",")
