"""Two installations in processes of their own, and a line between them that does what lines do.

A proxy refuses, cuts, drips, loses replies after the partner has committed, or swallows; the
commands of one installation feed from the other, and to it. When the line heals everything is
there, once.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from kernel.settings import Settings
from sharing.queries.feed_lists import RunFilter, page_runs
from sharing.queries.feeds import list_feeds
from tests.conftest import POSTGRESQL_AT_LENGTH
from tests.journeys.serving import ROOT, serving
from tests.sharing.taxii.world import World, make_world

COMITY = [sys.executable, "-m", "app"]


class Line:
    """Between whoever connects to `port` and a server: `mode` says what happens to a connection.

    `pass`, `refuse`, `swallow` (takes all and answers nothing), `cut` (ends in the middle of the
    answer), `lose` (the server's answer never arrives), `drip` (a byte at a time).
    """

    def __init__(self, host: str, port: int) -> None:
        self.mode = "pass"
        self._server = (host, port)
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        self._ended = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._ended.set()
        self._door.close()

    def _accept(self) -> None:
        while not self._ended.is_set():
            with suppress(OSError):
                taken, _ = self._door.accept()
                threading.Thread(target=self._carry, args=(taken, self.mode), daemon=True).start()

    def _carry(self, taken: socket.socket, mode: str) -> None:
        with taken, suppress(OSError):
            if mode == "refuse":
                # A reset, as of a port at which nobody listens.
                taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                return
            if mode == "swallow":
                while taken.recv(65536):
                    pass
                return
            with socket.create_connection(self._server) as there:
                threading.Thread(target=self._send, args=(taken, there), daemon=True).start()
                self._answer(there, taken, mode)

    def _send(self, taken: socket.socket, there: socket.socket) -> None:
        with suppress(OSError):
            while data := taken.recv(65536):
                there.sendall(data)

    def _answer(self, there: socket.socket, taken: socket.socket, mode: str) -> None:
        while data := there.recv(65536):
            if mode == "lose":
                return
            if mode == "cut":
                taken.sendall(data[: len(data) // 2])
                return
            if mode == "drip":
                for place in range(min(len(data), 200)):
                    taken.sendall(data[place : place + 1])
                    time.sleep(0.02)
                return
            taken.sendall(data)


@contextmanager
def line_to(url: str) -> Iterator[Line]:
    parts = urlsplit(url)
    line = Line(parts.hostname or "", parts.port or 80)
    try:
        yield line
    finally:
        line.close()


class Home:
    """The installation that feeds, by its commands."""

    def __init__(self, world: World) -> None:
        self.world = world

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {
            "COMITY_DATABASE_URL": self.world.settings.database_url,
            "COMITY_DATA_DIR": self.world.settings.data_dir,
            "COMITY_SECRET_KEY": (b"s" * 32).hex(),
            "COMITY_EGRESS_ALLOW": "127.0.0.0/8",
            "PYTHONPATH": str(ROOT),
        }

    @contextmanager
    def working(self) -> Iterator[subprocess.Popen[bytes]]:
        """A worker of its own, a process."""
        process = subprocess.Popen(
            [*COMITY, "worker"],
            env=self.environment,
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(timeout=60)

    def states(self) -> list[str]:
        """How the feed's runs stand, the newest first."""
        reader = self.world.seated("XAA").reader
        with self.world.database.read() as connection:
            (found,) = list_feeds(connection, reader)
            return [
                one.state for one in page_runs(connection, reader, found.id, RunFilter(), limit=9)
            ]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMITY, *arguments, "--json"],
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def done(self, *arguments: str) -> Any:
        ran = self.run(*arguments)
        assert ran.returncode == 0, ran
        return json.loads(ran.stdout)


@pytest.fixture
def worlds(make_settings: Any) -> Iterator[tuple[World, World]]:
    from kernel.db import Database  # noqa: PLC0415 - one use

    made = []
    for _ in range(2):
        settings: Settings = make_settings()
        made.append(make_world(Database.open(settings), settings))
    yield made[0], made[1]
    for world in made:
        world.database.close()


def seen(world: World, who: str) -> dict[str, Any]:
    page = world.get(who, world.address(), query_string={"limit": 1000}).get_json()
    assert not page.get("more")
    return {one["id"]: one for one in page.get("objects", [])}


@POSTGRESQL_AT_LENGTH
def test_whatever_the_line_does_everything_arrives_once(
    worlds: tuple[World, World], tmp_path: Path
) -> None:
    there, here = worlds
    # Installations on the clock of this machine: processes of their own serve and feed.
    objects = there.indicators(30)
    there.contribute(*objects)
    home = Home(here)
    secret = tmp_path / "secret.txt"
    with serving(there.settings, b"s" * 32) as url, line_to(url) as line:
        address = f"http://127.0.0.1:{line.port}/taxii2/harbour/"
        for direction, who, member in (("pull", "xbb", "XAA"), ("push", "xcc", "XBB")):
            user, password = there.secrets[who]
            secret.write_text(password)
            home.done(
                *("feed", "add", direction, "--url", address, "--direction", direction),
                *("--collection", there.collections["reports"], "--into", "reports"),
                *("--member", member, "--user", user, "--secret-file", str(secret)),
            )
        mine = here.indicators(40)[30:]
        here.contribute(*mine)
        for mode, name in (
            ("refuse", "pull"),
            ("cut", "pull"),
            ("drip", "pull"),
            ("swallow", "pull"),
            ("lose", "push"),
        ):
            line.mode = mode
            ran = home.run("feed", "run", name)
            assert ran.returncode == 1, (mode, ran)
            assert "Traceback" not in ran.stderr
        line.mode = "pass"
        pulled = home.done("feed", "run", "pull")
        pushed = home.done("feed", "run", "push")
        assert (pulled["run"]["state"], pushed["run"]["state"]) == ("done", "done")
        received = seen(here, "xaa")
        assert {one["id"]: one for one in objects}.items() <= received.items()
        assert len(received) == len(objects) + len(mine)
        arrived = seen(there, "xcc")
        assert {one["id"]: one for one in mine}.items() <= arrived.items()
        again = home.done("feed", "run", "push")["run"]
        assert (again["contributed"], again["objects"]) == (0, 0), again


@POSTGRESQL_AT_LENGTH
def test_a_worker_that_is_killed_in_the_middle_is_taken_over_from(
    worlds: tuple[World, World], tmp_path: Path
) -> None:
    there, here = worlds
    objects = there.indicators(30)
    there.contribute(*objects)
    home = Home(here)
    secret = tmp_path / "secret.txt"
    with serving(there.settings, b"s" * 32) as url, line_to(url) as line:
        user, password = there.secrets["xbb"]
        secret.write_text(password)
        line.mode = "swallow"
        home.done(
            *("feed", "add", "pull", "--url", f"http://127.0.0.1:{line.port}/taxii2/harbour/"),
            *("--collection", there.collections["reports"], "--into", "reports"),
            *("--member", "XAA", "--user", user, "--secret-file", str(secret)),
        )
        with home.working() as first:
            until(lambda: home.states() == ["running"])
            first.kill()
            first.wait(timeout=20)
        line.mode = "pass"
        with home.working():
            until(lambda: home.states() == ["done", "cut-off"])
    assert seen(here, "xaa") == {one["id"]: one for one in objects}


def until(done: Any) -> None:
    end = time.monotonic() + 300
    while not done():
        assert time.monotonic() < end
        time.sleep(0.2)
