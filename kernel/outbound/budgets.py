"""What one run may cost in all, however many requests it makes; and what one request may.

A budget is counted down by whoever spends, and says when it is spent. What does not live here:
what a run does when it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from kernel.outbound.errors import BudgetSpent

MEBIBYTE: Final = 1024 * 1024
FAIR_SECONDS: Final = 10.0
"""What a request has for its answer, however little of its run's time is left."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may take, in seconds and bytes; `tries` counts the first one too.

    `idle_seconds` is the longest silence between two bytes, `deadline_seconds` the whole of one
    try. `most_wire_bytes` is what crosses the network, `most_body_bytes` what that unpacks to.
    `most_wait_seconds` is the longest pause between two tries, whatever a server asks for.
    """

    connect_seconds: float = 10.0
    idle_seconds: float = 20.0
    deadline_seconds: float = 120.0
    most_head_bytes: int = 64 * 1024
    most_wire_bytes: int = 32 * MEBIBYTE
    most_body_bytes: int = 64 * MEBIBYTE
    tries: int = 4
    most_wait_seconds: float = 60.0
    redirects: int = 3


@dataclass(slots=True)
class Budget:
    """What is left of one run: requests, bytes received, seconds and pages.

    Its seconds begin with the first that is asked of it. No request begins once they are over; one
    that has begun has FAIR_SECONDS even so, lest the last of each run be a failure of its partner.
    One run uses it in one thread.
    """

    requests: int = 10_000
    bytes: int = 2048 * MEBIBYTE
    seconds: float = 600.0
    pages: int = 10_000
    _until: float | None = field(default=None, init=False, repr=False)

    def seconds_left(self, now: float) -> float:
        """How long the run may go on; `now` is a clock that only rises, in seconds."""
        if self._until is None:
            self._until = now + self.seconds
        return max(self._until - now, 0.0)

    def spend_request(self, now: float) -> None:
        """One more request, or try of one. Raises BudgetSpent."""
        if self.seconds_left(now) <= 0:
            raise BudgetSpent("the run has used up its time")
        if self.requests < 1:
            raise BudgetSpent("the run has made all the requests that it may")
        self.requests -= 1

    def spend_bytes(self, count: int) -> None:
        """So many bytes were received. Raises BudgetSpent once there are too many."""
        self.bytes -= count
        if self.bytes < 0:
            raise BudgetSpent("the run has received all the bytes that it may")

    def spend_page(self) -> None:
        """One more page is to be read. Raises BudgetSpent."""
        if self.pages < 1:
            raise BudgetSpent("the run has read all the pages that it may")
        self.pages -= 1
