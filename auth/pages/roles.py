"""Pages that take a role: asked for as the API asks, and refused in the same words."""

from __future__ import annotations

from auth.doors import current_reader
from auth.reader import Reader
from kernel.errors import Forbidden


def current_reader_with(role: str) -> Reader:
    """Who is looking, if it has the role. Raises Forbidden (`auth.role-needed`)."""
    reader = current_reader()
    if not reader.has_role(role):
        raise Forbidden("auth.role-needed", f"this page is for people with the role {role}")
    return reader
