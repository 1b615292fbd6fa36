"""Deliver: write down what is about to be served to whom, before its first byte leaves.

With the ledger position of the answer, its range and its filters, the releases that it held
can be named for ever after. Nothing is recorded of an answer that serves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import insert
from sqlalchemy.exc import SQLAlchemyError

from auth.reader import Seated
from kernel.db import Database
from kernel.errors import ComityError, Unavailable
from sharing.tables import delivery


@dataclass(frozen=True, slots=True)
class Served:
    """What one answer holds. `door` is `objects`, `manifest`, `object`, `versions`, `api` or
    `export`; `head` the forum's ledger position that it was read at; the range and `count`
    are of the releases in it."""

    collection_id: int
    door: str
    filters: Mapping[str, Any]
    first_us: int
    last_us: int
    head: int
    count: int


def record_delivery(database: Database, seated: Seated, served: Served, *, now_us: int) -> None:
    """Record the delivery durably; raises Unavailable when that cannot be done.

    The caller sends the answer after this returns, and never if it raises.
    """
    entry = insert(delivery).values(
        at_us=now_us,
        credential_id=seated.reader.credential_id,
        forum_id=seated.forum_id,
        collection_id=served.collection_id,
        element=seated.element,
        door=served.door,
        filters=orjson.dumps(served.filters, option=orjson.OPT_SORT_KEYS).decode(),
        first_us=served.first_us,
        last_us=served.last_us,
        head=served.head,
        count=served.count,
    )
    try:
        with database.record() as connection:
            connection.execute(entry)
    except (ComityError, SQLAlchemyError) as fault:
        raise Unavailable(
            "sharing.delivery-not-recorded",
            "this delivery cannot be recorded now, so nothing is served; try again",
        ) from fault
