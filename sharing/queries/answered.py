"""The earlier contribution that another one answers (sharing policy §4, step 9)."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from auth.reader import Seated
from kernel.errors import NotFound
from sharing.rules.tlp import Tlp
from sharing.tables import collection, contribution, release
from sharing.visibility import visible_to


@dataclass(frozen=True, slots=True)
class Answered:
    """A version that somebody answers: its contribution, and its TLP."""

    contribution_id: int
    tlp: Tlp


def find_answered(
    connection: Connection, seated: Seated, stix_id: str, version_us: int | None = None
) -> Answered | None:
    """The version of an object, the newest unless said, as it stands in the reader's views.

    In the collections of the forum by their age; None when the reader sees no such version.
    """
    if "\0" in stix_id:
        return None  # no id holds one, and PostgreSQL cannot even be asked for it
    for collection_id in connection.execute(
        select(collection.c.id)
        .where(collection.c.forum_id == seated.forum_id)
        .order_by(collection.c.id)
    ).scalars():
        asked = (
            visible_to(seated, collection_id, contribution.c.id, contribution.c.tlp)
            .join(contribution, contribution.c.id == release.c.contribution_id)
            .where(release.c.stix_id == stix_id)
        )
        if version_us is not None:
            asked = asked.where(release.c.version_us == version_us)
        row = connection.execute(asked.order_by(release.c.version_us.desc()).limit(1)).first()
        if row is not None:
            return Answered(row.id, Tlp(row.tlp))
    return None


def expect_answered(
    connection: Connection, seated: Seated, stix_id: str | None, version_us: int | None = None
) -> Answered | None:
    """The same for whoever has to have named one; None where none was named. Raises NotFound."""
    if stix_id is None:
        return None
    found = find_answered(connection, seated, stix_id, version_us)
    if found is None:
        raise NotFound(
            "sharing.unknown-answered",
            f"you see no version of {stix_id} here that could be answered; name one that you see",
        )
    return found
