"""The second installation's own process: wait for the first, feed from it once, then serve.

Run as `python -m sharing.demo.node THERE FEED PORT`, with the installation's settings in the
environment. The first run of the feed shows a progress bar on a terminal; later runs are the
worker's.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from typing import Final
from urllib.parse import urlsplit

_COMITY: Final = (sys.executable, "-m", "app")
_PATIENCE_SECONDS: Final = 60.0
_TURN_SECONDS: Final = 0.1
_DIE_WITH_PARENT: Final = 1


def main(there: str, feed: str, port: str) -> None:
    """Feed once, then become the server; returns never."""
    _end_with_parent()
    if _wait(there):
        # What it says is for people: the server goes on whether it could be fed or not.
        subprocess.run([*_COMITY, "feed", "run", feed], check=False)  # noqa: S603 - this program
    os.execv(sys.executable, [*_COMITY, "serve", "--port", port])  # noqa: S606 - this program


def _wait(there: str) -> bool:
    """Whether the first installation answers in time."""
    parts = urlsplit(there)
    end = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < end:
        with (
            contextlib.suppress(OSError),
            socket.create_connection((parts.hostname or "", parts.port or 80), timeout=1),
        ):
            return True
        time.sleep(_TURN_SECONDS)
    return False


def _end_with_parent() -> None:
    """Where the system can: nobody is left behind by a demonstration that was killed."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGTERM)


if __name__ == "__main__":
    main(*sys.argv[1:4])
