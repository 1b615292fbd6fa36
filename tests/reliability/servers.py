"""Servers that are killed: `comity serve` with all its processes, or a child that stands in."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.journeys.serving import ROOT
from tests.sharing.taxii.world import World

_READY = "listening on "
_PATIENCE_SECONDS = 60.0


class Server(Protocol):
    """A running server; its `base` is its address."""

    base: str

    def kill(self) -> None:
        """End every process of it by SIGKILL, and wait until none is left."""
        ...


Start = Callable[[World], Server]


@dataclass(slots=True)
class RealServer:
    """`comity serve` in a process group of its own."""

    base: str
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):  # it has ended by itself
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        end = time.monotonic() + _PATIENCE_SECONDS
        while _is_alive(self.process.pid):
            assert time.monotonic() < end, "a worker outlived SIGKILL"
            time.sleep(0.01)


def start_comity(world: World, *, embedded_worker: bool = True, module: str = "app") -> RealServer:
    """`comity serve` with two workers on this world's installation, ready to answer."""
    process, said = start_command(
        world,
        *("serve", "--port", "0", "--workers", "2"),
        module=module,
        COMITY_EMBEDDED_WORKER=str(embedded_worker),
    )
    return RealServer(_address(process, said), process)


def start_command(
    world: World,
    *arguments: str,
    said: str = "server.log",
    module: str = "app",
    **variables: str,
) -> tuple[subprocess.Popen[bytes], Path]:
    """`comity` with these arguments on this world's installation, and the file of what it says."""
    environment = os.environ | {
        "COMITY_DATABASE_URL": world.settings.database_url,
        "COMITY_DATA_DIR": world.settings.data_dir,
        "COMITY_SECRET_KEY": (b"s" * 32).hex(),
        "PYTHONPATH": str(ROOT),
        **variables,
    }
    folder = Path(world.settings.data_dir)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / said
    with path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            env=environment,
            cwd=ROOT,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    return process, path


def _address(process: subprocess.Popen[bytes], said: Path) -> str:
    end = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < end and process.poll() is None:
        for line in said.read_text().splitlines():
            if line.startswith(_READY):
                return line.removeprefix(_READY)
        time.sleep(0.02)
    # It may start yet: nobody would end it.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    raise AssertionError(f"the server did not start: {said.read_text()}")


def _is_alive(group: int) -> bool:
    """Whether any process of the group is left that is more than a name."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended while we looked
        state, process_group = fields[0], int(fields[2])
        if process_group == group and state not in {"Z", "X"}:
            return True
    return False
