"""Served means recorded: a page that carries something is written down before it leaves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, event, select

from kernel.clock import parse_instant
from kernel.db import Database
from kernel.errors import StorageFull, Unavailable
from sharing.tables import delivery, release
from tests.sharing.taxii.world import World


def deliveries(world: World) -> list[Any]:
    with world.database.record() as connection:
        return list(connection.execute(select(delivery).order_by(delivery.c.id)))


def test_a_page_that_carries_something_is_recorded_with_all_that_names_it(world: World) -> None:
    one = world.indicator()
    world.contribute(one, *world.indicators(4))
    world.clock.now_us += 5_000_000
    doors = {
        "objects": "objects/?limit=3&match[type]=indicator",
        "manifest": "manifest/?limit=3",
        "object": f"objects/{one['id']}/",
        "versions": f"objects/{one['id']}/versions/",
    }
    for door, rest in doors.items():
        answer = world.get("xbb", world.address(rest=rest))
        entry = deliveries(world)[-1]
        assert entry.door == door
        assert entry.at_us == world.clock()
        assert entry.credential_id == world.secrets["xbb"][0]
        assert entry.element == world.seated("XBB").element
        assert (entry.forum_id, entry.collection_id) == (world.forum_id, world.collection().id)
        assert entry.first_us == parse_instant(answer.headers["X-TAXII-Date-Added-First"])
        assert entry.last_us == parse_instant(answer.headers["X-TAXII-Date-Added-Last"])
        page = answer.get_json()
        assert entry.count == len(page.get("objects") or page["versions"])
        with world.database.read() as connection:
            opened = connection.execute(select(release.c.opened)).scalars().all()
        assert entry.head >= max(opened)
    assert [json.loads(entry.filters) for entry in deliveries(world)] == [
        {"limit": 3, "type": ["indicator"], "version": ["last"]},
        {"limit": 3, "version": ["last"]},
        {"id": [one["id"]], "version": ["last"]},
        {"id": [one["id"]], "version": ["all"]},
    ]


def test_each_page_of_a_walk_is_recorded_by_itself(world: World) -> None:
    world.contribute(*world.indicators(5))
    address, ranges = world.address(rest="objects/?limit=2"), []
    while address:
        page = world.get("xbb", address).get_json()
        entry = deliveries(world)[-1]
        ranges.append((entry.first_us, entry.last_us, entry.count))
        token = page.get("next")
        address = world.address(rest=f"objects/?next={token}") if token else ""
    start = world.clock()
    assert ranges == [
        (start, start + 100, 2),
        (start + 200, start + 300, 2),
        (start + 400, start + 400, 1),
    ]


def test_what_serves_nothing_is_not_recorded(world: World) -> None:
    world.contribute(world.indicator())
    last = world.get("xbb", world.address()).headers["X-TAXII-Date-Added-Last"]
    before = len(deliveries(world))
    asked = [
        ("xcc", "GET", world.address()),
        ("xcc", "GET", world.address(rest="objects/indicator--none/")),
        ("xbb", "GET", world.address(rest=f"objects/?added_after={last}")),
        ("xbb", "GET", world.address(rest="manifest/?match[type]=malware")),
        ("xbb", "GET", world.address(rest="objects/?limit=0")),
        ("xbb", "GET", "/taxii2/harbour/collections/"),
        ("xbb", "HEAD", world.address()),
        ("mirror", "POST", world.address()),
        (None, "GET", world.address()),
    ]
    for who, method, address in asked:
        world.open(who, method, address)
    assert len(deliveries(world)) == before


@pytest.mark.parametrize(
    "fault", [Unavailable("kernel.x", "busy"), StorageFull("kernel.y", "full")]
)
def test_what_cannot_be_recorded_is_not_served(
    world: World, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    one = world.indicator()
    world.contribute(one)

    @contextmanager
    def broken(_self: Database) -> Iterator[Connection]:
        raise fault
        yield

    monkeypatch.setattr(Database, "record_one", broken)
    for rest in ("objects/", "manifest/", f"objects/{one['id']}/", f"objects/{one['id']}/versions"):
        answer = world.get("xbb", world.address(rest=rest))
        assert answer.status_code == 503
        assert answer.get_json()["error_code"] == "sharing.delivery-not-recorded"
        assert int(answer.headers["Retry-After"]) > 0
        assert one["id"] not in answer.text
        assert "X-TAXII-Date-Added-Last" not in answer.headers
    assert world.get("xcc", world.address()).data == b"{}"


def test_a_log_that_fails_while_it_is_written_serves_nothing_either(world: World) -> None:
    world.contribute(world.indicator())
    with world.database.record() as connection:
        connection.exec_driver_sql("DROP TABLE delivery")
    answer = world.get("xbb", world.address())
    assert answer.status_code == 503
    assert answer.get_json().keys() == {"title", "description", "error_code", "http_status"}


@contextmanager
def statements(world: World) -> Iterator[list[str]]:
    """Every statement that the databases are sent meanwhile, transactions apart."""
    sent: list[str] = []

    def listen(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith("BEGIN"):
            sent.append(statement)

    engines = {world.database.content, world.database.deliveries}
    for engine in engines:
        event.listen(engine, "before_cursor_execute", listen)
    yield sent
    for engine in engines:
        event.remove(engine, "before_cursor_execute", listen)


def test_a_poll_costs_few_statements_and_an_empty_one_touches_no_release(world: World) -> None:
    """One to know the caller; one for what it meets there; the page; the delivery."""
    world.contribute(*world.indicators(3))
    world.get("xbb", world.address())
    with statements(world) as sent:
        last = world.get("xbb", world.address()).headers["X-TAXII-Date-Added-Last"]
    assert len(sent) == 4
    assert sent[-1].startswith("INSERT INTO delivery")
    with statements(world) as sent:
        assert world.get("xcc", world.address()).data == b"{}"
        assert world.get("xbb", world.address(rest=f"objects/?added_after={last}")).data == b"{}"
    assert len(sent) == 4
    assert not [one for one in sent if "FROM release" in one or "delivery" in one]
