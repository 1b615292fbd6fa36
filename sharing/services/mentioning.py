"""Keeps what each form of an object mentions, so that it can be asked for without being read.

By form: what a recipient is not served cannot be found by it. Gone with the bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, insert

from sharing.rules.mentions import list_mentions
from sharing.tables import mention


def keep_mentions(connection: Connection, forms: Iterable[tuple[int, Mapping[str, Any]]]) -> None:
    """Keep what these forms mention: the number of a form's bytes, and its value."""
    rows = [
        {"body_id": body_id, "value": value}
        for body_id, form in forms
        for value in list_mentions(form)
    ]
    if rows:
        connection.execute(insert(mention), rows)
