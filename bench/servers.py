"""Starting and stopping the servers that are measured, each as a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

THREADS = "8"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(
    command: Sequence[str], port: int, *, environment: Mapping[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """The command as a process while the block runs; raises RuntimeError if it never listens."""
    with log.open("wb") as told:
        process = subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=told, stderr=told
        )
    try:
        _wait_for(port, process, log)
        yield process
    finally:
        process.terminate()
        process.wait(timeout=30)


def gunicorn(python: str, application: str, port: int) -> list[str]:
    """The command that serves a WSGI application just as `comity serve` serves Comity."""
    return [
        python,
        "-m",
        "gunicorn",
        "--worker-class=gthread",
        f"--threads={THREADS}",
        "--workers=1",
        "--timeout=600",
        "--keep-alive=75",
        f"--bind=127.0.0.1:{port}",
        application,
    ]


def resident_mib(process: subprocess.Popen[bytes]) -> float:
    """The most memory that the largest of its children ever had, in MiB (Linux)."""
    folder = Path(f"/proc/{process.pid}/task/{process.pid}")
    children = (folder / "children").read_text(encoding="ascii").split()
    peaks = [
        int(line.split()[1]) / 1024
        for child in children
        for line in Path(f"/proc/{child}/status").read_text(encoding="ascii").splitlines()
        if line.startswith("VmHWM")
    ]
    return max(peaks)


def this_python() -> str:
    """The interpreter that runs this."""
    return sys.executable


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"a server did not start: {log.read_text(errors='replace')[-2000:]}")
