"""What needs the person who is signed in: each room says what waits in it, one page shows all.

What does not live here: what waits, and for whom (the rooms' pages).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from flask import Flask, current_app

_INBOX: Final = "comity.inbox"


@dataclass(frozen=True, slots=True)
class Need:
    """Something that waits for this person: a sentence, where it is done, until when (µs)."""

    text: str
    address: str
    where: str = ""
    until_us: int | None = None


FindNeeds = Callable[[], list[Need]]


def init_inbox(app: Flask) -> None:
    """Let rooms of `app` say what waits; before any of them does."""
    app.extensions[_INBOX] = []


def add_needs(app: Flask, find: FindNeeds) -> None:
    """Ask this room, too, what waits for the person who is signed in."""
    app.extensions[_INBOX].append(find)


def list_needs() -> list[Need]:
    """All that waits for the person who is signed in: what has an end first, the nearest first."""
    rooms: list[FindNeeds] = current_app.extensions[_INBOX]
    found = [need for find in rooms for need in find()]
    return sorted(found, key=lambda need: (need.until_us is None, need.until_us or 0))
