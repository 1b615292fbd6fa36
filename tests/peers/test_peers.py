"""medallion and OpenTAXII as partners, over sockets: found, read, written, and their own ways."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from kernel.clock import now_us
from kernel.outbound.budgets import Limits
from kernel.outbound.errors import CredentialRefused, StatusRefused
from kernel.outbound.session import Outbound
from kernel.outbound.trust import Credential
from sharing.feeds.remote.checking import STEPS, check
from sharing.feeds.remote.place import Place
from sharing.feeds.remote.server import Remote
from tests.peers.servers import PeerServer, opentaxii

THIS = (ip_network("127.0.0.1/32"),)
COUNT = 7


def indicator(**members: Any) -> dict[str, Any]:
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--{uuid.uuid4()}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "name": "wörk",
        "pattern": "[domain-name:value = 'host.example']",
        "pattern_type": "stix",
        "valid_from": "2026-01-01T00:00:00Z",
    } | members


@pytest.fixture(params=["medallion_server", "opentaxii_server"])
def peer(request: pytest.FixtureRequest) -> PeerServer:
    found: PeerServer = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def outbound(peer: PeerServer) -> Iterator[Outbound]:
    limits = Limits(tries=1)
    with Outbound(peer.url, allow=THIS, credential=peer.credential, limits=limits) as made:
        yield made


@pytest.fixture
def place(peer: PeerServer, outbound: Outbound) -> Place:
    """Its collection, with whatever the tests before left there."""
    return Remote(outbound).collection(Remote(outbound).find(peer.url, peer.title))


def ids(objects: list[dict[str, Any]]) -> list[str]:
    return [one["id"] for one in objects]


def test_a_peer_is_found_and_passes_every_step_of_a_test(
    peer: PeerServer, outbound: Outbound
) -> None:
    remote = Remote(outbound)
    found = remote.find(peer.url, peer.title)
    assert (found.id, found.root_url, found.url) == (
        *(peer.collection, peer.root_url, peer.collection_url),
    )
    assert remote.find(peer.collection_url) == remote.find(peer.root_url, peer.collection) == found
    assert remote.api_root(peer.root_url).max_content_length == 10 * 1024 * 1024
    steps = check(outbound, peer.url, peer.title, reads=True, writes=True)
    assert [(step.name, step.is_passed) for step in steps] == [(name, True) for name in STEPS]
    wrong = Outbound(peer.url, allow=THIS, credential=Credential("feed", "wrong"))
    with wrong, pytest.raises(CredentialRefused):
        Remote(wrong).find(peer.url)


def test_what_is_there_is_read_page_by_page_with_the_same_filters_beside_next(
    peer: PeerServer, place: Place
) -> None:
    begun_us = now_us()
    objects = [indicator() for _ in range(COUNT)]
    for one in objects:
        peer.add(one)
    read: list[dict[str, Any]] = []
    # medallion answers 500 to `next` without `limit`, and 400 to `next` without its filters.
    asked: dict[str, Any] = {"added_after_us": begun_us, "limit": 3}
    page = place.objects_page(**asked)
    while True:
        read += map(json.loads, page.objects)
        assert page.first_us is not None
        assert page.last_us is not None
        assert page.first_us <= page.last_us
        if not page.more:
            break
        page = place.objects_page(next=page.next, **asked)
    assert read == objects
    later = place.objects_page(added_after_us=page.last_us, limit=3)
    assert (later.objects, later.more, later.last_us) == ((), False, None)
    newer = indicator()
    peer.add(newer)
    later = place.objects_page(added_after_us=page.last_us, limit=3)
    assert [json.loads(raw) for raw in later.objects] == [newer]
    manifest = place.manifest_page(added_after_us=begun_us, limit=100)
    assert [record.id for record in manifest.records] == ids([*objects, newer])
    assert manifest.records[-1].date_added_us == later.last_us


def test_every_version_is_there_for_who_asks_for_it(peer: PeerServer, place: Place) -> None:
    first = indicator()
    second = first | {"modified": "2026-02-02T00:00:00.000Z", "name": "newer"}
    begun_us = now_us()
    peer.add(first)
    peer.add(second)
    last = place.objects_page(added_after_us=begun_us)
    assert [json.loads(raw) for raw in last.objects] == [second]
    every = place.objects_page(added_after_us=begun_us, version="all")
    assert [json.loads(raw) for raw in every.objects] == [first, second]
    one = place.object(first["id"], first["modified"])
    assert [json.loads(raw) for raw in one.objects] == [first]


def test_what_is_sent_is_there_and_can_be_withdrawn(peer: PeerServer, place: Place) -> None:
    objects = [indicator() for _ in range(3)]
    status = place.post(json.dumps({"objects": objects}).encode())
    assert (status.is_complete, status.success_count, status.failure_count) == (True, 3, 0)
    assert place.status(status.id).is_complete
    assert ids(peer.objects())[-3:] == ids(objects)
    assert place.delete(objects[0]["id"]) is True
    # OpenTAXII answers that it has removed what it keeps.
    left = objects[1:] if peer.name == "medallion" else objects
    assert ids(peer.objects())[-len(left) :] == ids(left)


def test_what_is_sent_twice_is_there_once(peer: PeerServer, place: Place) -> None:
    one = indicator()
    envelope = json.dumps({"objects": [one]}).encode()
    place.post(envelope)
    again = place.post(envelope)
    # medallion calls a failure what is there already; TAXII 2.1 does not say what it is.
    assert again.failure_count == (1 if peer.name == "medallion" else 0)
    assert ids(peer.objects()).count(one["id"]) == 1


def test_medallion_says_what_is_not_there(medallion_server: PeerServer) -> None:
    peer, unknown = medallion_server, f"indicator--{uuid.uuid4()}"
    with Outbound(peer.url, allow=THIS, credential=peer.credential) as outbound:
        place = Remote(outbound).collection(Remote(outbound).find(peer.url))
        assert place.delete(unknown) is False
        with pytest.raises(StatusRefused) as refusal:
            place.object(unknown)
    assert refusal.value.answered == 404


def test_opentaxii_forgets_the_next_of_a_manifest(
    opentaxii_server: PeerServer,
) -> None:
    peer = opentaxii_server
    for _ in range(2):
        peer.add(indicator())
    with Outbound(peer.url, allow=THIS, credential=peer.credential) as outbound:
        remote = Remote(outbound)
        page = remote.collection(remote.find(peer.url, peer.title)).manifest_page(limit=1)
    assert (page.more, page.next, len(page.records)) == (True, None, 1)


def test_opentaxii_as_released_serves_a_type_as_the_version_of_stix(tmp_path: Path) -> None:
    with opentaxii(tmp_path / "released", as_released=True) as peer:
        peer.add(indicator())
        with Outbound(peer.url, allow=THIS, credential=peer.credential) as outbound:
            remote = Remote(outbound)
            page = remote.collection(remote.find(peer.url, peer.title)).objects_page()
    assert json.loads(page.objects[0])["spec_version"] == "indicator"
