"""The one tree of errors. Each has a stable dotted code, an HTTP status and a sentence to act on.

Doors turn these into a TAXII error resource, problem+json or a line on standard error;
nothing else in the product builds an error answer. `docs/errors.md` lists every code.
"""

from __future__ import annotations


class ComityError(Exception):
    """An action was refused. `message` says what to do; `code` never changes once released."""

    status = 500

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class BadInput(ComityError):
    """What was sent cannot be understood or breaks a rule of form (HTTP 400)."""

    status = 400


class Unauthenticated(ComityError):
    """No credential, or one that does not hold (HTTP 401)."""

    status = 401


class Forbidden(ComityError):
    """The caller may see the thing but not do this to it (HTTP 403)."""

    status = 403


class NotFound(ComityError):
    """The thing does not exist for this caller: hidden and absent look alike (HTTP 404)."""

    status = 404


class MethodRefused(ComityError):
    """The address exists but not with this method (HTTP 405)."""

    status = 405


class NotAcceptable(ComityError):
    """No media type that the caller accepts can be served (HTTP 406)."""

    status = 406


class TooSlow(ComityError):
    """What was announced did not come in time (HTTP 408)."""

    status = 408


class Conflict(ComityError):
    """The action contradicts what is already recorded (HTTP 409)."""

    status = 409


class TooLarge(ComityError):
    """More was sent than the door takes (HTTP 413)."""

    status = 413


class UnsupportedMedia(ComityError):
    """The body's media type is not one this door reads (HTTP 415)."""

    status = 415


class Unprocessable(ComityError):
    """The body arrived whole but cannot be read as what it should be (HTTP 422)."""

    status = 422


class TooMany(ComityError):
    """Slow down (HTTP 429); `retry_after_seconds` says for how long."""

    status = 429

    def __init__(self, code: str, message: str, *, retry_after_seconds: int) -> None:
        super().__init__(code, message)
        self.retry_after_seconds = retry_after_seconds


class Unavailable(ComityError):
    """The installation cannot decide or record just now, so it refuses (HTTP 503).

    `retry_after_seconds` is when to try again: what is in the way ends by itself, soon as a rule.
    """

    status = 503
    retry_after_seconds = 5


class StorageFull(ComityError):
    """There is no room to record what was sent; what needs none goes on (HTTP 507)."""

    status = 507


class Misconfigured(ComityError):
    """A setting or the database's state prevents starting; the message names the mend."""

    status = 500
