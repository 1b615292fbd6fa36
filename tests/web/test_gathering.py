"""Where a request ends, as far as it is waited for without a thread."""

from __future__ import annotations

import pytest

from web.gathering import GATHERED_BYTES, Gathering

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"


def gather(*pieces: bytes) -> Gathering:
    gathering = Gathering()
    for piece in pieces:
        gathering.add(piece)
    return gathering


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("request_", [GET, POST + b"abcde", b"\r\n\r\n" + GET, b"\r\n" + GET])
def test_a_request_is_whole_with_its_last_byte_however_it_comes(request_: bytes, size: int) -> None:
    gathering = Gathering()
    for start in range(0, len(request_) - 1, size):
        gathering.add(request_[start : min(start + size, len(request_) - 1)])
        assert not gathering.is_whole
    gathering.add(request_[-1:])
    assert gathering.is_whole
    assert not gathering.is_long
    assert gathering.take() == request_.lstrip()
    assert not gathering.is_whole


@pytest.mark.parametrize(
    "sent",
    [b"\r\n\r\n", b"\n\n", b"\r\n" * 100, b"GET / HTTP/1.1\nHost: x\n\n", GET[:-1], POST + b"abcd"],
)
def test_what_a_parser_would_wait_for_is_waited_for_here(sent: bytes) -> None:
    gathering = gather(sent)
    assert not gathering.is_whole
    assert not gathering.is_endless


def test_a_long_body_is_left_to_a_view() -> None:
    long = POST.replace(b": 5", b": %d" % (GATHERED_BYTES + 1))
    chunked = POST.replace(b"Content-Length: 5", b"transfer-ENCODING:chunked")
    for head in (long, chunked, POST.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: x\r\n\r\n")):
        gathering = gather(head)
        assert gathering.is_whole
        assert gathering.is_long


def test_a_head_that_does_not_end_is_told_from_one_that_may() -> None:
    assert not gather(b"G" * (GATHERED_BYTES - 1)).is_endless
    assert gather(b"G" * GATHERED_BYTES).is_endless
    assert not gather(GET + b"x" * GATHERED_BYTES).is_endless


def test_a_client_is_told_once_to_go_on_and_only_where_it_waits() -> None:
    head = POST.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n")
    waiting = Gathering()
    assert waiting.add(head)
    assert not waiting.add(b"abc")
    waiting.add(b"de")
    assert waiting.is_whole
    assert waiting.take() == POST + b"abcde"
    assert not gather().add(head + b"abcde")
