"""The one way out to servers that somebody else's word names.

Credentials go to the origin that they were given for and to no other; a redirect is followed
within its origin alone; what is tried again is what may be. What does not live here: sockets
(kernel.outbound.transport), and what an answer means.
"""

from __future__ import annotations

import random
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

from kernel.outbound.addresses import Network
from kernel.outbound.budgets import Budget, Limits
from kernel.outbound.dialling import Resolver, resolve
from kernel.outbound.errors import (
    AddressRefused,
    CredentialRefused,
    OutboundError,
    RedirectRefused,
    StatusRefused,
)
from kernel.outbound.retrying import delay_seconds, may_retry, read_retry_after
from kernel.outbound.targets import Target, follow, read_url
from kernel.outbound.transport import Answer, Sockets, Transport
from kernel.outbound.trust import Credential, make_context
from kernel.outbound.watching import Clock

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_REPEATABLE: Final = frozenset({"GET", "DELETE"})
_USER_AGENT: Final = "Comity"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a session takes from the machine, each replaceable where a test wants its own.

    `clock` only rises, `wall` is seconds since 1970, `uniform` is a random number in [0, 1).
    """

    clock: Clock = time.monotonic
    wall: Clock = time.time
    sleep: Callable[[float], None] = time.sleep
    uniform: Callable[[], float] = random.random
    resolver: Resolver = resolve


class Outbound:
    """Requests to one partner and, without its credential, to whoever it names.

    `home` is a URL of the partner: its scheme, host and port are where the credential and the
    CA belong. One run uses it in one thread, and closes it. A `transport` replaces sockets and
    everything about them; its answers are counted and judged as others are.
    """

    def __init__(
        self,
        home: str,
        *,
        allow: Sequence[Network] = (),
        credential: Credential | None = None,
        ca_pem: str = "",
        limits: Limits | None = None,
        budget: Budget | None = None,
        surroundings: Surroundings | None = None,
        transport: Transport | None = None,
    ) -> None:
        self.home = read_url(home)
        self.limits = limits or Limits()
        self.budget = budget or Budget()
        self.around = surroundings or Surroundings()
        self._credential = credential or Credential()
        self._ca_pem = ca_pem
        self._sockets: Sockets | None = None
        if transport is None:
            transport = self._sockets = Sockets(
                allow=allow,
                limits=self.limits,
                budget=self.budget,
                context=self._context,
                clock=self.around.clock,
                resolver=self.around.resolver,
            )
        self._transport = transport

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connections that are kept."""
        if self._sockets is not None:
            self._sockets.close()

    def probe(self, url: str) -> None:
        """Connect there and ask nothing. Raises what fails: address, resolve, connect, tls."""
        read_url(url)
        self._credential.header()
        if self._sockets is not None:
            self._sockets.probe(url)

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        is_repeatable: bool | None = None,
    ) -> Answer:
        """The answer with a status of success (2xx). Raises OutboundError for the failing step.

        `is_repeatable` is whether sending it twice does no more than once: GET and DELETE are,
        unless said otherwise, and then what fails in passing is tried again.
        """
        target = read_url(url)
        repeatable = method in _REPEATABLE if is_repeatable is None else is_repeatable
        for _hop in range(self.limits.redirects + 1):
            answer = self._try(method, target, headers or {}, body, repeatable=repeatable)
            if answer.status not in _REDIRECTS:
                return answer
            target = self._redirected(method, target, answer)
        raise RedirectRefused(
            f"{target.host} redirects more than {self.limits.redirects} times in a row"
        )

    def _try(
        self,
        method: str,
        target: Target,
        headers: Mapping[str, str],
        body: bytes | None,
        *,
        repeatable: bool,
    ) -> Answer:
        """One answer, a redirect too; again after a pause where that may help."""
        failed = 0
        while True:
            self.budget.spend_request(self.around.clock())
            try:
                return self._once(method, target, headers, body)
            except OutboundError as fault:
                failed += 1
                pause = self._pause(fault, failed)
                if not repeatable or pause is None:
                    raise
            self.around.sleep(pause)

    def _pause(self, fault: OutboundError, failed: int) -> float | None:
        """How long to wait before the next try; None where there is to be none."""
        if failed >= self.limits.tries or not may_retry(fault):
            return None
        most = self.limits.most_wait_seconds
        asked = fault.retry_after_seconds if isinstance(fault, StatusRefused) else None
        pause = delay_seconds(failed, self.around.uniform(), most=most, asked=asked)
        if (asked or 0.0) > most or pause >= self.budget.seconds_left(self.around.clock()):
            return None
        return pause

    def _once(
        self, method: str, target: Target, headers: Mapping[str, str], body: bytes | None
    ) -> Answer:
        sent = {"User-Agent": _USER_AGENT, **headers}
        own = self._credential.header()
        if own is not None and target.origin == self.home.origin:
            sent["Authorization"] = own
        answer = self._transport(method, target.url, sent, body)
        if self._sockets is None:
            self.budget.spend_bytes(answer.wire_bytes or len(answer.body))
        if 200 <= answer.status < 300 or answer.status in _REDIRECTS:
            return answer
        raise self._refusal(target, answer)

    def _refusal(self, target: Target, answer: Answer) -> StatusRefused:
        asked = read_retry_after(answer.headers.get("retry-after"), now_seconds=self.around.wall())
        kind: type[StatusRefused] = StatusRefused
        what = f"{target.host} answers with HTTP {answer.status}"
        if answer.status == 401:
            kind, what = CredentialRefused, f"{target.host} does not take the credential (401)"
        elif answer.status == 403:
            kind, what = (
                CredentialRefused,
                f"{target.host} refuses this to the credential (403)",
            )
        elif answer.status == 404:
            what = f"{target.host} has nothing at that address (404)"
        elif answer.status == 429:
            what = f"{target.host} asks to be left alone for a while (429)"
        return kind(what, answered=answer.status, retry_after_seconds=asked, body=answer.body)

    def _redirected(self, method: str, target: Target, answer: Answer) -> Target:
        try:
            goal = follow(target, answer.headers.get("location", ""))
        except AddressRefused:
            raise RedirectRefused(
                f"{target.host} redirects to an address that cannot be asked"
            ) from None
        if goal.origin != target.origin:
            raise RedirectRefused(
                f"{target.host} redirects to {goal.origin}; set that address if you trust it"
            )
        if method != "GET":
            raise RedirectRefused(f"{target.host} redirects a {method}, which is not sent twice")
        return goal

    def _context(self, origin: str) -> ssl.SSLContext:
        if origin != self.home.origin:
            return make_context()
        return make_context(self._ca_pem, self._credential.client_pem)
