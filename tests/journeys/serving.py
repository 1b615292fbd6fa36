"""A real server process on a free port of the loopback, for clients that speak over sockets."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kernel.settings import Settings

ROOT = Path(__file__).parents[2]
_READY = "listening on "


@contextmanager
def serving(settings: Settings, secret_key: bytes) -> Iterator[str]:
    """The base address of a server on this installation, without a slash at its end."""
    environment = os.environ | {
        "COMITY_DATABASE_URL": settings.database_url,
        "COMITY_DATA_DIR": settings.data_dir,
        "COMITY_SECRET_KEY": secret_key.hex(),
        "PYTHONPATH": str(ROOT),
    }
    said = Path(settings.data_dir) / "serving.log"
    said.parent.mkdir(parents=True, exist_ok=True)
    # A file, since nobody would empty a pipe while the client under test is busy.
    with said.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "app", "serve", "--port", "0"],
            env=environment,
            cwd=ROOT,
            stdout=log,
            stderr=log,
        )
    try:
        yield _address(process, said)
    finally:
        process.terminate()
        process.wait(timeout=20)


def _address(process: subprocess.Popen[bytes], said: Path) -> str:
    """Where the server listens, once it says so."""
    patience = time.monotonic() + 60
    while time.monotonic() < patience and process.poll() is None:
        for line in said.read_text().splitlines():
            if line.startswith(_READY):
                return line.removeprefix(_READY)
        time.sleep(0.05)
    raise AssertionError(f"the server did not start: {said.read_text()}")
