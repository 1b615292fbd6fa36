"""Objects, manifest, an object by id, its versions: what is served, and under which filters.

TAXII 2.1 §3.2, §3.4, §5.3, §5.4, §5.6, §5.8.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from kernel.clock import format_instant, parse_instant
from tests.sharing.taxii.world import World

V1, V2, V3 = (f"2026-01-0{day}T00:00:00.000Z" for day in (1, 2, 3))
FIRST, LAST = "X-TAXII-Date-Added-First", "X-TAXII-Date-Added-Last"


def names(world: World, query: str = "", who: str = "xbb") -> list[tuple[str, str]]:
    """The (name, version) of each object that a query serves, and of each manifest record."""
    objects = world.get(who, world.address(rest="objects/" + query))
    records = world.get(who, world.address(rest="manifest/" + query))
    assert objects.status_code == records.status_code == 200, objects.text
    served = [(one["name"], one["modified"]) for one in objects.get_json().get("objects", [])]
    ids = [one["id"] for one in objects.get_json().get("objects", [])]
    listed = records.get_json().get("objects", [])
    assert [record["id"] for record in listed] == ids
    assert [record["version"] for record in listed] == [version for _, version in served]
    assert {FIRST, LAST} <= set(records.headers.keys()) or not listed
    assert objects.headers.get(LAST) == records.headers.get(LAST)
    return served


def test_a_member_reads_what_another_shares_byte_for_byte(world: World) -> None:
    raws = [json.dumps(one, indent=1).encode() for one in world.indicators(3, x_own=[1.50, "é"])]
    body = b'{"objects": [' + b" , ".join(raws) + b"\n]}"
    assert world.post("xaa", world.address(), body).status_code == 202
    answer = world.get("xbb", world.address())
    assert answer.data == b'{"more":false,"objects":[' + b",".join(raws) + b"]}"
    assert answer.headers["Content-Type"] == "application/taxii+json;version=2.1"


def test_a_member_that_is_granted_nothing_gets_an_empty_object(world: World) -> None:
    world.contribute(*world.indicators(3))
    for who in ("xcc", "xee", "mirror"):
        for rest in ("objects/", "manifest/"):
            answer = world.get(who, world.address(rest=rest))
            assert (answer.status_code, answer.data) == (200, b"{}")
            assert FIRST not in answer.headers
            assert LAST not in answer.headers


def test_red_reaches_a_person_that_is_named_and_no_feed(world: World) -> None:
    red = world.indicator(
        object_marking_refs=["marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"]
    )
    world.contribute(red)
    assert names(world, who="xbb") == []
    assert names(world, who="xbb-person") == [(red["name"], red["modified"])]
    assert names(world, who="xaa") == [(red["name"], red["modified"])]


def test_a_partner_reads_what_is_green_and_writes_nowhere(world: World) -> None:
    green = world.indicator(
        object_marking_refs=["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"]
    )
    world.contribute(world.indicator(), green)
    assert names(world, who="mirror") == [(green["name"], green["modified"])]
    answer = world.post("mirror", world.address(), {"objects": [world.indicator()]})
    assert answer.status_code == 403


def test_field_note_6_the_headers_are_the_stamps_of_the_page_to_the_microsecond(
    world: World,
) -> None:
    world.contribute(*world.indicators(5))
    for rest in ("objects/?limit=3", "manifest/?limit=3"):
        answer = world.get("xbb", world.address(rest=rest))
        first, last = (parse_instant(answer.headers[name]) for name in (FIRST, LAST))
        assert (first, last) == (world.clock(), world.clock() + 200)
        assert answer.headers[FIRST] == format_instant(first)
    records = world.get("xbb", world.address(rest="manifest/")).get_json()["objects"]
    stamps = [record["date_added"] for record in records]
    assert stamps == sorted(set(stamps))
    assert records[0] == {
        "id": records[0]["id"],
        "date_added": format_instant(world.clock()),
        "version": "2026-01-01T00:00:00.000Z",
        "media_type": "application/stix+json;version=2.1",
    }


@pytest.fixture
def versioned(world: World) -> World:
    """Two indicators and a malware; one indicator has three versions."""
    many, single = world.indicator(name="many"), world.indicator(name="single")
    malware = {
        "type": "malware",
        "spec_version": "2.1",
        "id": "malware--00000000-0000-4000-8000-00000000aaaa",
        "created": V1,
        "modified": V2,
        "name": "worm",
        "is_family": False,
    }
    world.contribute(many | {"modified": V1})
    world.contribute(single | {"modified": V1}, malware)
    world.contribute(many | {"modified": V3})
    world.contribute(many | {"modified": V2})
    world.collections["many"] = many["id"]
    world.collections["single"] = single["id"]
    return world


MANY, SINGLE, WORM = "many", "single", "worm"
LATEST = [(SINGLE, V1), (WORM, V2), (MANY, V3)]
EVERY = [(MANY, V1), (SINGLE, V1), (WORM, V2), (MANY, V3), (MANY, V2)]


FILTERED: list[tuple[str, list[tuple[str, str]]]] = [
    ("", LATEST),
    ("?match[version]=last", LATEST),
    ("?match[version]=all", EVERY),
    ("?match[version]=first", [(MANY, V1), (SINGLE, V1), (WORM, V2)]),
    ("?match[version]=first,last", [*EVERY[:4]]),
    (f"?match[version]={V2}", [(WORM, V2), (MANY, V2)]),
    ("?match[version]=2026-01-02T00:00:00Z", [(WORM, V2), (MANY, V2)]),
    (f"?match[version]={V2},first", [(MANY, V1), (SINGLE, V1), (WORM, V2), (MANY, V2)]),
    (f"?match[version]={V1},{V2}", [(MANY, V1), (SINGLE, V1), (WORM, V2), (MANY, V2)]),
    ("?match[version]=2025-01-01T00:00:00.000Z", []),
    ("?match[type]=malware", [(WORM, V2)]),
    ("?match[type]=indicator", [(SINGLE, V1), (MANY, V3)]),
    ("?match[type]=malware,indicator", LATEST),
    ("?match[type]=malware,indicator&match[version]=all", EVERY),
    ("?match[type]=campaign", []),
    ("?match[type]=x-nobody-knows,malware", [(WORM, V2)]),
    ("?match[spec_version]=2.1", LATEST),
    ("?match[spec_version]=2.0,2.1", LATEST),
    ("?match[spec_version]=2.0", []),
    ("?match[id]=MANY", [(MANY, V3)]),
    ("?match[id]=MANY&match[version]=all", [(MANY, V1), (MANY, V3), (MANY, V2)]),
    ("?match[id]=MANY,SINGLE", [(SINGLE, V1), (MANY, V3)]),
    ("?match[id]=MANY,SINGLE&match[type]=malware", []),
    ("?match[id]=MANY&match[type]=indicator,malware", [(MANY, V3)]),
    ("?match[id]=nothing", []),
    ("?match%5Btype%5D=malware", [(WORM, V2)]),
    ("?unknown=1&match[colour]=red", LATEST),
]


def test_a_reader_gets_what_its_filters_ask_for(versioned: World) -> None:
    for query, served in FILTERED:
        asked = query.replace("MANY", versioned.collections["many"])
        asked = asked.replace("SINGLE", versioned.collections["single"])
        assert names(versioned, asked) == served, query


def test_added_after_is_exclusive_and_exact(versioned: World) -> None:
    records = versioned.get("xbb", versioned.address(rest="manifest/")).get_json()["objects"]
    second = records[1]["date_added"]
    assert names(versioned, f"?added_after={second}") == LATEST[2:]
    just_before = format_instant(parse_instant(second) - 1)
    assert names(versioned, f"?added_after={just_before}") == LATEST[1:]
    assert names(versioned, f"?added_after={records[-1]['date_added']}") == []
    assert names(versioned, "?added_after=0001-01-01T00:00:00Z") == LATEST
    assert names(versioned, "?added_after=9999-12-31T23:59:59.999999999Z") == []


def test_field_note_5_an_offset_may_come_with_a_bare_plus(versioned: World) -> None:
    records = versioned.get("xbb", versioned.address(rest="manifest/")).get_json()["objects"]
    east = format_instant(parse_instant(records[0]["date_added"]) + 3600_000_000)
    for text in (east.replace("Z", "+01:00"), quote(east.replace("Z", "+01:00"))):
        assert names(versioned, f"?added_after={text}") == LATEST[1:]


def by_id(world: World, name: str, rest: str = "", who: str = "xbb") -> Any:
    return world.get(who, world.address(rest=f"objects/{world.collections[name]}/{rest}"))


OF_MANY = [
    ("", [V3]),
    ("?match[version]=first", [V1]),
    ("?match[version]=all", [V1, V3, V2]),
    (f"?match[version]={V2},last", [V3, V2]),
    ("?match[spec_version]=2.1", [V3]),
    ("?match[id]=another&match[type]=malware", [V3]),
]


def test_an_object_is_found_by_its_id(versioned: World) -> None:
    for query, versions in OF_MANY:
        answer = by_id(versioned, "many", query)
        assert [one["modified"] for one in answer.get_json()["objects"]] == versions, query
        assert {FIRST, LAST} <= set(answer.headers.keys())


def test_versions_are_those_of_the_view_in_order_of_coming(versioned: World) -> None:
    answer = by_id(versioned, "many", "versions/")
    assert answer.get_json() == {"more": False, "versions": [V1, V3, V2]}
    assert {FIRST, LAST} <= set(answer.headers.keys())
    after = answer.headers[FIRST]
    answer = by_id(versioned, "many", f"versions/?added_after={after}")
    assert answer.get_json()["versions"] == [V3, V2]


def test_a_known_object_of_which_nothing_is_left_is_an_empty_object(versioned: World) -> None:
    for rest in ("", "versions/"):
        for query in ("?match[spec_version]=2.0", "?added_after=2999-01-01T00:00:00Z"):
            answer = by_id(versioned, "many", rest + query)
            assert (answer.status_code, answer.data) == (200, b"{}")
            assert LAST not in answer.headers


def test_an_unknown_object_or_version_is_not_found(versioned: World) -> None:
    versioned.collections["none"] = "indicator--00000000-0000-4000-8000-0000000fffff"
    versioned.collections["nul"] = "a%00b"
    answers = [
        by_id(versioned, name, rest) for name in ("none", "nul") for rest in ("", "versions")
    ]
    answers.append(by_id(versioned, "many", "?match[version]=2025-01-01T00:00:00Z"))
    answers.append(by_id(versioned, "many", who="xcc"))
    assert {answer.status_code for answer in answers} == {404}
    assert {answer.get_json()["error_code"] for answer in answers} == {"sharing.unknown-object"}


SPELT = [
    ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000Z"),
    ("2026-01-01T00:00:00.120000Z", "2026-01-01T00:00:00.120Z"),
    ("2026-01-01T00:00:00.123456Z", "2026-01-01T00:00:00.123456Z"),
]


def test_field_note_14_a_version_is_written_one_way_and_found_however_spelt(world: World) -> None:
    for modified, version in SPELT:
        one = world.indicator(modified=modified)
        world.contribute(one)
        world.collections["one"] = one["id"]
        assert by_id(world, "one", "versions").get_json()["versions"] == [version]
        for text in (version, modified):
            answer = by_id(world, "one", f"?match[version]={text}")
            assert answer.get_json()["objects"] == [one]


def test_an_object_without_times_has_the_version_of_the_epoch(world: World) -> None:
    domain = {
        "type": "domain-name",
        "spec_version": "2.1",
        "id": "domain-name--3c10e93f-798e-5a26-a0c1-08156efab7f5",
        "value": "example.com",
    }
    world.contribute(domain)
    record = world.get("xbb", world.address(rest="manifest/")).get_json()["objects"][0]
    assert record["version"] == "1970-01-01T00:00:00.000Z"
    answer = world.get("xbb", world.address(rest="?".join(
        (f"objects/{domain['id']}/", "match[version]=1970-01-01T00:00:00Z")
    )))  # fmt: skip
    assert answer.get_json()["objects"] == [domain]


MALFORMED = [
    "limit=0",
    "limit=-1",
    "limit=ten",
    "limit=",
    "limit=1&limit=1",
    "added_after=yesterday",
    "added_after=",
    "next=",
    "next=1",
    "match[spec_version]=x",
]
MALFORMED_FOR_MANY = ["match[type]=", "match[id]=a,,b", "match[id]=a%00b"]


def test_field_note_4_a_malformed_parameter_is_400_on_every_page(small_world: World) -> None:
    pages = ("objects/", "manifest/", "objects/indicator--x/", "objects/indicator--x/versions/")
    cases = [(page, query) for page in pages for query in MALFORMED]
    cases += [(page, query) for page in pages[:2] for query in MALFORMED_FOR_MANY]
    cases += [(page, "match[version]=all,last") for page in pages[:3]]
    for page, query in cases:
        answer = small_world.get("xbb", small_world.address(rest=f"{page}?{query}"))
        assert answer.status_code == 400, (page, query, answer.text)
        assert answer.get_json()["http_status"] == "400"
        assert answer.headers["Content-Type"] == "application/taxii+json;version=2.1"
