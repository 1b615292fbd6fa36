"""`comity serve` is killed with all its processes at random moments while clients write to it.

After the next start everything that was acknowledged is served, once; what was in doubt is sent
again and is served once as well.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from flask import Flask, Response
from werkzeug.serving import make_server

from app import create_app
from tests.reliability.children import Child, Say, fork
from tests.reliability.consistency import find_faults, find_wrong_views
from tests.reliability.controls import AcknowledgingFirst
from tests.reliability.polling import Client
from tests.reliability.scenes import envelope
from tests.reliability.servers import Server, Start, start_comity
from tests.sharing.taxii.world import World

KILLS = {"sqlite": 3, "postgresql": 2}
KILLS_OF_A_PART = 50
WRITERS = 3


@dataclass
class Writer:
    """A client that posts one envelope after another until the line breaks."""

    client: Client
    address: str
    make: Callable[[], list[dict[str, Any]]]
    has_begun: threading.Event
    acknowledged: list[str] = field(default_factory=list)
    in_doubt: list[dict[str, Any]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def write(self) -> None:
        """Post; an answer that never came leaves the last envelope in doubt."""
        while True:
            objects = self.make()
            try:
                polled = self.client.ask("POST", self.address, envelope(objects))
            except OSError:
                self.in_doubt = objects
                return
            if polled.status != 202 or polled.document["failure_count"]:
                self.faults.append(f"a post was answered {polled.status}")
                return
            self.acknowledged += [one["id"] for one in objects]
            self.has_begun.set()


def write_until_killed(world: World, server: Server, seconds: float) -> list[Writer]:
    """What each writer had acknowledged when the server was killed under it."""
    lock = threading.Lock()

    def make() -> list[dict[str, Any]]:
        with lock:
            return world.indicators(2)

    client = Client(server.base, world.secrets["xaa"])
    has_begun = threading.Event()
    writers = [Writer(client, world.address(), make, has_begun) for _ in range(WRITERS)]
    threads = [threading.Thread(target=writer.write) for writer in writers]
    for thread in threads:
        thread.start()
    # A new server takes its time for the first; what is random is when it dies after that.
    assert has_begun.wait(timeout=60)
    time.sleep(seconds)
    server.kill()
    for thread in threads:
        thread.join(timeout=60)
        assert not thread.is_alive()
    return writers


def served_copies(world: World, server: Server, ids: list[str]) -> dict[str, int]:
    """How often each of these ids is served to XBB."""
    client = Client(server.base, world.secrets["xbb"])
    counts = dict.fromkeys(ids, 0)
    for start in range(0, len(ids), 100):
        some = ",".join(ids[start : start + 100])
        query = f"match[id]={some}&match[version]=all&limit=1000"
        page = client.get(world.address(rest=f"manifest/?{query}"))
        assert page.status == 200, page
        for one in page.ids:
            counts[one] += 1
    return counts


def find_losses(world: World, server: Server, writers: list[Writer]) -> list[str]:
    """What a server that was started after the kill lacks, or has twice."""
    faults = [fault for writer in writers for fault in writer.faults]
    acknowledged = [one for writer in writers for one in writer.acknowledged]
    counts = served_copies(world, server, acknowledged)
    faults += [f"{one} was acknowledged and is lost" for one, n in counts.items() if n == 0]
    faults += [f"{one} is served {n} times" for one, n in counts.items() if n > 1]
    again = [one for writer in writers for one in writer.in_doubt]
    if again:
        client = Client(server.base, world.secrets["xaa"])
        polled = client.ask("POST", world.address(), envelope(again))
        if polled.status != 202 or polled.document["failure_count"]:
            faults.append(f"what was in doubt is answered {orjson.dumps(polled.document)!r}")
        counts = served_copies(world, server, [one["id"] for one in again])
        faults += [f"{one} is served {n} times" for one, n in counts.items() if n != 1]
    return faults


def kill_often(world: World, start: Start, kills: int, chance: random.Random) -> list[str]:
    """What is wrong after so many kills and restarts."""
    world.database.close()
    faults: list[str] = []
    server = start(world)
    try:
        for _ in range(kills):
            writers = write_until_killed(world, server, chance.uniform(0.0, 0.4))
            server = start(world)
            faults += find_losses(world, server, writers)
    finally:
        server.kill()
    return faults


def test_nothing_acknowledged_is_lost_or_doubled_by_a_kill(world: World) -> None:
    kills = KILLS[world.database.content.dialect.name]
    assert kill_often(world, start_comity, kills, random.Random(5)) == []
    assert find_faults(world.database) == []
    assert find_wrong_views(world.database) == []


@pytest.mark.audit
@pytest.mark.parametrize("part", range(10))
def test_nothing_acknowledged_is_lost_or_doubled_by_a_thousand_kills(
    world: World, part: int
) -> None:
    """Ten parts of fifty on each database."""
    chance = random.Random(100 + part)
    assert kill_often(world, start_comity, KILLS_OF_A_PART, chance) == []
    assert find_faults(world.database) == []


@dataclass(slots=True)
class ForkedServer:
    """A server in one forked child."""

    base: str
    child: Child

    def kill(self) -> None:
        self.child.kill()
        self.child.wait()


def start_acknowledging_first(world: World) -> ForkedServer:
    """A server that commits a tenth of a second after its answer has left."""

    def work(say: Say) -> None:
        database = AcknowledgingFirst.open(world.settings)
        app = create_app(world.settings, database=database, signer=world.signer)
        assert isinstance(database, AcknowledgingFirst)
        database.furnish(app)
        dawdle(app)
        server = make_server("127.0.0.1", 0, app)
        say(server.port)
        server.serve_forever()

    child = fork(work)
    return ForkedServer(f"http://127.0.0.1:{child.hear()}", child)


def dawdle(app: Flask) -> None:
    """Wait before whatever else is done once an answer has left."""

    @app.after_request
    def wait(response: Response) -> Response:
        # Close handlers run in the order in which they were added, and this one's is first.
        response.call_on_close(lambda: time.sleep(0.1))
        return response


def test_control_a_server_that_acknowledges_before_it_commits_is_caught(
    small_world: World,
) -> None:
    # One kill may find the server idle: what counts is that a few of them find it out.
    rounds = (
        kill_often(small_world, start_acknowledging_first, 1, random.Random(seed))
        for seed in range(15)
    )
    assert any("was acknowledged and is lost" in fault for faults in rounds for fault in faults)
