"""Why a request that left did not come back with an answer: one class for each step that fails.

Each names its `step` and says in a sentence what a person can do. None holds a password, a
token, a key, or a byte of what the other side answered.
"""

from __future__ import annotations

from typing import ClassVar

from kernel.errors import ComityError


class OutboundError(ComityError):
    """A request to another server failed; `is_passing` is whether another try may succeed."""

    status = 502
    step: ClassVar[str] = "request"
    named: ClassVar[str] = "kernel.outbound-failed"
    is_passing: bool = False

    def __init__(self, message: str) -> None:
        super().__init__(self.named, message)


class AddressRefused(OutboundError):
    """The URL cannot be asked, or leads to a network that this installation does not reach."""

    status = 400
    step = "address"
    named = "kernel.outbound-address"


class IdentityRefused(OutboundError):
    """The certificate, key or CA that was configured cannot be used."""

    status = 400
    step = "tls"
    named = "kernel.outbound-identity"


class ResolveFailed(OutboundError):
    """The host's name has no address."""

    step = "resolve"
    named = "kernel.outbound-resolve"
    is_passing = True


class ConnectFailed(OutboundError):
    """Nobody answers there."""

    step = "connect"
    named = "kernel.outbound-connect"
    is_passing = True


class TlsFailed(OutboundError):
    """No TLS session with whom the URL names."""

    step = "tls"
    named = "kernel.outbound-tls"


class DeadlinePassed(OutboundError):
    """The answer did not come, or did not end, in time."""

    status = 504
    step = "deadline"
    named = "kernel.outbound-deadline"


class AnswerTooBig(OutboundError):
    """The answer holds more than is taken."""

    step = "too_big"
    named = "kernel.outbound-too-big"


class AnswerBroken(OutboundError):
    """What came is no HTTP answer, or ends in the middle."""

    step = "answer"
    named = "kernel.outbound-answer"
    is_passing = True


class RedirectRefused(OutboundError):
    """The server sends elsewhere, and that is not followed."""

    step = "redirect"
    named = "kernel.outbound-redirect"


class StatusRefused(OutboundError):
    """The server answered, and not with a success: `answered` is its HTTP status.

    `retry_after_seconds` is how long it asked to be left alone, None where it did not say;
    `body` is what came with it, cut to 64 KiB, from a server that may say anything.
    """

    step = "status"
    named = "kernel.outbound-status"

    def __init__(
        self,
        message: str,
        *,
        answered: int,
        retry_after_seconds: float | None = None,
        body: bytes = b"",
    ) -> None:
        super().__init__(message)
        self.body = body
        self.answered = answered
        self.retry_after_seconds = retry_after_seconds


class CredentialRefused(StatusRefused):
    """The server does not take the credential (401), or not for this (403)."""

    step = "authenticate"
    named = "kernel.outbound-credential"


class BudgetSpent(OutboundError):
    """The run has used up what it may cost; it goes on at the next."""

    step = "budget"
    named = "kernel.outbound-budget"
