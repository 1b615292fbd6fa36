"""Ids that several members have contributed, of which one's copy names an identity as its creator.

Which copy stands depends on whose identity that is (sharing policy §5). It takes the forum's lock:
it serves nobody, it decides for everybody.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, exists, or_, select

from sharing.queries.references import Group
from sharing.tables import contribution


def list_rivals(
    connection: Connection, forum_id: int, originator_id: int, identities: Collection[str]
) -> set[Group]:
    """The groups of a member's contributions that may be created by one of these identities,
    where another member has contributed the same id to the forum.
    """
    if not identities:
        return set()
    other = contribution.alias()
    rivals = select(other.c.id).where(
        other.c.forum_id == forum_id,
        other.c.stix_id == contribution.c.stix_id,
        other.c.originator_id != originator_id,
    )
    rows = connection.execute(
        select(contribution.c.collection_id, contribution.c.stix_id)
        .where(
            contribution.c.originator_id == originator_id,
            contribution.c.forum_id == forum_id,
            # A text that holds the id is not always its creator: then it is decided as before.
            or_(*(contribution.c.facts.contains(stix_id) for stix_id in sorted(identities))),
            exists(rivals.correlate(contribution)),
        )
        .distinct()
    )
    return {(row.collection_id, row.stix_id) for row in rows}
