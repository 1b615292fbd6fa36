"""Children forked from the warm test process, which may die at any moment; their parent learns
what they said before.

A database is opened only after the fork: the parent closes its own first.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import orjson

Say = Callable[[Any], None]
"""Tells the parent a JSON value; once it returns, the parent will hear it whatever follows."""

DIED: Final = 99
"""The exit code of a child that ended itself where it was told to."""

_FAULT: Final = 70


def die() -> None:
    """End this process here and now: nothing is flushed, closed or rolled back."""
    os._exit(DIED)


@dataclass(slots=True)
class Child:
    """A running child; `heard` is what it has said so far."""

    pid: int
    pipe: int
    heard: bytes = b""

    def wait(self, *, seconds: float = 30.0) -> Ended:
        """What became of it; killed and refused when it takes longer than that."""
        end = time.monotonic() + seconds
        try:
            while chunk := self._read(end - time.monotonic()):
                self.heard += chunk
        finally:
            os.close(self.pipe)
        _, status = os.waitpid(self.pid, 0)
        return Ended(
            code=os.waitstatus_to_exitcode(status),
            said=tuple(orjson.loads(line) for line in self.heard.splitlines()),
        )

    def hear(self, *, seconds: float = 30.0) -> Any:
        """The first thing that it says, as soon as it says it."""
        end = time.monotonic() + seconds
        while b"\n" not in self.heard:
            chunk = self._read(end - time.monotonic())
            if not chunk:
                raise AssertionError("a child ended without a word")
            self.heard += chunk
        return orjson.loads(self.heard.partition(b"\n")[0])

    def kill(self) -> None:
        """End it from outside, by the signal that cannot be caught."""
        os.kill(self.pid, signal.SIGKILL)

    def _read(self, seconds: float) -> bytes:
        ready, _, _ = select.select([self.pipe], [], [], max(seconds, 0))
        if not ready:
            self.kill()
            os.waitpid(self.pid, 0)
            raise AssertionError(f"a child hung; it had said {self.heard!r}")
        return os.read(self.pipe, 65536)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended, and everything that it said."""

    code: int
    said: tuple[Any, ...]

    @property
    def died(self) -> bool:
        """Whether it ended itself where it was told to."""
        return self.code == DIED


def fork(work: Callable[[Say], None]) -> Child:
    """A child that does `work` and ends; a fault in it ends with its traceback and code 70."""
    heard, said = os.pipe()
    pid = os.fork()
    if pid:
        os.close(said)
        return Child(pid, heard)
    code = _FAULT
    try:
        os.close(heard)
        work(lambda value: _write(said, value))
        code = 0
    except BaseException:  # noqa: BLE001 - whatever it is, the child must not run the parent's tests
        traceback.print_exc(file=sys.__stderr__)
    finally:
        os._exit(code)


def run(work: Callable[[Say], None], *, seconds: float = 30.0) -> Ended:
    """Fork, and wait for the end."""
    return fork(work).wait(seconds=seconds)


def _write(pipe: int, value: Any) -> None:
    line = orjson.dumps(value) + b"\n"
    while line:
        line = line[os.write(pipe, line) :]
