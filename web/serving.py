"""The web server: gunicorn with threads; an application that connects to nothing before a fork.

What does not live here: what is served, and the state of the database it needs.
"""

from __future__ import annotations

import logging
import mmap
import os
import socket
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, cast

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.errors import AppImportError
from gunicorn.glogging import Logger

from kernel.errors import ComityError, Misconfigured
from kernel.logs import get_logger
from kernel.settings import Settings
from web.embedded import Duty, EmbeddedWorker
from web.worker import PatientWorker

if TYPE_CHECKING:
    from flask import Flask
    from gunicorn.config import Config
    from gunicorn.workers.base import Worker

_KEEP_ALIVE_SECONDS = 75
# A worker that does not answer its master for so long is replaced; a request may take longer.
_SILENCE_SECONDS = 120
_GRACE_SECONDS = 30
_REQUEST_LINE_BYTES = 8190
_BACKLOG = 2048


log = get_logger("gunicorn")


class _Passing(logging.Handler):
    """Hands what gunicorn logs to our own log, which is JSON and knows what to leave out."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log it under its level."""
        log.log(record.levelno, record.getMessage(), exc_info=record.exc_info)


class _Log(Logger):  # type: ignore[misc]  # gunicorn ships no types
    def setup(self, cfg: Config) -> None:
        """Called at the start, and again when gunicorn's settings are read again."""
        super().setup(cfg)
        self.error_log.handlers = [_Passing()]


class _Master(Arbiter):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn's master; the first SIGINT ends it as gently as SIGTERM, a second at once.

    With a duty, one of its workers is the embedded one, never the first to start.
    """

    _reloaded_at_age = 0

    def handle_int(self) -> NoReturn:
        """Stop once what is being answered has been."""
        raise StopIteration

    def handle_ttou(self) -> None:
        """One worker less, but never less than one that answers."""
        if self.num_workers > (1 if self.app.duty is None else 2):
            super().handle_ttou()

    def reload(self) -> None:
        """Replace every worker, the embedded one too."""
        self._reloaded_at_age = self.worker_age
        super().reload()

    def manage_workers(self) -> None:
        """As many workers as there should be; the embedded one among them."""
        super().manage_workers()
        if self._lacks_embedded():
            self.spawn_worker()

    def spawn_worker(self) -> int:
        """Fork the embedded worker where it is missing, else one that answers."""
        self.worker_class = EmbeddedWorker if self._lacks_embedded() else PatientWorker
        return cast("int", super().spawn_worker())

    def _lacks_embedded(self) -> bool:
        if self.app.duty is None or not self.WORKERS:
            return False
        return not any(
            isinstance(worker, EmbeddedWorker) and worker.age > self._reloaded_at_age
            for worker in self.WORKERS.values()
        )


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn with its settings given, reading no file and no argument of its own."""

    def __init__(
        self, make_app: Callable[[], Flask], duty: Duty | None, options: dict[str, Any]
    ) -> None:
        self.duty = duty
        # Of all processes: not zero once an answer can be had, and that has been said.
        self.is_listening = mmap.mmap(-1, 1)
        self._make_app = make_app
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        """Take the options for gunicorn's settings."""
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """The application, asked for by each worker after its fork.

        It may have been made before the fork, for all to share, so making it connects to nothing.
        """
        try:
            return self._make_app()
        except ComityError as refusal:
            # The one fault that gunicorn tells without a traceback, and for which it gives up.
            raise AppImportError(refusal.message) from None

    def run(self) -> None:
        """Serve until told to stop."""
        _Master(self).run()


def serve(
    make_app: Callable[[], Flask],
    settings: Settings,
    *,
    host: str,
    port: int,
    workers: int,
    duty: Duty | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; says `listening on http://HOST:PORT` when it answers.

    A process more does the `duty`, if there is one. It and `make_app` are called after the forks;
    what `make_app` gives may have been made before. No connection crosses a fork.

    Raises Misconfigured (`web.address-taken`) when it cannot listen there.
    """
    listener = _bind(host, port)
    options = {
        "bind": f"fd://{listener.detach()}",
        "workers": workers + (duty is not None),
        "worker_class": PatientWorker,
        "threads": settings.threads,
        "timeout": _SILENCE_SECONDS,
        "graceful_timeout": _GRACE_SECONDS,
        "keepalive": _KEEP_ALIVE_SECONDS,
        "limit_request_line": _REQUEST_LINE_BYTES,
        "backlog": _BACKLOG,
        "loglevel": "warning",
        "logger_class": _Log,
        "proc_name": "comity",
        "post_worker_init": _say_listening,
        # Whose X-Forwarded-* are believed is for `trusted_proxies` alone to say.
        "forwarded_allow_ips": "",
        "secure_scheme_headers": {},
        "forwarder_headers": "",
        # Nothing but signals steers this server.
        "control_socket_disable": True,
    }
    master = os.getpid()
    try:
        _Server(make_app, duty, options).run()
    except SystemExit as end:
        if os.getpid() != master:
            raise  # a worker's, whose code tells the master how it ended
        # gunicorn has codes of its own for why it stopped; a command knows 0, 1 and 2.
        sys.exit(1 if end.code else 0)


def _bind(host: str, port: int) -> socket.socket:
    """A socket that listens on the address."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        # Not left to gunicorn: two may bind at once, and only one of them can listen.
        listener.listen(_BACKLOG)
    except (OSError, UnicodeError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else "no such host"
        raise Misconfigured(
            "web.address-taken",
            f"cannot listen on {host} port {port} ({reason}); give another --host or --port",
        ) from None
    return listener


def _say_listening(worker: Worker) -> None:
    """Said by the first worker once it can answer; its successors are silent."""
    if worker.age > 1:
        return
    host, port = worker.sockets[0].getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    sys.stderr.write(f"listening on http://{shown}:{port}\n")
    sys.stderr.flush()
    worker.app.is_listening[0] = 1
