"""Adding and deleting objects (TAXII 2.1 §5.5, §5.7; field notes 9, 12 to 15)."""

from __future__ import annotations

import io
import json
from typing import Any

from sharing.taxii.media import TAXII
from tests.sharing.taxii.world import World

V1, V2, V3 = (f"2026-01-0{day}T00:00:00.000Z" for day in (1, 2, 3))


def test_a_contribution_is_answered_with_its_complete_status(world: World) -> None:
    one = world.indicator()
    answer = world.post("xaa", world.address(), {"objects": [one]})
    assert answer.status_code == 202
    assert answer.headers["Content-Type"] == "application/taxii+json;version=2.1"
    document = answer.get_json()
    assert document["status"] == "complete"
    assert (document["total_count"], document["success_count"]) == (1, 1)
    assert document["successes"] == [{"id": one["id"], "version": one["modified"]}]
    assert world.get("xbb", world.address()).get_json()["objects"] == [one]


def test_field_note_12_one_bad_object_never_rejects_or_poisons_the_rest(world: World) -> None:
    good, bad = world.indicators(2), world.indicator(created="2024")
    document = world.post("xaa", world.address(), {"objects": [good[0], bad, good[1]]}).get_json()
    assert (document["success_count"], document["failure_count"]) == (2, 1)
    assert document["failures"][0]["id"] == bad["id"]
    assert document["failures"][0]["message"]
    for rest in ("objects/", "manifest/"):
        answer = world.get("xbb", world.address(rest=rest))
        assert [one["id"] for one in answer.get_json()["objects"]] == [one["id"] for one in good]


def test_field_note_13_a_duplicate_is_a_success_and_other_bytes_are_a_conflict(
    world: World,
) -> None:
    one = world.indicator()
    world.contribute(one)
    before = world.get("xbb", world.address(rest="manifest/")).data
    world.contribute(one)
    reordered = dict(reversed(one.items()))
    world.contribute(reordered)
    document = world.post("xaa", world.address(), {"objects": [one | {"name": "other"}]}).get_json()
    assert document["failure_count"] == 1
    assert document["failures"][0]["id"] == one["id"]
    assert world.get("xbb", world.address(rest="manifest/")).data == before


# As MISP, Sentinel and Elastic write: no `modified`, no fraction, own types and properties.
FOREIGN = (
    (
        b'{"type":"domain-name","spec_version":"2.1",'
        b'"id":"domain-name--3c10e93f-798e-5a26-a0c1-08156efab7f5","value":"example.com",'
        b'"x_misp_id":  7}'
    ),
    (
        b'{"type":"x-misp-event-report","spec_version":"2.1",'
        b'"id":"x-misp-event-report--aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",'
        b'"created":"2026-01-01T00:00:00Z","modified":"2026-01-01T00:00:00Z",'
        b'"name":"\\u00e9","content":"x"}'
    ),
    (
        b'{"type":"indicator","spec_version":"2.1",'
        b'"id":"indicator--26ffb872-1dd9-446e-b6f5-d58527e5b5d2",'
        b'"created":"2026-01-01T00:00:00Z","modified":"2026-01-01T00:00:00Z",'
        b'"pattern_type":"stix","pattern":"[ipv4-addr:value = \'198.51.100.1\']",'
        b'"valid_from":"2026-01-01T00:00:00Z",\n\t"x_own":{"score":1.50,"big":1e2},"confidence":70}'
    ),
)


def test_field_note_14_what_others_write_survives_the_round_trip_byte_for_byte(
    world: World,
) -> None:
    body = b'{"objects":[' + b",".join(FOREIGN) + b"]}"
    answer = world.post("xaa", world.address(), body)
    assert answer.get_json()["failure_count"] == 0, answer.text
    served = world.get("xbb", world.address())
    assert served.data == b'{"more":false,"objects":[' + b",".join(FOREIGN) + b"]}"
    for raw in FOREIGN:
        one = world.get("xbb", world.address(rest=f"objects/{json.loads(raw)['id']}/"))
        assert one.data == b'{"more":false,"objects":[' + raw + b"]}"


UNREADABLE = (
    b"",
    b"{",
    b"null",
    b'"text"',
    b"\xff\xfe",
    b'{"objects": 1}',
    b"[" * 5000,
    b'{"objects":[],"objects":[]}',
)


def test_a_body_that_cannot_be_read_as_a_whole_is_422(small_world: World) -> None:
    for body in UNREADABLE:
        answer = small_world.post("xaa", small_world.address(), body)
        assert answer.status_code == 422, (body[:20], answer.text)
        assert answer.get_json()["http_status"] == "422"
    assert small_world.get("xaa", small_world.address()).data == b"{}"


def test_a_body_as_large_as_promised_is_taken_and_one_byte_more_is_413(
    small_world: World,
) -> None:
    small_world.with_settings(max_content_length=1000)
    body = json.dumps({"objects": [small_world.indicator()]}).encode()
    assert small_world.post("xaa", small_world.address(), body.ljust(1000)).status_code == 202
    answer = small_world.post("xaa", small_world.address(), body.ljust(1001))
    assert answer.status_code == 413
    assert answer.headers["Content-Type"] == "application/taxii+json;version=2.1"


def test_a_body_sent_without_its_length_is_held_to_the_same_promise(small_world: World) -> None:
    """Chunked: what is past the limit is never dropped in silence, leaving a valid body."""
    small_world.with_settings(max_content_length=1000)
    envelope = json.dumps({"objects": [small_world.indicator()]}).encode()
    chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    for padded, status in ((envelope.ljust(1000), 202), (envelope.ljust(1000) + b"tail", 413)):
        answer = small_world.open(
            "xaa",
            "POST",
            small_world.address(),
            input_stream=io.BytesIO(padded),
            headers={"Content-Type": TAXII},
            environ_overrides=chunked,
        )
        assert answer.status_code == status, answer.text
        assert answer.headers["Content-Type"] == TAXII


def test_a_body_within_the_promise_but_with_too_many_values_is_not_413(
    small_world: World,
) -> None:
    body = b'{"objects":[' + b",".join([b"1"] * 200_000) + b"]}"
    assert small_world.post("xaa", small_world.address(), body).status_code == 422


WRITERS = [
    # who, collection, POST, DELETE: may read and write, read only, write only, neither
    ("xaa", "reports", 202, 404),
    ("xaa-person", "reports", 202, 404),
    ("xaa-reads", "reports", 403, 403),
    ("xaa-writes", "reports", 202, 403),
    ("xbb-person", "reports", 403, 403),
    ("xee", "reports", 403, 403),
    ("mirror", "reports", 403, 403),
    ("xaa", "drop", 202, 403),
    ("xee", "drop", 403, 403),
    ("xaa", "sealed", 404, 404),
    ("xaa-reads", "sealed", None, 404),
    ("xaa", "elsewhere", 404, 404),
    ("xdd", "reports", 404, 404),
]


def test_who_may_write_where_and_what_the_others_are_told(small_world: World) -> None:
    """TAXII 2.1 §5.5, and the table of §5.7."""
    for who, name, added, deleted in WRITERS:
        world = small_world
        answer = world.post(who, world.address(name), {"objects": [world.indicator()]})
        assert answer.status_code in ((403, 404) if added is None else (added,)), (who, name)
        gone = world.delete(who, world.address(name, rest="objects/indicator--none/"))
        assert gone.status_code == deleted, (who, name)


def test_a_write_only_collection_takes_and_does_not_show(small_world: World) -> None:
    one = small_world.indicator()
    assert small_world.contribute(one, to="drop")["success_count"] == 1
    for rest in (
        "objects/",
        "manifest/",
        f"objects/{one['id']}/",
        f"objects/{one['id']}/versions/",
    ):
        answer = small_world.get("xaa", small_world.address("drop", rest=rest))
        assert (answer.status_code, answer.get_json()["error_code"]) == (403, "sharing.write-only")


def served(world: World, one: dict[str, Any], who: str = "xbb") -> list[str]:
    rest = f"objects/{one['id']}/?match[version]=all"
    answer = world.get(who, world.address(rest=rest))
    return [found["modified"] for found in answer.get_json().get("objects", [])]


def test_field_note_15_deleting_takes_an_object_from_every_view(world: World) -> None:
    one, other = world.indicators(2)
    world.contribute(one, other)
    answer = world.delete("xaa", world.address(rest=f"objects/{one['id']}/"))
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["Content-Type"] == "application/taxii+json;version=2.1"
    for who in ("xaa", "xbb"):
        for rest in ("", "versions/"):
            gone = world.get(who, world.address(rest=f"objects/{one['id']}/{rest}"))
            assert gone.status_code == 404
        for rest in ("objects/", "manifest/"):
            left = world.get(who, world.address(rest=rest)).get_json()["objects"]
            assert [found["id"] for found in left] == [other["id"]]
    again = world.delete("xaa", world.address(rest=f"objects/{one['id']}/"))
    assert again.status_code == 404


LEFT = {
    "?match[version]=last": [V1, V2],
    "?match[version]=first": [V2, V3],
    "?match[version]=first,last": [V2],
    f"?match[version]={V2}": [V1, V3],
    "?match[version]=all": [],
    "": [],
    "?match[spec_version]=2.1": [],
}


def test_deleting_takes_the_versions_that_are_named(small_world: World) -> None:
    for query, left in LEFT.items():
        one = small_world.indicator()
        for version in (V1, V2, V3):
            small_world.contribute(one | {"modified": version})
        address = small_world.address(rest=f"objects/{one['id']}/{query}")
        assert small_world.delete("xaa", address).status_code == 200
        assert served(small_world, one) == left, query


def test_deleting_a_version_that_is_not_there_or_of_another_stix_is_not_found(
    small_world: World,
) -> None:
    one = small_world.indicator()
    small_world.contribute(one)
    for query in ("match[version]=2020-01-01T00:00:00.000Z", "match[spec_version]=2.0"):
        address = small_world.address(rest=f"objects/{one['id']}/?{query}")
        assert small_world.delete("xaa", address).status_code == 404
    bad = small_world.address(rest=f"objects/{one['id']}/?match[version]=newest")
    assert small_world.delete("xaa", bad).status_code == 400
    assert small_world.delete("xaa", small_world.address(rest="objects/a%00b/")).status_code == 404
    assert served(small_world, one) == [one["modified"]]


def test_what_is_posted_again_after_a_delete_is_released_anew(world: World) -> None:
    one = world.indicator()
    world.contribute(one)
    first = world.get("xbb", world.address(rest="manifest/")).get_json()["objects"][0]
    world.delete("xaa", world.address(rest=f"objects/{one['id']}/"))
    world.contribute(one)
    again = world.get("xbb", world.address(rest="manifest/")).get_json()["objects"][0]
    assert again["date_added"] > first["date_added"]
    assert again | {"date_added": ""} == first | {"date_added": ""}
