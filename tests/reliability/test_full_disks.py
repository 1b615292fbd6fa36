"""A full disk: reads that need no record go on, everything else is refused and says so, nothing
is lost, and once there is room all goes on by itself.

A page that carries objects leaves no door unrecorded; with no room for its record it is refused.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import orjson
import pytest

from app import create_app
from kernel.db import Database
from kernel.errors import ComityError
from kernel.settings import Settings
from sharing.taxii.media import TAXII
from tests.reliability.consistency import count_copies, count_deliveries, find_faults
from tests.reliability.controls import AcknowledgingFirst, Paying, RecordingLater
from tests.reliability.places import Limited, Mounted, Place, mounted, postgresql_on
from tests.reliability.scenes import envelope, polling, posting, served_ids
from tests.reliability.speaking import Answer, speak
from tests.sharing.taxii.world import World, make_world

Tight = tuple[World, Place]


@pytest.fixture
def tight(make_settings: Callable[[], Settings]) -> Iterator[Tight]:
    """The forum of five States on a small disk, with two objects that XBB sees."""
    settings = make_settings()
    with ExitStack() as stack:
        place = stack.enter_context(mounted())
        if settings.database_url:
            if place is None:
                pytest.skip("PostgreSQL's disk can only be filled where one can be mounted")
            stack.enter_context(postgresql_on(place, settings))
        elif isinstance(place, Mounted):
            moved = place.path / "installation"
            shutil.move(settings.data_dir, moved)
            settings = replace(settings, data_dir=str(moved))
        database = Database.open(settings)
        stack.callback(database.close)
        world = make_world(database, settings)
        world.contribute(*world.indicators(2))
        assert len(served_ids(world)) == 2
        yield world, place or Limited(database)


def many(world: World) -> list[dict[str, Any]]:
    """More than fits into what room the files have inside."""
    return world.indicators(200, description="x" * 2000)


def test_a_full_disk_refuses_what_it_cannot_record_and_recovers_by_itself(tight: Tight) -> None:
    world, place = tight
    before, news = served_ids(world), many(world)
    recorded = count_deliveries(world.database)
    place.fill()
    for _ in range(3):
        world.clock.now_us += 1_000_000
        answer = world.post("xaa", world.address(), envelope(news))
        assert (answer.status_code, answer.headers["Content-Type"]) == (507, TAXII)
        assert answer.get_json()["error_code"] == "kernel.storage-full"
    # What carries no object needs no record.
    for who, rest in (("xbb", "/taxii2/harbour/collections/"), ("xcc", world.address())):
        assert world.get(who, rest).status_code == 200
    left = 0
    for _ in range(40):
        answer = world.get("xbb", world.address())
        assert answer.status_code in {200, 503}
        assert (answer.status_code == 200) == (b"indicator--" in answer.data)
        left += answer.status_code == 200
    assert find_faults(world.database) == []
    place.clear()
    assert count_deliveries(world.database) == recorded + left
    assert served_ids(world) == before
    world.contribute(*news)
    assert served_ids(world) == [*before, *(one["id"] for one in news)]
    assert find_faults(world.database) == []


@pytest.mark.parametrize("make_settings", ["sqlite"], indirect=True)
@pytest.mark.parametrize("kind", [AcknowledgingFirst, RecordingLater])
def test_control_an_application_that_answers_before_it_writes_is_caught(
    tight: Tight, kind: type[Paying]
) -> None:
    world, place = tight
    database = kind(world.database.content, world.database.deliveries)
    app = create_app(world.settings, database=database, signer=world.signer, now_us=world.clock)
    database.furnish(app)
    news, told = many(world), []
    recorded = count_deliveries(world.database)
    place.fill()

    def receive(answer: Answer) -> None:
        told.append(answer)

    for asking in (posting(world, news), *[polling(world)] * 40):
        with contextlib.suppress(ComityError):
            speak(app, asking, receive)
    place.clear()
    copies = count_copies(world.database, [one["id"] for one in news])
    lost = told[0].status == 202 and not any(copies.values())
    left = sum(b"indicator--" in answer.content for answer in told[1:])
    unrecorded = left > count_deliveries(world.database) - recorded
    assert (lost, unrecorded) == (kind is AcknowledgingFirst, kind is RecordingLater)
    assert orjson.loads(told[0].content)
