"""The folder of a demonstration: its own, emptied at each start, never somebody else's."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from kernel.db import is_open_elsewhere
from kernel.errors import Conflict, Misconfigured

MARKER: Final = "made-by-comity-demo"
"""A folder without this file is not a demonstration's, and is left alone."""


@contextmanager
def fresh_folder(folder: Path) -> Iterator[Path]:
    """The folder, made or emptied, and held against another demonstration for the block.

    Raises Conflict when it is in use, by another demonstration or by whoever serves what one has
    made, or holds what no demonstration made, and Misconfigured when it cannot be made.
    """
    try:
        _check_ours(folder)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        marker = (folder / MARKER).open("a", encoding="ascii")
    except OSError as fault:
        raise Misconfigured(
            "sharing.demo-folder", f"{folder} cannot be used: {fault.strerror or fault}"
        ) from None
    with marker:
        try:
            fcntl.flock(marker, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                "sharing.demo-running",
                f"a demo is running in {folder}; stop it first, or set COMITY_DATA_DIR",
            ) from None
        _check_unused(folder)
        _empty(folder)
        yield folder


def _check_ours(folder: Path) -> None:
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise Conflict("sharing.demo-folder", f"{folder} is not a folder; move it away")
    if folder.is_dir() and not (folder / MARKER).exists() and any(folder.iterdir()):
        raise Conflict(
            "sharing.demo-folder",
            f"{folder} holds what no demo made; move it away, or set COMITY_DATA_DIR",
        )


def _check_unused(folder: Path) -> None:
    """What a server or a worker goes on writing to is not taken from under it."""
    for file in sorted(folder.glob("**/*.db")):
        if is_open_elsewhere(file):
            raise Conflict(
                "sharing.demo-running",
                f"a server, a worker or a command has {file} open; stop it first, or set "
                "COMITY_DATA_DIR",
            )


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.name == MARKER:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
