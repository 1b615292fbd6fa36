"""A client asks what applies to it in a collection; one that does not ask never notices."""

from __future__ import annotations

from typing import Any

import pytest

from sharing.rules.tlp import WELL_KNOWN, Tlp
from sharing.taxii.media import TAXII
from tests.sharing.api.asking import FORUM, read, same_refusal
from tests.sharing.taxii.test_hidden_is_absent import raw
from tests.sharing.taxii.world import TLP_GREEN, World
from tests.sharing.views.looking import policy, share

PLACE = "x-comity-markings/"
TERMS = {"attribution": "must-not", "encrypt_in_transit": "must"}


def ask(world: World, who: str, at: str = "reports") -> Any:
    answer = world.get(who, world.address(at, PLACE))
    assert answer.status_code == 200, answer.text
    assert answer.content_type == TAXII
    return answer.get_json()


def levels(told: Any) -> list[str]:
    return [one["level"] for one in told["tlp"] if one["may_reach_you"]]


@pytest.mark.parametrize(
    ("who", "most", "credential"),
    [
        ("xbb", 4, "amber+strict"),
        ("xbb-person", 5, "red"),
        ("mirror", 2, "green"),
    ],
)
def test_a_caller_is_told_which_levels_may_reach_it(
    world: World, who: str, most: int, credential: str
) -> None:
    told = ask(world, who)
    assert levels(told) == [level.text for level in Tlp][:most]
    assert told["tlp_ceilings"]["credential"] == credential
    assert told["unmarked_as"] == "amber+strict"
    assert told["can_read"] is True
    assert told["properties"]["may_be_omitted"] is True
    assert "object_marking_refs" in told["properties"]["never_omitted"]
    listed = {marking: one["level"] for one in told["tlp"] for marking in one["marking_ids"]}
    assert listed == {marking: level.text for marking, level in WELL_KNOWN.items()}
    assert told["enforced"]
    assert told["recorded"]


def test_one_that_may_not_read_by_taxii_at_all_is_not_told_by_it(world: World) -> None:
    for who in ("xbb-officer", "xaa-api"):
        answer = world.get(who, world.address("reports", PLACE))
        assert raw(answer) == raw(world.get(who, world.address("reports", "")))
        assert answer.status_code == 403


def test_both_doors_say_the_same(world: World) -> None:
    for who in ("xaa", "xbb-person", "mirror"):
        over_api = read(world, who, f"{FORUM}/collections/reports/markings")
        assert over_api == ask(world, who)


def test_one_that_only_writes_is_told_that_nothing_reaches_it(world: World) -> None:
    told = ask(world, "xaa", "drop")
    assert (told["can_read"], levels(told), told["terms"]) == (False, [], {})
    assert ask(world, "xee", "drop")["can_read"] is True


def test_a_recipient_is_told_the_terms_that_come_with_what_it_sees(world: World) -> None:
    world.set_policy(
        policy(
            share("member:XBB", terms=TERMS, when={"labels": ["open"]}),
            share("member:XBB", terms={"attribution": "may"}, when={"labels": ["other"]}),
        )
    )
    assert ask(world, "xbb")["terms"] == {}
    world.contribute(world.indicator(labels=["open"]))
    assert ask(world, "xbb")["terms"] == {name: [value] for name, value in TERMS.items()}
    assert ask(world, "xbb", "second")["terms"] == {}
    assert ask(world, "xcc")["terms"] == {} == ask(world, "xaa")["terms"]
    world.contribute(world.indicator(labels=["other"]))
    assert ask(world, "xbb")["terms"]["attribution"] == ["may", "must-not"]


def test_nothing_told_depends_on_what_is_hidden(world: World) -> None:
    addresses = [world.address("reports", PLACE), f"{FORUM}/collections/reports/markings"]
    before = [raw(world.get("xcc", one)) for one in addresses]
    world.set_policy(policy(share("member:XBB", terms=TERMS)))
    world.contribute(*world.indicators(3, object_marking_refs=[TLP_GREEN]))
    world.set_policy(policy(share("member:XCC", terms=TERMS, when={"types": ["malware"]})))
    assert [raw(world.get("xcc", one)) for one in addresses] == before


def test_a_collection_without_a_business_is_an_unknown_one(world: World) -> None:
    never = "00000000-0000-4000-8000-000000000000"
    for name in (world.collections["sealed"], "sealed", world.collections["elsewhere"]):
        over_taxii = [
            raw(world.get("xaa", f"/taxii2/harbour/collections/{one}/{PLACE}"))
            for one in (name, never)
        ]
        assert over_taxii[0] == over_taxii[1]
        assert over_taxii[0][0] == "404 NOT FOUND"
        over_api = [
            world.get("xaa", f"{FORUM}/collections/{one}/markings") for one in (name, never)
        ]
        assert same_refusal(*over_api) == (404, "sharing.unknown-collection")


def test_no_standard_resource_names_the_extension(world: World) -> None:
    world.contribute(world.indicator())
    for rest in ("", "objects/", "manifest/"):
        assert b"x-comity" not in world.get("xbb", world.address("reports", rest)).data
    for address in ("/taxii2/", "/taxii2/harbour/", "/taxii2/harbour/collections/"):
        answer = world.get("xbb", address)
        assert b"x-comity" not in answer.data
        assert "x-comity" not in str(answer.headers)
    for method in ("POST", "PUT", "DELETE"):
        assert (
            world.open(method=method, who="xbb", address=world.address(rest=PLACE)).status_code
            == 405
        )
