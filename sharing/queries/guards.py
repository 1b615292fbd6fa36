"""What a contribution's references mean at the moment it is made (sharing policy §4, step 8).

For an id of which the originator has no copy in the forum, the copies that stand in the
originator's own views then. Kept with the contribution, because they cannot be found later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, select

from auth.reader import Seated
from sharing.queries.among import AT_ONCE, among
from sharing.queries.contributions import Stored, in_batches, is_own
from sharing.tables import collection, contribution, release
from sharing.visibility import visible_to


def find_guards(
    connection: Connection, seated: Seated, added: Sequence[Stored]
) -> list[dict[str, Any]]:
    """Rows of the `guard` table for contributions that `seated` has just made."""
    named = {reference for stored in added for reference in stored.facts.references}
    unknown = named - {stored.stix_id for stored in added}
    unknown -= _own_ids(connection, seated, unknown)
    if not unknown:
        return []
    standing: dict[str, list[tuple[int, int]]] = {}
    for stix_id, collection_id, originator_id in _standing(connection, seated, unknown):
        standing.setdefault(stix_id, []).append((collection_id, originator_id))
    return [
        {
            "contribution_id": stored.id,
            "stix_id": reference,
            "collection_id": collection_id,
            "originator_id": originator_id,
        }
        for stored in added
        for reference in stored.facts.references
        for collection_id, originator_id in standing.get(reference, ())
    ]


def _own_ids(connection: Connection, seated: Seated, named: set[str]) -> set[str]:
    found: set[str] = set()
    for batch in in_batches(sorted(named), AT_ONCE):
        found.update(
            connection.execute(
                select(contribution.c.stix_id).where(
                    is_own(contribution, seated.forum_id, seated.member_id),
                    among(connection, contribution.c.stix_id, batch),
                )
            ).scalars()
        )
    return found


def _standing(
    connection: Connection, seated: Seated, unknown: set[str]
) -> set[tuple[str, int, int]]:
    # Through the individual kind, whether or not the member holds such a credential.
    person = replace(seated, reader=replace(seated.reader, kind="individual"))
    collections = connection.execute(
        select(collection.c.id).where(collection.c.forum_id == seated.forum_id)
    ).scalars()
    found: set[tuple[str, int, int]] = set()
    for collection_id in collections.all():
        for batch in in_batches(sorted(unknown)):
            rows = connection.execute(
                visible_to(person, collection_id, release.c.stix_id, contribution.c.originator_id)
                .join(contribution, contribution.c.id == release.c.contribution_id)
                .where(release.c.stix_id.in_(batch))
            )
            found.update((row.stix_id, collection_id, row.originator_id) for row in rows)
    return found
