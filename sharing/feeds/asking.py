"""A connection test that somebody waits for: few at a time, and few a minute for each member.

It leads out of the process that answers pages and the API; so it holds no lock of the database,
ends soon, and leaves most threads to others. Kept in the memory of each process.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from auth.reader import Reader
from auth.services import record_audit
from kernel.db import Database
from kernel.errors import TooMany
from sharing.feeds.remote.checking import Checked
from sharing.feeds.running import Runner
from sharing.queries.feeds import Feed
from sharing.services.feeds.keeping import NewFeed, check_partner, check_stands

FREE_TESTS: Final = 6
"""Within a window, for each member."""
WINDOW_SECONDS: Final = 60.0
MOST_AT_ONCE: Final = 2
_MOST_MEMBERS: Final = 1000


class Tests:
    """How many connection tests each member had begun, within the last window."""

    __test__ = False

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._running = threading.BoundedSemaphore(MOST_AT_ONCE)
        self._begun: OrderedDict[int, list[float]] = OrderedDict()

    @contextmanager
    def beginning(self, member_id: int) -> Iterator[None]:
        """While a member's test runs. Raises TooMany (`sharing.too-many-tests`)."""
        self._count(member_id)
        if not self._running.acquire(blocking=False):
            raise _too_many("other connections are being tested just now; try again", 5.0)
        try:
            yield
        finally:
            self._running.release()

    def _count(self, member_id: int) -> None:
        with self._lock:
            now = self._monotonic()
            begun = [at for at in self._begun.pop(member_id, []) if now - at < WINDOW_SECONDS]
            self._begun[member_id] = begun
            if len(self._begun) > _MOST_MEMBERS:
                self._begun.popitem(last=False)
            if len(begun) >= FREE_TESTS:
                wait = WINDOW_SECONDS - (now - begun[0])
                raise _too_many("your member has tested many connections; wait a minute", wait)
            begun.append(now)


class Feeds:
    """What pages and the API need of feeds: what runs them (or tests them), and how often."""

    def __init__(self, database: Database, open_runner: Callable[[], Runner]) -> None:
        self._database = database
        self._open_runner = open_runner
        self._runner: Runner | None = None
        self.tests = Tests()

    @property
    def runner(self) -> Runner:
        """Opened when it is first asked for. Raises Misconfigured for bad sealing keys."""
        if self._runner is None:
            self._runner = self._open_runner()
        return self._runner

    @runner.setter
    def runner(self, runner: Runner) -> None:
        self._runner = runner

    def test(self, reader: Reader, found: Feed, *, now_us: int) -> Checked:
        """The connection test of a feed of the reader's member. Raises TooMany, Conflict."""
        check_stands(found)
        with self._beginning(reader, found.peer, now_us):
            return self.runner.test(found)

    def test_new(self, reader: Reader, new: NewFeed, *, now_us: int) -> Checked:
        """The same of one that is not set up. Raises TooMany, BadInput for what cannot be asked."""
        peer = check_partner(new)
        with self._beginning(reader, peer, now_us):
            return self.runner.test_new(new)

    @contextmanager
    def _beginning(self, reader: Reader, peer: str, now_us: int) -> Iterator[None]:
        member_id = reader.member_id or 0
        with self.tests.beginning(member_id):
            with self._database.write() as connection:
                record_audit(
                    connection,
                    reader.actor,
                    "feed.test",
                    f"peer:{peer}",
                    member_id=member_id,
                    now_us=now_us,
                )
            yield


def _too_many(message: str, wait_seconds: float) -> TooMany:
    return TooMany(
        "sharing.too-many-tests", message, retry_after_seconds=max(1, round(wait_seconds))
    )
