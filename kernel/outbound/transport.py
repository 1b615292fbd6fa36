"""One try of one request over a socket: sent, and answered whole within what it may take.

A connection is kept for the next request to the same origin. What does not live here: trying
again, redirects and credentials (kernel.outbound.session).
"""

from __future__ import annotations

import logging
import ssl
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPException, LineTooLong, RemoteDisconnected
from typing import Final

from urllib3.connection import HTTPConnection
from urllib3.exceptions import HTTPError
from urllib3.response import HTTPResponse

from kernel.outbound.addresses import Network
from kernel.outbound.budgets import Budget, Limits
from kernel.outbound.dialling import Dialler, Resolver, resolve
from kernel.outbound.errors import AnswerBroken, AnswerTooBig, OutboundError, TlsFailed
from kernel.outbound.targets import Target, read_url
from kernel.outbound.trust import make_context
from kernel.outbound.watching import Clock, Watch, WatchedSocket

# It would write what a partner answered into the log.
logging.getLogger("urllib3.connection").setLevel(logging.ERROR)

_CHUNK_BYTES: Final = 64 * 1024
_MOST_BYTES_OF_REFUSAL: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `headers` by their names in lower case, `body` unpacked."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    wire_bytes: int = 0
    """How much crossed the network, headers and all."""


Transport = Callable[[str, str, Mapping[str, str], bytes | None], Answer]
"""From method, URL, headers and body to an answer with any status; raises OutboundError."""


@dataclass(slots=True)
class Sockets:
    """The transport that speaks HTTP/1.1 over sockets of its own.

    `context` makes the TLS context for an origin.
    """

    allow: Sequence[Network] = ()
    limits: Limits = field(default_factory=Limits)
    budget: Budget = field(default_factory=Budget)
    context: Callable[[str], ssl.SSLContext] = lambda _origin: make_context()
    clock: Clock = time.monotonic
    resolver: Resolver = resolve
    _kept: dict[str, _Connection] = field(default_factory=dict)
    _contexts: dict[str, ssl.SSLContext] = field(default_factory=dict)

    def __call__(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> Answer:
        """One try. Raises OutboundError for the step that failed."""
        target = read_url(url)
        watch = Watch.begin(_name(target), self.limits, self.budget, self.clock)
        kept = self._kept.pop(target.origin, None)
        if kept is not None and (method == "POST" or not kept.is_usable()):
            kept.hang_up()
            kept = None
        if kept is not None:
            kept.watched.watch = watch
            try:
                return self._exchange(kept, method, target, headers, body)
            except AnswerBroken:
                # It was closed while nobody looked: that says nothing about the server.
                if watch.received:
                    raise
        return self._exchange(self._connect(target, watch), method, target, headers, body)

    def probe(self, url: str) -> None:
        """Connect, with TLS where it is asked for, and keep that for the next request."""
        target = read_url(url)
        watch = Watch.begin(_name(target), self.limits, self.budget, self.clock)
        connection = self._connect(target, watch)
        old = self._kept.pop(target.origin, None)
        if old is not None:
            old.hang_up()
        self._kept[target.origin] = connection

    def close(self) -> None:
        """End what is kept."""
        while self._kept:
            self._kept.popitem()[1].hang_up()

    def _connect(self, target: Target, watch: Watch) -> _Connection:
        dialler = Dialler(self.allow, self.resolver)
        watched = dialler.connect(target, watch, lambda: self._context_for(target.origin))
        return _Connection(target, watched)

    def _context_for(self, origin: str) -> ssl.SSLContext:
        if origin not in self._contexts:
            self._contexts[origin] = self.context(origin)
        return self._contexts[origin]

    def _exchange(
        self,
        connection: _Connection,
        method: str,
        target: Target,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> Answer:
        watch = connection.watched.watch
        try:
            answer = _answer(connection, method, target, headers, body)
        except LineTooLong:
            connection.hang_up()
            raise AnswerTooBig(f"{watch.name} sent a header line that is too long") from None
        except RemoteDisconnected:
            connection.hang_up()
            raise AnswerBroken(f"{watch.name} ended the connection") from None
        except (HTTPException, HTTPError, ValueError):
            connection.hang_up()
            raise AnswerBroken(f"what {watch.name} answers is no whole HTTP answer") from None
        except BaseException:
            connection.hang_up()
            raise
        if connection.is_usable():
            self._kept[target.origin] = connection
        else:
            connection.hang_up()
        return answer


class _Connection(HTTPConnection):
    """urllib3's connection over a socket that was made, judged and secured already."""

    def __init__(self, target: Target, watched: WatchedSocket) -> None:
        super().__init__(target.host, target.port, timeout=None)
        self.watched = watched
        self.sock = watched

    def connect(self) -> None:
        """Never again: another connection is another look-up."""
        raise AnswerBroken(f"{self.watched.watch.name} ended the connection")

    def is_usable(self) -> bool:
        """Whether another request can be sent over it."""
        return self.sock is not None and self.is_connected

    def hang_up(self) -> None:
        """End it, whoever reads from it."""
        self.watched.hang_up()
        self.close()


def _name(target: Target) -> str:
    return target.origin.partition("//")[2]


def _answer(
    connection: _Connection,
    method: str,
    target: Target,
    headers: Mapping[str, str],
    body: bytes | None,
) -> Answer:
    watch = connection.watched.watch
    host = target.url.partition("//")[2].partition("/")[0]
    sent = {"Host": host, "Accept-Encoding": "gzip", **headers}
    cut: OutboundError | None = None
    try:
        connection.request(method, target.path, body, sent, preload_content=False)
    except (AnswerBroken, TlsFailed) as fault:
        cut = fault  # it may have answered before it had read all
    try:
        response = connection.getresponse()
    except (OutboundError, HTTPException) as fault:
        raise fault if isinstance(fault, TlsFailed) else cut or fault from None
    watch.is_head_read = True
    told = {name.lower(): value for name, value in response.headers.items()}
    is_refusal = response.status >= 300
    content = _refusal(response) if is_refusal else _content(response, told, watch)
    if cut is not None or not response.closed:
        connection.hang_up()
    return Answer(response.status, told, content, watch.received)


def _content(response: HTTPResponse, told: Mapping[str, str], watch: Watch) -> bytes:
    """The body, unpacked. Raises AnswerTooBig and AnswerBroken."""
    limits = watch.limits
    announced = told.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > limits.most_wire_bytes:
        raise AnswerTooBig(
            f"{watch.name} announces more than {limits.most_wire_bytes} bytes; "
            "ask for fewer objects a page"
        )
    encoding = told.get("content-encoding", "").strip().lower()
    if encoding not in {"", "identity", "gzip", "x-gzip"}:
        raise AnswerBroken(f"{watch.name} packs its answer in a way that was not asked for")
    chunks: Iterator[bytes] = response.stream(_CHUNK_BYTES, decode_content=False)
    if encoding in {"gzip", "x-gzip"}:
        chunks = _unpacked(chunks, watch)
    content = bytearray()
    for chunk in chunks:
        content += chunk
        if len(content) > limits.most_body_bytes:
            raise AnswerTooBig(
                f"what {watch.name} sent unpacks to more than {limits.most_body_bytes} bytes; "
                "ask for fewer objects a page"
            )
    return bytes(content)


def _unpacked(chunks: Iterator[bytes], watch: Watch) -> Iterator[bytes]:
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
    more = False
    try:
        for chunk in chunks:
            rest = chunk
            more = unpacking.eof
            while rest and not unpacking.eof:
                yield unpacking.decompress(rest, _CHUNK_BYTES)
                rest = unpacking.unconsumed_tail
        yield unpacking.flush()
    except zlib.error:
        raise AnswerBroken(f"what {watch.name} sent does not unpack") from None
    if not unpacking.eof or unpacking.unused_data or more:
        raise AnswerBroken(f"what {watch.name} sent does not end where it should")


def _refusal(response: HTTPResponse) -> bytes:
    """What comes with a refusal, as far as it comes: its status says what counts."""
    content = bytearray()
    with suppress(OutboundError, HTTPError, HTTPException, ValueError):
        for chunk in response.stream(_CHUNK_BYTES, decode_content=False):
            content += chunk
            if len(content) > _MOST_BYTES_OF_REFUSAL:
                break
    return bytes(content[:_MOST_BYTES_OF_REFUSAL])
