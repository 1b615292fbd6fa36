"""The web server: gunicorn with threads, one application a worker, opened after the fork.

What does not live here: what is served, and the state of the database it needs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from gunicorn.app.base import BaseApplication
from gunicorn.http.errors import ParseException
from gunicorn.workers.gthread import ThreadWorker

from kernel.settings import Settings

if TYPE_CHECKING:
    from flask import Flask
    from gunicorn.workers.base import Worker

_KEEP_ALIVE_SECONDS = 75
# A worker that does not answer its master for so long is replaced; a request may take longer.
_SILENCE_SECONDS = 120
_REQUEST_LINE_BYTES = 8190


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn with its settings given, reading no file and no argument of its own."""

    def __init__(self, make_app: Callable[[], Flask], options: dict[str, Any]) -> None:
        self._make_app = make_app
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        """Take the options for gunicorn's settings."""
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """The application of one worker; called after the fork, so no connection crosses one."""
        return self._make_app()


class _Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn's worker with threads, silent about what an unreadable request held.

    It would quote the line that it cannot read, in its log and in its answer; that line may
    hold a credential.
    """

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:  # noqa: ANN401
        """Answer and log the fault by the name of its kind."""
        told = _without_content(exc) if isinstance(exc, ParseException) else exc
        super().handle_error(req, client, addr, told)


def _without_content(fault: ParseException) -> Exception:
    """A fault of the same kind that says its kind and nothing else."""
    kind = type(fault)
    silent = {"__init__": lambda _self: None, "__str__": lambda _self: kind.__name__}
    return cast("Exception", type(kind.__name__, (kind,), silent)())


def serve(
    make_app: Callable[[], Flask], settings: Settings, *, host: str, port: int, workers: int
) -> None:
    """Serve until SIGTERM or SIGINT; says `listening on http://HOST:PORT` when it answers."""
    address = f"[{host}]" if ":" in host else host
    options = {
        "bind": f"{address}:{port}",
        "workers": workers,
        "worker_class": _Worker,
        "threads": settings.threads,
        "timeout": _SILENCE_SECONDS,
        "graceful_timeout": 30,
        "keepalive": _KEEP_ALIVE_SECONDS,
        "limit_request_line": _REQUEST_LINE_BYTES,
        "loglevel": "warning",
        "proc_name": "comity",
        "post_worker_init": _say_listening,
    }
    _Server(make_app, options).run()


def _say_listening(worker: Worker) -> None:
    """Said by the first worker once it can answer; its successors are silent."""
    if worker.age > 1:
        return
    host, port = worker.sockets[0].getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    sys.stderr.write(f"listening on http://{shown}:{port}\n")
    sys.stderr.flush()
