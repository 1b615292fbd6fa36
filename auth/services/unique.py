"""Turns a record that exists already into the refusal that says so.

The database's own uniqueness decides, so two that add the same at once cannot both succeed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import IntegrityError

from kernel.errors import Conflict


@contextmanager
def refusing_duplicates(code: str, message: str) -> Iterator[None]:
    """Raise Conflict when a statement in the block breaks a uniqueness or a reference."""
    try:
        yield
    except IntegrityError:
        raise Conflict(code, message) from None
