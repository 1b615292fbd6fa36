"""The earlier contribution that another one answers (sharing policy §4, step 9)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection, select

from auth.reader import Seated
from sharing.rules.tlp import Tlp
from sharing.tables import collection, contribution, release
from sharing.visibility import visible_to


@dataclass(frozen=True, slots=True)
class Answered:
    """A version that somebody answers: its contribution, and its TLP."""

    contribution_id: int
    tlp: Tlp


def find_answered(
    connection: Connection, seated: Seated, stix_id: str, version_us: int
) -> Answered | None:
    """The version of an object as it stands in one of the member's views of the forum.

    Through the individual kind of credential, whether or not the member holds one; None when
    it sees no such version.
    """
    person = replace(seated, reader=replace(seated.reader, kind="individual"))
    places = connection.execute(
        select(collection.c.id)
        .where(collection.c.forum_id == seated.forum_id)
        .order_by(collection.c.id)
    ).scalars()
    for collection_id in places.all():
        row = connection.execute(
            visible_to(person, collection_id, contribution.c.id, contribution.c.tlp)
            .join(contribution, contribution.c.id == release.c.contribution_id)
            .where(release.c.stix_id == stix_id, release.c.version_us == version_us)
            .limit(1)
        ).first()
        if row is not None:
            return Answered(row.id, Tlp(row.tlp))
    return None
