"""Logging: one JSON document a line on standard error, without secrets."""

from __future__ import annotations

import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

from kernel.settings import Settings

_REDACTED: Final = "[redacted]"
_SECRET_KEYS: Final = frozenset(
    {"access_token", "authorization", "client_secret", "password", "secret", "secret_key", "token"}
)


def configure_logging(settings: Settings) -> None:
    """Set up structlog for this process: `log_format` is `json` or `console`."""
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=False)
        if settings.log_format == "console"
        else structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            # As text without local variables: they hold what callers sent.
            structlog.processors.format_exc_info,
            _redact,
            renderer,
        ],
        logger_factory=_to_standard_error,
        cache_logger_on_first_use=False,
    )


def _to_standard_error(*_names: object) -> structlog.PrintLogger:
    # Looked up at each use: standard error may be another by then.
    return structlog.PrintLogger(sys.stderr)


def _redact(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    for key in event:
        if key.lower() in _SECRET_KEYS:
            event[key] = _REDACTED
    return event
