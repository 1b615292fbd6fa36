"""Workers take leases: one holds at a time, and what a dead one held passes on."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import structlog
from sqlalchemy import select

from kernel.db import Database
from kernel.errors import Unavailable
from kernel.leases import Leases, holding, lease
from tests.sharing.taxii.world import Clock

SECOND_US = 1_000_000


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_worker_does_not_get_what_another_holds(database: Database, clock: Clock) -> None:
    first, second = (Leases(database, name, now_us=clock) for name in ("first", "second"))
    assert first.take("settle/1")
    assert not second.take("settle/1")
    assert second.take("settle/2")
    assert first.list_taken() == {"settle/1", "settle/2"}


def test_a_worker_does_not_take_twice_what_it_holds(database: Database, clock: Clock) -> None:
    leases = Leases(database, "one", now_us=clock)
    assert leases.take("settle/1")
    assert not leases.take("settle/1")


def test_what_a_dead_worker_held_passes_on_when_its_time_is_over(
    database: Database, clock: Clock
) -> None:
    dead, alive = (Leases(database, name, seconds=10, now_us=clock) for name in ("dead", "alive"))
    assert dead.take("settle/1")
    clock.now_us += 10 * SECOND_US - 1
    assert not alive.take("settle/1")
    clock.now_us += 1
    assert alive.list_taken() == set()
    assert alive.take("settle/1")
    assert not dead.take("settle/1")


def test_a_worker_holds_on_to_what_it_renews(database: Database, clock: Clock) -> None:
    long, other = (Leases(database, name, seconds=9, now_us=clock) for name in ("long", "other"))
    assert long.take("settle/1")
    for _ in range(10):
        clock.now_us += 3 * SECOND_US
        long.renew()
        assert not other.take("settle/1")


def test_a_lease_is_not_written_again_before_a_third_of_its_time(
    database: Database, clock: Clock
) -> None:
    leases = Leases(database, "one", seconds=9, now_us=clock)
    assert leases.take("settle/1")
    before = read_until(database)
    clock.now_us += 2 * SECOND_US
    leases.renew()
    assert read_until(database) == before
    clock.now_us += 1 * SECOND_US
    leases.renew()
    assert read_until(database) == before + 3 * SECOND_US


def test_what_is_given_back_can_be_taken_at_once(database: Database, clock: Clock) -> None:
    first, second = (Leases(database, name, now_us=clock) for name in ("first", "second"))
    assert first.take("settle/1")
    first.give_back("settle/1")
    assert second.take("settle/1")


def test_a_worker_that_slept_too_long_learns_it_and_takes_nothing_from_its_heir(
    database: Database, clock: Clock
) -> None:
    sleeper, heir = (Leases(database, name, seconds=9, now_us=clock) for name in ("old", "new"))
    assert sleeper.take("settle/1")
    clock.now_us += 60 * SECOND_US
    assert heir.take("settle/1")
    with structlog.testing.capture_logs() as logged:
        sleeper.renew()
        sleeper.renew()
    assert [entry["event"] for entry in logged] == ["lease-lost"]
    sleeper.give_back("settle/1")
    assert not sleeper.take("settle/1")


def test_what_failed_is_left_alone_until_its_time_is_over(database: Database, clock: Clock) -> None:
    leases = Leases(database, "one", seconds=9, now_us=clock)
    assert leases.take("settle/1")
    leases.leave("settle/1")
    clock.now_us += 5 * SECOND_US
    leases.renew()
    assert not leases.take("settle/1")
    clock.now_us += 4 * SECOND_US
    assert leases.take("settle/1")


def test_of_many_that_reach_for_a_lease_one_gets_it(database: Database, clock: Clock) -> None:
    together = threading.Barrier(6)

    def reach(number: int) -> int:
        leases = Leases(database, f"worker {number}", now_us=clock)
        together.wait()
        return sum(leases.take(f"settle/{forum}") for forum in range(5))

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(reach, range(6))) == 5


def read_until(database: Database) -> int:
    with database.read() as connection:
        return int(connection.execute(select(lease.c.until_us)).scalar_one())


class Hindered(Leases):
    """Cannot write the first time."""

    hindrances = 1

    def renew(self) -> None:
        if self.hindrances:
            self.hindrances -= 1
            raise Unavailable("kernel.database-unavailable", "the database is busy")
        super().renew()


def test_what_is_held_goes_on_being_renewed_after_a_write_that_failed(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kernel.leases._TURN_SECONDS", 0.1)
    leases, other = Hindered(database, "one", seconds=0.9), Leases(database, "other")
    with holding(leases, ["feeds/1"]) as is_held:
        assert is_held
        time.sleep(1.2)
        assert leases.hindrances == 0
        assert not other.take("feeds/1")
    assert other.take("feeds/1")
