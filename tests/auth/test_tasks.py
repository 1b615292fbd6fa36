"""The due work of `auth`: tokens that are long dead are forgotten, others are not."""

from __future__ import annotations

from sqlalchemy import func, select

from auth.tables import token
from auth.tasks import TASKS
from kernel.clock import DAY_US
from tests.auth.test_oauth import ask_token, use
from tests.sharing.taxii.world import World

FORGET = TASKS[0]


def count_tokens(world: World) -> int:
    with world.database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(token)).scalar_one())


def test_a_token_is_forgotten_a_day_after_its_end(world: World) -> None:
    assert ask_token(world, "xaa").status_code == 200
    world.clock.now_us += world.settings.token_seconds * 1_000_000 + DAY_US - 1
    assert FORGET.list_ready(world.database, now_us=world.clock()) == []
    world.clock.now_us += 1
    assert FORGET.list_ready(world.database, now_us=world.clock()) == ["all"]
    assert FORGET.run(world.database, "all", now_us=world.clock()) == {"forgotten": 1}
    assert count_tokens(world) == 0


def test_forgetting_leaves_the_tokens_that_hold(world: World) -> None:
    kept = ask_token(world, "xaa").get_json()["access_token"]
    FORGET.run(world.database, "all", now_us=world.clock())
    assert use(world, kept) == 200
