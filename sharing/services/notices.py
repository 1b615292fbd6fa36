"""Notices of recalls: exactly those who had been served are told, and each acknowledges.

An answer that was read before a recall and recorded after it held what is recalled all the
same. So the log of deliveries is read once more for a recall whenever somebody looks, for a
day; then nothing that was read before it can be left unrecorded.
"""

from __future__ import annotations

from typing import Any, Final

import orjson
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from auth.reader import Seated
from auth.services import record_audit
from kernel.clock import DAY_US
from kernel.db import Database
from kernel.errors import NotFound
from sharing.queries.delivered import ServedVersion, find_last_delivery, list_served
from sharing.queries.recalls import find_received
from sharing.services.lock import LockedForum
from sharing.services.settling import hold_forum
from sharing.tables import recall, recall_gathering, recall_notice, recall_receipt

LATE_US: Final = DAY_US
"""How long after a recall an answer that was read before it may still be recorded."""

# Entries of the log that may be numbered before others and appear after them.
_OVERLAP: Final = 1000


def gather_notices(database: Database, forum_id: int, *, now_us: int) -> None:
    """Find who had been served what is recalled in the forum, and write their notices.

    Costs one look at a table that is nearly always empty.
    """
    with database.read() as connection:
        rows = connection.execute(
            select(recall, recall_gathering.c.delivery_id)
            .join(recall_gathering, recall_gathering.c.recall_id == recall.c.id)
            .where(recall_gathering.c.forum_id == forum_id)
            .order_by(recall.c.seq)
        ).all()
    for row in rows:
        _gather(database, row, now_us)


def list_gathering(connection: Connection) -> list[int]:
    """The forums with a recall for which the log of deliveries may still have to be read."""
    statement = select(recall_gathering.c.forum_id).distinct()
    return list(connection.execute(statement.order_by(recall_gathering.c.forum_id)).scalars())


def acknowledge(database: Database, seated: Seated, uuid: str, *, now_us: int) -> int:
    """Take note of a recall on behalf of the caller's recipient; the instant of the receipt.

    A person does so for what persons and feeds of the member were served, a feed for what
    feeds were. What is acknowledged already stays as it is. Raises NotFound for a recall of
    which the caller has no notice.
    """
    with database.read() as connection:
        found = find_received(connection, seated, uuid)
    if found is None:
        raise NotFound("sharing.unknown-recall", "you have no notice of such a recall")
    if found.acknowledged_us is not None:
        return found.acknowledged_us
    with database.write() as connection:
        lock = hold_forum(connection, seated.forum_id, now_us=now_us)
        # Never before the notice: clocks of several processes may differ.
        at_us = max(lock.now_us, found.at_us)
        connection.execute(
            insert(recall_receipt),
            [
                {
                    "recall_id": found.recall_id,
                    "element": element,
                    "at_us": at_us,
                    "actor": seated.reader.actor,
                }
                for element in found.waiting
            ],
        )
        record_audit(
            connection,
            seated.reader.actor,
            "recall.acknowledge",
            f"recall:{uuid}",
            member_id=seated.member_id,
            now_us=now_us,
        )
        lock.save()
    return at_us


def _gather(database: Database, row: Row[Any], now_us: int) -> None:
    is_over = row.at_us + LATE_US <= now_us
    ids = [contribution_id for contribution_id, _ in orjson.loads(row.versions)]
    with database.read() as connection, database.read_deliveries() as deliveries:
        last = find_last_delivery(deliveries)
        if last == row.delivery_id and last and not is_over:
            return
        served = list_served(
            connection,
            deliveries,
            row.originator_id,
            ids,
            before=row.seq,
            after_id=max(0, row.delivery_id - _OVERLAP),
        )
        fresh = _list_fresh(connection, row.id, served)
    if not fresh and not is_over and 0 < last - row.delivery_id < _OVERLAP and row.delivery_id:
        return
    with database.write() as connection:
        lock = hold_forum(connection, row.forum_id, now_us=now_us)
        # Once more, now alone: another may have been as fast.
        _write(lock, row, _list_fresh(connection, row.id, fresh))
        _go_on(connection, row.id, None if is_over else last)
        lock.save()


def _list_fresh(
    connection: Connection, recall_id: int, served: list[ServedVersion]
) -> list[ServedVersion]:
    """What no notice tells yet: of a version, or of another form of it."""
    told: dict[tuple[int, int], set[str | None]] = {}
    for row in connection.execute(
        select(recall_notice).where(recall_notice.c.recall_id == recall_id)
    ):
        told.setdefault((row.element, row.contribution_id), set()).update(orjson.loads(row.forms))
    return [
        one
        for one in served
        if (known := told.get((one.element, one.contribution_id))) is None or one.forms - known
    ]


def _write(lock: LockedForum, row: Row[Any], fresh: list[ServedVersion]) -> None:
    if not fresh:
        return
    versions = dict(orjson.loads(row.versions))
    last_us = lock.connection.execute(
        select(func.max(recall_notice.c.at_us)).where(recall_notice.c.forum_id == lock.forum_id)
    ).scalar()
    # Strictly later than every earlier notice, so that whoever asks since then misses none.
    at_us = max(lock.now_us, (last_us or 0) + 1)
    lock.connection.execute(
        insert(recall_notice),
        [
            {
                "recall_id": row.id,
                "forum_id": lock.forum_id,
                "element": one.element,
                "contribution_id": one.contribution_id,
                "version_us": versions[one.contribution_id],
                "forms": orjson.dumps(sorted(one.forms, key=str)).decode(),
                "served_us": one.last_us,
                "at_us": at_us,
            }
            for one in fresh
        ],
    )


def _go_on(connection: Connection, recall_id: int, delivery_id: int | None) -> None:
    """Note how far the log has been read; None: to its end, for good."""
    mine = recall_gathering.c.recall_id == recall_id
    if delivery_id is None:
        connection.execute(delete(recall_gathering).where(mine))
        return
    connection.execute(
        update(recall_gathering)
        .where(mine, recall_gathering.c.delivery_id < delivery_id)
        .values(delivery_id=delivery_id)
    )
