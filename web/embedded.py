"""The embedded worker: one more process of `comity serve`, which does what is due.

gunicorn's master forks it, replaces it when it dies, and ends it with the others. Nothing opens
a connection before the fork. What does not live here: what is due and how it is done.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Final

from gunicorn.workers.base import Worker

from kernel.logs import get_logger

log = get_logger(__name__)

Duty = Callable[[Callable[[], bool]], None]
"""Does what is due until the callable that it is given, asked now and then, says no."""

_PAUSE_SECONDS: Final = 5.0
_LISTENING_SECONDS: Final = 60.0


class EmbeddedWorker(Worker):  # type: ignore[misc]  # gunicorn ships no types
    """A process that answers no request."""

    has_begun = False

    def init_signals(self) -> None:
        """A terminal's SIGINT reaches this process too: it ends what it has begun first."""
        super().init_signals()
        signal.signal(signal.SIGINT, self.handle_exit)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End: at once where nothing has been begun, while everything is still being imported."""
        super().handle_exit(sig, frame)
        if not self.has_begun:
            sys.exit(0)

    def load_wsgi(self) -> None:
        """Load no application."""

    def run(self) -> None:
        """Do the duty until told to stop, or until nobody is left who could tell."""
        for listener in self.sockets:
            listener.sock.close()  # the others' to listen on
        # Whoever reads the first line finds the address in it.
        self._wait(_LISTENING_SECONDS, lambda: bool(self.app.is_listening[0]))
        try:
            self.app.duty(self._is_at_work)
        except Exception:  # whatever it was, the web goes on
            log.exception("embedded-worker-failed")
            # Not at once again: what failed now may fail for a while.
            self._wait(_PAUSE_SECONDS, lambda: False)
            sys.exit(1)

    def _is_at_work(self) -> bool:
        self.has_begun = True
        return self._goes_on()

    def _wait(self, seconds: float, is_over: Callable[[], bool]) -> None:
        end = time.monotonic() + seconds
        while self._goes_on() and not is_over() and time.monotonic() < end:
            time.sleep(0.05)

    def _goes_on(self) -> bool:
        self.notify()
        return bool(self.alive and self.ppid == os.getppid())
