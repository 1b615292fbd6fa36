"""Single releases of a reader's view: what it may be told about beyond the object itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, union_all

from auth.reader import Seated
from kernel.db import BINARY_ROWS
from sharing.queries.collections import Collection
from sharing.queries.contributions import STORED_COLUMNS, Stored, stored_of
from sharing.queries.feed_lists import Origin, origin_of
from sharing.queries.newest import seq_of
from sharing.queries.own import is_contributed
from sharing.tables import body, contribution, feed, release
from sharing.visibility import visible_to


@dataclass(frozen=True, slots=True)
class ViewedForm:
    """One version in a view of a collection: its bytes as they are served to this reader."""

    collection_id: int
    contribution_id: int
    version_us: int
    date_added_us: int
    content: bytes


@dataclass(frozen=True, slots=True)
class OnPage:
    """A version in one of a reader's views; `origin` is of what the reader's member has ever
    contributed, `head` is the forum's ledger position."""

    place: Collection
    viewed: ViewedForm
    stored: Stored
    origin: Origin | None
    head: int


def find_viewed(
    connection: Connection, seated: Seated, place: Collection, stix_id: str, version_us: int | None
) -> ViewedForm | None:
    """A version of an object in the reader's view of a collection; without one, the last."""
    if "\0" in stix_id or not place.may_be_read_by(seated):
        return None
    columns = (
        release.c.contribution_id,
        release.c.body_id,
        release.c.version_us,
        release.c.date_added_us,
    )
    statement = visible_to(seated, place.id, *columns).where(release.c.stix_id == stix_id)
    if version_us is not None:
        statement = statement.where(release.c.version_us == version_us)
    keys = statement.order_by(release.c.version_us.desc()).limit(1).subquery()
    row = connection.execute(
        select(keys, body.c.content)
        .join(body, body.c.id == keys.c.body_id)
        .execution_options(**BINARY_ROWS)
    ).first()
    if row is None:
        return None
    return ViewedForm(place.id, row.contribution_id, row.version_us, row.date_added_us, row.content)


def find_on_page(
    connection: Connection, seated: Seated, places: Sequence[Collection], stix_id: str
) -> OnPage | None:
    """The newest of the last versions in the reader's views of these collections, if any.

    With all that a page about one object begins with, in one question.
    """
    views = [
        visible_to(
            seated,
            place.id,
            release.c.collection_id,
            release.c.contribution_id,
            release.c.body_id,
            release.c.date_added_us,
        )
        .where(release.c.stix_id == stix_id)
        .order_by(release.c.version_us.desc())
        .limit(1)
        .subquery()
        for place in places
        if place.may_be_read_by(seated)
    ]
    if "\0" in stix_id or not views:
        return None
    merged = union_all(*(select(one) for one in views)).subquery()
    rows: Sequence[Any] = connection.execute(
        select(
            *STORED_COLUMNS,
            merged.c.date_added_us,
            body.c.content,
            is_contributed(seated, stix_id).label("is_contributed"),
            origin_of(seated, contribution.c.collection_id, stix_id, feed.c.uuid).label("feed"),
            origin_of(seated, contribution.c.collection_id, stix_id, feed.c.name).label(
                "feed_name"
            ),
            seq_of(seated).label("head"),
        )
        .select_from(merged)
        .join(body, body.c.id == merged.c.body_id)
        .join(contribution, contribution.c.id == merged.c.contribution_id)
        .execution_options(**BINARY_ROWS)
    ).all()
    named = {place.id: place for place in places}
    found = [(row.version_us, named[row.collection_id].uuid, row) for row in rows]
    if not found:
        return None
    *_, row = max(found, key=lambda one: one[:2])
    stored = stored_of(row, {})
    viewed = ViewedForm(
        row.collection_id, row.id, row.version_us, row.date_added_us, bytes(row.content)
    )
    place = named[row.collection_id]
    origin = Origin(row.feed, row.feed_name) if row.is_contributed else None
    return OnPage(place, viewed, stored, origin, row.head)


def list_newest_viewed(
    connection: Connection, seated: Seated, collection_id: int, *, limit: int
) -> list[int]:
    """The contributions of the `limit` releases that came last into the reader's view."""
    statement = visible_to(seated, collection_id, release.c.contribution_id)
    newest = statement.order_by(release.c.date_added_us.desc()).limit(limit)
    return list(connection.execute(newest).scalars())
