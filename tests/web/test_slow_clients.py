"""Clients that are slow, piecemeal or no clients at all harm nobody else."""

from __future__ import annotations

import time
from contextlib import ExitStack

import pytest

from kernel.db import Database
from kernel.settings import Settings
from sharing.taxii.media import TAXII
from tests.sharing.taxii.world import make_world
from tests.web.servers import Served, Start, read_answer
from web.gathering import GATHERED_BYTES

SLOW = {
    "silence": b"",
    "half a head": b"GET /healthz HTTP/1.1\r\nHost: x\r\n",
    "half a body": (
        b"POST /oauth/token HTTP/1.1\r\nHost: x\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\ngrant"
    ),
    "half a body, expecting to go on": (
        b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\n"
    ),
    "half a chunk": (
        b"POST /oauth/token HTTP/1.1\r\nHost: x\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n100\r\ngrant"
    ),
    "a large body without a credential": (
        b"POST /taxii2/a/collections/b/objects/ HTTP/1.1\r\nHost: x\r\n"
        b"Content-Type: application/taxii+json\r\nContent-Length: 9000000\r\n\r\n{"
    ),
    "a request and half another": b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /hea",
    "an answer that nobody reads": b"GET / HTTP/1.0\r\n\r\n",
    "empty lines": b"\r\n\r\n",
    "lines that end otherwise": b"GET / HTTP/1.1\nHost: x\n\n",
    "a head without an end": b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * GATHERED_BYTES,
}


def ask_among(served: Served, name: str, sent: bytes, *, most_seconds: float) -> None:
    """Ask five times while forty clients have sent so much and no more."""
    with ExitStack() as held:
        for _ in range(40):
            client = held.enter_context(served.open())
            client.sendall(sent)
        time.sleep(0.2)
        for _ in range(5):
            began = time.monotonic()
            assert served.ask(patience_seconds=most_seconds).status == 200
            assert time.monotonic() - began < most_seconds, name


def test_slow_clients_starve_nobody(served: Served) -> None:
    for name, sent in SLOW.items():
        ask_among(served, name, sent, most_seconds=4)


def test_control_a_worker_that_waits_in_its_threads_is_starved(start: Start) -> None:
    """gunicorn's own, with as many threads: that the forty harm nobody is no matter of course."""
    served = start(program="tests.web.impatient")
    for name in ("half a head", "half a body"):
        assert served.ask().status == 200
        with pytest.raises(TimeoutError):
            ask_among(served, name, SLOW[name], most_seconds=4)


def test_a_slow_contributor_starves_nobody(
    start: Start, sqlite_database: Database, sqlite_settings: Settings
) -> None:
    world = make_world(sqlite_database, sqlite_settings)
    served = start(COMITY_DATA_DIR=sqlite_settings.data_dir, COMITY_SECRET_KEY=(b"s" * 32).hex())
    head = (
        f"POST {world.address()} HTTP/1.1\r\nHost: x\r\nAuthorization: "
        f"{world.authorization('xaa')}\r\nContent-Type: {TAXII}\r\n"
    ).encode()
    for name, framing in {
        "a long body": b"Content-Length: 9000000\r\n\r\n{",
        "chunks": b"Transfer-Encoding: chunked\r\n\r\n100\r\n{",
    }.items():
        ask_among(served, name, head + framing, most_seconds=4)
    with served.open() as client:
        client.sendall(head + b"Content-Length: 9000000\r\n\r\n{")
        client.settimeout(20)
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"web.too-slow" in answer
    assert "Traceback" not in served.said.read_text()


def test_a_request_may_come_in_pieces_and_several_in_one(served: Served) -> None:
    once = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    with served.open() as client:
        for number in range(len(once)):
            client.sendall(once[number : number + 1])
        assert read_answer(client).count(b"200 OK") == 1
        # The connection is kept, and the next request comes in pieces too.
        client.sendall(once[:20])
        time.sleep(0.1)
        client.sendall(once[20:] + once + once[:7])
        assert read_answer(client).count(b"200 OK") == 2
        client.sendall(once[7:])
        assert read_answer(client).count(b"200 OK") == 1


def test_a_client_that_waits_to_go_on_is_told_to(served: Served) -> None:
    form = b"grant_type=client_credentials&client_id=nobody&client_secret=x"
    head = (
        b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n"
    )
    with served.open() as client:
        client.sendall(head % len(form))
        assert client.recv(100).startswith(b"HTTP/1.1 100 Continue")
        client.sendall(form)
        assert b"401 " in read_answer(client)


@pytest.mark.parametrize("size", [GATHERED_BYTES // 2, GATHERED_BYTES * 256])
def test_a_stranger_with_a_body_is_told_so_and_not_cut_off(served: Served, size: int) -> None:
    head = (
        b"POST /taxii2/a/collections/b/objects/ HTTP/1.1\r\nHost: x\r\n"
        b"Content-Type: application/taxii+json;version=2.1\r\nContent-Length: %d\r\n\r\n"
    )
    with served.open() as client:
        client.sendall(head % size + b"x" * size)
        assert read_answer(client).startswith(b"HTTP/1.1 401")


@pytest.mark.parametrize(
    "sent",
    [
        b"\x00" * 100 + b"\r\n\r\n",
        b"GET /healthz\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"GET / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"a" * (GATHERED_BYTES * 2),
        b"GET / HTTP/1.1\nHost: x\n\n",
    ],
)
def test_what_is_no_request_is_refused_and_the_next_is_served(served: Served, sent: bytes) -> None:
    with served.open() as client:
        client.sendall(sent)
        answer = read_answer(client)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 4") or b" 400 " in answer[:20]
    assert served.ask().status == 200
