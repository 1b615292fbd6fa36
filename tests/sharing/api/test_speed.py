"""A page of a list is a range of an index, however much a member has: nothing is sorted for it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from kernel.db import Database
from tests.sharing.api.asking import FORUM, read
from tests.sharing.taxii.world import World

Plan = list[str]
RECEIVED, STANDING = f"{FORUM}/received", f"{FORUM}/received/objects"
CONTRIBUTIONS, STATUSES = f"{FORUM}/contributions", f"{FORUM}/statuses"
HISTORY = f"{FORUM}/policy/history"

PAGES = (
    (RECEIVED, {}, "delivery", "ix_delivery_forum_id_element_at_us"),
    (RECEIVED, {"since": "2026-01-01T00:00:00Z"}, "delivery", "ix_delivery_forum_id_element_at_us"),
    (RECEIVED, {"collection": "reports"}, "delivery", "ix_delivery_forum_id_element_at_us"),
    (RECEIVED, {"through": "objects"}, "delivery", "ix_delivery_forum_id_element_at_us"),
    (CONTRIBUTIONS, {}, "contribution", "ix_contribution_originator_id_forum_id_seq"),
    (
        CONTRIBUTIONS,
        {"type": "indicator", "tlp": "amber+strict", "state": "standing"},
        "contribution",
        "ix_contribution_originator_id_forum_id_seq",
    ),
    (STATUSES, {}, "status", "ix_status_member_id_forum_id"),
    (STATUSES, {"since": "2026-01-01T00:00:00Z"}, "status", "ix_status_member_id_forum_id"),
    (HISTORY, {}, "policy", "sqlite_autoindex_policy"),
    (STANDING, {}, "release", "ix_release_open_last"),
    (STANDING, {"type": "indicator"}, "release", "ix_release_type"),
    (STANDING, {"tlp": "amber+strict"}, "release", "ix_release_open_last"),
)


@pytest.fixture
def busy(small_world: World) -> World:
    """A member that has contributed, and been served, more than a page of one."""
    for number in range(3):
        small_world.contribute(*small_world.indicators(2))
        small_world.contribute(small_world.indicator(), who="xbb")
        small_world.get("xbb-officer", small_world.address())
        small_world.get("xbb-person", small_world.address(rest=f"objects/?limit={number + 1}"))
        small_world.get("xaa", small_world.address())
        small_world.set_policy({"rules": []}, "XCC")
    return small_world


def plans_of(world: World, table: str, ask: Callable[[], Any]) -> list[Plan]:
    """How SQLite goes about each statement on a table that asking makes."""
    asked: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if f" {table} " in f"{statement} ".replace("\n", " ") and "ORDER BY" in statement:
            asked.append((statement, parameters))

    engines = {id(one): one for one in (world.database.content, world.database.deliveries)}
    for engine in engines.values():
        event.listen(engine, "before_cursor_execute", note)
    try:
        ask()
    finally:
        for engine in engines.values():
            event.remove(engine, "before_cursor_execute", note)
    opened = _opening(world.database, table)
    with opened() as connection:
        return [
            [
                str(row[3])
                for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {one}", parameters)
            ]
            for one, parameters in asked
        ]


def _sorts(step: str) -> bool:
    """Whether rows are sorted before the first is given; those of one instant may be."""
    return "TEMP B-TREE" in step and "RIGHT PART" not in step


def _opening(database: Database, table: str) -> Callable[[], AbstractContextManager[Connection]]:
    return database.read_deliveries if table == "delivery" else database.read


@pytest.mark.parametrize(("address", "query", "table", "index"), PAGES)
def test_a_member_gets_each_page_by_an_index_and_nothing_is_sorted_for_it(
    busy: World, address: str, query: dict[str, str], table: str, index: str
) -> None:
    who = "xbb-person" if address in (RECEIVED, STANDING) else "xaa"
    who = "xcc" if address == HISTORY else who
    first = read(busy, who, address, limit=1, **query)
    asked = query | {"next": first["next"]}
    plans = plans_of(busy, table, lambda: read(busy, who, address, limit=1, **asked))
    assert plans
    for plan in plans:
        assert any(index in step for step in plan), plan
        assert not any(_sorts(step) for step in plan), plan
        assert not any(step.startswith("SCAN") for step in plan), plan


def test_the_versions_of_one_object_are_found_by_its_id(busy: World) -> None:
    value = read(busy, "xaa", CONTRIBUTIONS, limit=1)["items"][0]["id"]
    for address, query in ((CONTRIBUTIONS, {"id": value}), (f"{CONTRIBUTIONS}/{value}", {})):
        plans = plans_of(busy, "contribution", lambda a=address, q=query: read(busy, "xaa", a, **q))
        pages = [plan for plan in plans if any(_sorts(step) for step in plan)]
        assert pages
        for plan in pages:
            assert any("ix_contribution_forum_id_stix_id" in step for step in plan), plan


def test_control_a_list_that_is_sorted_for_each_page_is_caught(busy: World) -> None:
    with busy.database.content.connect() as connection:
        connection.execute(text("DROP INDEX ix_contribution_originator_id_forum_id_seq"))
        connection.commit()
    plans = plans_of(busy, "contribution", lambda: read(busy, "xaa", CONTRIBUTIONS, limit=1))
    assert any(_sorts(step) for plan in plans for step in plan), plans
