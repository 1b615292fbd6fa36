"""Who finds by a provision the objects that cite it: each what its own views hold of them."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from kernel.errors import Unavailable
from sharing.api import citations as door
from sharing.tables import mention
from tests.sharing.api.asking import FORUM, exported, items, read, status_of, walk
from tests.sharing.taxii.world import World
from tests.sharing.views.looking import policy, share

CITATIONS = f"{FORUM}/citations"
PROVISION = "un-a-70-174:13(k)"


def citing(*provisions: str) -> list[dict[str, str]]:
    return [{"source_name": "comity-register", "external_id": each} for each in provisions]


def cited(world: World, who: str, **query: Any) -> list[tuple[str, str]]:
    return [(row["id"], row["provision"]) for row in items(world, who, CITATIONS, **query)]


def test_a_member_finds_what_cites_a_provision_in_its_views_of_all_collections(
    world: World,
) -> None:
    one, two, three = (
        world.indicator(external_references=citing(*provisions))
        for provisions in ((PROVISION, "qd:1"), ("qd:1",), (PROVISION,))
    )
    world.contribute(one, two, world.indicator())
    world.contribute(three, to="second")
    rows = items(world, "xbb", CITATIONS, provision=PROVISION)
    assert [row["id"] for row in rows] == [one["id"], three["id"]]
    assert rows[1] == {
        "provision": PROVISION,
        "collection": world.collections["second"],
        "id": three["id"],
        "type": "indicator",
        "version": "2026-01-01T00:00:00.000Z",
        "date_added": rows[1]["date_added"],
    }
    everything = [
        (one["id"], "qd:1"),
        (one["id"], PROVISION),
        (two["id"], "qd:1"),
        (three["id"], PROVISION),
    ]
    assert cited(world, "xbb") == everything
    for limit in (1, 2, 3):
        found = walk(world, "xbb", CITATIONS, limit=limit)
        assert [(row["id"], row["provision"]) for row in found] == everything
    assert cited(world, "xbb", collection=world.collections["second"]) == everything[3:]
    assert cited(world, "xbb", id=two["id"]) == everything[2:3]
    assert cited(world, "xbb", type="malware") == cited(world, "xbb", provision="no:such") == []
    assert cited(world, "xbb", added_after=rows[0]["date_added"]) == everything[2:]
    lines = exported(world.get("xbb", f"{CITATIONS}?format=csv&provision=qd:1"))
    assert [line["id"] for line in lines] == [one["id"], two["id"]]
    assert status_of(world, "xbb", "GET", f"{CITATIONS}?cites=qd:1") == 422


def test_for_whom_the_reference_is_left_out_the_object_does_not_cite(world: World) -> None:
    world.set_policy(
        policy(
            share("member:XBB"),
            share("member:XCC", omit=["external_references"]),
        )
    )
    one = world.indicator(external_references=citing(PROVISION))
    world.contribute(one)
    assert one["id"] in world.get("xcc", world.address()).text
    assert cited(world, "xbb") == cited(world, "xaa") == [(one["id"], PROVISION)]
    assert read(world, "xcc", CITATIONS) == {"items": []}
    world.set_policy(policy(share("member:XBB"), share("member:XCC")))
    assert cited(world, "xcc") == [(one["id"], PROVISION)]


def test_what_is_hidden_is_absent_from_what_cites(world: World) -> None:
    before = world.get("xcc", f"{CITATIONS}?provision={PROVISION}").data
    world.contribute(*world.indicators(3, external_references=citing(PROVISION)))
    assert len(cited(world, "xbb")) == 3
    assert world.get("xcc", f"{CITATIONS}?provision={PROVISION}").data == before
    assert status_of(world, "xdd", "GET", CITATIONS) == 404


def test_the_last_version_says_what_an_object_cites(world: World) -> None:
    one = world.indicator(external_references=citing(PROVISION))
    world.contribute(one)
    newer = one | {"modified": "2026-01-02T00:00:00.000Z", "external_references": citing("qd:1")}
    world.contribute(newer)
    assert cited(world, "xbb") == [(one["id"], "qd:1")]
    assert world.delete("xaa", world.address(rest=f"objects/{one['id']}/")).status_code == 200
    assert cited(world, "xbb") == []
    with world.database.read() as connection:
        assert connection.execute(select(mention)).all() == []
    world.contribute(newer)
    assert cited(world, "xbb") == [(one["id"], "qd:1")]


def test_a_page_that_tells_of_objects_is_a_delivery_and_an_empty_one_is_none(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = world.indicator(external_references=citing(PROVISION, "qd:1"))
    world.contribute(one)
    read(world, "xbb", CITATIONS, provision="no:such")
    assert items(world, "xbb", f"{FORUM}/received") == []
    assert status_of(world, "xbb", "HEAD", CITATIONS) == 200
    read(world, "xbb", CITATIONS)
    [row] = items(world, "xbb", f"{FORUM}/received")
    assert (row["through"], row["count"]) == ("api", 1)
    asked = {"collection": world.collections["reports"], "id": one["id"]}
    served = items(world, "xaa", f"{FORUM}/served", **asked)
    assert [entry["recipient"] for entry in served] == ["XBB"]

    def fail(_database: object, _seated: object, served: list[object], **_more: object) -> None:
        if served:
            raise Unavailable("sharing.delivery-not-recorded", "not now")

    monkeypatch.setattr(door, "record_deliveries", fail)
    assert status_of(world, "xbb", "GET", CITATIONS) == 503
    assert read(world, "xcc", CITATIONS) == {"items": []}


def test_nothing_is_refused_for_what_it_cites_and_nothing_else_cites(world: World) -> None:
    odd = ("no-such-instrument:1", "x" * 5000, " ", "", "QD:1")
    world.contribute(*(world.indicator(external_references=citing(each)) for each in odd))
    world.contribute(world.indicator(name="comity-register:qd:2"))
    assert [provision for _, provision in cited(world, "xbb")] == ["no-such-instrument:1", "qd:1"]
    assert len(cited(world, "xbb", provision="qd:1")) == 1
    assert len(cited(world, "xbb", provision="QD:1")) == 1
