"""The objects that cite a provision, as a reader's views hold them.

A form that lacks the reference does not cite: what is mentioned is kept by the bytes that are
served, a citation as one of its mentions.
What does not live here: who sees what (visibility).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Connection, literal_column, tuple_

from auth.reader import Seated
from sharing.queries.collections import Collection
from sharing.queries.mentions import LAST_LETTER
from sharing.rules.mentions import CITED, cites
from sharing.tables import collection, mention, release
from sharing.visibility import visible_among

Key = tuple[int, str, str]
"""(`date_added` in µs, UUID of the collection, provision): each row's own."""

# As the partial indexes spell it.
_IS_LAST: Final[ColumnElement[bool]] = literal_column("release.is_last")


@dataclass(frozen=True, slots=True)
class Citing:
    """The last version of one object in the reader's view of a collection (by UUID), and one
    provision that it cites there (its id in small letters)."""

    date_added_us: int
    collection_id: int
    collection: str
    stix_id: str
    stix_type: str
    version_us: int
    provision: str

    @property
    def key(self) -> Key:
        """Its place in the list."""
        return (self.date_added_us, self.collection, self.provision)


@dataclass(frozen=True, slots=True)
class CitationFilter:
    """Which citations: of this provision, by objects of this type or id, added after an instant;
    None is not asked for."""

    provision: str | None = None
    stix_type: str | None = None
    stix_id: str | None = None
    added_after_us: int | None = None


def list_citing(
    connection: Connection,
    seated: Seated,
    places: Sequence[Collection],
    wanted: CitationFilter,
    *,
    after: Key | None,
    limit: int,
) -> list[Citing]:
    """The first `limit` citations behind a key, in the order in which their objects were added."""
    key = (release.c.date_added_us, collection.c.uuid, mention.c.value)
    columns = (
        release.c.date_added_us,
        release.c.collection_id,
        collection.c.uuid.label("collection"),
        release.c.stix_id,
        release.c.stix_type,
        release.c.version_us,
        mention.c.value.label("provision"),
    )
    readable = [place.id for place in places if place.may_be_read_by(seated)]
    statement = (
        visible_among(seated, readable, *columns)
        .join(mention, mention.c.body_id == release.c.body_id)
        .join(collection, collection.c.id == release.c.collection_id)
        .where(_IS_LAST, mention.c.value >= CITED, mention.c.value < CITED + LAST_LETTER)
    )
    for column, value in (
        (mention.c.value, None if wanted.provision is None else cites(wanted.provision)),
        (release.c.stix_type, wanted.stix_type),
        (release.c.stix_id, wanted.stix_id),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if wanted.added_after_us is not None:
        statement = statement.where(release.c.date_added_us > wanted.added_after_us)
    if after is not None:
        date_added_us, uuid, provision = after
        statement = statement.where(tuple_(*key) > tuple_(date_added_us, uuid, CITED + provision))
    rows = connection.execute(statement.order_by(*key).limit(limit)).mappings()
    return [Citing(**{**row, "provision": row["provision"].removeprefix(CITED)}) for row in rows]
