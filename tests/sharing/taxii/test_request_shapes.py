"""What clients that cannot be installed here send, replayed from their public code.

The table at the end of the field notes: OpenCTI, MISP, Elastic's agent, MineMeld, Microsoft
Sentinel, EclecticIQ. Each test sends the requests in order, as that client would.
"""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any

from kernel.clock import parse_instant
from tests.sharing.taxii.world import World

TAXII = "application/taxii+json;version=2.1"
LAST = "X-TAXII-Date-Added-Last"


def get(world: World, address: str, query: dict[str, Any], **headers: str) -> Any:
    """One GET with exactly these headers."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = world.app.test_client().get(address, query_string=query, headers=sent)
    assert answer.status_code == 200, answer.text
    return answer


def test_opencti_ingester_takes_one_page_a_tick_and_ends_with_everything(world: World) -> None:
    """`next` as stored, perhaps hours ago, beside `added_after` in milliseconds; when a page
    has no more, `added_after` becomes its last stamp through a JavaScript date."""
    address, state, got = world.address(), {"added_after": "2020-01-01T00:00:00.000Z"}, []
    objects = world.indicators(250)
    for slice_ in range(0, 250, 50):
        world.contribute(*objects[slice_ : slice_ + 50])
    for _ in range(40):
        world.clock.now_us += 3600 * 1_000_000
        answer = get(world, address, state, Accept=TAXII, Authorization=world.authorization("xbb"))
        page = answer.get_json()
        # An empty page would leave its state as it is, for ever if it said `more`.
        assert page["objects"]
        got += [one["id"] for one in page["objects"]]
        if page["more"] and page["next"]:
            state["next"] = page["next"]
            continue
        again = {"added_after": answer.headers[LAST][:-4] + "Z"}
        if state == again:
            break
        state = again
    assert set(got) == {one["id"] for one in objects}
    assert len(got) <= 250 + 3 * 10


def test_opencti_taxii_post_sends_each_object_as_a_bundle(world: World) -> None:
    one = world.indicator(
        extensions={
            "extension-definition--ea279b3e-5c71-4632-ac08-831c66a786ba": {
                "extension_type": "property-extension",
                "score": 50,
            }
        }
    )
    bundle = {
        "type": "bundle",
        "spec_version": "2.1",
        "id": f"bundle--{uuid.uuid4()}",
        "objects": [one],
    }
    answer = world.post(
        "xaa",
        world.address(),
        bundle,
        headers={
            "Content-Type": "application/stix+json; version=2.1",
            "Accept": "application/taxii+json; version=2.1",
        },
    )
    assert answer.status_code == 202
    assert answer.get_json()["failure_count"] == 0, answer.text
    assert world.get("xbb", world.address()).get_json()["objects"] == [one]


def test_opencti_connector_finds_the_root_by_its_segment_and_the_collection_by_title(
    world: World,
) -> None:
    roots = world.get("xbb", "/taxii2/").get_json()["api_roots"]
    by_segment = {root.rstrip("/").rsplit("/", 1)[-1]: root for root in roots}
    path = by_segment["harbour"].removeprefix("http://localhost")
    listed = world.get("xbb", path + "collections/").get_json()["collections"]
    titles = [one["title"] for one in listed]
    assert len(set(titles)) == len(titles)
    assert listed[titles.index("Reports")]["id"] == world.collections["reports"]


def test_misp_browses_by_fifty_with_its_scheme_in_lower_case(world: World) -> None:
    world.contribute(*world.indicators(120))
    key = base64.b64encode(":".join(world.secrets["xbb"]).encode()).decode()
    headers = {"Accept": TAXII, "Content_type": TAXII, "Authorization": f"basic {key}"}
    listed = get(world, "/taxii2/harbour/collections/", {}, **headers).get_json()["collections"]
    assert listed[0]["id"]
    sizes, query = [], {"limit": 50}
    while True:
        page = get(world, world.address(), query, **headers).get_json()
        sizes.append(len(page["objects"]))
        if not page.get("next"):
            break
        query = {"limit": 50, "next": page["next"]}
    assert sizes == [50, 50, 20]
    one = page["objects"][0]["id"]
    found = get(world, world.address(rest=f"objects/{one}/"), {}, **headers)
    assert found.get_json()["objects"][0]["id"] == one


def test_misp_pushes_in_slices_of_what_the_root_takes(world: World) -> None:
    """Envelopes with objects of MISP's own types, and observables without `modified`."""
    world.with_settings(max_content_length=4000)
    most = world.get("xaa", "/taxii2/harbour/").get_json()["max_content_length"]
    objects: list[dict[str, Any]] = world.indicators(6)
    for number in range(6):
        objects += [
            {
                "type": "x-misp-object",
                "spec_version": "2.1",
                "id": f"x-misp-object--{uuid.UUID(int=number, version=4)}",
                "created": "2026-01-01T00:00:00.000Z",
                "modified": "2026-01-01T00:00:00.000Z",
                "labels": ['misp:name="own"'],
                "x_misp_name": "own",
                "x_misp_attributes": [{"type": "text", "value": str(number)}],
            },
            {
                "type": "ipv4-addr",
                "spec_version": "2.1",
                "id": f"ipv4-addr--{uuid.UUID(int=number, version=4)}",
                "value": f"198.51.100.{number}",
            },
        ]
    slice_: list[dict[str, Any]] = []
    for one in [*objects, None]:
        if one is None or len(json.dumps({"objects": [*slice_, one]})) > most:
            answer = world.post("xaa", world.address(), {"objects": slice_})
            assert answer.status_code == 202
            assert answer.get_json()["failure_count"] == 0, answer.text
            slice_ = []
        if one is not None:
            slice_.append(one)
    assert world.get("xbb", world.address()).get_json()["objects"] == objects


def test_elastic_agent_goes_on_with_next_alone_and_keeps_the_header(world: World) -> None:
    """CEL builds each address itself: the first with `added_after`, the rest without."""
    headers = {"Accept": TAXII, "Authorization": world.authorization("xbb")}
    cursor, got, wanted = "2026-09-01T00:00:00Z", [], []
    for size in (25, 7):
        new = world.indicators(size)
        wanted += [one["id"] for one in new]
        world.contribute(*new)
        query: dict[str, Any] = {"added_after": cursor, "limit": "10"}
        while True:
            answer = get(world, world.address(), query, **headers)
            page = answer.get_json()
            got += [one["id"] for one in page["objects"]]
            cursor = answer.headers[LAST]
            if not page.get("next"):
                break
            query = {"next": page["next"], "limit": "10"}
    assert got == wanted


def test_minemeld_sends_modified_as_added_after_and_is_answered(world: World) -> None:
    world.contribute(*world.indicators(3))
    headers = {"Accept": TAXII, "Authorization": world.authorization("xbb")}
    page = get(world, world.address(), {}, **headers).get_json()
    modified = page["objects"][-1]["modified"]
    again = get(world, world.address(), {"added_after": modified}, **headers).get_json()
    assert parse_instant(modified) < world.clock()
    assert len(again["objects"]) == 3


def test_sentinel_names_a_collection_by_its_uuid_and_follows_next(world: World) -> None:
    collection = world.collections["reports"]
    assert uuid.UUID(collection).version == 4
    objects = world.indicators(130)
    world.contribute(*objects)
    headers = {"Accept": TAXII, "Authorization": world.authorization("xbb")}
    address = f"/taxii2/harbour/collections/{collection}/objects"
    query: dict[str, Any] = {"added_after": "2026-01-01T00:00:00.0000000Z"}
    got: list[str] = []
    while True:
        page = get(world, address, query, **headers).get_json()
        got += [one["id"] for one in page["objects"]]
        if not page["more"]:
            break
        query["next"] = page["next"]
    assert got == [one["id"] for one in objects]


def test_eclecticiq_takes_a_hundred_a_page_and_reads_strictly(world: World) -> None:
    world.contribute(*world.indicators(150))
    headers = {"Accept": TAXII, "Authorization": world.authorization("xbb")}
    answer = get(world, world.address(), {"limit": 100, "match[version]": "all"}, **headers)
    assert answer.headers["Content-Type"] == TAXII
    page = answer.get_json()
    assert page.keys() == {"more", "next", "objects"}
    assert len(page["objects"]) == 100
    query = {"limit": 100, "match[version]": "all", "next": page["next"]}
    rest = get(world, world.address(), query, **headers).get_json()
    assert rest.keys() == {"more", "objects"}
    assert len(rest["objects"]) == 50
