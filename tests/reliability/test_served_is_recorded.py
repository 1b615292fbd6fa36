"""Served means recorded: over sockets, with connections cut in the middle of an answer.

Every page that carries something has one record with its range, and nothing else has one.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from flask import Flask
from sqlalchemy import Connection, or_, select

from app import create_app
from kernel.clock import parse_instant
from kernel.db import Database
from sharing.services.deliver import record_delivery
from sharing.tables import audience_member, delivery, release
from sharing.taxii import pages
from tests.journeys.serving import serving
from tests.reliability.polling import FIRST, LAST, Client, Polled, forked_server
from tests.reliability.scenes import envelope
from tests.sharing.taxii.world import World

POLLS = {"sqlite": 350, "postgresql": 150}
SECRET_KEY = b"s" * 32


@dataclass(frozen=True, slots=True)
class Poll:
    """One request of a client: by which door, how, and whether it is cut."""

    door: str
    method: str
    address: str
    is_cut: bool


def choose(world: World, ids: list[str], last: str, chance: random.Random) -> Poll:
    """Any door, with something behind it or nothing, to the end or cut."""
    one = chance.choice(ids)
    doors = {
        "objects": [
            f"objects/?limit={chance.randint(1, 40)}",
            f"objects/?added_after={last}",
            f"objects/?match[id]={one}",
            "objects/?match[version]=all&limit=7",
            "objects/?match[type]=tool",
        ],
        "manifest": ["manifest/?limit=20", f"manifest/?added_after={last}"],
        "object": [f"objects/{one}/", "objects/indicator--none/"],
        "versions": [f"objects/{one}/versions/"],
    }
    door = chance.choice(list(doors))
    method = "HEAD" if chance.random() < 0.05 else "GET"
    is_cut = method == "GET" and chance.random() < 0.3
    return Poll(door, method, world.address(rest=chance.choice(doors[door])), is_cut)


def send(client: Client, poll: Poll) -> tuple[Poll, Polled]:
    """What came back of a poll."""
    if poll.is_cut:
        return poll, client.get_and_cut(poll.address)
    return poll, client.ask(poll.method, poll.address)


Range = tuple[str, int, int]


def served_ranges(answers: list[tuple[Poll, Polled]]) -> Counter[Range]:
    """Door, first and last stamp of every page of which anything left."""
    return Counter(
        (poll.door, parse_instant(polled.headers[FIRST]), parse_instant(polled.headers[LAST]))
        for poll, polled in answers
        if FIRST in polled.headers and poll.method != "HEAD"
    )


def recorded_ranges(database: Database) -> Counter[Range]:
    """The same of what is on record."""
    with database.record() as connection:
        rows = connection.execute(select(delivery)).all()
    return Counter((row.door, row.first_us, row.last_us) for row in rows)


def count_named(connection: Connection, row: Any) -> int:
    """How many releases a record names: those that were open at its position, in its range."""
    filters = orjson.loads(row.filters)
    statement = (
        select(release.c.id)
        .join(audience_member, audience_member.c.audience_id == release.c.audience_id)
        .where(
            audience_member.c.element == row.element,
            audience_member.c.forum_id == row.forum_id,
            release.c.collection_id == row.collection_id,
            release.c.date_added_us.between(row.first_us, row.last_us),
            release.c.opened <= row.head,
            or_(release.c.closed.is_(None), release.c.closed > row.head),
        )
    )
    if filters["version"] == ["last"]:
        statement = statement.where(release.c.is_last)
    if "id" in filters:
        statement = statement.where(release.c.stix_id.in_(filters["id"]))
    return len(connection.execute(statement).all())


@pytest.fixture
def stocked(world: World) -> tuple[World, list[str]]:
    """A collection whose pages are larger than what a socket holds, and its ids."""
    objects = world.indicators(40, description="x" * 20_000)
    world.contribute(*objects)
    newer = [one | {"modified": "2026-01-02T00:00:00.000Z"} for one in objects[::3]]
    world.contribute(*newer)
    world.database.close()
    return world, [one["id"] for one in objects]


def test_every_page_that_left_is_on_record_and_nothing_else(
    stocked: tuple[World, list[str]],
) -> None:
    world, ids = stocked
    chance, count = random.Random(7), POLLS[world.database.content.dialect.name]
    with serving(world.settings, SECRET_KEY) as base:
        reader, writer = Client(base, world.secrets["xbb"]), Client(base, world.secrets["xaa"])
        first = Poll("manifest", "GET", world.address(rest="manifest/?limit=30"), is_cut=False)
        answers = [send(reader, first)]
        last = answers[0][1].headers[LAST]
        polls = [choose(world, ids, last, chance) for _ in range(count)]

        def contribute_meanwhile(_number: int) -> int:
            body = envelope(world.indicators(1))
            return writer.ask("POST", world.address(), body).status

        with ThreadPoolExecutor(4) as pool:
            posted = pool.map(contribute_meanwhile, range(20))
            answers += pool.map(lambda poll: send(reader, poll), polls)
            assert set(posted) == {202}
    served = served_ranges(answers)
    assert recorded_ranges(world.database) == served
    assert served.total() > count / 2
    assert sum(poll.is_cut and FIRST in polled.headers for poll, polled in answers) > 20
    assert sum(FIRST not in polled.headers for _, polled in answers) > 10
    with world.database.record() as connection:
        rows = connection.execute(select(delivery)).all()
    with world.database.read() as connection:
        assert [row.id for row in rows if count_named(connection, row) != row.count] == []


def polls_of(base: str, world: World, count: int) -> list[tuple[Poll, Polled]]:
    """Answers to so many polls, some of them cut."""
    client = Client(base, world.secrets["xbb"])
    poll = Poll("objects", "GET", world.address(), is_cut=False)
    return [
        send(client, Poll(poll.door, poll.method, poll.address, is_cut=number % 3 == 0))
        for number in range(count)
    ]


def app_of(world: World) -> Callable[[], Flask]:
    return lambda: create_app(
        world.settings, database=Database.open(world.settings), signer=world.signer
    )


def test_control_an_application_that_forgets_a_record_is_caught(
    stocked: tuple[World, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, _ = stocked
    calls = iter(range(1_000))

    def forget_some(*given: Any, **named: Any) -> None:
        if next(calls) % 10:
            record_delivery(*given, **named)

    monkeypatch.setattr(pages, "record_delivery", forget_some)
    with forked_server(app_of(world)) as base:
        answers = polls_of(base, world, 30)
    missing = served_ranges(answers) - recorded_ranges(world.database)
    assert missing.total() == 3


def test_control_an_application_that_records_twice_is_caught(
    stocked: tuple[World, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, _ = stocked

    def record_twice(*given: Any, **named: Any) -> None:
        record_delivery(*given, **named)
        record_delivery(*given, **named)

    monkeypatch.setattr(pages, "record_delivery", record_twice)
    with forked_server(app_of(world)) as base:
        answers = polls_of(base, world, 6)
    extra = recorded_ranges(world.database) - served_ranges(answers)
    assert extra.total() == 6
