"""Logging: one JSON document a line on standard error, without secrets."""

from __future__ import annotations

import sys
import threading
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any, Final

from kernel.settings import Settings

if TYPE_CHECKING:
    import structlog

_REDACTED: Final = "[redacted]"
_SECRET_KEYS: Final = frozenset(
    {"access_token", "authorization", "client_secret", "password", "secret", "secret_key", "token"}
)


class Log:
    """What one module logs with: structlog's methods, of a structlog set up as was asked.

    structlog is imported when something is logged: with all that it draws in it takes a seventh
    of a command's start, and most commands log nothing.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, method: str) -> Any:  # noqa: ANN401 - structlog's own
        import structlog  # noqa: PLC0415 - see above

        with _setting_up:
            if _pending:
                _set_up(_pending.pop())
        return getattr(structlog.get_logger(self._name), method)


_setting_up = threading.Lock()
_pending: list[Settings] = []
"""What logging is to be set up by, before anything is logged: the last that was asked for."""


def get_logger(name: str) -> Log:
    """A module's logger."""
    return Log(name)


def configure_logging(settings: Settings) -> None:
    """Set up structlog for this process: `log_format` is `json` or `console`."""
    with _setting_up:
        _pending[:] = [settings]
        if "structlog" in sys.modules:
            _set_up(_pending.pop())


def _set_up(settings: Settings) -> None:
    import structlog  # noqa: PLC0415 - see Log

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
    import structlog  # noqa: PLC0415 - see Log

    # Looked up at each use: standard error may be another by then.
    return structlog.PrintLogger(sys.stderr)


def _redact(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    for key in event:
        if key.lower() in _SECRET_KEYS:
            event[key] = _REDACTED
    return event
