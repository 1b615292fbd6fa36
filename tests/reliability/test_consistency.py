"""The control of the checker itself: whatever is half written, it says so."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sqlalchemy import text

from kernel.db import Database
from kernel.settings import Settings
from tests.reliability.consistency import find_faults, find_wrong_views
from tests.reliability.scenes import related
from tests.sharing.taxii.world import World

HALF_WRITTEN = {
    "bytes without a contribution": "INSERT INTO body (id, content) VALUES (900, 'x')",
    "a contribution without its bytes": "UPDATE contribution SET body_id = NULL WHERE id = 1",
    "a contribution without its entry": "UPDATE contribution SET seq = 1 WHERE id = 1",
    "two contributions of the same bytes": "UPDATE contribution SET body_id = 1",
    "an entry without its contribution": (
        "INSERT INTO ledger SELECT forum_id, seq + 1, 'version', 'indicator--x 1', 'x', 1 "
        "FROM forum_head WHERE seq > 1; UPDATE forum_head SET seq = seq + 1 WHERE seq > 1"
    ),
    "an entry beyond the end of the ledger": (
        "INSERT INTO ledger SELECT forum_id, seq + 1, 'x', 'x', 'x', 1 FROM forum_head"
    ),
    "an end beyond the entries of the ledger": "UPDATE forum_head SET seq = seq + 1",
    "a release opened beyond the ledger": "UPDATE release SET opened = 9000 WHERE id = 1",
    "a release without bytes": "UPDATE release SET body_id = NULL WHERE id = 1",
    "a release stamped after the last stamp": (
        "UPDATE release SET date_added_us = date_added_us + 9000000 WHERE id = 1"
    ),
    "a head behind its view": "UPDATE view_head SET date_added_us = 1",
    "a head that has not counted": "UPDATE view_head SET opened = 1",
    "a collection that has not counted": "UPDATE collection SET opened = 1",
    "a view without a head": "DELETE FROM view_head WHERE element = 2",
    "an audience less a member": (
        "DELETE FROM audience_member WHERE audience_id = 1 AND element = "
        "(SELECT max(element) FROM audience_member WHERE audience_id = 1)"
    ),
    "a status that claims too much": (
        "UPDATE status SET document = replace(CAST(document AS TEXT), 'indicator--', 'malware--')"
    ),
    "a contribution without a status": "DELETE FROM status",
}


@pytest.fixture
def filled(small_world: World) -> World:
    small_world.contribute(*related(small_world))
    small_world.contribute(*small_world.indicators(3))
    assert find_faults(small_world.database) == []
    assert find_wrong_views(small_world.database) == []
    return small_world


def test_control_what_is_half_written_is_found(filled: World, tmp_path: Path) -> None:
    filled.database.close()
    whole = Path(filled.settings.data_dir)
    for number, (name, statements) in enumerate(HALF_WRITTEN.items()):
        folder = shutil.copytree(whole, tmp_path / str(number))
        database = Database.open(Settings(data_dir=str(folder)))
        with database.content.begin() as connection:
            for statement in statements.split("; "):
                connection.execute(text(statement))
        assert find_faults(database) != [], name
        database.close()


def test_control_a_delivery_of_what_never_was_is_found(filled: World) -> None:
    filled.get("xbb", filled.address())
    assert find_faults(filled.database) == []
    with filled.database.record() as connection:
        connection.execute(text("UPDATE delivery SET head = 9000"))
    assert find_faults(filled.database) != []


def test_control_a_view_that_the_rules_do_not_give_is_found(filled: World) -> None:
    with filled.database.write() as connection:
        connection.execute(text("UPDATE release SET closed = opened WHERE id = 5"))
    assert find_wrong_views(filled.database) != []
