"""Stored contributions, as the engine that decides about them reads them.

Each query takes the forum's lock: it serves nobody, it decides for everybody. What a member
may read of its own contributions is in `own`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Select,
    and_,
    literal_column,
    select,
)

from kernel.values import light
from sharing.facts import StoredFacts, load_facts
from sharing.queries.among import AT_ONCE, among
from sharing.rules.tlp import Tlp
from sharing.tables import audience, contribution, marking_use, reference, release

T = TypeVar("T")

_LEVELS = tuple(Tlp)

BATCH = 500
"""Ids a statement: few enough for both databases' plans and limits."""


@light
@dataclass(frozen=True, slots=True)
class Stored:
    """One contribution without its bytes. `seq` is the ledger position that brought it.

    `seen` is the mask of those who were decided to see it since `seen_since_us` (None before
    the first decision); `due_us` when that changes by itself. `contributed_by` is the actor
    that contributed it, or brought it back, last; None for what an older release stored.
    `feed_id` is the feed that delivered it; None for what the originator contributed itself.
    """

    id: int
    collection_id: int
    originator_id: int
    stix_id: str
    stix_type: str
    version_us: int
    digest: bytes
    tlp: Tlp
    facts: StoredFacts
    body_id: int | None
    state: str
    seq: int
    contributed_us: int
    is_held: bool = False
    never_returns: bool = False
    bound_id: int | None = None
    seen: int = 0
    seen_since_us: int | None = None
    due_us: int | None = None
    contributed_by: str | None = None
    feed_id: int | None = None

    @property
    def is_deleted(self) -> bool:
        """Whether its originator withdrew it; the facts go on gating older versions."""
        return self.state == "deleted"


@dataclass(frozen=True, slots=True)
class OpenRelease:
    """An open release with its audience as a mask."""

    id: int
    contribution_id: int
    date_added_us: int
    mask: int
    is_first: bool
    is_last: bool
    omitted: str | None


def in_batches(items: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    """The items in lists of at most `size`."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def mask_from(content: bytes | None) -> int:
    """An audience as it is stored, as a mask; nobody for None."""
    return int.from_bytes(content or b"", "big")


def mask_bytes(mask: int) -> bytes:
    """An audience as it is stored."""
    return mask.to_bytes((mask.bit_length() + 7) // 8, "big")


STORED_COLUMNS = (
    contribution.c.id,
    contribution.c.collection_id,
    contribution.c.originator_id,
    contribution.c.stix_id,
    contribution.c.stix_type,
    contribution.c.version_us,
    contribution.c.digest,
    contribution.c.tlp,
    contribution.c.facts,
    contribution.c.body_id,
    contribution.c.state,
    contribution.c.seq,
    contribution.c.contributed_us,
    contribution.c.is_held,
    contribution.c.never_returns,
    contribution.c.bound_id,
    contribution.c.seen,
    contribution.c.seen_since_us,
    contribution.c.due_us,
    contribution.c.contributed_by,
    contribution.c.feed_id,
)


def _stored(connection: Connection, statement: Select[Any]) -> list[Stored]:
    # Objects of one kind have the same facts to the letter: they are read once.
    known: dict[str, StoredFacts] = {}
    return [stored_of(row, known) for row in connection.execute(statement).all()]


def stored_of(row: Row[Any], known: dict[str, StoredFacts]) -> Stored:
    """A contribution from a row of STORED_COLUMNS; facts that are `known` are not read again."""
    facts = known.get(row.facts)
    if facts is None:
        facts = known[row.facts] = load_facts(row.facts)
    return Stored(
        id=row.id,
        collection_id=row.collection_id,
        originator_id=row.originator_id,
        stix_id=row.stix_id,
        stix_type=row.stix_type,
        version_us=row.version_us,
        digest=row.digest,
        tlp=_LEVELS[row.tlp],
        facts=facts,
        body_id=row.body_id,
        state=row.state,
        seq=row.seq,
        contributed_us=row.contributed_us,
        is_held=row.is_held,
        never_returns=row.never_returns,
        bound_id=row.bound_id,
        seen=mask_from(row.seen),
        seen_since_us=row.seen_since_us,
        due_us=row.due_us,
        contributed_by=row.contributed_by,
        feed_id=row.feed_id,
    )


def list_copies(
    connection: Connection, collection_id: int, stix_ids: Iterable[str]
) -> list[Stored]:
    """Every contribution of these ids in one collection, whoever made it, deleted ones too."""
    found: list[Stored] = []
    for batch in in_batches(stix_ids, AT_ONCE):
        found += _stored(
            connection,
            select(*STORED_COLUMNS).where(
                contribution.c.collection_id == collection_id,
                among(connection, contribution.c.stix_id, batch),
            ),
        )
    return found


def list_stored(connection: Connection, contribution_ids: Iterable[int]) -> list[Stored]:
    """These contributions."""
    found: list[Stored] = []
    for batch in in_batches(contribution_ids, AT_ONCE):
        found += _stored(
            connection, select(*STORED_COLUMNS).where(among(connection, contribution.c.id, batch))
        )
    return found


def list_own_copies(
    connection: Connection, forum_id: int, originator_id: int, stix_ids: Iterable[str]
) -> list[Stored]:
    """One originator's contributions of these ids in any collection of the forum."""
    found: list[Stored] = []
    for batch in in_batches(stix_ids, AT_ONCE):
        found += _stored(
            connection,
            select(*STORED_COLUMNS).where(
                is_own(contribution, forum_id, originator_id),
                among(connection, contribution.c.stix_id, batch),
            ),
        )
    return found


def list_own_reach(
    connection: Connection, forum_id: int, originator_id: int, stix_ids: Iterable[str]
) -> list[Stored]:
    """One originator's contributions of these ids in the forum, of what these name, and so on."""
    found: dict[int, Stored] = {}
    for batch in in_batches(stix_ids):
        first, named = contribution.alias("first"), reference.alias("named")
        reach = (
            select(first.c.stix_id)
            .where(is_own(first, forum_id, originator_id), first.c.stix_id.in_(batch))
            .cte("reach", recursive=True)
        )
        mine = contribution.alias("mine")
        reach = reach.union(
            select(named.c.stix_id)
            .select_from(reach)
            .join(mine, mine.c.stix_id == reach.c.stix_id)
            .join(named, named.c.contribution_id == mine.c.id)
            .where(is_own(mine, forum_id, originator_id))
        )
        statement = (
            select(*STORED_COLUMNS)
            .select_from(reach)
            .join(contribution, contribution.c.stix_id == reach.c.stix_id)
            .where(is_own(contribution, forum_id, originator_id))
        )
        found |= {stored.id: stored for stored in _stored(connection, statement)}
    return list(found.values())


def is_own(table: FromClause, forum_id: int, originator_id: int | None) -> ColumnElement[bool]:
    """Whether a contribution that is looked for by its id is this originator's in the forum."""
    # Not the bare column: either database may walk through all that is the originator's.
    return and_(table.c.forum_id == forum_id, table.c.originator_id + 0 == originator_id)


def list_held_versions(connection: Connection, forum_id: int, originator_id: int) -> list[Stored]:
    """One originator's versions in the forum that wait for a confirmation, oldest first."""
    statement = select(*STORED_COLUMNS).where(
        contribution.c.originator_id == originator_id,
        contribution.c.forum_id == forum_id,
        # Spelled out, as the index has it.
        literal_column("contribution.state = 'held'"),
    )
    return sorted(_stored(connection, statement), key=lambda stored: stored.seq)


def list_marking_copies(
    connection: Connection, forum_id: int, marking_ids: Iterable[str]
) -> list[Stored]:
    """Every contribution of these marking-definitions in the forum, deleted ones apart."""
    found: list[Stored] = []
    for batch in in_batches(marking_ids):
        found += _stored(
            connection,
            select(*STORED_COLUMNS).where(
                contribution.c.forum_id == forum_id,
                contribution.c.stix_id.in_(batch),
                contribution.c.stix_type == "marking-definition",
                contribution.c.state != "deleted",
            ),
        )
    return [stored for stored in found if stored.facts.is_statement]


def list_open_releases(
    connection: Connection, collection_id: int, stix_ids: Sequence[str]
) -> list[OpenRelease]:
    """The open releases of these ids in one collection's views."""
    found: list[OpenRelease] = []
    for batch in in_batches(stix_ids, AT_ONCE):
        statement = (
            select(
                release.c.id,
                release.c.contribution_id,
                release.c.date_added_us,
                release.c.is_first,
                release.c.is_last,
                release.c.omitted,
                audience.c.mask,
            )
            .join(audience, audience.c.id == release.c.audience_id)
            .where(
                release.c.collection_id == collection_id,
                release.c.closed.is_(None),
                among(connection, release.c.stix_id, batch),
            )
        )
        found += [
            OpenRelease(
                id=row.id,
                contribution_id=row.contribution_id,
                date_added_us=row.date_added_us,
                mask=mask_from(row.mask),
                is_first=row.is_first,
                is_last=row.is_last,
                omitted=row.omitted,
            )
            for row in connection.execute(statement).all()
        ]
    return found


@dataclass(frozen=True, slots=True)
class CarrierReach:
    """One open release of a contribution that carries a statement marking when it is whole."""

    marking_id: str
    originator_id: int
    carrier: int
    omitted: str | None
    mask: int


def list_carrier_reaches(
    connection: Connection, collection_id: int, marking_ids: Iterable[str]
) -> list[CarrierReach]:
    """Where the carriers of statement markings are shown in one collection's views."""
    found: list[CarrierReach] = []
    for batch in in_batches(marking_ids):
        statement = (
            select(
                marking_use.c.marking_id,
                contribution.c.originator_id,
                contribution.c.id,
                release.c.omitted,
                audience.c.mask,
            )
            .join(contribution, contribution.c.id == marking_use.c.contribution_id)
            .join(release, release.c.contribution_id == contribution.c.id)
            .join(audience, audience.c.id == release.c.audience_id)
            .where(
                marking_use.c.marking_id.in_(batch),
                # Not the bare column: SQLite would look through all of the collection.
                release.c.collection_id + 0 == collection_id,
                release.c.closed.is_(None),
            )
        )
        found += [
            CarrierReach(
                row.marking_id, row.originator_id, row.id, row.omitted, mask_from(row.mask)
            )
            for row in connection.execute(statement)
        ]
    return found
