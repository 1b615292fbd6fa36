"""Keeps the forms of objects: their bytes, and what each mentions, to be asked for without reading.

By form: what a recipient is not served cannot be found by it. Gone with the bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from kernel.rows import insert_columns, insert_rows, take_ids
from sharing.rules.mentions import list_mentions
from sharing.tables import body, mention


def keep_forms(
    connection: Connection, raws: Sequence[bytes], values: Iterable[Mapping[str, Any]]
) -> list[int]:
    """Keep these forms, given as bytes and as the values that they say; their numbers."""
    if not raws:
        return []
    ids = take_ids(connection, body, len(raws))
    insert_columns(connection, body, {"id": ids, "content": raws})
    insert_rows(
        connection,
        mention,
        [
            {"body_id": body_id, "value": mentioned}
            for body_id, value in zip(ids, values, strict=True)
            for mentioned in list_mentions(value)
        ],
    )
    return ids
