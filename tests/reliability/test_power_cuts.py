"""A power cut takes nothing that was acknowledged, and nothing that was served goes unrecorded.

The product runs on a disk that forgets what was not synced; the cuts are made from the record of
one run, at any place between two things that SQLite asked of the disk.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from kernel.db import Database
from kernel.settings import Settings
from tests.reliability.consistency import find_faults
from tests.reliability.disks import Disk, Recorder, Synced, Told, watch_connections
from tests.sharing.taxii.world import World

ROUNDS, LONG_ROUNDS = 12, 150
CUTS, LONG_CUTS = 300, 20_000
LOOKED_INTO = 50
"""One cut in so many is looked at with the product's own eyes as well."""


@dataclass(frozen=True, slots=True)
class Run:
    """What was asked of the disk and told to clients; `folder` holds the two files' names."""

    recorder: Recorder
    content: str
    deliveries: str


@dataclass(slots=True)
class Promised:
    """What clients were told before the cut; what is `going` they asked to delete."""

    kept: set[str] = field(default_factory=set)
    going: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    pages: int = 0


def run(world: World, rounds: int, *weakened: str) -> Run:
    """XAA contributes and deletes, XBB polls, each so many times; on a disk that is recorded."""
    world.database.close()
    recorder = Recorder()
    database = Database.open(world.settings)
    recorder.carry(database)
    for engine in (database.content, database.deliveries):
        # What is brought from the log into the file belongs to the run: here after few pages.
        watch_connections(engine, "wal_autocheckpoint = 40", *weakened)
    world.database = database
    world.with_settings()
    last: str | None = None
    for number in range(rounds):
        objects = world.indicators(3)
        world.contribute(*objects)
        recorder.tell(["kept", [one["id"] for one in objects]])
        after = f"&added_after={last}" if last else ""
        answer = world.get("xbb", world.address(rest=f"objects/?limit=100{after}"))
        assert answer.status_code == 200
        last = answer.headers["X-TAXII-Date-Added-Last"]
        recorder.tell(["page", len(answer.get_json()["objects"])])
        if number % 4 == 3:
            gone = objects[0]["id"]
            recorder.tell(["going", [gone]])
            assert world.delete("xaa", world.address(rest=f"objects/{gone}/")).status_code == 200
            recorder.tell(["gone", [gone]])
    recorder.end(database)
    paths = (str(database.content.url.database), str(database.deliveries.url.database))
    return Run(recorder, *paths)


def find_losses(ran: Run, folder: Path, cuts: int) -> list[str]:
    """What was promised and is missing, or is damaged, after each of so many power cuts."""
    noted, random = ran.recorder.noted, Random(1)
    places = sorted(random.sample(range(len(noted)), min(cuts, len(noted))))
    disk = Disk({path: bytearray(content) for path, content in ran.recorder.before.items()})
    promised, found, at = Promised(), [], 0
    for number, place in enumerate(places):
        for one in noted[at:place]:
            disk.take(one)
            if isinstance(one, Told):
                note(promised, *one.what)
        at = place
        for _ in range(max(1, cuts // len(places))):
            left = folder / "after"
            left.mkdir()
            disk.lose_power(random, left)
            try:
                found += [f"cut at {place}: {fault}" for fault in look(ran, left, promised)]
                if number % LOOKED_INTO == 0:
                    found += look_closely(left)
            except sqlite3.DatabaseError as fault:
                found.append(f"cut at {place}: damaged: {fault}")
            shutil.rmtree(left)
    return found


def note(promised: Promised, kind: str, what: list[str] | int) -> None:
    """One more thing that a client was told."""
    if isinstance(what, int):
        promised.pages += 1
    else:
        getattr(promised, kind).update(what)


def look(ran: Run, left: Path, promised: Promised) -> Iterator[str]:
    """What is wrong with the two files that a power cut left, by SQLite's own look alone."""
    with closing(sqlite3.connect(left / Path(ran.content).name)) as content:
        yield from damages(content)
        rows = content.execute(
            "SELECT c.stix_id FROM contribution c "
            "JOIN release r ON r.contribution_id = c.id WHERE r.closed IS NULL"
        ).fetchall()
        seen = {row[0] for row in rows}
        yield from (f"{one} was acknowledged" for one in promised.kept - promised.going - seen)
        yield from (f"{one} was deleted" for one in promised.gone & seen)
    with closing(sqlite3.connect(left / Path(ran.deliveries).name)) as deliveries:
        yield from damages(deliveries)
        (pages,) = deliveries.execute("SELECT count(*) FROM delivery").fetchone()
        if pages < promised.pages:
            yield f"{promised.pages} pages left, {pages} are on record"


def damages(connection: sqlite3.Connection) -> Iterator[str]:
    """What SQLite finds wrong with the file."""
    for (said,) in connection.execute("PRAGMA integrity_check"):
        if said != "ok":
            yield f"damaged: {said}"


def look_closely(left: Path) -> list[str]:
    """What the product finds when it starts on them."""
    database = Database.open(Settings(data_dir=str(left)))
    found = find_faults(database)
    database.close()
    return found


def test_a_power_cut_at_any_moment_loses_nothing_acknowledged_and_damages_nothing(
    small_world: World, tmp_path: Path
) -> None:
    assert find_losses(run(small_world, ROUNDS), tmp_path, CUTS) == []


@pytest.mark.audit
def test_none_of_very_many_power_cuts_loses_anything(small_world: World, tmp_path: Path) -> None:
    assert find_losses(run(small_world, LONG_ROUNDS), tmp_path, LONG_CUTS) == []


def test_control_a_database_that_does_not_wait_for_the_disk_loses_what_it_acknowledged(
    small_world: World, tmp_path: Path
) -> None:
    found = find_losses(run(small_world, ROUNDS, "synchronous = NORMAL"), tmp_path, 60)
    assert any("was acknowledged" in fault for fault in found)
    assert any("are on record" in fault for fault in found)
    # It loses its latest, and is not damaged: of what it promises, the file keeps its part.
    assert not any("damaged" in fault for fault in found)


def test_control_a_disk_that_says_synced_and_did_not_is_seen_to_damage(
    small_world: World, tmp_path: Path
) -> None:
    ran = run(small_world, ROUNDS)
    noted = ran.recorder.noted
    noted[:] = [one for one in noted if not isinstance(one, Synced)]
    assert any("damaged" in fault for fault in find_losses(ran, tmp_path, 20))
