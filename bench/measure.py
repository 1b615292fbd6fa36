"""Timing requests to a server on a socket, and putting two servers beside each other."""

from __future__ import annotations

import base64
import http.client
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import orjson

TAXII = "application/taxii+json;version=2.1"


@dataclass(frozen=True, slots=True)
class Peer:
    """A TAXII server being measured: where it is, how to enter, where its objects are."""

    name: str
    host: str
    port: int
    user: str
    secret: str
    objects_path: str
    pid: int = 0


class Client:
    """One connection that is kept open, as feeds keep theirs."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self._connection = http.client.HTTPConnection(peer.host, peer.port, timeout=600)
        token = base64.b64encode(f"{peer.user}:{peer.secret}".encode()).decode()
        self._headers = {"Accept": TAXII}
        if peer.user:
            self._headers["Authorization"] = f"Basic {token}"

    def fetch(self, query: str) -> bytes:
        """The body of a GET of the objects; raises RuntimeError unless it is answered 200."""
        path = f"{self.peer.objects_path}{query}"
        try:
            self._connection.request("GET", path, headers=self._headers)
            answer = self._connection.getresponse()
        except http.client.RemoteDisconnected:
            # While others were measured, longer than the server keeps a connection.
            self._connection.close()
            self._connection.request("GET", path, headers=self._headers)
            answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{self.peer.name}: {answer.status} {body[:200]!r}")
        return body

    def post(self, body: bytes) -> None:
        """Contribute an envelope; raises RuntimeError unless it is answered 202."""
        headers = {**self._headers, "Content-Type": TAXII}
        self._connection.request("POST", self.peer.objects_path, body=body, headers=headers)
        answer = self._connection.getresponse()
        told = answer.read()
        if answer.status != 202:
            raise RuntimeError(f"{self.peer.name}: {answer.status} {told[:200]!r}")

    def cpu_seconds(self) -> float:
        """What its server has used of the processors, workers included (Linux)."""
        return sum(map(_cpu_seconds, [self.peer.pid, *_children(self.peer.pid)]))

    def walk(self, limit: int, *, pages: int | None = None) -> int:
        """Page from the first object to the last, or so many pages; how many objects there were."""
        count, query = 0, f"?limit={limit}"
        while True:
            page = orjson.loads(self.fetch(query))
            count += len(page.get("objects", ()))
            if not page.get("more") or (pages is not None and count >= pages * limit):
                return count
            query = f"?limit={limit}&next={quote(page['next'])}"


def _children(pid: int) -> list[int]:
    told = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in told.split()]


def _cpu_seconds(pid: int) -> float:
    # After the name, which may hold anything, utime and stime are the 12th and 13th.
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def medians_beside(*actions: Callable[[], object], runs: int) -> list[float]:
    """The median time of each action, taken in turn, after a run that does not count.

    What else the machine does at a moment then weighs on all of them.
    """
    times: list[list[float]] = [[] for _ in actions]
    for number in range(runs + 1):
        for taken, action in zip(times, actions, strict=True):
            begun = time.perf_counter()
            action()
            if number:
                taken.append(time.perf_counter() - begun)
    return [statistics.median(taken) for taken in times]


def median_seconds(action: Callable[[], object], *, runs: int) -> float:
    """The median time of `action`, after one run that does not count."""
    action()
    times = []
    for _ in range(runs):
        begun = time.perf_counter()
        action()
        times.append(time.perf_counter() - begun)
    return statistics.median(times)
