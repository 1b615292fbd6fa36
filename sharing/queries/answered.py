"""The earlier contribution that another one answers (sharing policy §4, step 9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Select, select

from auth.reader import Seated
from kernel.errors import Conflict, NotFound
from sharing.rules.tlp import Tlp
from sharing.tables import collection, contribution, release
from sharing.visibility import visible_to


@dataclass(frozen=True, slots=True)
class Named:
    """What a caller says that it answers: an id, if it likes with a collection (its id or alias)
    and a version; the newest that it sees unless said."""

    stix_id: str
    collection: str | None = None
    version_us: int | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """A version that somebody answers, as it stands in a view: its contribution, and its TLP."""

    named: Named
    contribution_id: int
    collection_id: int
    tlp: Tlp


def find_answered(connection: Connection, seated: Seated, named: Named) -> Answered | None:
    """The version of an object that stands in the reader's view of one collection.

    None when the reader sees no such version. Raises Conflict when it stands in several
    collections and none is named: who sees it may be others in each.
    """
    if "\0" in named.stix_id:
        return None  # no id holds one, and PostgreSQL cannot even be asked for it
    found = [
        Answered(named, row.id, collection_id, Tlp(row.tlp))
        for collection_id in _list_places(connection, seated, named.collection)
        for row in connection.execute(_select(seated, collection_id, named))
    ]
    if len(found) > 1:
        raise Conflict(
            "sharing.ambiguous-answered",
            f"you see {named.stix_id} in several collections; name the one that is answered",
        )
    return found[0] if found else None


def expect_answered(connection: Connection, seated: Seated, named: Named) -> Answered:
    """The same. Raises NotFound where there is none."""
    found = find_answered(connection, seated, named)
    if found is None:
        raise unknown_answered(named)
    return found


def is_answerable(connection: Connection, seated: Seated, answered: Answered) -> bool:
    """Whether the reader sees that very version still."""
    asked = visible_to(seated, answered.collection_id, release.c.id).where(
        release.c.contribution_id == answered.contribution_id
    )
    return connection.execute(asked.limit(1)).first() is not None


def unknown_answered(named: Named) -> NotFound:
    """What a reader is told that names something which it does not see."""
    return NotFound(
        "sharing.unknown-answered",
        f"you see no version of {named.stix_id} here that could be answered; name one that you see",
    )


def _list_places(connection: Connection, seated: Seated, ref: str | None) -> Sequence[int]:
    asked = select(collection.c.id).where(collection.c.forum_id == seated.forum_id)
    if ref is not None:
        asked = asked.where((collection.c.uuid == ref) | (collection.c.alias == ref))
    return connection.execute(asked.order_by(collection.c.id)).scalars().all()


def _select(seated: Seated, collection_id: int, named: Named) -> Select[tuple[int, int]]:
    asked = (
        visible_to(seated, collection_id, contribution.c.id, contribution.c.tlp)
        .join(contribution, contribution.c.id == release.c.contribution_id)
        .where(release.c.stix_id == named.stix_id)
    )
    if named.version_us is not None:
        asked = asked.where(release.c.version_us == named.version_us)
    return asked.order_by(release.c.version_us.desc()).limit(1)
