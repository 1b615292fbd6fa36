"""Leases: which process does a piece of work, passed on when it dies.

A lease runs out unless its holder renews it, so nobody has to notice a death. It spares double
work and is no lock: a holder that was stopped for longer than its lease finds out late. What
must not happen twice is guarded where it happens (a forum's lock, a transaction). What does not
live here: what the work is.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Connection, Table, Text, delete, select, update

from kernel import clock
from kernel.clock import SECOND_US
from kernel.db import Database, content_metadata
from kernel.errors import ComityError
from kernel.logs import get_logger
from kernel.rows import upserting

log = get_logger(__name__)

LEASE_SECONDS = 10.0
"""How long work waits whose holder has died."""

_TURN_SECONDS = 1.0

lease = Table(
    "lease",
    content_metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("until_us", BigInteger, nullable=False),
)


def make_holder() -> str:
    """A name for this process that no other has had."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


@dataclass(frozen=True, slots=True)
class Held:
    """A lease that somebody holds, until it is renewed or runs out."""

    name: str
    holder: str
    until_us: int


def list_held(connection: Connection, *, now_us: int) -> list[Held]:
    """What is being worked at now, by name."""
    rows = connection.execute(select(lease).where(lease.c.until_us > now_us).order_by(lease.c.name))
    return [Held(row.name, row.holder, row.until_us) for row in rows]


class Leases:
    """The leases of one holder, which threads may share; instants are of this host's clock."""

    def __init__(
        self,
        database: Database,
        holder: str,
        *,
        seconds: float = LEASE_SECONDS,
        now_us: Callable[[], int] = clock.now_us,
    ) -> None:
        self.holder = holder
        self._database = database
        self._length_us = round(seconds * SECOND_US)
        self._now_us = now_us
        self._lock = threading.Lock()
        self._renewed_us: dict[str, int] = {}

    def list_taken(self) -> set[str]:
        """The names that somebody holds now, this holder among them."""
        statement = select(lease.c.name).where(lease.c.until_us > self._now_us())
        with self._database.read() as connection:
            return set(connection.execute(statement).scalars())

    def take(self, name: str) -> bool:
        """Hold the lease, unless somebody does whose time has not run out (this holder too)."""
        with self._database.write() as connection:
            now_us = self._now_us()  # only now: a writer may have had to wait
            row = upserting(connection, lease).values(
                name=name, holder=self.holder, until_us=now_us + self._length_us
            )
            statement = row.on_conflict_do_update(
                index_elements=["name"],
                set_={"holder": row.excluded.holder, "until_us": row.excluded.until_us},
                where=lease.c.until_us <= now_us,
            )
            taken = connection.execute(statement.returning(lease.c.name)).first() is not None
        if taken:
            with self._lock:
                self._renewed_us[name] = now_us
        return taken

    def renew(self) -> None:
        """Hold on to what is held, where a third of its time has passed; call it often."""
        now_us = self._now_us()
        with self._lock:
            aged = [
                name
                for name, renewed_us in self._renewed_us.items()
                if now_us - renewed_us >= self._length_us // 3
            ]
        for name in aged:
            self._renew(name)

    def give_back(self, name: str) -> None:
        """The work is done: whoever finds it to be done again may take it at once."""
        self.leave(name)
        mine = (lease.c.name == name, lease.c.holder == self.holder)
        with self._database.write() as connection:
            connection.execute(delete(lease).where(*mine))

    def leave(self, name: str) -> None:
        """The work failed: let the lease run out, so that it is tried again, but not at once."""
        with self._lock:
            self._renewed_us.pop(name, None)

    def _renew(self, name: str) -> None:
        with self._database.write() as connection:
            now_us = self._now_us()
            held = connection.execute(
                update(lease)
                .where(lease.c.name == name, lease.c.holder == self.holder)
                .values(until_us=now_us + self._length_us)
            ).rowcount
        with self._lock:
            if name not in self._renewed_us:
                return  # given back meanwhile
            if held:
                self._renewed_us[name] = now_us
            else:
                del self._renewed_us[name]
                log.warning("lease-lost", lease=name, holder=self.holder)


@contextmanager
def holding(leases: Leases, names: Sequence[str]) -> Iterator[bool]:
    """Hold leases while the block runs, renewed by a thread; false when somebody holds one."""
    taken: list[str] = []
    ended = threading.Event()
    for name in names:
        if not leases.take(name):
            break
        taken.append(name)

    def renew() -> None:
        while not ended.wait(_TURN_SECONDS):
            try:
                leases.renew()
            except ComityError as fault:
                # The next turn tries again.
                log.warning("lease-not-renewed", code=fault.code, holder=leases.holder)

    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield len(taken) == len(names)
    finally:
        ended.set()
        thread.join()
        for name in taken:
            leases.give_back(name)
