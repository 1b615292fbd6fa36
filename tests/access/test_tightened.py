"""What a tightening takes is gone at once wherever it could be seen: at every door of a program,
on every page, in a file that is exported, and in what is pushed to a partner's server.

What was on its way in a walk by `next` is `tests/reliability/test_walks_between_changes.py`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kernel.db import Database
from kernel.settings import Settings
from sharing.services import policies
from sharing.services.exporting import export_view
from sharing.services.feeds.keeping import NewFeed
from sharing.services.reconsider import Change
from tests.access.feeding import open_network
from tests.access.test_nothing_overdue import (
    CITING,
    SHOWING,
    SHOWING_PAGES,
    Page,
    list_doors,
    list_pages,
    shows,
)
from tests.conftest import POSTGRESQL_AT_LENGTH
from tests.sharing.feeds.nodes import Node
from tests.sharing.feeds.odd import COLLECTION, Odd
from tests.sharing.taxii.world import World, make_world
from tests.sharing.views.looking import policy, share

TO_XBB = share("member:XBB", when={"labels": ["open"]})
FILE, PUSH = "a file", "a push"


def list_shown(node: Node, one: dict[str, Any], folder: Path) -> Iterator[str]:
    """Where XBB, or its partner's server, has the object when everything is asked now."""
    world = node.world
    for method, rule in list_doors(world.app):
        is_of_one = method == "GET" and "received" not in rule.rule.split("/")[-1]
        if is_of_one and shows(world, rule, one["id"]):
            yield rule.rule
    for page in list_pages(world):
        if is_on(world, page, one):
            yield page.address
    file = folder / f"{uuid.uuid4()}.json"
    seated, place = world.seated("XBB", "individual"), world.collection(code="XBB")
    export_view(
        world.database,
        seated,
        place,
        file,
        bundle_id=f"bundle--{uuid.uuid4()}",
        now_us=world.clock(),
    )
    if one["id"] in file.read_text():
        yield FILE
    partner = node.network.others["odd.example"]
    assert isinstance(partner, Odd)
    node.run("out", "XBB")
    if [each["id"] for each in partner.posted].count(one["id"]) > partner.deleted.count(one["id"]):
        yield PUSH


def is_on(world: World, page: Page, one: dict[str, Any]) -> bool:
    answer = page.look(world, one)
    return answer.status_code == 200 and one["id"] in answer.text


@pytest.fixture
def make_node() -> Callable[[Database, Settings], tuple[Node, dict[str, Any]]]:
    """A world in which XBB, and the server that it pushes to, have one object of XAA's."""

    def make(database: Database, settings: Settings) -> tuple[Node, dict[str, Any]]:
        node = open_network(make_world(database, settings))
        partner = node.network.others["odd.example"]
        assert isinstance(partner, Odd)
        partner.deletes = True
        new = NewFeed("out", "https://odd.example/", COLLECTION, direction="push")
        node.add_new(new, code="XBB")
        one = node.world.indicator(labels=["open"], external_references=CITING)
        node.world.set_policy(policy(TO_XBB))
        node.world.contribute(one)
        return node, one

    return make


@POSTGRESQL_AT_LENGTH
def test_what_a_tightening_takes_is_gone_at_once_from_every_door_page_file_and_push(
    database: Database, settings: Settings, make_node: Any, tmp_path: Path
) -> None:
    node, one = make_node(database, settings)
    everywhere = {*SHOWING, *SHOWING_PAGES, FILE, PUSH}
    assert set(list_shown(node, one, tmp_path)) == everywhere
    node.world.set_policy(policy())
    assert set(list_shown(node, one, tmp_path)) == set()


def test_control_a_tightening_that_is_saved_and_not_applied_is_caught_everywhere(
    sqlite_database: Database,
    sqlite_settings: Settings,
    make_node: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    node, one = make_node(sqlite_database, sqlite_settings)
    monkeypatch.setattr(
        policies, "reconsider_changed", lambda _lock, epoch, *_was, **_rest: Change(epoch, 0, 0)
    )
    node.world.set_policy(policy())
    assert set(list_shown(node, one, tmp_path)) >= {*SHOWING_PAGES, FILE, PUSH}
