"""A policy change over many contributions, while a recipient goes on reading.

Twenty States in one forum; one of them has contributed everything, and sets its policy by
`comity policy set`, in a process of its own, as its officer would. All the while another State
reads the first page over TAXII, again and again. What counts is how long a change takes by how
much it is about, and the reader's slowest percent during a change beside that in peace.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import migrations
from auth.queries import find_forum
from auth.services import OPERATOR, NewMember, add_forum, add_member, seat_for_operator
from bench import installations
from bench.corpus import envelopes
from bench.measure import Client, Peer
from bench.servers import free_port, running, this_python
from kernel.clock import now_us
from kernel.db import Database
from kernel.settings import Settings
from sharing.queries.collections import find_collection
from sharing.rules.tlp import Tlp
from sharing.services.collections import NewCollection, add_collection
from sharing.services.contribute import contribute
from sharing.services.seating import open_forum_for_sharing, seat_member

STATES = [f"X{chr(65 + number)}{letter}" for number in range(10) for letter in "AB"]
_FORUM = "changes"
_PEACE_SECONDS = 5.0

_ALL = {"id": "all", "effect": "share", "audience": {"any": ["forum"]}}
_LESS_ONE = {
    "id": "all",
    "effect": "share",
    "audience": {"any": ["forum"], "except": ["member:XBA"]},
}
_NO_EDGES = {
    "id": "edges",
    "effect": "withhold",
    "audience": {"any": ["member:XBA"]},
    "when": {"types": ["relationship"]},
}
CHANGES: tuple[tuple[str, list[dict[str, Any]]], ...] = (
    ("the same rules in other words", [_ALL | {"omit": []}]),
    ("one State loses a quarter", [_ALL, _NO_EDGES]),
    ("and is given it again", [_ALL]),
    ("one State loses everything", [_LESS_ONE]),
    ("and is given it again", [_ALL]),
)


@dataclass(frozen=True, slots=True)
class Changed:
    """One change: versions gained and lost, seconds in all and on the processor, reads (ms)."""

    what: str
    gained: int
    lost: int
    seconds: float
    cpu_seconds: float
    reads_ms: list[float]

    def line(self) -> str:
        """The change as a line of a Markdown table."""
        return (
            f"| {self.what} | {self.gained} | {self.lost} | {self.seconds:.1f} | "
            f"{self.cpu_seconds:.1f} | {_percentiles(self.reads_ms)} |"
        )


def told(
    engine: str, count: int, peace_ms: list[float], changes: Iterator[Changed]
) -> Iterator[str]:
    """The lines of the table, each as soon as it is known."""
    yield f"#### Policy change, {engine}, {count} contributions, {len(STATES)} States\n"
    yield "| change | gained | lost | s | CPU s | reader's median, ms | reader's p99, ms |"
    yield "|---|---|---|---|---|---|---|"
    yield f"| none | | | | | {_percentiles(peace_ms)} |"
    for change in changes:
        yield change.line()


def measure_changes(
    folder: Path, database_url: str, count: int, engine: str, kept: Path | None = None
) -> Iterator[str]:
    """Set everything up in a new folder, and make each of CHANGES once.

    What was contributed is copied from `kept`, where it is made first unless it is there already.
    """
    if kept is None:
        folder.mkdir()
        place = _make(Settings(data_dir=str(folder), database_url=database_url), count)
    else:
        place = _keep(kept / f"changes-{count}", count)
        shutil.copytree(kept / f"changes-{count}", folder)
    settings = {"COMITY_DATA_DIR": str(folder), "COMITY_DATABASE_URL": database_url}
    run = installations.commands(settings)
    run("policy", "set", STATES[0], _FORUM, str(_document(folder, [_ALL])))
    entry = run("credential", "add", "XBA", "--name", "bench")
    port = free_port()
    command = [this_python(), "-m", "app", "serve", "--port", str(port), "--workers", "1"]
    path = f"/taxii2/{_FORUM}/collections/{place}/objects/"
    with running(command, port, environment=settings, log=folder / "serve.log"):
        reader = Peer("Comity", "127.0.0.1", port, entry["id"], entry["secret"], path)
        with _reading(reader) as peace_ms:
            time.sleep(_PEACE_SECONDS)
        changes = (_change(folder, settings, reader, what, rules) for what, rules in CHANGES)
        yield from told(engine, count, peace_ms, changes)


def _keep(folder: Path, count: int) -> str:
    """The collection of what is kept in this folder, made unless it is there."""
    note = folder / "collection"
    if not note.exists():
        folder.mkdir(parents=True)
        note.write_text(_make(Settings(data_dir=str(folder)), count), encoding="ascii")
    return note.read_text(encoding="ascii")


def _make(settings: Settings, count: int) -> str:
    """The forum, its States, and what the first of them contributes; the collection."""
    database = Database.open(settings)
    try:
        migrations.upgrade(database)
        with database.write() as connection:
            said: dict[str, Any] = {"actor": OPERATOR, "now_us": now_us()}
            add_forum(connection, _FORUM, "Changes", tlp_ceiling=int(Tlp.RED), **said)
            open_forum_for_sharing(connection, OPERATOR, _FORUM, now_us=now_us())
            for code in STATES:
                add_member(connection, NewMember(code=code, name=code), **said)
        for code in STATES:
            seat_member(database, OPERATOR, _FORUM, code, "member", now_us=now_us())
        uuid = add_collection(database, OPERATOR, _FORUM, NewCollection("All"), now_us=now_us())
        with database.read() as connection:
            seated = seat_for_operator(connection, STATES[0], _FORUM)
            place = find_collection(connection, seated, uuid)
            if place is None or find_forum(connection, _FORUM) is None:
                raise RuntimeError("the forum was not made")
        for envelope in envelopes(count):
            contribute(database, seated, place, envelope, now_us=now_us())
        return uuid
    finally:
        database.close()


def _document(folder: Path, rules: list[dict[str, Any]]) -> Path:
    file = folder / "policy.json"
    file.write_text(json.dumps({"rules": rules}), encoding="utf-8")
    return file


def _change(
    folder: Path,
    settings: Mapping[str, str],
    reader: Peer,
    what: str,
    rules: list[dict[str, Any]],
) -> Changed:
    file = _document(folder, rules)
    command = [this_python(), "-m", "app", "policy", "set", STATES[0], _FORUM, str(file), "--json"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    with _reading(reader) as reads_ms:
        done = subprocess.run(
            command, env={**os.environ, **settings}, check=True, capture_output=True, text=True
        )
    seconds = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    told_of = json.loads(done.stdout)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Changed(what, told_of["gained"], told_of["lost"], seconds, used, reads_ms)


@contextmanager
def _reading(peer: Peer) -> Iterator[list[float]]:
    """Reads the first page of 100 over and over while the block runs; how long each took, ms."""
    times: list[float] = []
    faults: list[Exception] = []
    ended = threading.Event()

    def read() -> None:
        client = Client(peer)
        try:
            while not ended.is_set():
                begun = time.perf_counter()
                try:
                    client.fetch("?limit=100")
                except ConnectionError:  # the server has closed an idle connection: a new one
                    client = Client(peer)
                    client.fetch("?limit=100")
                times.append(1000 * (time.perf_counter() - begun))
        except Exception as fault:  # noqa: BLE001 - raised again where the block ends
            faults.append(fault)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield times
    finally:
        ended.set()
        thread.join()
    if faults:
        raise faults[0]


def _percentiles(times: list[float]) -> str:
    parts = statistics.quantiles(times, n=100)
    return f"{parts[49]:.1f} | {parts[98]:.1f}"
