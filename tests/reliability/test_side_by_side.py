"""A server, a worker, and commands that come and go, on one database, as real processes.

Whatever is acknowledged while they do so is there at the end, whichever process looks, and every
page that left is on record.
"""

from __future__ import annotations

import itertools
import json
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson
import pytest
from sqlalchemy import func, select

from kernel.db import Database
from kernel.settings import Settings
from sharing.tables import policy as kept_policy
from tests.reliability.consistency import count_copies, find_faults, find_wrong_views
from tests.reliability.polling import LAST, Client, Polled
from tests.reliability.scenes import envelope
from tests.reliability.servers import RealServer, start_comity, start_command
from tests.reliability.test_served_is_recorded import Poll, Range, recorded_ranges, served_ranges
from tests.sharing.taxii.world import World
from tests.sharing.views.looking import policy, share

ROUNDS: Final = 10
_PATIENCE_SECONDS: Final = 60
_PAUSE_SECONDS: Final = 0.25
# What reaches XCC falls due: workers write too.
_POLICY: Final = policy(share("member:XBB"), share("member:XCC", delay="PT1S"))
_OF_THE_WORLD: Final = {"policy-shares-nothing"}
_SAVE: Final = """
import sqlite3, sys
sqlite3.connect(sys.argv[1], timeout=30).execute("VACUUM INTO ?", (sys.argv[2],))
"""


@dataclass
class Traffic:
    """Clients of a server: XAA posts, XBB polls for what is new."""

    world: World
    base: str
    acknowledged: list[str] = field(default_factory=list)
    polled: list[tuple[Poll, Polled]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _more: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def flowing(self) -> Iterator[None]:
        """While the block runs, and until everything that was begun is answered."""
        threads = [threading.Thread(target=part) for part in (self._post, self._post, self._poll)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            for thread in threads:
                thread.join(timeout=_PATIENCE_SECONDS)
        assert not any(thread.is_alive() for thread in threads)

    def wait_for_more(self) -> list[str]:
        """What has been acknowledged, once something was since this was asked."""
        self._more.clear()
        assert self._more.wait(timeout=_PATIENCE_SECONDS), self.faults
        return list(self.acknowledged)

    def _post(self) -> None:
        client = Client(self.base, self.world.secrets["xaa"])
        while not self._stopped.wait(_PAUSE_SECONDS):
            objects = self.world.indicators(2)
            polled = client.ask("POST", self.world.address(), envelope(objects))
            if polled.status != 202 or polled.document["failure_count"]:
                self.faults.append(f"a post was answered {polled.status}")
                continue
            self.acknowledged += [one["id"] for one in objects]
            self._more.set()

    def _poll(self) -> None:
        client, after = Client(self.base, self.world.secrets["xbb"]), ""
        while not self._stopped.wait(_PAUSE_SECONDS):
            poll = Poll("objects", "GET", self.world.address(rest=f"objects/{after}"), is_cut=False)
            polled = client.get(poll.address)
            self.polled.append((poll, polled))
            if polled.status != 200:
                self.faults.append(f"a poll was answered {polled.status}")
            after = f"?added_after={polled.headers[LAST]}" if LAST in polled.headers else after


@dataclass
class Commands:
    """`comity …`, one after another, on this world's installation."""

    world: World
    faults: list[str] = field(default_factory=list)
    policies: int = 0
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def run(self, *arguments: str) -> Any:
        """What a command answers with `--json`, once it has left; None where it refuses."""
        name = f"command-{next(self._numbers)}.log"
        process, said = start_command(self.world, *arguments, "--json", said=name)
        if process.wait(timeout=_PATIENCE_SECONDS):
            self.faults.append(f"{arguments}: {said.read_text()}")
            return None
        return orjson.loads(said.read_bytes())

    def look(self, object_id: str) -> None:
        """Those that only look."""
        place = self.world.collections["reports"]
        self.run("explain", object_id, "--collection", place, "--as", "XAA")
        self.run("collection", "list", "harbour")
        self.run("db", "current")
        self.examine()

    def examine(self) -> None:
        """The doctor finds nothing but what this world is made of."""
        found = [one for one in self.run("doctor") or () if one["code"] not in _OF_THE_WORLD]
        self.faults += [f"the doctor finds {one}" for one in found]

    def set_policy(self) -> None:
        """The same policy once more, as a new version of it."""
        file = Path(self.world.settings.data_dir) / "policy.json"
        file.write_text(json.dumps(_POLICY), encoding="utf-8")
        self.run("policy", "set", "XAA", "harbour", str(file))
        self.policies += 1

    def list_lacking(self, sent: list[str]) -> list[str]:
        """Of these ids, what a command's process does not find in the view of XBB."""
        file = Path(self.world.settings.data_dir) / "view.json"
        place = self.world.collections["reports"]
        if self.run("export", "--as", "XBB", "--collection", place, "--out", str(file)) is None:
            return []
        found = {one["id"] for one in orjson.loads(file.read_bytes())["objects"]}
        return [one for one in sent if one not in found]


@dataclass
class Installation:
    """A server and a worker on one database, which nobody else has open when they begin."""

    server: RealServer
    worker: subprocess.Popen[bytes]
    said: Path

    @classmethod
    def start(cls, world: World, module: str = "app") -> Installation:
        world.database.close()
        server = start_comity(world, module=module)
        # No connection crosses a fork: a child that closes it would end the parent's.
        assert list_open(server.process.pid) == []
        worker, said = start_command(world, "worker", said="worker.log", module=module)
        return cls(server, worker, said)

    def stop_server(self) -> None:
        """As an operator stops it."""
        self.server.process.terminate()
        assert self.server.process.wait(timeout=_PATIENCE_SECONDS) == 0

    def stop_worker(self) -> None:
        """Likewise."""
        self.worker.send_signal(signal.SIGTERM)
        assert self.worker.wait(timeout=_PATIENCE_SECONDS) == 0, self.said.read_text()
        assert "worker-started" in self.said.read_text()

    def end(self) -> None:
        """Whatever is left of it."""
        self.worker.kill()
        self.worker.wait()
        self.server.kill()


def list_open(pid: int) -> list[str]:
    """The files of the embedded database that a process has open."""
    files = [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()]
    return [file for file in files if file.endswith((".db", "-wal", "-shm"))]


def list_unsaved(world: World, sent: list[str]) -> list[str]:
    """What a copy lacks of these ids, or what is wrong with it, that is made meanwhile as
    docs/operations.md says: the log of deliveries first, each file by VACUUM INTO."""
    folder = Path(world.settings.data_dir)
    copy = folder / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir()
    for name in ("comity-deliveries.db", "comity.db"):
        subprocess.run(
            [sys.executable, "-c", _SAVE, str(folder / name), str(copy / name)],
            check=True,
            timeout=_PATIENCE_SECONDS,
        )
    saved = Database.open(Settings(data_dir=str(copy)))
    try:
        copies = count_copies(saved, sent)
        return [one for one, count in copies.items() if count != 1] + find_faults(saved)
    finally:
        saved.close()


def list_unseen(commands: Commands, sent: list[str]) -> list[str]:
    """Of these ids, what another process does not find that comes and leaves."""
    if commands.world.database.is_sqlite:
        return [f"in a copy: {one}" for one in list_unsaved(commands.world, sent)]
    return [f"{one} is in no export" for one in commands.list_lacking(sent)]


def come_and_go(commands: Commands, traffic: Traffic) -> list[str]:
    """Each command once, and what is missing of what had been acknowledged before it came."""
    commands.look(traffic.wait_for_more()[-1])
    sent = traffic.wait_for_more()
    faults = [f"{one} is in no export" for one in commands.list_lacking(sent)]
    commands.set_policy()
    return faults + list_unseen(commands, traffic.wait_for_more())


def come_and_go_quickly(commands: Commands, traffic: Traffic) -> list[str]:
    """One that looks, where that costs little, and one that writes."""
    faults = []
    if commands.world.database.is_sqlite:
        faults = list_unseen(commands, traffic.wait_for_more())
    commands.set_policy()
    traffic.wait_for_more()
    return faults


def walk_served(traffic: Traffic, who: str) -> set[str]:
    """The ids that the server serves to somebody, page after page."""
    client, query = Client(traffic.base, traffic.world.secrets[who]), "limit=1000"
    found: set[str] = set()
    while query:
        address = traffic.world.address(rest=f"manifest/?{query}")
        page = client.get(address)
        assert page.status == 200, page
        traffic.polled.append((Poll("manifest", "GET", address, is_cut=False), page))
        found |= set(page.ids)
        query = f"limit=1000&next={page.document['next']}" if page.document.get("more") else ""
    return found


def count_policies(world: World) -> int:
    with world.database.read() as connection:
        statement = select(func.count()).select_from(kept_policy)
        return connection.execute(statement).scalar_one()


def work_side_by_side(
    world: World, visit: Callable[[Commands, Traffic], list[str]], rounds: int
) -> list[str]:
    """What is lost, doubled or not on record after so many rounds of commands."""
    world.set_policy(_POLICY)
    policies = count_policies(world)
    installation, commands = Installation.start(world), Commands(world)
    traffic, faults = Traffic(world, installation.server.base), []
    sent = traffic.acknowledged
    try:
        with traffic.flowing():
            for _ in range(rounds):
                faults += visit(commands, traffic)
        seen = walk_served(traffic, "xbb")
        faults += [f"{one} is not served" for one in sent if one not in seen]
        installation.stop_server()
        faults += list_unseen(commands, sent)
        installation.stop_worker()
        commands.examine()
    finally:
        installation.end()
    copies = count_copies(world.database, sent)
    faults += [f"{one} is there {count} times" for one, count in copies.items() if count != 1]
    if count_policies(world) != policies + commands.policies:
        faults.append("a policy that was set is not there")
    if polled_ranges(world) != served_ranges(traffic.polled):
        faults.append("the pages that left are not those on record")
    assert served_ranges(traffic.polled).total() > rounds
    return faults + commands.faults + traffic.faults


def polled_ranges(world: World) -> Counter[Range]:
    """What is on record as served by the server, not as exported by a command."""
    recorded = recorded_ranges(world.database)
    return Counter({key: count for key, count in recorded.items() if key[0] != "export"})


def test_nothing_acknowledged_is_lost_while_processes_come_and_go(world: World) -> None:
    assert work_side_by_side(world, come_and_go_quickly, 1) == []
    assert find_faults(world.database) == []


@pytest.mark.audit
def test_nothing_acknowledged_is_lost_while_processes_come_and_go_for_long(world: World) -> None:
    assert work_side_by_side(world, come_and_go, ROUNDS) == []
    assert find_faults(world.database) == []
    assert find_wrong_views(world.database) == []


@pytest.mark.audit
def test_control_processes_that_close_the_file_lose_what_they_acknowledge(
    small_world: World,
) -> None:
    installation = Installation.start(small_world, "tests.reliability.careless")
    traffic, lacking = Traffic(small_world, installation.server.base), []
    try:
        with traffic.flowing():
            for _ in range(20):
                lacking += list_unsaved(small_world, traffic.wait_for_more())
    finally:
        installation.end()
    assert lacking
