"""Everybody changes everything at once: contributions and deletions of the same few ids by two
States, policies, a seat that comes and goes, what the reader is, in processes of their own.

Afterwards the records hold together, every view is what the rules say from scratch, and a
poller that followed the manifest has met everything that its last view holds.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from flask import Flask
from sqlalchemy import Select

from app import create_app
from auth.services import MemberChange
from kernel import clock
from kernel.db import Database
from sharing.services import policies, seating
from tests.journeys.serving import serving
from tests.reliability.children import Child, Say, fork
from tests.reliability.consistency import find_faults, find_wrong_views
from tests.reliability.polling import LAST, Client
from tests.reliability.scenes import envelope
from tests.reliability.speaking import Asking, speak
from tests.reliability.test_concurrent_writers import indicator
from tests.sharing.taxii.world import World
from web.installation import installation_of

ROUNDS = 12
IDS = 6
SECRET_KEY = b"s" * 32
# 404: deleted already, or a seat that is suspended just now; 403: another's copy is seen.
ANSWERED = {200, 202, 403, 404}
Act = Callable[[Flask, int, random.Random], int]
"""One round of somebody; answers a status as HTTP has them, 200 where it was no request."""

Prepare = Callable[[], None]


def sharing_with(code: str, label: str) -> bytes:
    rule = {"id": "some", "effect": "share", "audience": {"any": [f"member:{code}"]}}
    return orjson.dumps({"rules": [rule | {"when": {"labels": [label]}}]})


def one_of_few(chance: random.Random) -> dict[str, Any]:
    """A version of one of a few ids that two States contribute alike."""
    made = indicator(0, chance.randrange(IDS))
    day = chance.randint(1, 3)
    labels = [chance.choice(["frost", "thaw"])] if day == 3 else ["frost"]
    return made | {"modified": f"2026-01-0{day}T00:00:00.000Z", "labels": labels}


def contributing(world: World, who: str) -> Act:
    """A State that posts and deletes."""

    def act(app: Flask, _number: int, chance: random.Random) -> int:
        pair, heard = world.secrets[who], []
        if chance.random() < 0.3:
            one = indicator(0, chance.randrange(IDS))["id"]
            asking = Asking("DELETE", world.address(rest=f"objects/{one}/"), pair)
        else:
            body = envelope([one_of_few(chance) for _ in range(2)])
            asking = Asking("POST", world.address(), pair, body)
        speak(app, asking, lambda answer: heard.append(answer.status))
        return heard[0]

    return act


def setting_policies(world: World, code: str) -> Act:
    """A State that changes its mind."""
    member_id, forum_id = world.member_id(code), world.forum_id

    def act(app: Flask, number: int, chance: random.Random) -> int:
        database = installation_of(app).database
        document = sharing_with("XBB", chance.choice(["frost", "thaw"]))
        now_us = clock.now_us()
        setter = policies.Setter("operator", member_id)
        policies.set_policy(database, setter, forum_id, member_id, document, now_us=now_us)
        status = "suspended" if number % 2 else "active"
        seating.change_seat(database, "operator", "harbour", "XCC", status, now_us=now_us)
        return 200

    return act


def changing_a_member() -> Act:
    """An operator who changes what the reader is, while another seats it in a second forum."""

    def act(app: Flask, _number: int, chance: random.Random) -> int:
        database, now_us = installation_of(app).database, clock.now_us()
        change = MemberChange(accredited_to=chance.choice([1, 4]))
        seating.set_member(database, "operator", "XBB", change, now_us=now_us)
        return 200

    return act


def seating_a_member() -> Act:
    """An operator who gives the reader a seat there, and takes it, in turn."""

    def act(app: Flask, number: int, _chance: random.Random) -> int:
        database, now_us = installation_of(app).database, clock.now_us()
        if number % 2:
            seating.change_seat(database, "operator", "basin", "XBB", "ended", now_us=now_us)
        else:
            seating.seat_member(database, "operator", "basin", "XBB", "member", now_us=now_us)
        return 200

    return act


def start(world: World, act: Act, seed: int, rounds: int, prepare: Prepare) -> Child:
    """A process in which somebody acts, round after round; it says each status."""

    def work(say: Say) -> None:
        prepare()
        database = Database.open(world.settings)
        app = create_app(world.settings, database=database, signer=world.signer)
        chance = random.Random(seed)
        for number in range(rounds):
            say(act(app, number, chance))

    return fork(work)


def follow(client: Client, address: str, is_over: threading.Event, met: set[str]) -> None:
    """Poll the manifest until it brings nothing after the end; `met` gets every record."""
    after = "2000-01-01T00:00:00Z"
    while True:
        was_over = is_over.wait(0.02)
        polled = client.get(f"{address}?limit=7&added_after={after}&match[version]=all")
        assert polled.status == 200, polled
        met |= records_of(polled.document)
        if LAST in polled.headers:
            after = polled.headers[LAST]
        elif was_over:
            return


def records_of(page: Any) -> set[str]:
    """The records of a manifest as text: id, stamp, version."""
    return {orjson.dumps(record).decode() for record in page.get("objects", [])}


def race(world: World, rounds: int, prepare: Prepare = lambda: None) -> list[int]:
    """The statuses of everybody's rounds; asserts what must hold afterwards."""
    actors = [
        contributing(world, "xaa"),
        contributing(world, "xaa"),
        contributing(world, "xcc"),
        setting_policies(world, "XAA"),
        setting_policies(world, "XCC"),
        changing_a_member(),
        seating_a_member(),
    ]
    world.database.close()
    met: set[str] = set()
    manifest = world.address(rest="manifest/")
    with serving(world.settings, SECRET_KEY) as base:
        children = [start(world, act, seed, rounds, prepare) for seed, act in enumerate(actors)]
        client, is_over = Client(base, world.secrets["xbb"]), threading.Event()
        poller = threading.Thread(target=follow, args=(client, manifest, is_over, met))
        poller.start()
        try:
            ended = [child.wait(seconds=300) for child in children]
        finally:
            is_over.set()
            poller.join(timeout=60)
        last = client.get(f"{manifest}?limit=1000&match[version]=all").document
    assert [one.code for one in ended] == [0] * len(actors)
    assert records_of(last) <= met
    assert find_faults(world.database) == []
    assert find_wrong_views(world.database) == []
    return [status for one in ended for status in one.said]


def test_whatever_races_the_records_and_every_view_hold_together(world: World) -> None:
    statuses = race(world, ROUNDS)
    assert len(statuses) == 7 * ROUNDS
    assert set(statuses) <= ANSWERED


@pytest.mark.audit
def test_whatever_races_for_long_the_records_and_every_view_hold_together(world: World) -> None:
    assert set(race(world, 400)) <= ANSWERED


def without_the_lock() -> None:
    """Make this process read the end of the ledger without waiting for its turn."""
    Select.with_for_update = lambda statement, **_given: statement  # type: ignore[method-assign]


@pytest.mark.parametrize("make_settings", ["postgresql"], indirect=True)
def test_control_writers_that_do_not_wait_for_the_lock_are_caught(world: World) -> None:
    """On PostgreSQL: on SQLite only one may write at a time, lock or no lock."""
    with pytest.raises(AssertionError):
        assert set(race(world, ROUNDS, without_the_lock)) <= ANSWERED
