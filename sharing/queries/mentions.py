"""Objects of a reader's views that mention something: lookups by value, name or citation.

By the form that the reader is served: what was omitted for it does not find the object.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    func,
    literal_column,
    select,
    union_all,
)

from auth.reader import Seated
from sharing.queries.collections import Collection, View
from sharing.queries.releases import TLP_OF_RELEASE
from sharing.queries.standing import Standing
from sharing.rules.mentions import spell
from sharing.rules.tlp import Tlp
from sharing.tables import mention, release
from sharing.visibility import visible_among

LAST_LETTER = "\U0010ffff"
"""Past every letter that a text can hold."""

_IS_LAST: Final[ColumnElement[bool]] = literal_column("release.is_last")


def list_mentioning(
    connection: Connection, views: Sequence[View], asked: Iterable[str], *, limit: int
) -> dict[str, list[Standing]]:
    """By each question, in the spelling of `spell`, the last versions in the reader's views that
    mention it: forum by forum, the newest first, at most `limit` of each forum."""
    wanted = sorted({spell(one) for one in asked} - {""})
    found: dict[str, list[Standing]] = {one: [] for one in wanted}
    ranges = []
    for seated, places in views if wanted else ():
        newest_first = func.row_number().over(
            partition_by=mention.c.value, order_by=release.c.date_added_us.desc()
        )
        said = (
            _last_versions(seated, places, mention.c.value.label("asked"), newest_first.label("n"))
            .join(mention, mention.c.body_id == release.c.body_id)
            .where(mention.c.value.in_(wanted))
            .subquery()
        )
        ranges.append(select(said).where(said.c.n <= limit))
    for row, standing in _standing(connection, views, ranges):
        found[row.asked].append(standing)
    return found


def list_beginning(
    connection: Connection, views: Sequence[View], asked: str, *, limit: int
) -> list[Standing]:
    """The last versions in the reader's views that mention something that begins like `asked`:
    forum by forum, the newest first, at most `limit` of each. Nothing for an empty question."""
    wanted = spell(asked)
    if not wanted:
        return []
    # Several matching mentions of one form are one answer.
    form = select(mention.c.body_id).where(
        mention.c.value >= wanted, mention.c.value < wanted + LAST_LETTER
    )
    ranges = []
    for seated, places in views:
        said = (
            _last_versions(seated, places)
            .where(release.c.body_id.in_(form))
            .order_by((release.c.date_added_us + 0).desc())
            .limit(limit)
            .subquery()
        )
        ranges.append(select(said))
    return [standing for _, standing in _standing(connection, views, ranges)]


def _last_versions(
    seated: Seated, places: Iterable[Collection], *columns: ColumnElement[Any]
) -> Select[Any]:
    readable = [place.id for place in places if place.may_be_read_by(seated)]
    return visible_among(
        seated,
        readable,
        release.c.collection_id,
        release.c.date_added_us,
        release.c.stix_id,
        release.c.version_us,
        TLP_OF_RELEASE.label("tlp"),
        *columns,
    ).where(_IS_LAST)


def _standing(
    connection: Connection, views: Sequence[View], ranges: Sequence[Select[Any]]
) -> list[tuple[Row[Any], Standing]]:
    """What was found, in the order of the views and the newest first in each."""
    if not ranges:
        return []
    named = {
        place.id: (turn, place.uuid) for turn, (_, places) in enumerate(views) for place in places
    }
    found = []
    for row in connection.execute(union_all(*ranges)):
        turn, uuid = named[row.collection_id]
        standing = Standing(row.date_added_us, uuid, row.stix_id, row.version_us, Tlp(row.tlp))
        found.append((turn, row, standing))
    found.sort(key=lambda one: one[2].key, reverse=True)
    found.sort(key=lambda one: one[0])
    return [(row, standing) for _, row, standing in found]
