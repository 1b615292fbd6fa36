"""gunicorn's worker with threads, made patient: slow clients wait without holding a thread.

A request is gathered by the worker's event loop and given to a thread when its head is whole,
its body too where that is short. Strangers are heard no further than that: a long body is read
by a view, which knows by then who sends it, within a time, and by half of the threads at most.
A connection that is to be closed is closed by the loop too. What does not live here: what is
served; where a request ends (web.gathering).
"""

from __future__ import annotations

import errno
import selectors
import signal
import socket
import struct
import time
from collections import deque
from concurrent.futures import Future
from functools import partial
from typing import Any, Final, cast

from gunicorn.http.errors import ParseException
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.gthread import TConn, ThreadWorker

from kernel.errors import TooSlow
from web.gathering import GATHERED_BYTES, Gathering

REQUEST_SECONDS: Final = 20.0
"""How long a request may take to come, as far as it is waited for here."""
BODY_SECONDS: Final = 120.0
"""How long a view may wait for a long body in all."""
_SILENT_READ_SECONDS: Final = 10
_SILENT_WRITE_SECONDS: Final = 30
_DRAIN_SECONDS: Final = 0.05
_LINGER_SECONDS: Final = 2.0
# The master waits for minutes; each turn of the loop comes by, three for a request.
_NOTIFY_SECONDS: Final = 1.0

_GO_ON: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_ENDLESS: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"Connection: close\r\nContent-Length: 0\r\n\r\n"
)


class _Unreader(SocketUnreader):  # type: ignore[misc]  # gunicorn ships no types
    """Reads the rest of a body until `deadline` (of the monotonic clock)."""

    deadline = 0.0

    def chunk(self, size_hint: int | None = None) -> bytes:
        """The next bytes. Raises TooSlow when none come, or all take too long."""
        try:
            if time.monotonic() < self.deadline:
                return cast("bytes", super().chunk(size_hint))
        except BlockingIOError:
            pass
        raise TooSlow("web.too-slow", "the body did not come in time; send it again, faster")


class _Connection(TConn):  # type: ignore[misc]  # gunicorn ships no types
    """A connection with what has come of its next request."""

    def __init__(self, cfg: Any, sock: Any, client: Any, server: Any) -> None:  # noqa: ANN401
        super().__init__(cfg, sock, client, server)
        self.gathering = Gathering()

    def init(self) -> None:
        """Called in a thread, before each request: the parser begins with what has come."""
        if not self.initialized:
            super().init()
            self.parser.unreader = _Unreader(self.sock)
        self.parser.unreader.unread(self.gathering.take())
        self.parser.unreader.deadline = time.monotonic() + BODY_SECONDS


class PatientWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    """One process of the server: an event loop that gathers, threads that answer."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self._notified = 0.0
        self.lingering: deque[_Connection] = deque()
        # Requests with a long body: those that threads are at, and those that wait for one.
        self.long_bodies = 0
        self.waiting: deque[_Connection] = deque()

    def init_signals(self) -> None:
        """A terminal's SIGINT reaches this process too: it ends what it has begun first."""
        super().init_signals()
        signal.signal(signal.SIGINT, self.handle_exit)

    def notify(self) -> None:
        """Tell the master that this process is alive, once in a while."""
        now = time.monotonic()
        if now - self._notified >= _NOTIFY_SECONDS:
            self._notified = now
            super().notify()

    def accept(self, listener: socket.socket) -> None:
        """Take a connection and wait for its request; the longest waiting makes room."""
        try:
            client, address = listener.accept()
        except OSError as fault:
            # Else another worker took it, or it went away.
            if fault.errno in {errno.EMFILE, errno.ENFILE} and self.pending_conns:
                self._forget(self.pending_conns[0], self.pending_conns)
            return
        for option, seconds in (
            (socket.SO_RCVTIMEO, _SILENT_READ_SECONDS),
            (socket.SO_SNDTIMEO, _SILENT_WRITE_SECONDS),
        ):
            client.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", seconds, 0))
        self.nr_conns += 1
        if self.nr_conns >= self.worker_connections and self.pending_conns:
            self._forget(self.pending_conns[0], self.pending_conns)
        self._await_request(_Connection(self.cfg, client, address, listener.getsockname()))

    def on_client_socket_readable(self, conn: _Connection, client: socket.socket) -> None:
        """The next request on a connection that was kept begins to arrive."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._await_request(conn)

    def finish_request(self, conn: _Connection, fs: Future[Any]) -> None:
        """A thread is done: keep the connection, or close it without waiting for the peer."""
        if conn.gathering.is_long:
            self._end_long_body()
        try:
            is_kept = not fs.cancelled() and bool(fs.result())
        except Exception:  # noqa: BLE001 - whatever it was has been logged by the thread
            is_kept = False
        if not is_kept:
            self._linger(conn)
            return
        conn.gathering = Gathering()
        read_ahead = conn.parser.unreader.take_buffered()
        if read_ahead:
            self._await_request(conn, read_ahead)
        else:
            super().finish_request(conn, fs)

    def murder_pending(self) -> None:
        """Close what took too long to ask, or to go."""
        super().murder_pending()
        now = time.monotonic()
        while self.lingering and self.lingering[0].timeout <= now:
            self._forget(self.lingering[0], self.lingering)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:  # noqa: ANN401
        """Answer and log the fault by the name of its kind.

        gunicorn would quote the line that it cannot read, in its log and in its answer; that
        line may hold a credential.
        """
        told = _without_content(exc) if isinstance(exc, ParseException) else exc
        super().handle_error(req, client, addr, told)

    def _cap_keepalive(self, deadline: float) -> None:
        """The worker is stopping: what has not asked by then is not waited for."""
        super()._cap_keepalive(deadline)
        for conn in self.pending_conns:
            conn.timeout = min(conn.timeout, deadline)

    def _keepalive_after(self, conn: _Connection, keepalive: object) -> bool:
        """Whether the connection can be kept: only when no body is left to come."""
        if not keepalive:
            return False
        try:
            return bool(conn.parser.finish_body(deadline=time.monotonic() + _DRAIN_SECONDS))
        except TooSlow:
            return False

    def _await_request(self, conn: _Connection, read_ahead: bytes = b"") -> None:
        """Wait for a request of which `read_ahead` has come with the one before it."""
        conn.sock.settimeout(0)
        conn.timeout = time.monotonic() + REQUEST_SECONDS
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._gather, conn))
        if read_ahead:
            self._add(conn, read_ahead)

    def _gather(self, conn: _Connection, client: socket.socket) -> None:
        more = _receive(client)
        if more is None:
            return
        if more:
            self._add(conn, more)
        else:
            self._forget(conn, self.pending_conns)

    def _add(self, conn: _Connection, more: bytes) -> None:
        if conn.gathering.add(more):
            _send_or_not(conn.sock, _GO_ON)
        if not (conn.gathering.is_whole or conn.gathering.is_endless):
            return
        self.pending_conns.remove(conn)
        self.poller.unregister(conn.sock)
        if conn.gathering.is_whole:
            self._hand_over(conn)
        else:
            _send_or_not(conn.sock, _ENDLESS)
            self._linger(conn)

    def _hand_over(self, conn: _Connection) -> None:
        """Give it to a thread; what has a long body waits while half of them are at such."""
        if conn.gathering.is_long:
            if self.long_bodies >= max(1, self.cfg.threads // 2):
                self.waiting.append(conn)
                return
            self.long_bodies += 1
        conn.data_ready = True
        self.enqueue_req(conn)

    def _end_long_body(self) -> None:
        self.long_bodies -= 1
        if self.waiting:
            self._hand_over(self.waiting.popleft())

    def _forget(self, conn: _Connection, among: deque[_Connection]) -> None:
        among.remove(conn)
        self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()

    def _linger(self, conn: _Connection) -> None:
        """Say that no more will come, and read on for a moment (RFC 9112 §9.6).

        Closing at once would reset the connection under an answer that is still on its way.
        """
        try:
            conn.sock.settimeout(0)
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.nr_conns -= 1
            conn.close()
            return
        conn.timeout = time.monotonic() + _LINGER_SECONDS
        self.lingering.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._discard, conn))

    def _discard(self, conn: _Connection, client: socket.socket) -> None:
        if _receive(client) == b"":
            self._forget(conn, self.lingering)


def _receive(client: socket.socket) -> bytes | None:
    """What has come; empty where nothing will any more, None where there is nothing to do."""
    if client.fileno() < 0:
        return None  # closed to make room, by what the same turn of the loop did before
    try:
        return client.recv(GATHERED_BYTES)
    except BlockingIOError:
        return None
    except OSError:
        return b""


def _send_or_not(sock: socket.socket, message: bytes) -> None:
    """Send a few bytes where there is room for them; a peer that has gone is found out later."""
    try:
        sock.send(message)
    except OSError:
        return


def _without_content(fault: ParseException) -> Exception:
    """A fault of the same kind that says its kind and nothing else."""
    kind = type(fault)
    silent = {"__init__": lambda _self: None, "__str__": lambda _self: kind.__name__}
    return cast("Exception", type(kind.__name__, (kind,), silent)())
