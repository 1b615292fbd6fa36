"""Files of STIX on their way in: an object after another, what others name before what names them.

A file is read in passes, so that one of any length takes the memory of a slice and a few bytes
for each object. What does not live here: judging an object (the gate) and contributing it
(importing).
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import PurePath
from typing import BinaryIO, Final, Protocol

import orjson

from kernel.errors import BadInput, TooLarge
from kernel.jsonitems import find_items
from kernel.strictjson import DEFAULT_LIMITS, Limits
from sharing.gate.envelopes import holds_objects, read_import, read_item, read_lines
from sharing.gate.verdicts import RawObject
from sharing.services.plan import rank_of

SLICE_OBJECTS: Final = 500
SLICE_BYTES: Final = 8 * 1024 * 1024

_LINE_SUFFIXES: Final = frozenset({".jsonl", ".ndjson"})
_FIRST_LINE_BYTES: Final = 1024 * 1024
_RANKS: Final = range(4)
_BLANK: Final = 255
_SPACE: Final = b" \t\r\n"


class Source(Protocol):
    """The objects of one file, as often as they are asked for."""

    counts_lines: bool
    """Whether an object's `index` is that of its line, not of its place in a list."""

    total: int

    def __iter__(self) -> Iterator[RawObject]:
        """Markings, identities, other objects, then what points at them."""
        ...


def open_source(name: str, file: BinaryIO, *, max_object_bytes: int) -> Source:
    """The objects of an open, seekable file; `name` tells JSON lines by their suffix.

    Raises BadInput and TooLarge when the file as a whole cannot be read.
    """
    limits = replace(DEFAULT_LIMITS, max_bytes=max_object_bytes)
    if PurePath(name).suffix.lower() in _LINE_SUFFIXES or _looks_like_lines(file):
        return _Lines(file, limits)
    return _Document(name, file, limits)


def in_slices(objects: Iterable[RawObject]) -> Iterator[list[RawObject]]:
    """The objects in lists that one transaction takes: so many, or so many bytes."""
    gathered: list[RawObject] = []
    size = 0
    for raw in objects:
        if gathered and (len(gathered) >= SLICE_OBJECTS or size + len(raw.raw) > SLICE_BYTES):
            yield gathered
            gathered, size = [], 0
        gathered.append(raw)
        size += len(raw.raw)
    if gathered:
        yield gathered


class _Document:
    """A file that is one JSON document; of each object are kept its place and its rank.

    All of it is read before the first object is handed out: a file that is not JSON from its
    first byte to its last contributes nothing.
    """

    counts_lines = False

    def __init__(self, name: str, file: BinaryIO, limits: Limits) -> None:
        self._file = file
        self._limits = limits
        items = find_items(file, "objects", most_outline_bytes=limits.max_bytes)
        self._few: list[RawObject] | None = None
        if not holds_objects(items.outline, limits=limits):
            self._few = [self._whole(name)]
        elif not len(items):
            self._few = sorted(
                read_import(items.outline, limits=limits), key=lambda raw: _rank(raw.value)
            )
        self._items = items
        self._ranks = bytearray() if self._few else self._find_ranks()
        self.total = len(self._ranks) if self._few is None else len(self._few)

    def __iter__(self) -> Iterator[RawObject]:
        if self._few is not None:
            yield from self._few
            return
        for wanted in _RANKS:
            for index, rank in enumerate(self._ranks):
                if rank == wanted:
                    yield self._read(index)

    def _find_ranks(self) -> bytearray:
        return bytearray(_rank(self._read(index).value) for index in range(len(self._items)))

    def _read(self, index: int) -> RawObject:
        start, end = self._items.starts[index], self._items.ends[index]
        self._file.seek(start)
        # One byte more than may be is enough to refuse it.
        raw = self._file.read(min(end - start, self._limits.max_bytes + 1))
        try:
            return read_item(index, raw, limits=self._limits)
        except BadInput as fault:
            where = f"in the item that starts at byte {start}: {fault.message}"
            raise BadInput(fault.code, where) from None

    def _whole(self, name: str) -> RawObject:
        self._file.seek(0)
        content = self._file.read(self._limits.max_bytes + 1)
        if len(content) > self._limits.max_bytes:
            raise TooLarge(
                "sharing.file-too-large",
                f"{name} is one object of more than {self._limits.max_bytes} bytes",
            )
        (found,) = read_import(content, limits=self._limits)
        return found


class _Lines:
    """A file of JSON lines; one byte a line is kept, its rank."""

    counts_lines = True

    def __init__(self, file: BinaryIO, limits: Limits) -> None:
        self._file = file
        self._limits = limits
        self._ranks = bytearray(_line_rank(line) for line in self._lines())
        self.total = len(self._ranks) - self._ranks.count(_BLANK)

    def __iter__(self) -> Iterator[RawObject]:
        for wanted in _RANKS:
            if wanted not in self._ranks:
                continue
            for number, line in enumerate(self._lines()):
                if self._ranks[number] == wanted:
                    for raw in read_lines([line], limits=self._limits):
                        yield replace(raw, index=number)

    def _lines(self) -> Iterator[bytes]:
        """Each line, cut where it is longer than an object may be: cut lines are refused."""
        self._file.seek(0)
        most = self._limits.max_bytes + 2  # with its end
        while line := self._file.readline(most):
            rest = line
            while len(rest) == most and not rest.endswith(b"\n"):
                rest = self._file.readline(most)
            yield line


def _looks_like_lines(file: BinaryIO) -> bool:
    """Whether the first line is a whole object and others follow."""
    file.seek(0)
    first = b"\n"
    while first and not first.strip(_SPACE):
        first = file.readline(_FIRST_LINE_BYTES)
    if not first.endswith(b"\n"):
        return False
    following = file.readline(_FIRST_LINE_BYTES)
    while following and not following.strip(_SPACE):
        following = file.readline(_FIRST_LINE_BYTES)
    return bool(following) and isinstance(_value(first), dict)


def _line_rank(line: bytes) -> int:
    return _rank(_value(line)) if line.strip(_SPACE) else _BLANK


def _value(line: bytes) -> object:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return None


def _rank(value: object) -> int:
    stix_type = value.get("type") if isinstance(value, dict) else None
    return rank_of(stix_type) if isinstance(stix_type, str) else rank_of("")


def open_bytes(content: bytes) -> BinaryIO:
    """Bytes as a file that `open_source` takes."""
    return io.BytesIO(content)
