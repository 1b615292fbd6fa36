"""What has come of a request: whether a thread can take it, or how much is still to come.

Only where a head ends and how long its body is are read here; what a request says, and whether
it is one, is for gunicorn's parser. What does not live here: sockets, threads.
"""

from __future__ import annotations

import re
from typing import Final

GATHERED_BYTES: Final = 64 * 1024
"""The longest head that is taken, and the longest body that is waited for without a thread."""

_HEAD_END: Final = b"\r\n\r\n"
_EMPTY_LINE: Final = b"\r\n"
_LENGTH: Final = re.compile(rb"\ncontent-length[ \t]*:[ \t]*(\d{1,18})[ \t]*\r\n", re.IGNORECASE)
_CODING: Final = re.compile(rb"\ntransfer-encoding[ \t]*:", re.IGNORECASE)
_EXPECTS: Final = re.compile(rb"(?<=\n)expect[ \t]*:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)


class Gathering:
    """The bytes that have come of one connection's next request, and perhaps of others after it."""

    def __init__(self) -> None:
        self._come = bytearray()
        self._needed: int | None = None
        self.is_long = False
        """Whether more of the body may come than is waited for: a thread reads it."""

    @property
    def is_whole(self) -> bool:
        """Whether all that is waited for is here."""
        return self._needed is not None and len(self._come) >= self._needed

    @property
    def is_endless(self) -> bool:
        """Whether the head is longer than any that is taken."""
        return self._needed is None and len(self._come) >= GATHERED_BYTES

    def add(self, more: bytes) -> bool:
        """Take the next bytes; True where the client now waits for a word to send its body."""
        searched = max(0, len(self._come) - len(_HEAD_END))
        self._come += more
        if self._needed is not None:
            return False
        while self._come.startswith(_EMPTY_LINE):
            # Before a request these mean nothing (RFC 9112 §2.2), and would look like its end.
            del self._come[: len(_EMPTY_LINE)]
            searched = 0
        end = self._come.find(_HEAD_END, searched)
        return end >= 0 and self._read_head(end + len(_HEAD_END))

    def take(self) -> bytes:
        """All that is here, for the parser; the next request is then waited for."""
        taken = bytes(self._come)
        self._come.clear()
        self._needed = None
        return taken

    def _read_head(self, end: int) -> bool:
        head = bytes(self._come[:end])
        found = _LENGTH.search(head)
        length = int(found[1]) if found else 0
        self.is_long = length > GATHERED_BYTES or _CODING.search(head) is not None
        body = 0 if self.is_long else length
        waits = body > len(self._come) - end and _EXPECTS.search(head) is not None
        if waits:
            # Taken out, or gunicorn would tell the client to go on a second time.
            head = _EXPECTS.sub(b"", head)
            self._come[:end] = head
        self._needed = len(head) + body
        return waits
