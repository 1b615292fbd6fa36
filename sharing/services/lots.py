"""Releases to close and to open of many contributions at once, each whole and its id's only one.

What `ReleasePlan.show` finds for one contribution is found once for all that are shown alike
(`wholesale`); few statements then write it for thousands. What does not live here: who sees what.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    insert,
    literal,
    null,
    select,
    true,
    update,
)

from sharing.queries.given import given, given_ids, in_rows
from sharing.tables import contribution, release

Written = Callable[[int], None]
"""Told how many contributions' releases have been written."""

Tallies = dict[tuple[int, int], tuple[int, int]]
"""By collection and audience: the newest `date_added`, and how many releases were opened."""

_COPIED: Final = (
    "forum_id",
    "collection_id",
    "date_added_us",
    "contribution_id",
    "body_id",
    "omitted",
    "stix_id",
    "stix_type",
    "version_us",
    "is_first",
    "is_last",
)


@dataclass(frozen=True, slots=True)
class Narrowed:
    """A release that is closed, and opened again for fewer: `date_added` stays."""

    release_id: int
    collection_id: int
    mask: int


@dataclass(frozen=True, slots=True)
class Fresh:
    """A contribution that is opened for those who did not see it."""

    contribution_id: int
    collection_id: int
    mask: int


@dataclass(slots=True)
class Lots:
    """What is to be written of many contributions, and how many versions somebody gains or loses.

    `fresh` come with their rank and their ledger position, by which they are stamped.
    """

    closings: list[int] = field(default_factory=list)
    narrowed: list[Narrowed] = field(default_factory=list)
    fresh: list[tuple[int, int, Fresh]] = field(default_factory=list)
    gains: int = 0
    losses: int = 0

    @property
    def masks(self) -> set[int]:
        """The audiences for which releases are to be opened."""
        return {one.mask for one in self.narrowed} | {one.mask for _, _, one in self.fresh}


def close(connection: Connection, release_ids: Iterable[int], cause: int) -> None:
    """Close these releases at the ledger position `cause`."""
    for batch in in_rows(release_ids):
        is_given = release.c.id.in_(given_ids(connection, batch))
        connection.execute(update(release).where(is_given).values(closed=cause))


def open_narrowed(
    connection: Connection,
    narrowed: Iterable[Narrowed],
    audiences: Mapping[int, int],
    cause: int,
    tallies: Tallies,
) -> None:
    """Open what has been closed again, for these audiences."""
    was = release.alias("was")
    for batch in in_rows(narrowed):
        rows = given(
            connection,
            [(one.release_id, audiences[one.mask]) for one in batch],
            "release_id",
            "audience_id",
        )
        values: dict[str, ColumnElement[Any]] = {name: was.c[name] for name in _COPIED}
        _insert(connection, values, rows.join(was, was.c.id == rows.c.release_id), rows, cause)
        for one in batch:
            # Its `date_added` has long been told to whoever sees it.
            count_opened(tallies, one.collection_id, audiences[one.mask], 0)


def open_fresh(
    connection: Connection,
    stamped: Iterable[tuple[Fresh, int]],
    audiences: Mapping[int, int],
    cause: int,
    tallies: Tallies,
    written: Written,
) -> None:
    """Open contributions, each with its `date_added`."""
    for batch in in_rows(stamped):
        rows = given(
            connection,
            [(one.contribution_id, audiences[one.mask], stamp) for one, stamp in batch],
            "contribution_id",
            "audience_id",
            "date_added_us",
        )
        values: dict[str, ColumnElement[Any]] = {name: contribution.c[name] for name in _OF_IT}
        values |= {
            "contribution_id": contribution.c.id,
            "date_added_us": rows.c.date_added_us,
            "omitted": null(),
            "is_first": true(),
            "is_last": true(),
        }
        source = rows.join(contribution, contribution.c.id == rows.c.contribution_id)
        _insert(connection, values, source, rows, cause)
        for one, stamp in batch:
            count_opened(tallies, one.collection_id, audiences[one.mask], stamp)
        written(len(batch))


_OF_IT: Final = ("forum_id", "collection_id", "body_id", "stix_id", "stix_type", "version_us")


def _insert(
    connection: Connection,
    values: dict[str, ColumnElement[Any]],
    source: FromClause,
    rows: FromClause,
    cause: int,
) -> None:
    values |= {"audience_id": rows.c.audience_id, "opened": literal(cause), "closed": null()}
    chosen = select(*(value.label(name) for name, value in values.items())).select_from(source)
    connection.execute(insert(release).from_select(list(values), chosen))


def count_opened(tallies: Tallies, collection_id: int, audience_id: int, stamp: int) -> None:
    """Count a release that is opened."""
    key = (collection_id, audience_id)
    newest_us, count = tallies.get(key, (0, 0))
    tallies[key] = (max(newest_us, stamp), count + 1)
