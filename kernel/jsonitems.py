"""Where the items of a document's one long array are, without holding the document.

Only brackets, commas and strings are looked at: what is found is JSON if, and only if, the
outline and each item are. That is for the caller to see to (`strictjson`), before it relies on
any of it.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

import orjson

from kernel.errors import BadInput, TooLarge

_CHUNK_BYTES: Final = 1024 * 1024
_TOKEN: Final = re.compile(rb'["\[\]{},]')
_IN_ITEM: Final = re.compile(rb'["\[\]{}]')
_REST_OF_STRING: Final = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_KEY: Final = re.compile(rb'("(?:[^"\\]++|\\.)*+")[ \t\r\n]*+:[ \t\r\n]*+', re.DOTALL)
_SPACE: Final = b" \t\r\n"
_MOST_KEY_BYTES: Final = 4096
"""Of a key with the space around its colon; what is longer is not looked for."""


@dataclass(slots=True)
class Items:
    """A document taken apart: `outline` is all of it but what the array holds.

    The items are the bytes from each of `starts` up to the same place of `ends`, space and all.
    """

    outline: bytes = b""
    starts: array[int] = field(default_factory=lambda: array("Q"))
    ends: array[int] = field(default_factory=lambda: array("Q"))

    def __len__(self) -> int:
        return len(self.starts)

    def places(self) -> Iterator[tuple[int, int]]:
        """Where each item starts and ends."""
        return zip(self.starts, self.ends, strict=True)


def find_items(file: BinaryIO, key: str, *, most_outline_bytes: int) -> Items:
    """The items of the array under `key` of the object that the file is, or of the file's array.

    None when there is no such array. Raises TooLarge (`kernel.json-too-large`) when the rest of
    the document has more than `most_outline_bytes`, BadInput (`kernel.bad-json`) where an item
    is missing between commas, or the array never ends.
    """
    scan = _Scan(key, most_outline_bytes)
    file.seek(0)
    while chunk := file.read(_CHUNK_BYTES):
        scan.take(chunk)
    return scan.end()


class _Scan:
    """Where in the document the chunks so far have led."""

    def __init__(self, key: str, most_outline_bytes: int) -> None:
        self._key = key
        self._most = most_outline_bytes
        self._items = Items()
        self._outline = bytearray()
        self._at = 0
        self._depth = 0
        self._in_string = False
        self._is_escaped = False
        self._is_begun = False
        # The depth inside the array that is taken apart, None outside of it.
        self._inside: int | None = None
        self._is_done = False
        self._item_start = 0
        self._is_blank = True
        self._last_string = 0

    def take(self, chunk: bytes) -> None:
        """Go on with the next bytes of the document."""
        begun = at = 0
        while at < len(chunk):
            if self._in_string:
                at = self._rest_of_string(chunk, at)
                continue
            inner = self._inside is not None and self._depth > self._inside
            token = (_IN_ITEM if inner else _TOKEN).search(chunk, at)
            until = token.start() if token else len(chunk)
            if self._inside == self._depth and self._is_blank:
                self._is_blank = not chunk[at:until].strip(_SPACE)
            if not self._is_begun and (self._depth or chunk[at:until].strip(_SPACE)):
                self._is_begun = True
            if token is None:
                break
            begun = self._step(chunk, begun, until)
            at = until + 1
        if self._inside is None:
            self._keep(chunk[begun:])
        self._at += len(chunk)

    def end(self) -> Items:
        """What has been found, once there are no more bytes."""
        if self._inside is not None:
            raise BadInput("kernel.bad-json", f"the array ends in the middle (byte {self._at})")
        self._items.outline = bytes(self._outline)
        return self._items

    def _rest_of_string(self, chunk: bytes, at: int) -> int:
        if self._is_escaped:
            self._is_escaped = False
            return at + 1
        match = _REST_OF_STRING.match(chunk, at)
        at = match.end() if match else at
        if at == len(chunk):
            return at
        self._is_escaped = chunk[at] == _BACKSLASH
        self._in_string = self._is_escaped
        return at + 1

    def _step(self, chunk: bytes, begun: int, at: int) -> int:
        """Take one token in; where what is not yet kept of the chunk begins."""
        token = chunk[at]
        if token == _QUOTE:
            self._in_string = True
            self._is_blank = False
            if self._inside is None and self._depth == 1:
                self._last_string = len(self._outline) + at - begun
        elif token in b"[{":
            self._is_blank = False
            if token == _OPENS_ARRAY and self._opens(chunk, begun, at):
                self._keep(chunk[begun : at + 1])
                self._inside, self._is_blank = self._depth + 1, True
                self._item_start = self._at + at + 1
            self._is_begun = True
            self._depth += 1
        elif token == _COMMA:
            if self._inside == self._depth:
                self._close_item(at)
        else:
            if self._inside == self._depth:
                if len(self._items) or not self._is_blank:
                    self._close_item(at)
                self._inside, self._is_done, begun = None, True, at
            self._depth -= 1
        return begun

    def _opens(self, chunk: bytes, begun: int, at: int) -> bool:
        """Whether the bracket here opens the array that is to be taken apart."""
        if self._is_done or self._inside is not None or self._depth > 1:
            return False
        if self._depth == 0:
            return not self._is_begun
        # As far back as the last string, which is the key if this is a member's value.
        length = len(self._outline) + at - begun - self._last_string
        if length > _MOST_KEY_BYTES:
            return False
        before = (bytes(self._outline[-length:]) + chunk[max(begun, at - length) : at])[-length:]
        named = _KEY.fullmatch(before)
        if named is None:
            return False
        try:
            return bool(orjson.loads(named[1]) == self._key)
        except orjson.JSONDecodeError:
            return False

    def _close_item(self, at: int) -> None:
        if self._is_blank:
            raise BadInput("kernel.bad-json", f"byte {self._at + at}: expected an item")
        self._items.starts.append(self._item_start)
        self._items.ends.append(self._at + at)
        self._item_start, self._is_blank = self._at + at + 1, True

    def _keep(self, outline: bytes) -> None:
        if len(self._outline) + len(outline) > self._most:
            raise TooLarge(
                "kernel.json-too-large",
                f"what is around the objects has more than {self._most} bytes",
            )
        self._outline += outline


_QUOTE: Final = ord('"')
_BACKSLASH: Final = ord("\\")
_COMMA: Final = ord(",")
_OPENS_ARRAY: Final = ord("[")
