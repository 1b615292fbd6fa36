"""How much of each member's another member was decided to see: what reciprocity counts.

Sharing policy §3 (`reciprocity`). Takes the forum's lock: it serves nobody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, select

from sharing.facts import load_facts
from sharing.queries.contributions import mask_from
from sharing.tables import contribution, past_seen


def count_seen(
    connection: Connection, forum_id: int, viewer: int, *, since_us: int, before_us: int
) -> dict[int, int]:
    """Distinct (id, version) of each originator that `viewer` saw within [since, before).

    `viewer` is a mask: the member through either kind of credential. Statement markings,
    which follow what carries them, do not count.
    """
    found: defaultdict[int, set[tuple[str, int]]] = defaultdict(set)
    for row in _intervals(connection, forum_id, since_us, before_us):
        if mask_from(row.mask) & viewer and not _is_statement(row):
            found[row.originator_id].add((row.stix_id, row.version_us))
    return {originator_id: len(versions) for originator_id, versions in found.items()}


def _intervals(
    connection: Connection, forum_id: int, since_us: int, before_us: int
) -> Iterator[Row[Any]]:
    columns = (
        contribution.c.originator_id,
        contribution.c.stix_id,
        contribution.c.stix_type,
        contribution.c.version_us,
        contribution.c.facts,
    )
    here: ColumnElement[bool] = contribution.c.forum_id == forum_id
    now: Select[Any] = select(*columns, contribution.c.seen.label("mask")).where(
        here, contribution.c.state != "deleted", contribution.c.seen_since_us < before_us
    )
    past: Select[Any] = (
        select(*columns, past_seen.c.mask)
        .join(past_seen, past_seen.c.contribution_id == contribution.c.id)
        .where(here, past_seen.c.since_us < before_us, past_seen.c.until_us > since_us)
    )
    yield from connection.execute(now)
    yield from connection.execute(past)


def _is_statement(row: Row[Any]) -> bool:
    return row.stix_type == "marking-definition" and load_facts(row.facts).is_statement
