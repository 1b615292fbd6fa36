"""One HTTP exchange as a server has it with a client, without a socket.

An answer counts as received when its last byte has been given to the server; only then is the
response closed, as WSGI servers do (PEP 3333).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from werkzeug.test import EnvironBuilder

from sharing.taxii.media import TAXII


@dataclass(frozen=True, slots=True)
class Asking:
    """One request: who sends what. `credential` is an id with its secret."""

    method: str
    address: str
    credential: tuple[str, str]
    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def environ(self) -> dict[str, Any]:
        """The request as WSGI has it."""
        pair = base64.b64encode(":".join(self.credential).encode()).decode()
        headers = {"Accept": TAXII, "Authorization": f"Basic {pair}"}
        if self.content:
            headers["Content-Type"] = TAXII
        path, _, query = self.address.partition("?")
        return EnvironBuilder(
            path=path,
            query_string=query,
            method=self.method,
            data=self.content,
            headers=headers | dict(self.headers),
        ).get_environ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What was received."""

    status: int
    content: bytes


def speak(app: Flask, asking: Asking, receive: Callable[[Answer], None]) -> None:
    """Ask, and call `receive` when the whole answer has left and before it is closed."""
    told: list[str] = []

    def start(status: str, _headers: Any, _fault: Any = None) -> Callable[[bytes], None]:
        told[:] = [status]
        return lambda _chunk: None

    chunks = app.wsgi_app(asking.environ(), start)
    content = b"".join(chunks)
    receive(Answer(int(told[0].split()[0]), content))
    close = getattr(chunks, "close", None)
    if close is not None:
        close()
