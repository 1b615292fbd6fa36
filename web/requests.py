"""The request log: a line for each request, without its query, headers or body."""

from __future__ import annotations

import time

from flask import Flask, Response, g, request

from kernel.logs import get_logger

log = get_logger(__name__)


def init_request_log(app: Flask) -> None:
    """Log every request that `app` answers, and who asked where a door has found out."""
    app.before_request(_start)
    app.after_request(_log_request)


def _start() -> None:
    g.started = time.monotonic()


def _log_request(response: Response) -> Response:
    started = g.get("started")
    log.info(
        "request",
        method=request.method,
        path=request.path,
        status=response.status_code,
        actor=g.get("actor", "unknown"),
        ms=None if started is None else round((time.monotonic() - started) * 1000, 1),
    )
    return response
