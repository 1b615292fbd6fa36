"""`comity serve` as a process that a test starts, asks and ends."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_READY = "listening on http://127.0.0.1:"
_PATIENCE_SECONDS = 60


@dataclass
class Served:
    """A server process and what it says on standard error."""

    process: subprocess.Popen[bytes]
    said: Path

    @property
    def port(self) -> int:
        end = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            for line in self.said.read_text().splitlines():
                if line.startswith(_READY):
                    return int(line.removeprefix(_READY))
            time.sleep(0.05)
        raise AssertionError(f"the server did not start: {self.said.read_text()}")

    def ask(
        self,
        path: str = "/healthz",
        method: str = "GET",
        *,
        patience_seconds: float = 15,
        **headers: str,
    ) -> http.client.HTTPResponse:
        """The answer to one request on a connection of its own, its body read."""
        made = http.client.HTTPConnection("127.0.0.1", self.port, timeout=patience_seconds)
        with closing(made) as connection:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            answer.read()
        return answer

    def open(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=15)

    def workers(self) -> list[int]:
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(number) for number in listed.split()]


Start = Callable[..., Served]


@contextmanager
def starting(folder: Path) -> Iterator[Start]:
    """Starts servers on this folder, and ends them."""
    started: list[Served] = []

    def start(*arguments: str, program: str = "app", **variables: str) -> Served:
        said = folder / f"said-{len(started)}"
        environment = os.environ | {"COMITY_DATA_DIR": str(folder / "var"), **variables}
        with said.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", program, "serve", *(arguments or ("--port", "0"))],
                env=environment,
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )
        started.append(Served(process, said))
        return started[-1]

    try:
        yield start
    finally:
        for served in started:
            served.process.kill()
            served.process.wait(timeout=20)


def read_answer(client: socket.socket) -> bytes:
    """All that comes until the peer closes or says nothing for a second."""
    client.settimeout(1)
    read = b""
    try:
        while more := client.recv(65536):
            read += more
    except TimeoutError:
        pass
    return read
