"""Known failures of others, tried at our doors: one object authorised and another changed, a bulk
action that looks at the role alone, a header that takes a marking away, a body that unpacks to
more than was sent.
"""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from functools import cache
from typing import Any

import pytest
from sqlalchemy import select

from auth.tables import member_identity
from sharing.tables import contribution
from sharing.taxii.media import TAXII
from tests.conftest import POSTGRESQL_AT_LENGTH
from tests.sharing.api.asking import FORUM, RED, issue, read, send
from tests.sharing.taxii.world import World
from tests.sharing.views.looking import look, policy, share

JSON = "application/json"
NOBODYS = "identity--00000000-0000-4000-8000-00000000000b"
"""XBB's own, in the tests below."""


def rows(world: World) -> list[tuple[Any, ...]]:
    """Every contribution: whose it is, what, and whether it stands."""
    columns = (contribution.c.originator_id, contribution.c.stix_id, contribution.c.state)
    with world.database.read() as connection:
        return sorted(tuple(row) for row in connection.execute(select(*columns)))


# A bulk action (OpenCTI): the role is checked, and not each row.


@pytest.mark.parametrize("door", ["taxii", "api"])
def test_a_row_of_a_bulk_action_that_the_caller_has_no_right_to_is_refused_by_itself(
    world: World, door: str
) -> None:
    """XAA may write; it speaks for XBB in one object, carries XBB's marking in another."""
    with world.database.write() as connection:
        connection.execute(
            member_identity.insert().values(member_id=world.member_id("XBB"), stix_id=NOBODYS)
        )
    marking = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": "marking-definition--00000000-0000-4000-8000-00000000000c",
        "created": "2026-01-01T00:00:00.000Z",
        "definition_type": "statement",
        "definition": {"statement": "XBB's own words."},
    }
    theirs = world.indicator(description="XBB's")
    world.contribute(marking, theirs, who="xbb")
    before = rows(world)
    own, spoken, marked, again = world.indicators(4)
    envelope = {
        "objects": [
            own,
            spoken | {"created_by_ref": NOBODYS},
            marked | {"object_marking_refs": [marking["id"]]},
            theirs | {"description": "XAA's"},
            again,
        ]
    }
    if door == "taxii":
        answer = world.post("xaa", world.address(), envelope)
    else:
        answer = send(world, "xaa", "POST", f"{FORUM}/collections/reports/contributions", envelope)
    told = answer.get_json()
    assert (answer.status_code, told["success_count"], told["failure_count"]) == (202, 3, 2)
    assert {each["id"] for each in told["failures"]} == {spoken["id"], marked["id"]}
    # What XBB had contributed stays as it was; of its id XAA has a copy of its own.
    xaa = world.member_id("XAA")
    new = [(xaa, one["id"], "standing") for one in (own, theirs, again)]
    assert rows(world) == sorted([*before, *new])
    assert look(world, "xbb")[theirs["id"]]["description"] == "XBB's"


# Authorise one object and change another (MISP): two ids in one request.


@POSTGRESQL_AT_LENGTH
def test_two_ids_in_one_request_change_the_one_in_the_path_or_nothing(world: World) -> None:
    """XAA has contributed one object and XBB another that XAA sees; each is named beside the other,
    in the query by every name that a door might read it by, twice in the path, and in a body."""
    world.set_policy(policy(share("member:XAA")), code="XBB")
    own, theirs = (one["id"] for one in world.indicators(2))
    world.contribute(world.indicator(id=own))
    world.contribute(world.indicator(id=theirs), who="xbb")
    before = rows(world)
    assert list(delete_with_two(world, theirs, own)) == [403, 404, 422]
    assert rows(world) == before
    # XAA may delete its own, whatever else is said: that one, and nothing else.
    assert list(delete_with_two(world, own, theirs)) == [200, 404, 422]
    assert rows(world) == [
        (who, one, "deleted" if one == own else state) for who, one, state in before
    ]


def delete_with_two(world: World, path: str, beside: str) -> list[int]:
    """What XAA is answered, each status once, when it deletes the one and names the other."""
    body = json.dumps({"id": beside, "stix_id": beside, "objects": [{"id": beside}]}).encode()
    taxii = world.address(rest=f"objects/{path}")
    api = f"{FORUM}/collections/reports/contributions/{path}"
    rests = [f"?{name}={beside}" for name in ("id", "stix_id", "object_id", "match[id]")]
    rests += [f"/{beside}", f"%2F..%2F{beside}", f"%00{beside}", f",{beside}"]
    addresses = [each + rest for each in (api, taxii, f"{taxii}/") for rest in rests]
    told = {world.delete("xaa", address).status_code for address in addresses}
    for address in (f"{taxii}/", api):
        answer = world.delete("xaa", address, data=body, headers={"Content-Type": JSON})
        told.add(answer.status_code)
    return sorted(told)


@POSTGRESQL_AT_LENGTH
def test_an_id_in_the_body_of_a_recall_is_the_one_that_is_looked_up(world: World) -> None:
    """The one in the query, and the second in the body, are refused or not read."""
    world.set_policy(policy(share("member:XAA")), code="XBB")
    own, theirs = world.indicators(2)
    world.contribute(own)
    world.contribute(theirs, who="xbb")
    before = rows(world)
    body = {"id": theirs["id"], "collection": world.collections["reports"], "reason": "Mine."}
    doubled = json.dumps(body).encode().replace(b'{"id"', b'{"id": "%s", "id"' % own["id"].encode())
    for content in (body, body | {"object_id": own["id"]}, doubled):
        for query in ("", f"?id={own['id']}"):
            answer = send(world, "xaa", "POST", f"{FORUM}/recalls{query}", content)
            assert answer.status_code in (400, 403, 404, 422), answer.text
    assert rows(world) == before


# A client's header that takes TLP:RED away (MISP).

STRIPPING = [
    {"X-TLP": "clear"},
    {"X-MISP-Strip-Tags": "tlp:red"},
    {"X-Strip-TLP": "red", "X-Marking": "none"},
    {"X-Accredited-To": "red", "X-Credential-Kind": "individual"},
    {"X-Forwarded-User": "b@xbb.example", "Remote-User": "b@xbb.example"},
    {"X-Original-URL": "/taxii2/harbour/", "X-Rewrite-URL": "/taxii2/harbour/"},
    {"X-HTTP-Method-Override": "POST"},
    {"X-HTTP-Method": "DELETE", "X-Method-Override": "DELETE"},
    {"Prefer": "return=representation; tlp=red", "Cookie": "tlp=red; kind=individual"},
    {"Via": "1.1 inside", "Forwarded": "for=127.0.0.1;by=inside", "X-Forwarded-For": "127.0.0.1"},
    {"From": "b@xbb.example", "X-Comity-Member": "XAA", "X-Comity-As": "XAA"},
    {"If-None-Match": "*", "Range": "items=0-9"},
]
_ASKED = (
    "objects/",
    "objects/?match[version]=all",
    "manifest/",
    "objects/{id}/",
    "objects/{id}/versions/",
)


@POSTGRESQL_AT_LENGTH
def test_no_header_of_a_clients_gets_a_byte_more_than_without_it(world: World) -> None:
    red, plain = world.indicator(object_marking_refs=[RED]), world.indicator()
    world.set_policy(policy(share("member:XBB"), share("partners")))
    world.contribute(red, plain)
    addresses = [world.address(rest=rest.format(id=red["id"])) for rest in _ASKED]
    addresses += [
        f"{FORUM}/received/objects",
        f"{FORUM}/received/objects/{red['id']}/explanation?collection=reports",
        f"{FORUM}/new.atom",
    ]
    before = rows(world)
    for who in ("xbb", "mirror", "xcc"):
        for address in addresses:
            accept = TAXII if address.startswith("/taxii2/") else JSON
            plainly = world.get(who, address, headers={"Accept": accept})
            assert red["id"] not in plainly.text.replace(address, "")
            for headers in STRIPPING:
                answer = world.get(who, address, headers={"Accept": accept} | headers)
                assert answer.status_code == plainly.status_code, (who, address, headers)
                assert answer.data == plainly.data, (who, address, headers)
                assert [*answer.headers] == [*plainly.headers], (who, address, headers)
    assert rows(world) == before
    # The control: who may have it is shown it at these very addresses.
    issue(world, "person", "XBB", "reader")
    assert red["id"] in world.get("person", addresses[0]).text


@POSTGRESQL_AT_LENGTH
def test_no_header_makes_a_marked_object_less_marked_on_its_way_in(world: World) -> None:
    """What the headers say is nothing to the level that is kept."""
    for headers in STRIPPING:
        red = world.indicator(object_marking_refs=[RED])
        answer = world.post("xaa", world.address(), {"objects": [red]}, headers=headers)
        assert answer.status_code == 202, answer.text
    listed = read(world, "xaa", f"{FORUM}/contributions")["items"]
    assert {row["tlp"] for row in listed} == {"red"}
    assert look(world, "xbb") == {}


# A body that unpacks to more than was sent.

UNPACKED_BYTES = 24 << 20
MOST_BYTES = 4 << 20


@cache
def pack(coding: str) -> bytes:
    """A few bytes that unpack to an envelope with much room in it."""
    blank = b'{"objects": [' + b" " * UNPACKED_BYTES + b"]}"
    packed = zlib.compress(blank, 1) if coding == "deflate" else gzip.compress(blank, 1)
    return gzip.compress(packed) if coding == "gzip, gzip" else packed


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "gzip, gzip"])
def test_a_body_that_unpacks_to_much_more_is_refused_as_it_is(
    small_world: World, coding: str
) -> None:
    """By the refusal of a coding, or as the octets that came; unpacked it never is."""
    world = small_world
    doors = {
        world.address(): (TAXII, 415),
        f"{FORUM}/collections/reports/contributions": (JSON, 415),
        f"{FORUM}/recalls": (JSON, 415),
        "/oauth/token": ("application/x-www-form-urlencoded", 400),
    }
    packed = pack(coding)
    for address, (kind, status) in doors.items():
        headers = {"Content-Type": kind, "Content-Encoding": coding}
        tracemalloc.start()
        answer = world.open("xaa", "POST", address, data=packed, headers=headers)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert answer.status_code == status, answer.text
        assert most < MOST_BYTES, address
    assert rows(world) == []
