"""Keep who is decided to see each version, and who was: what references and reciprocity ask."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, literal, select, update

from kernel.rows import insert_rows
from kernel.values import light
from sharing.queries.contributions import Stored, mask_bytes
from sharing.queries.given import given_ids, in_rows
from sharing.tables import contribution, past_seen


@light
@dataclass(frozen=True, slots=True)
class Seen:
    """What has been decided about one version; `due_us` is when that changes by itself."""

    stored: Stored
    mask: int
    due_us: int | None


def write_seen(connection: Connection, decided: Sequence[Seen], now_us: int) -> None:
    """Write down what differs from what is kept; what was true before becomes past."""
    changed, past = [], []
    for one in decided:
        stored = one.stored
        moved = stored.seen_since_us is None or stored.seen != one.mask
        if not moved and stored.due_us == one.due_us:
            continue
        changed.append(
            {
                "key": stored.id,
                "mask": mask_bytes(one.mask),
                "since": now_us if moved else stored.seen_since_us,
                "due": one.due_us,
            }
        )
        if moved and not stored.is_deleted:
            past += _past_of(stored, now_us)
    if changed:
        connection.execute(
            update(contribution)
            .where(contribution.c.id == bindparam("key"))
            .values(
                seen=bindparam("mask"), seen_since_us=bindparam("since"), due_us=bindparam("due")
            ),
            changed,
        )
    insert_rows(connection, past_seen, past)


@dataclass(frozen=True, slots=True)
class Moved:
    """Standing contributions of which the same has been decided.

    `is_moved` tells that others saw them before, or fewer; else only `due_us` is another.
    """

    contribution_ids: list[int]
    mask: int
    due_us: int | None
    is_moved: bool


def write_moved(connection: Connection, moved: Iterable[Moved], now_us: int) -> None:
    """The same as `write_seen` for what has been decided alike, by few statements."""
    for one in moved:
        values: dict[str, Any] = {"due_us": one.due_us}
        if one.is_moved:
            values |= {"seen": mask_bytes(one.mask), "seen_since_us": now_us}
        for batch in in_rows(one.contribution_ids):
            is_given = contribution.c.id.in_(given_ids(connection, batch))
            if one.is_moved:
                past = select(
                    contribution.c.id,
                    contribution.c.seen,
                    contribution.c.seen_since_us,
                    literal(now_us),
                ).where(
                    is_given,
                    contribution.c.seen_since_us < now_us,
                    func.length(contribution.c.seen) > 0,
                )
                connection.execute(insert(past_seen).from_select(_PAST, past))
            connection.execute(update(contribution).where(is_given).values(values))


_PAST = ("contribution_id", "mask", "since_us", "until_us")


def close_seen(connection: Connection, deleted: Sequence[Stored], now_us: int) -> None:
    """What is deleted is seen no more, though it goes on gating and guarding."""
    past = [row for stored in deleted for row in _past_of(stored, now_us)]
    insert_rows(connection, past_seen, past)


def _past_of(stored: Stored, now_us: int) -> list[dict[str, Any]]:
    if stored.seen_since_us is None or not stored.seen or stored.seen_since_us >= now_us:
        return []
    return [
        {
            "contribution_id": stored.id,
            "mask": mask_bytes(stored.seen),
            "since_us": stored.seen_since_us,
            "until_us": now_us,
        }
    ]
