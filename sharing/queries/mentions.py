"""Objects of a reader's views that mention something: lookups by value, name or citation.

By the form that the reader is served: what was omitted for it does not find the object.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, and_, select, union_all

from auth.reader import Seated
from sharing.queries.collections import Collection
from sharing.queries.releases import TLP_OF_RELEASE
from sharing.queries.standing import Standing
from sharing.rules.mentions import spell
from sharing.rules.tlp import Tlp
from sharing.tables import mention, release
from sharing.visibility import visible_to

MOST_FOUND = 100
"""Versions that one question is answered with, of each collection."""
LAST_LETTER = "\U0010ffff"
"""Past every letter that a text can hold."""


def list_mentioning(
    connection: Connection,
    seated: Seated,
    places: Sequence[Collection],
    asked: str,
    *,
    whole: bool = True,
    limit: int = MOST_FOUND,
) -> list[Standing]:
    """The last versions in the reader's views that mention `asked`, newest first.

    `whole` False finds what only begins like it. Nothing for an empty question.
    """
    wanted = spell(asked)
    if not wanted:
        return []
    # Several matching mentions of one form are one answer.
    form = select(mention.c.body_id).where(_is_like(wanted, whole=whole))
    ranges = [
        visible_to(
            seated,
            place.id,
            release.c.collection_id,
            release.c.date_added_us,
            release.c.stix_id,
            release.c.version_us,
            TLP_OF_RELEASE.label("tlp"),
        )
        .where(release.c.is_last, release.c.body_id.in_(form))
        .order_by(release.c.date_added_us.desc())
        .limit(limit)
        .subquery()
        for place in places
        if place.may_be_read_by(seated)
    ]
    if not ranges:
        return []
    uuids = {place.id: place.uuid for place in places}
    found = [
        Standing(
            row.date_added_us, uuids[row.collection_id], row.stix_id, row.version_us, Tlp(row.tlp)
        )
        for row in connection.execute(union_all(*(select(one) for one in ranges)))
    ]
    return sorted(found, key=lambda one: one.key, reverse=True)[:limit]


def _is_like(wanted: str, *, whole: bool) -> ColumnElement[bool]:
    if whole:
        return mention.c.value == wanted
    return and_(mention.c.value >= wanted, mention.c.value < wanted + LAST_LETTER)
