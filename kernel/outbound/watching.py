"""A socket that is watched: each byte that comes is counted, each wait for one is measured.

What reads HTTP from it need not know: a line that never ends, a body that drips and a head of a
gigabyte all end here. What does not live here: where the socket comes from.
"""

from __future__ import annotations

import contextlib
import io
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kernel.outbound.budgets import FAIR_SECONDS, Budget, Limits
from kernel.outbound.errors import (
    AnswerBroken,
    AnswerTooBig,
    DeadlinePassed,
    TlsFailed,
)

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

Clock = Callable[[], float]
_NEEDS_CERTIFICATE = frozenset(
    {"TLSV13_ALERT_CERTIFICATE_REQUIRED", "SSLV3_ALERT_HANDSHAKE_FAILURE"}
)


@dataclass(slots=True)
class Watch:
    """What one try of a request may still take; `name` is whom it asks, for sentences."""

    name: str
    limits: Limits
    budget: Budget
    clock: Clock
    deadline: float
    received: int = 0
    is_head_read: bool = False

    @classmethod
    def begin(cls, name: str, limits: Limits, budget: Budget, clock: Clock) -> Watch:
        """A watch whose time begins now."""
        now = clock()
        left = max(budget.seconds_left(now), FAIR_SECONDS)
        patience = min(limits.deadline_seconds, left)
        return cls(name, limits, budget, clock, now + patience)

    def seconds(self, most: float) -> float:
        """How long to wait for what comes next, `most` seconds at most. Raises DeadlinePassed."""
        left = self.deadline - self.clock()
        if left <= 0:
            raise DeadlinePassed(f"{self.name} did not answer whole in time")
        return min(most, left)

    def count(self, received: int) -> None:
        """So many bytes came. Raises AnswerTooBig and BudgetSpent."""
        self.received += received
        self.budget.spend_bytes(received)
        if not self.is_head_read and self.received > self.limits.most_head_bytes:
            raise AnswerTooBig(
                f"{self.name} sent more than {self.limits.most_head_bytes} bytes of headers"
            )
        if self.received > self.limits.most_wire_bytes:
            raise AnswerTooBig(
                f"{self.name} sent more than {self.limits.most_wire_bytes} bytes; "
                "ask for fewer objects a page"
            )


class WatchedSocket:
    """A connected socket, as `http.client` uses one; `watch` is of the request that is on."""

    def __init__(self, inner: socket.socket, watch: Watch) -> None:
        self._inner = inner
        self._users = 1
        self.watch = watch

    def sendall(self, data: ReadableBuffer, _flags: int = 0) -> None:
        """Send all of it, in the time that the request has."""
        view = memoryview(data).cast("B")
        while view:
            self._inner.settimeout(self.watch.seconds(self.watch.limits.idle_seconds))
            with self._named():
                view = view[self._inner.send(view) :]

    def receive_into(self, buffer: WriteableBuffer) -> int:
        """The next bytes, 0 at the end of what there is."""
        self._inner.settimeout(self.watch.seconds(self.watch.limits.idle_seconds))
        with self._named():
            received = self._inner.recv_into(buffer)
        self.watch.count(received)
        return received

    def makefile(self, _mode: str = "rb") -> io.BufferedReader:
        """What HTTP is read from; the socket is closed when it is, and this socket too."""
        self._users += 1
        return io.BufferedReader(_Received(self))

    def close(self) -> None:
        """One user less of the socket; the last one closes it."""
        self._users -= 1
        if self._users <= 0:
            self._inner.close()

    def hang_up(self) -> None:
        """Close it, whoever reads from it."""
        self._inner.close()

    def fileno(self) -> int:
        """Of the socket."""
        return self._inner.fileno()

    def settimeout(self, _seconds: float | None) -> None:
        """Nothing: the watch says how long to wait."""

    def shutdown(self, how: int) -> None:
        """Of the socket."""
        self._inner.shutdown(how)

    @contextlib.contextmanager
    def _named(self):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a context manager
        name = self.watch.name
        try:
            yield
        except TimeoutError:
            self.watch.seconds(0)
            raise DeadlinePassed(
                f"{name} was silent for {self.watch.limits.idle_seconds:g} seconds"
            ) from None
        except ssl.SSLEOFError:
            raise AnswerBroken(f"{name} ended the connection") from None
        except ssl.SSLError as fault:
            raise tls_failed(name, fault) from None
        except ConnectionError:
            raise AnswerBroken(f"{name} ended the connection") from None
        except OSError as fault:
            raise AnswerBroken(
                f"the connection to {name} failed ({fault.strerror or 'no reason given'})"
            ) from None


class _Received(io.RawIOBase):
    def __init__(self, source: WatchedSocket) -> None:
        super().__init__()
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        return self._source.receive_into(buffer)

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()


def tls_failed(name: str, fault: ssl.SSLError) -> TlsFailed:
    """What went wrong with a TLS session, in a sentence that says whose move it is."""
    if isinstance(fault, ssl.SSLCertVerificationError):
        return TlsFailed(
            f"the certificate of {name} does not hold ({fault.verify_message}); where the "
            "partner has a CA of its own, set its certificate"
        )
    if fault.reason in _NEEDS_CERTIFICATE:
        return TlsFailed(
            f"{name} ends the TLS session ({_plain(fault)}); it may want a client certificate"
        )
    return TlsFailed(f"no TLS session with {name} ({_plain(fault)})")


def _plain(fault: ssl.SSLError) -> str:
    return (fault.reason or "no reason given").lower().replace("_", " ")
