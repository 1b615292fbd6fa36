"""Deliver: write down what is about to be served to whom, before its first byte leaves.

With the ledger position of the answer, its range and its filters, the releases that it held
can be named for ever after. Nothing is recorded of an answer that serves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from sqlalchemy import insert
from sqlalchemy.exc import SQLAlchemyError

from auth.reader import Seated
from kernel.db import Database
from kernel.errors import ComityError, Unavailable
from sharing.tables import delivery

DOORS: Final = (
    "objects",
    "manifest",
    "object",
    "versions",
    "api",
    "page",
    "export",
    "own",
    "push",
)
# Its number is not asked for.
_INSERT: Final = insert(delivery).inline()


@dataclass(frozen=True, slots=True)
class Served:
    """What one answer holds of one collection. `door` is one of DOORS; `head` the forum's
    ledger position that it was read at; the range and `count` are of the releases in it
    (through `own`, of the member's own contributions and the instants at which they were made)."""

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
    record_deliveries(database, seated, [served], now_us=now_us)


def record_deliveries(
    database: Database, seated: Seated, served: Iterable[Served], *, now_us: int
) -> None:
    """The same for one answer from several collections: all of it is recorded, or nothing."""
    record_all(database, [(seated, served)], now_us=now_us)


def record_all(
    database: Database, told: Iterable[tuple[Seated, Iterable[Served]]], *, now_us: int
) -> None:
    """The same for one answer from several forums: all of it is recorded, or nothing."""
    entries = [_entry(seated, one, now_us) for seated, served in told for one in served]
    if not entries:
        return
    try:
        # It is nearly always one.
        if len(entries) == 1:
            with database.record_one() as connection:
                connection.execute(_INSERT, entries[0])
            return
        with database.record() as connection:
            connection.execute(_INSERT, entries)
    except (ComityError, SQLAlchemyError) as fault:
        raise Unavailable(
            "sharing.delivery-not-recorded",
            "this delivery cannot be recorded now, so nothing is served; try again",
        ) from fault


def _entry(seated: Seated, served: Served, now_us: int) -> dict[str, Any]:
    return {
        "at_us": now_us,
        "credential_id": seated.reader.credential_id,
        "forum_id": seated.forum_id,
        "collection_id": served.collection_id,
        "element": seated.element,
        "door": served.door,
        "filters": orjson.dumps(served.filters, option=orjson.OPT_SORT_KEYS).decode(),
        "first_us": served.first_us,
        "last_us": served.last_us,
        "head": served.head,
        "count": served.count,
    }
