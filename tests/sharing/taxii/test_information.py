"""Discovery, API roots, statuses, collections (TAXII 2.1 §4, §5.1, §5.2; field note 10)."""

from __future__ import annotations

import uuid

from sharing.services import seating
from tests.sharing.taxii.world import World


def test_a_member_discovers_the_roots_in_which_it_has_a_seat(small_world: World) -> None:
    document = small_world.get("xaa", "/taxii2/").get_json()
    assert document == {
        "title": "Comity",
        "default": "http://localhost/taxii2/harbour/",
        "api_roots": ["http://localhost/taxii2/harbour/"],
    }
    assert small_world.get("xdd", "/taxii2/").get_json()["api_roots"] == [
        "http://localhost/taxii2/basin/"
    ]


def test_field_note_10_roots_are_absolute_from_the_public_address(small_world: World) -> None:
    small_world.with_settings(public_url="https://hub.example/", contact="hub@xaa.example")
    document = small_world.get("xaa", "/taxii2/").get_json()
    assert document["api_roots"] == ["https://hub.example/taxii2/harbour/"]
    assert document["contact"] == "hub@xaa.example"


def test_field_note_10_no_header_of_a_client_moves_the_public_address(small_world: World) -> None:
    forwarded = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
    document = small_world.get("xaa", "/taxii2/", headers=forwarded).get_json()
    assert document["default"] == "http://localhost/taxii2/harbour/"


def test_a_member_without_a_seat_discovers_a_server_without_roots(small_world: World) -> None:
    seating.change_seat(
        small_world.database, "operator", "basin", "XDD", "ended", now_us=small_world.clock()
    )
    assert small_world.get("xdd", "/taxii2/").get_json() == {"title": "Comity"}


def test_an_api_root_says_once_that_views_may_be_partial(small_world: World) -> None:
    document = small_world.get("xaa", "/taxii2/harbour/").get_json()
    assert document["title"] == "Harbour"
    assert document["versions"] == ["application/taxii+json;version=2.1"]
    assert document["max_content_length"] == 32 * 1024 * 1024
    assert "may be left out" in document["description"]
    assert small_world.get("xbb", "/taxii2/harbour/").get_json() == document


SEEN = {
    "xaa": {"Reports": (1, 1), "Second": (1, 1), "Drop": (0, 1)},
    "xaa-person": {"Reports": (1, 1), "Second": (1, 1), "Drop": (0, 1)},
    "xaa-reads": {"Reports": (1, 0), "Second": (1, 0)},
    "xaa-writes": {"Reports": (0, 1), "Second": (0, 1), "Drop": (0, 1)},
    "xbb-person": {"Reports": (1, 0), "Second": (1, 0)},
    "xee": {"Reports": (1, 0), "Second": (1, 0), "Drop": (1, 0)},
    "mirror": {"Reports": (1, 0), "Second": (1, 0)},
}


def test_can_read_and_can_write_follow_seat_scope_and_person(small_world: World) -> None:
    for who, seen in SEEN.items():
        listed = small_world.get(who, "/taxii2/harbour/collections/").get_json()["collections"]
        found = {one["title"]: (one["can_read"], one["can_write"]) for one in listed}
        assert found == seen, who
        for one in listed:
            address = f"/taxii2/harbour/collections/{one['id']}/"
            assert small_world.get(who, address).get_json() == one


def test_collections_are_named_by_uuid_in_any_case_or_by_alias(small_world: World) -> None:
    name = small_world.collections["reports"]
    document = small_world.get("xaa", f"/taxii2/harbour/collections/{name}/").get_json()
    assert document == {
        "id": name,
        "title": "Reports",
        "alias": "reports",
        "can_read": True,
        "can_write": True,
        "media_types": ["application/stix+json;version=2.1"],
    }
    assert uuid.UUID(document["id"]).version == 4
    for other in (name.upper(), "reports"):
        answer = small_world.get("xaa", f"/taxii2/harbour/collections/{other}/")
        assert answer.get_json() == document


def test_collections_are_always_listed_in_the_same_order(world: World) -> None:
    pages = {world.get("xaa", "/taxii2/harbour/collections/").data for _ in range(5)}
    assert len(pages) == 1


def test_a_root_without_collections_answers_an_empty_object(small_world: World) -> None:
    assert small_world.get("xdd", "/taxii2/basin/collections/").get_json()["collections"]
    with small_world.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM collection WHERE title = 'Elsewhere'")
    assert small_world.get("xdd", "/taxii2/basin/collections/").data == b"{}"


def test_field_note_13_a_status_is_readable_by_the_contributing_member_alone(world: World) -> None:
    document = world.contribute(world.indicator())
    address = f"/taxii2/harbour/status/{document['id']}/"
    for mine in ("xaa", "xaa-reads", "xaa-writes", "xaa-person"):
        assert world.get(mine, address).get_json() == document
    unknown = f"/taxii2/harbour/status/{uuid.uuid4()}/"
    for other in ("xbb", "xbb-person", "xcc", "xee", "mirror"):
        answer = world.get(other, address)
        assert answer.status_code == 404
        assert answer.data == world.get("xaa", unknown).data


def test_a_status_of_one_root_is_not_in_another(world: World) -> None:
    document = world.contribute(world.indicator())
    seating.seat_member(world.database, "operator", "basin", "XAA", "member", now_us=world.clock())
    assert world.get("xaa", f"/taxii2/basin/status/{document['id']}/").status_code == 404
    assert world.get("xaa", f"/taxii2/harbour/status/{document['id']}/").status_code == 200


IMPOSSIBLE = ("nothing", "%00", "a%00b", "..", "%2e%2e", "A" * 3000, "é")


def test_names_that_cannot_be_are_not_found(world: World) -> None:
    for name in IMPOSSIBLE:
        for address in (
            f"/taxii2/{name}/",
            f"/taxii2/harbour/status/{name}/",
            f"/taxii2/harbour/collections/{name}/",
            f"/taxii2/harbour/collections/{name}/objects/",
        ):
            answer = world.get("xaa", address)
            assert answer.status_code == 404, address
            assert answer.get_json()["http_status"] == "404"
