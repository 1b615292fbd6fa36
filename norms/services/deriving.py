"""Derive what follows from the events of an instrument, and write what of it has changed.

In the transaction of the event itself, so that nobody reads a status that no event supports.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from sqlalchemy import Connection, Table, delete, insert, select

from auth.tables import forum
from norms.queries.scope import find_scope
from norms.rules.commitments import derive
from norms.rules.treaties import find_force, list_instrument_spans, list_party_spans
from norms.tables import commitment, instrument, instrument_standing, treaty_standing

Watcher = Callable[[Connection, frozenset[str], int], None]
"""Told, in the transaction, of which provisions the commitments have changed, and when."""

_BATCH: Final = 500
_watchers: list[Watcher] = []


def connect_watcher(watcher: Watcher) -> None:
    """Tell `watcher` of every change of commitments; once, where the rooms meet."""
    _watchers[:] = [watcher]


def derive_all(connection: Connection, instruments: Iterable[str], *, now_us: int) -> None:
    """Derive these instruments anew. What has not changed is not written."""
    changed: set[str] = set()
    for instrument_id in sorted(set(instruments)):
        changed |= derive_instrument(connection, instrument_id)
    if changed:
        for watcher in _watchers:
            watcher(connection, frozenset(changed), now_us)


def derive_everything(connection: Connection, *, now_us: int) -> None:
    """Derive every instrument of the register anew."""
    every = connection.execute(select(instrument.c.id)).scalars().all()
    derive_all(connection, every, now_us=now_us)


def derive_instrument(connection: Connection, instrument_id: str) -> frozenset[str]:
    """Derive one instrument; the provisions of which somebody's commitment has changed."""
    scope = find_scope(connection, instrument_id)
    if scope is None:
        return frozenset()
    forums = {row.slug: row.id for row in connection.execute(select(forum.c.slug, forum.c.id))}
    entry = find_force(scope.treaty, scope.events, group=scope.group_on, reio=scope.reio)
    spans = list_party_spans(scope.treaty, scope.events, entry) if scope.is_treaty else {}
    _replace(
        connection,
        treaty_standing,
        instrument_id,
        [
            {
                "instrument_id": instrument_id,
                "party_code": party,
                "from_day": from_day,
                "to_day": to_day,
                "status": standing.status,
                "since": standing.since,
                "event_id": standing.event,
            }
            for party, of_party in spans.items()
            for from_day, to_day, standing in of_party
        ],
    )
    _replace(
        connection,
        instrument_standing,
        instrument_id,
        [
            {
                "instrument_id": instrument_id,
                "from_day": from_day,
                "to_day": to_day,
                "status": status,
                "since": since,
            }
            for from_day, to_day, (status, since) in list_instrument_spans(
                scope.treaty, scope.events, entry
            )
        ],
    )
    rows = [
        {
            "instrument_id": instrument_id,
            "provision_id": one.provision,
            "forum_id": forums[one.forum],
            "party_code": one.party,
            "from_day": one.from_day,
            "to_day": one.to_day,
            "status": one.standing.status,
            "basis": one.standing.basis,
            "since": one.standing.since,
            "event_id": one.standing.event,
            "is_reserved": one.standing.is_reserved,
            "is_contested": one.standing.is_contested,
        }
        for one in derive(scope.bound, scope.units, scope.events, scope.belongings, spans)
    ]
    changed = _replace(connection, commitment, instrument_id, rows)
    return frozenset(str(row["provision_id"]) for row in changed)


def _replace(
    connection: Connection, table: Table, instrument_id: str, rows: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Make `rows` the rows of an instrument; those that are gone, and those that are new."""
    columns = [column for column in table.c if column.name != "id"]
    names = [column.name for column in columns]
    known: dict[tuple[Any, ...], int] = {
        tuple(row[1:]): row[0]
        for row in connection.execute(
            select(table.c.id, *columns).where(table.c.instrument_id == instrument_id)
        )
    }
    wanted = {tuple(row[name] for name in names): row for row in rows}
    gone = [key for key in known if key not in wanted]
    new = [row for key, row in wanted.items() if key not in known]
    for start in range(0, len(gone), _BATCH):
        ids = [known[key] for key in gone[start : start + _BATCH]]
        connection.execute(delete(table).where(table.c.id.in_(ids)))
    if new:
        connection.execute(insert(table), new)
    return [*new, *(dict(zip(names, key, strict=True)) for key in gone)]
