"""Feeds: how fast a pull is beside its source's own serving, and many feeds due at once.

The source is Comity, so that a pull is held to the quickest server that there is here. What a pull
does besides reading is everything that a contribution takes: gate, policy, releases, ledger.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from auth.services import seat_for_operator
from bench import installations
from bench.corpus import envelopes
from bench.measure import Client, Peer, median_seconds
from bench.servers import this_python
from kernel import clock
from kernel.db import Database
from kernel.sealing import Sealer
from kernel.settings import load_settings
from kernel.signing import open_signer
from sharing.queries.collections import find_collection
from sharing.services.feeds.keeping import SEALED_FOR, NewFeed, add_feed
from sharing.tables.feeds import feed, feed_run

_PAGE = 500
_FEEDS = 200
_OBJECTS_EACH = 20
_PATIENCE_SECONDS = 900


def measure_feeds(
    folder: Path, make_url_for: Callable[[str], str], count: int, feeds: int = _FEEDS
) -> Iterator[str]:
    """Lines of a table: the pull of `count` objects, and `feeds` of twenty objects due at once."""
    folder.mkdir(parents=True)
    with installations.comity(folder / "source", make_url_for("source")) as (giver, reader):
        giving = Client(giver)
        for batch in envelopes(count):
            giving.post(batch)
        walking = Client(reader)
        serving = median_seconds(lambda: walking.walk(_PAGE), runs=3)
        contributing = _contributed_seconds(folder, make_url_for, count)
        home = _Home(folder / "home", make_url_for("home"))
        home.add(["all"], reader)
        run = home.run("feed", "run", "all")["run"]
        _ran, pulling = home.look()
        if run["contributed"] != count:
            raise RuntimeError(f"the pull brought {run}")
        yield "| a pull | beside | s | s | beside ÷ pull |"
        yield "|---|---|---|---|---|"
        yield (
            f"| {count} objects | the source serves the same pages | {pulling:.1f} | {serving:.2f}"
            f" | {serving / pulling:.2f} |"
        )
        yield (
            f"| {count} objects | a client that POSTs them | {pulling:.1f} | {contributing:.1f}"
            f" | {contributing / pulling:.2f} |"
        )
    yield from _many(folder, make_url_for, feeds)


def _many(folder: Path, make_url_for: Callable[[str], str], feeds: int) -> Iterator[str]:
    """So many feeds of twenty objects, all due, by one worker and by two."""
    taken = {}
    with installations.comity(folder / "small", make_url_for("small")) as (giver, reader):
        Client(giver).post(next(envelopes(_OBJECTS_EACH)))
        for workers in (1, 2):
            home = _Home(folder / f"many-{workers}", make_url_for(f"many{workers}"))
            home.add([f"feed {number}" for number in range(feeds)], reader)
            taken[workers] = home.settle(workers)
    yield (
        f"| {feeds} feeds due at once, two workers | one worker | {taken[2]:.1f} | {taken[1]:.1f}"
        f" | {taken[1] / taken[2]:.2f} |"
    )


def _contributed_seconds(folder: Path, make_url_for: Callable[[str], str], count: int) -> float:
    """How long a client takes to contribute the same, in envelopes as long as pages."""
    with installations.comity(folder / "posted", make_url_for("posted")) as (giver, _reader):
        giving = Client(giver)
        begun = time.monotonic()
        for batch in envelopes(count):
            giving.post(batch)
        return time.monotonic() - begun


class _Home:
    """The installation that feeds, by its commands."""

    def __init__(self, folder: Path, database_url: str) -> None:
        folder.mkdir()
        self._folder = folder
        self._settings = {
            "COMITY_DATA_DIR": str(folder),
            "COMITY_DATABASE_URL": database_url,
            "COMITY_EGRESS_ALLOW": "127.0.0.0/8",
        }
        self._commands = installations.commands(self._settings)
        self._commands("db", "upgrade")
        self._commands("forum", "add", "home", "--title", "Home")
        self._commands("member", "add", "XAA", "--name", "XAA")
        self._commands("seat", "add", "home", "XAA")
        self._place = self._commands("collection", "add", "home", "--title", "Home")["id"]

    def run(self, *words: str) -> dict[str, Any]:
        """A command's document."""
        return self._commands(*words)

    def add(self, names: Sequence[str], source: Peer) -> None:
        """Feeds from a collection of the source, all due at once."""
        settings = load_settings(self._settings)
        root, _, rest = source.objects_path.partition("collections/")
        database = Database.open(settings)
        sealer = Sealer(settings, open_signer(settings), SEALED_FOR)
        with database.read() as connection:
            seated = seat_for_operator(connection, "XAA", "home")
            place = find_collection(connection, seated, self._place)
        if place is None:
            raise RuntimeError("the collection is not there")
        with database.write() as connection:
            for name in names:
                new = NewFeed(
                    name,
                    f"http://{source.host}:{source.port}{root}",
                    rest.partition("/")[0],
                    every_s=86_400,
                    user_name=source.user,
                    secret=source.secret,
                )
                add_feed(connection, sealer, seated, place, new, now_us=clock.now_us())
        database.close()

    def settle(self, workers: int) -> float:
        """Seconds until so many workers have run every feed that is due, without their start."""
        log = (self._folder / "workers.log").open("wb")
        command = [this_python(), "-m", "app", "worker"]
        processes = [
            subprocess.Popen(
                command,
                env={**installations.surroundings(), **self._settings},
                cwd=installations.ROOT,
                stdout=log,
                stderr=log,
            )
            for _ in range(workers)
        ]
        try:
            return self._wait()
        finally:
            for process in processes:
                process.terminate()
                process.wait(timeout=60)
            log.close()

    def look(self) -> tuple[bool, float]:
        """Whether every feed has run, and seconds from the start of the first run to the end of
        the last, as the runs themselves say: neither a process's start nor this look is in it."""
        took = func.max(feed_run.c.ended_us) - func.min(feed_run.c.started_us)
        done = select(func.count(), took).where(feed_run.c.state == "done")
        database = Database.open(load_settings(self._settings))
        with database.read() as connection:
            feeds = connection.execute(select(func.count()).select_from(feed)).scalar_one()
            ran, took_us = connection.execute(done).one()
        database.close()
        return ran == feeds, (took_us or 0) / clock.SECOND_US

    def _wait(self) -> float:
        end = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < end:
            is_over, seconds = self.look()
            if is_over:
                return seconds
            time.sleep(0.5)
        raise RuntimeError("the feeds did not settle")
