"""Servers that answer what a test tells them to, byte by byte, and count who came."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

Answering = Callable[[socket.socket, bytes], None]


@dataclass
class Listening:
    """`accepted` counts connections, `heads` holds what each request began with."""

    port: int
    accepted: int = 0
    heads: list[bytes] = field(default_factory=list)

    def url(self, path: str = "/", host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"


def answer(body: bytes = b"{}", *, status: str = "200 OK", head: str = "") -> Answering:
    """The same answer to every request."""

    def say(connection: socket.socket, _head: bytes) -> None:
        length = f"Content-Length: {len(body)}\r\n" if "Content-Length" not in head else ""
        connection.sendall(f"HTTP/1.1 {status}\r\n{length}{head}\r\n".encode() + body)

    return say


def in_turn(*answers: Answering) -> Answering:
    """One after the other, the last one for ever."""
    left = list(answers)

    def say(connection: socket.socket, head: bytes) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(connection, head)

    return say


@contextmanager
def listening(
    answering: Answering,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    tls: ssl.SSLContext | None = None,
) -> Iterator[Listening]:
    """A server in a thread while the block runs."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    door = socket.create_server((host, port), family=family)
    made = Listening(door.getsockname()[1])
    threading.Thread(target=_accept, args=(door, made, answering, tls), daemon=True).start()
    try:
        yield made
    finally:
        with contextlib.suppress(OSError):
            door.shutdown(socket.SHUT_RDWR)
        door.close()


def _accept(
    door: socket.socket, made: Listening, answering: Answering, tls: ssl.SSLContext | None
) -> None:
    while True:
        try:
            connection, _ = door.accept()
        except OSError:
            return
        except RuntimeError:
            # The tracer of coverage, put in place by another thread at that very moment.
            if door.fileno() < 0:
                return
            continue
        made.accepted += 1
        threading.Thread(target=_talk, args=(connection, made, answering, tls), daemon=True).start()


def _talk(
    connection: socket.socket, made: Listening, answering: Answering, tls: ssl.SSLContext | None
) -> None:
    try:
        if tls is not None:
            connection = tls.wrap_socket(connection, server_side=True)
        while True:
            head = _read_request(connection)
            if not head:
                return
            made.heads.append(head)
            answering(connection, head)
    except OSError:
        pass  # whoever asked has gone, or never was one to talk to
    finally:
        connection.close()


def _read_request(connection: socket.socket) -> bytes:
    """The next request's head; its body is read too, and let go."""
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(65536)
        if not chunk:
            return b""
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            left = int(value) - len(body)
            while left > 0:
                left -= len(connection.recv(65536)) or left
    return head
