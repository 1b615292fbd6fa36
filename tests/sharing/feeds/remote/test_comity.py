"""Another Comity as the partner, over sockets: what it serves is read as it was served."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

import pytest

from kernel.db import Database
from kernel.outbound.errors import CredentialRefused, StatusRefused
from kernel.outbound.session import Outbound
from kernel.outbound.trust import Credential
from kernel.settings import Settings
from sharing.feeds.remote.checking import STEPS, check
from sharing.feeds.remote.errors import NotAllowed
from sharing.feeds.remote.server import Remote
from tests.journeys.serving import serving
from tests.sharing.taxii.world import World, make_world

THIS = (ip_network("127.0.0.1/32"),)


@dataclass
class Partner:
    world: World
    base: str
    objects: list[dict[str, Any]]

    def outbound(self, who: str) -> Outbound:
        user, password = self.world.secrets[who]
        return Outbound(self.base, allow=THIS, credential=Credential(user, password))


@pytest.fixture(scope="module")
def partner(shared_settings: Settings) -> Iterator[Partner]:
    database = Database.open(shared_settings)
    world = make_world(database, shared_settings)
    objects = world.indicators(7, description="wörk")
    world.contribute(*objects)
    with serving(shared_settings, b"s" * 32) as base:
        yield Partner(world, base, objects)
    database.close()


def test_a_partner_is_found_read_page_by_page_and_polled_on(partner: Partner) -> None:
    with partner.outbound("xbb") as outbound:
        remote = Remote(outbound)
        found = remote.find(partner.base, "Reports")
        assert found.id == partner.world.collections["reports"]
        assert remote.find(f"{partner.base}/taxii2/harbour/", "reports") == found
        assert remote.find(found.url) == found
        place = remote.collection(found)
        read: list[bytes] = []
        page = place.objects_page(limit=3)
        read += page.objects
        while page.more:
            page = place.objects_page(next=page.next, limit=3)
            read += page.objects
        assert [json.loads(raw) for raw in read] == partner.objects
        assert place.objects_page(added_after_us=page.last_us).objects == ()
        manifest = place.manifest_page(limit=100)
        assert [record.id for record in manifest.records] == [one["id"] for one in partner.objects]
        assert manifest.last_us == page.last_us
        whole = place.object(partner.objects[0]["id"], "all")
        assert [json.loads(raw) for raw in whole.objects] == [partner.objects[0]]
        with pytest.raises(StatusRefused) as refusal:
            place.object("indicator--00000000-0000-4000-8000-0000000000ff")
        assert refusal.value.answered == 404


def test_a_partner_is_sent_objects_and_told_to_forget_them(partner: Partner) -> None:
    new = partner.world.indicator()
    with partner.outbound("xaa") as outbound:
        place = Remote(outbound).collection(Remote(outbound).find(partner.base, "Second"))
        status = place.post(json.dumps({"objects": [new, {"type": "indicator"}]}).encode())
        assert (status.is_complete, status.success_count, status.failure_count) == (True, 1, 1)
        assert status.failures[0].message
        assert place.status(status.id) == status
        assert place.delete(new["id"]) is True
        assert place.delete(new["id"]) is False


def test_a_connection_test_says_what_one_may_do_there(partner: Partner) -> None:
    with partner.outbound("xbb") as outbound:
        found = check(outbound, partner.base, "Reports", reads=True, writes=True)
        assert [(step.name, step.is_passed) for step in found] == [(name, True) for name in STEPS]
        unknown = check(outbound, partner.base, "Nothing")
        assert (unknown[-1].name, unknown[-1].is_passed) == ("collection", False)
    with partner.outbound("mirror") as outbound:
        told = check(outbound, partner.base, "Reports", writes=True)
        assert (told[-1].name, told[-1].is_passed) == ("rights", False)
        with pytest.raises(NotAllowed):
            Remote(outbound).collection(Remote(outbound).find(partner.base, "Reports")).post(b"{}")
    wrong = Outbound(partner.base, allow=THIS, credential=Credential("nobody", "x"))
    with wrong:
        assert check(wrong, partner.base)[-1].name == "authenticate"
        with pytest.raises(CredentialRefused):
            Remote(wrong).find(partner.base)
