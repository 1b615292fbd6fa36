"""Single releases of a reader's view: what it may be told about beyond the object itself."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from auth.reader import Seated
from kernel.db import BINARY_ROWS
from sharing.queries.collections import Collection
from sharing.tables import body, release
from sharing.visibility import visible_to


@dataclass(frozen=True, slots=True)
class ViewedForm:
    """One version in a view of a collection: its bytes as they are served to this reader."""

    collection_id: int
    contribution_id: int
    version_us: int
    date_added_us: int
    content: bytes


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


def list_newest_viewed(
    connection: Connection, seated: Seated, collection_id: int, *, limit: int
) -> list[int]:
    """The contributions of the `limit` releases that came last into the reader's view."""
    statement = visible_to(seated, collection_id, release.c.contribution_id)
    newest = statement.order_by(release.c.date_added_us.desc()).limit(limit)
    return list(connection.execute(newest).scalars())
