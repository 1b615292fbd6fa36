"""A partner that answers too much, too slowly or nonsense costs one error, by its name."""

from __future__ import annotations

import gzip
import os
import random
import resource
import socket
import threading
import time
import zlib
from dataclasses import replace
from ipaddress import ip_network

import pytest

from kernel.outbound.budgets import Budget, Limits
from kernel.outbound.errors import (
    AnswerBroken,
    AnswerTooBig,
    BudgetSpent,
    ConnectFailed,
    DeadlinePassed,
    OutboundError,
    ResolveFailed,
    StatusRefused,
)
from kernel.outbound.session import Outbound, Surroundings
from tests.kernel.outbound.listening import Answering, Listening, answer, in_turn, listening

THIS = (ip_network("127.0.0.1/32"),)
MEBIBYTE = 1024 * 1024
LIMITS = Limits(
    connect_seconds=10,
    idle_seconds=10,
    deadline_seconds=20,
    most_wire_bytes=2 * MEBIBYTE,
    most_body_bytes=4 * MEBIBYTE,
    tries=1,
)
PACKED = gzip.compress(b"packed", mtime=0)
IMPATIENT = replace(LIMITS, idle_seconds=0.5, deadline_seconds=1.0)


def ask(partner: Listening, limits: Limits = LIMITS, budget: Budget | None = None) -> bytes:
    with Outbound(partner.url(), allow=THIS, limits=limits, budget=budget) as outbound:
        return outbound.request("GET", partner.url()).body


def flood(head: str, chunk: bytes) -> Answering:
    """As much as anybody takes."""

    def say(connection: socket.socket, _head: bytes) -> None:
        connection.sendall(head.encode())
        for _ in range(10 * 1024 * MEBIBYTE // len(chunk)):
            connection.sendall(chunk)

    return say


def drip(first: bytes, drop: bytes, pause: float = 0.05) -> Answering:
    def say(connection: socket.socket, _head: bytes) -> None:
        connection.sendall(first)
        for _ in range(200):
            connection.sendall(drop)
            time.sleep(pause)

    return say


@pytest.mark.parametrize(
    "head",
    [
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1" + "0" * 60 + "\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n280000000\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
    ids=["to-the-end", "announced", "absurd", "one-chunk", "a-chunks-line"],
)
def test_ten_gigabytes_end_at_the_limit_and_take_no_memory(head: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with listening(flood(head, b"a" * MEBIBYTE)) as partner, pytest.raises(OutboundError) as fault:
        ask(partner, Limits(most_wire_bytes=2 * MEBIBYTE, tries=1))
    assert fault.value.step in {"too_big", "answer"}
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


def test_a_head_without_end_ends_at_the_limit() -> None:
    for line in (b"X-Filler: " + b"a" * 1000 + b"\r\n", b"a" * MEBIBYTE):
        with listening(flood("HTTP/1.1 200 OK\r\n", line)) as partner:
            with pytest.raises(OutboundError) as fault:
                ask(partner)
            assert fault.value.step in {"too_big", "answer"}
    going_on = flood("", b"HTTP/1.1 100 Continue\r\n\r\n")
    with listening(going_on) as partner, pytest.raises(AnswerTooBig, match="of headers"):
        ask(partner)


def test_what_unpacks_to_more_than_is_taken_ends_at_the_limit() -> None:
    packing = zlib.compressobj(1, wbits=31)
    bomb = b"".join(packing.compress(bytes(MEBIBYTE)) for _ in range(256)) + packing.flush()
    assert len(bomb) < LIMITS.most_wire_bytes
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    packed = answer(bomb, head="Content-Encoding: gzip\r\n")
    with listening(packed) as partner, pytest.raises(AnswerTooBig, match="unpacks"):
        ask(partner)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


def test_what_is_packed_as_was_asked_for_is_unpacked() -> None:
    text = os.urandom(MEBIBYTE).hex().encode()
    with listening(answer(gzip.compress(text), head="Content-Encoding: gzip\r\n")) as partner:
        assert ask(partner) == text
        assert b"Accept-Encoding: gzip\r\n" in partner.heads[0]


@pytest.mark.parametrize(
    ("body", "head"),
    [
        (b"no gzip", "Content-Encoding: gzip\r\n"),
        (gzip.compress(b"cut", mtime=0)[:-4], "Content-Encoding: gzip\r\n"),
        (gzip.compress(b"{}", mtime=0) + b"more", "Content-Encoding: gzip\r\n"),
        (b"{}", "Content-Encoding: br\r\n"),
        (b"{}", "Content-Encoding: gzip, gzip\r\n"),
        (b"{}", "Content-Length: 200\r\nConnection: close\r\n"),
        (b"{}", "Content-Length: 2\r\nContent-Length: 3\r\n"),
        (b"zz\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n"),
    ],
)
def test_an_answer_that_is_not_whole_is_none(body: bytes, head: str) -> None:
    def say(connection: socket.socket, asked: bytes) -> None:
        answer(body, head=head)(connection, asked)
        connection.shutdown(socket.SHUT_RDWR)

    with listening(say) as partner, pytest.raises(AnswerBroken):
        ask(partner)


@pytest.mark.parametrize(
    "said", [b"SSH-2.0-OpenSSH\r\n\r\n", b"\x00" * 200, b"", b"HTTP/1.1 what\r\n\r\n"]
)
def test_what_is_no_http_is_said_so(said: bytes) -> None:
    def say(connection: socket.socket, _head: bytes) -> None:
        connection.sendall(said)
        connection.shutdown(socket.SHUT_RDWR)

    with listening(say) as partner, pytest.raises(AnswerBroken):
        ask(partner)


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX-Slow: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n",
    ],
    ids=["first-line", "head", "body", "chunk"],
)
def test_a_drip_ends_at_the_deadline(first: bytes) -> None:
    with listening(drip(first, b"a")) as partner:
        begun = time.monotonic()
        with pytest.raises(DeadlinePassed, match="in time"):
            ask(partner, IMPATIENT)
        assert 0.9 < time.monotonic() - begun < 8


def test_silence_ends_before_the_deadline() -> None:
    with listening(lambda connection, _head: time.sleep(12)) as partner:
        begun = time.monotonic()
        with pytest.raises(DeadlinePassed, match=r"silent for 0\.5 seconds"):
            ask(partner, replace(IMPATIENT, deadline_seconds=20))
        assert time.monotonic() - begun < 8


def test_a_server_that_does_not_take_what_is_sent_ends_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        url = f"http://127.0.0.1:{door.getsockname()[1]}/"
        outbound = Outbound(url, allow=THIS, limits=IMPATIENT)
        with outbound, pytest.raises(DeadlinePassed):
            outbound.request("POST", url, body=bytes(64 * MEBIBYTE))


def test_whatever_is_answered_ends_in_an_answer_or_in_one_refusal() -> None:
    whole = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n"
        b"Content-Encoding: gzip\r\nRetry-After: 5\r\nLocation: /x\r\n\r\n"
        + (b"%x\r\n%b\r\n" % (len(PACKED), PACKED))
        + b"0\r\n\r\n"
    )
    drawn = random.Random(6)
    outcomes: set[str] = set()
    said = [whole]

    def say(connection: socket.socket, _head: bytes) -> None:
        connection.sendall(said[0])
        connection.shutdown(socket.SHUT_RDWR)

    with listening(say) as partner:
        assert ask(partner) == b"packed"
        for _ in range(300):
            damaged = bytearray(whole)
            for _ in range(drawn.randint(1, 4)):
                at = drawn.randrange(len(damaged))
                damaged[at : at + drawn.randint(0, 3)] = drawn.randbytes(drawn.randint(0, 3))
            said[0] = bytes(damaged[: drawn.choice([len(damaged), drawn.randrange(len(damaged))])])
            try:
                outcomes.add(type(ask(partner)).__name__)
            except OutboundError as fault:
                outcomes.add(fault.step)
    assert {"bytes", "answer"} <= outcomes


def test_a_name_that_is_not_answered_ends_in_time() -> None:
    def slow(_host: str, _port: int, patience: float) -> list[str]:
        assert 0 < patience <= LIMITS.connect_seconds
        raise TimeoutError

    url = "https://slow.example/"
    outbound = Outbound(url, limits=LIMITS, surroundings=Surroundings(resolver=slow))
    with pytest.raises(ResolveFailed, match=r"slow\.example has no address"):
        outbound.request("GET", url)


def test_nobody_listens_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        url = f"http://127.0.0.1:{door.getsockname()[1]}/"
    outbound = Outbound(url, allow=THIS, limits=LIMITS)
    with pytest.raises(ConnectFailed, match="refuses connections"):
        outbound.request("GET", url)


def test_a_refusal_is_told_by_its_status_however_long_it_goes_on() -> None:
    refusals = (
        flood("HTTP/1.1 500 Oh\r\n\r\n", b"a" * MEBIBYTE),
        drip(b"HTTP/1.1 500 Oh\r\n\r\n", b"a"),
        answer(b'{"title": "no"}', status="500 Oh"),
    )
    for refusal in refusals:
        with listening(refusal) as partner, pytest.raises(StatusRefused) as fault:
            ask(partner, IMPATIENT)
        assert fault.value.answered == 500
        assert len(fault.value.body) <= 64 * 1024
    assert fault.value.body == b'{"title": "no"}'


def test_a_server_that_refuses_before_it_has_read_all_is_heard() -> None:
    def say(connection: socket.socket) -> None:
        connection.recv(1024)
        connection.sendall(b"HTTP/1.1 413 Too large\r\nContent-Length: 0\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as door:
        thread = threading.Thread(target=lambda: say(door.accept()[0]), daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{door.getsockname()[1]}/"
        with (
            Outbound(url, allow=THIS, limits=LIMITS) as outbound,
            pytest.raises(StatusRefused) as told,
        ):
            outbound.request("POST", url, body=bytes(MEBIBYTE))
        assert told.value.answered == 413


def test_a_run_ends_when_its_bytes_are_spent() -> None:
    budget = Budget(bytes=MEBIBYTE)
    with listening(answer(bytes(MEBIBYTE // 2))) as partner:
        ask(partner, budget=budget)
        with pytest.raises(BudgetSpent, match="bytes"):
            ask(partner, budget=budget)
        with pytest.raises(BudgetSpent):
            ask(partner, budget=budget)


def test_a_request_that_a_run_began_in_time_has_time_for_its_answer() -> None:
    def late(connection: socket.socket, head: bytes) -> None:
        time.sleep(0.6)
        answer(b"late")(connection, head)

    budget = Budget(seconds=0.5)
    with listening(late) as partner:
        assert ask(partner, budget=budget) == b"late"
        with pytest.raises(BudgetSpent, match="time"):
            ask(partner, budget=budget)
        assert partner.accepted == 1


def test_a_connection_is_kept_and_replaced_when_it_was_ended_meanwhile() -> None:
    def last(connection: socket.socket, head: bytes) -> None:
        answer()(connection, head)
        connection.shutdown(socket.SHUT_RDWR)

    with listening(in_turn(answer(), last, answer())) as partner:
        with Outbound(partner.url(), allow=THIS, limits=LIMITS) as outbound:
            for _ in range(3):
                outbound.request("GET", partner.url())
                time.sleep(0.05)
        assert (partner.accepted, len(partner.heads)) == (2, 3)
