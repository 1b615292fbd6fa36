"""Clients over real sockets: polls that end well, and polls whose connection is cut."""

from __future__ import annotations

import base64
import http.client
import socket
import struct
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson
from flask import Flask
from werkzeug.serving import make_server

from sharing.taxii.media import TAXII
from tests.reliability.children import Say, fork

_HEADERS_END = b"\r\n\r\n"
FIRST, LAST = "x-taxii-date-added-first", "x-taxii-date-added-last"


@dataclass(frozen=True, slots=True)
class Polled:
    """What a client received: all of an answer, or its headers alone when it cut the line."""

    status: int
    headers: Mapping[str, str]
    content: bytes | None

    @property
    def document(self) -> Any:
        """The answer as JSON."""
        assert self.content is not None
        return orjson.loads(self.content)

    @property
    def ids(self) -> list[str]:
        """Of the objects, or of the manifest records, in it."""
        return [one["id"] for one in self.document.get("objects", [])]


@dataclass(frozen=True, slots=True)
class Client:
    """One caller of a server at `base`; `pair` is a credential's id and secret."""

    base: str
    pair: tuple[str, str]
    timeout_seconds: float = 30.0
    extra: Mapping[str, str] = field(default_factory=dict)

    def ask(self, method: str, address: str, body: bytes | None = None) -> Polled:
        """One exchange on a connection of its own; raises OSError when the line breaks."""
        place = urlsplit(self.base)
        headers = self._headers()
        if body is not None:
            headers["Content-Type"] = TAXII
        line = http.client.HTTPConnection(
            place.hostname or "", place.port, timeout=self.timeout_seconds
        )
        with closing(line):
            try:
                line.request(method, address, body, headers)
                answer = line.getresponse()
                content = answer.read()
            except http.client.HTTPException as fault:
                raise ConnectionError(str(fault)) from fault
        told = {name.lower(): value for name, value in answer.getheaders()}
        return Polled(answer.status, told, content)

    def get(self, address: str) -> Polled:
        """Poll."""
        return self.ask("GET", address)

    def get_and_cut(self, address: str) -> Polled:
        """Poll, read no further than the headers, and reset the connection."""
        place = urlsplit(self.base)
        with socket.socket() as line:
            # Small, so that the server has most of its answer still to send.
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            line.settimeout(self.timeout_seconds)
            line.connect((place.hostname, place.port))
            sent = self._headers() | {"Host": place.netloc, "Connection": "close"}
            lines = [f"GET {address} HTTP/1.1", *(f"{k}: {v}" for k, v in sent.items()), "", ""]
            line.sendall("\r\n".join(lines).encode())
            received = b""
            while _HEADERS_END not in received:
                chunk = line.recv(256)
                if not chunk:
                    raise ConnectionError("the server hung up")
                received += chunk
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        first, *rest = received.partition(_HEADERS_END)[0].decode("latin-1").split("\r\n")
        told = {name.lower(): value.strip() for name, _, value in (r.partition(":") for r in rest)}
        return Polled(int(first.split()[1]), told, None)

    def _headers(self) -> dict[str, str]:
        token = base64.b64encode(":".join(self.pair).encode()).decode()
        return {"Accept": TAXII, "Authorization": f"Basic {token}"} | dict(self.extra)


@contextmanager
def forked_server(make: Any) -> Iterator[str]:
    """The base address of a server in a forked child; `make` gives it its application."""

    def work(say: Say) -> None:
        app: Flask = make()
        server = make_server("127.0.0.1", 0, app, threaded=True)
        say(server.port)
        server.serve_forever()

    child = fork(work)
    try:
        yield f"http://127.0.0.1:{child.hear()}"
    finally:
        child.kill()
        child.wait()
