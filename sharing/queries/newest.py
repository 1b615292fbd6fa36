"""What came last into a reader's views, newest first, with its bytes: for pages.

What does not live here: who sees what (visibility).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    SmallInteger,
    bindparam,
    func,
    literal_column,
    select,
)

from auth.reader import Seated
from kernel.db import BINARY_ROWS
from sharing.queries.collections import Collection
from sharing.queries.releases import TLP_OF_RELEASE, find_head
from sharing.queries.standing import Key, Standing
from sharing.rules.tlp import Tlp
from sharing.tables import body, release
from sharing.visibility import visible_to

_IS_LAST: ColumnElement[bool] = literal_column("release.is_last")

MOST_COUNTED = 5000
"""Of so many of the newest, facets are counted: a page costs the same whatever there is."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One version in the reader's view, with its bytes as they are served to it."""

    standing: Standing
    content: bytes


@dataclass(frozen=True, slots=True)
class NewestFilter:
    """Which last versions; None is not asked for."""

    stix_type: str | None = None
    tlp: Tlp | None = None
    added_after_us: int | None = None


@dataclass(frozen=True, slots=True)
class Facets:
    """How many of the newest there are of each type and level; `is_all` when none were left."""

    types: dict[str, int]
    levels: dict[str, int]
    total: int
    is_all: bool


def list_newest(
    connection: Connection,
    seated: Seated,
    places: Sequence[Collection],
    wanted: NewestFilter,
    *,
    before: Key | None = None,
    limit: int,
) -> list[Seen]:
    """The last versions in the reader's views, those that were added last first."""
    found: list[Seen] = []
    for place in places:
        if not place.may_be_read_by(seated) or find_head(connection, seated, place.id).is_behind(
            wanted.added_after_us
        ):
            continue
        keys = (
            _last_versions(seated, place, wanted, before)
            .order_by(release.c.date_added_us.desc())
            .limit(limit)
            .subquery()
        )
        rows = connection.execute(
            select(keys, body.c.content)
            .join(body, body.c.id == keys.c.body_id)
            .order_by(keys.c.date_added_us.desc())
            .execution_options(**BINARY_ROWS)
        )
        found += [
            Seen(
                Standing(row.date_added_us, place.uuid, row.stix_id, row.version_us, Tlp(row.tlp)),
                row.content,
            )
            for row in rows
        ]
    return sorted(found, key=lambda one: one.standing.key, reverse=True)[:limit]


def list_contents_of(
    connection: Connection, seated: Seated, places: Sequence[Collection], found: Sequence[Standing]
) -> list[Seen]:
    """These versions with their bytes as they are served to the reader."""
    seen: list[Seen] = []
    for place in places:
        here = {
            (one.stix_id, one.date_added_us): one for one in found if one.collection == place.uuid
        }
        if not here or not place.may_be_read_by(seated):
            continue
        keys = (
            visible_to(
                seated, place.id, release.c.stix_id, release.c.date_added_us, release.c.body_id
            )
            .where(release.c.stix_id.in_(sorted({stix_id for stix_id, _ in here})))
            .subquery()
        )
        rows = connection.execute(
            select(keys, body.c.content)
            .join(body, body.c.id == keys.c.body_id)
            .execution_options(**BINARY_ROWS)
        )
        seen += [
            Seen(here[row.stix_id, row.date_added_us], row.content)
            for row in rows
            if (row.stix_id, row.date_added_us) in here
        ]
    return sorted(seen, key=lambda one: one.standing.key, reverse=True)


def count_facets(
    connection: Connection, seated: Seated, places: Sequence[Collection], wanted: NewestFilter
) -> Facets:
    """How many of the newest last versions in the views there are, by type and by level."""
    types: Counter[str] = Counter()
    levels: Counter[str] = Counter()
    is_all = True
    for place in places:
        if not place.may_be_read_by(seated):
            continue
        newest = (
            _last_versions(seated, place, wanted, None)
            .order_by(release.c.date_added_us.desc())
            .limit(MOST_COUNTED)
            .subquery()
        )
        rows = connection.execute(
            select(newest.c.stix_type, newest.c.tlp, func.count()).group_by(
                newest.c.stix_type, newest.c.tlp
            )
        ).all()
        counted = 0
        for stix_type, tlp, count in rows:
            types[stix_type] += count
            levels[Tlp(tlp).text] += count
            counted += count
        is_all = is_all and counted < MOST_COUNTED
    return Facets(
        dict(sorted(types.items())), dict(sorted(levels.items())), sum(types.values()), is_all
    )


def _last_versions(
    seated: Seated, place: Collection, wanted: NewestFilter, before: Key | None
) -> Select[Any]:
    statement = visible_to(
        seated,
        place.id,
        release.c.date_added_us,
        release.c.stix_id,
        release.c.stix_type,
        release.c.version_us,
        release.c.body_id,
        TLP_OF_RELEASE.label("tlp"),
    ).where(_IS_LAST)
    if wanted.stix_type is not None:
        statement = statement.where(release.c.stix_type == wanted.stix_type)
    if wanted.tlp is not None:
        statement = statement.where(
            bindparam(None, int(wanted.tlp), SmallInteger) == TLP_OF_RELEASE
        )
    if wanted.added_after_us is not None:
        statement = statement.where(release.c.date_added_us > wanted.added_after_us)
    if before is not None:
        at_us, uuid = before
        last = at_us - 1 if place.uuid >= uuid else at_us
        statement = statement.where(release.c.date_added_us <= last)
    return statement
