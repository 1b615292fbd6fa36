"""What of a member's own contributions was served to whom: the log of deliveries, read back.

A delivery names its range, its filters and the ledger position that it was read at; a release
names the positions between which it was open and its audience. Together they tell for ever
which releases an answer held. What does not live here: recalling what was served.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import orjson
from sqlalchemy import Connection, Row, Select, func, select

from auth.tables import recipient, seat
from sharing.facts import StoredFacts, load_facts
from sharing.queries.contributions import in_batches, mask_from
from sharing.rules.reach import may_be_exported
from sharing.rules.tlp import Tlp
from sharing.tables import audience, collection, contribution, delivery, release

OWN_DOOR: Final = "own"
EXPORT_DOOR: Final = "export"
CONTENT_DOORS: Final = frozenset({"objects", "object", "page", "push", EXPORT_DOOR})
"""Doors that serve objects; the others tell of a version and serve nothing of it."""

CARRIED: Final = "carried"
"""Filter of an export: the markings in the file that are there for what carries them alone."""

_ROWS = 1000


@dataclass(frozen=True, slots=True)
class ServedVersion:
    """What one recipient was served of one version, through one kind of credential.

    `element` is the recipient's as in an audience. `forms` are those whose content it was
    served, each by what it lacks as in `release.omitted` (None: whole); none when it was told
    of the version only. `first_us` and `last_us` are the instants of the answers.
    """

    contribution_id: int
    element: int
    forms: frozenset[str | None]
    first_us: int
    last_us: int

    @property
    def has_content(self) -> bool:
        """Whether anything of the object itself was served."""
        return bool(self.forms)


@dataclass(frozen=True, slots=True)
class _Released:
    """A release of something that is asked about, open or closed."""

    contribution_id: int
    date_added_us: int
    mask: int
    opened: int
    closed: int | None
    omitted: str | None
    stix_id: str
    stix_type: str
    version_us: int
    is_first: bool
    is_last: bool
    tlp: Tlp | None
    may_leave: bool

    def may_stand_in_a_file(self) -> bool:
        """Whether an export would hold it."""
        return self.may_leave

    def was_visible_to(self, element: int, head: int) -> bool:
        """Whether it stood in this view at this position of the ledger."""
        is_open = self.opened <= head and (self.closed is None or self.closed > head)
        return is_open and bool(self.mask >> element & 1)


@dataclass(slots=True)
class _Tally:
    forms: set[str | None] = field(default_factory=set)
    first_us: int = 0
    last_us: int = 0


def list_served(
    connection: Connection,
    deliveries: Connection,
    member_id: int,
    contribution_ids: Iterable[int],
    *,
    before: int | None = None,
    after_id: int = 0,
) -> list[ServedVersion]:
    """Who else was served which of these contributions of the member's, and what of them.

    Contributions of others are passed over, and so is what the member was served itself.
    `before`: only answers read before that position of the ledger. `after_id`: only entries of
    the log behind that one. Ordered by contribution and element.
    """
    by_collection: defaultdict[int, list[_Released]] = defaultdict(list)
    for collection_id, released in _list_releases(connection, member_id, contribution_ids):
        by_collection[collection_id].append(released)
    own = _list_own_elements(connection, member_id, by_collection)
    tallies: defaultdict[tuple[int, int], _Tally] = defaultdict(_Tally)
    for collection_id, releases in by_collection.items():
        releases.sort(key=lambda one: one.date_added_us)
        statement = _deliveries_of(collection_id, releases, before, after_id)
        stamps = [one.date_added_us for one in releases]
        for row in deliveries.execute(statement.execution_options(yield_per=_ROWS)):
            if row.element not in own[collection_id]:
                _count(tallies, row, releases, stamps)
    return [
        ServedVersion(key[0], key[1], frozenset(tally.forms), tally.first_us, tally.last_us)
        for key, tally in sorted(tallies.items())
    ]


def find_last_delivery(deliveries: Connection) -> int:
    """The newest entry of the log of deliveries; 0 when there is none."""
    return deliveries.execute(select(func.max(delivery.c.id))).scalar() or 0


class Released(Protocol):
    """What the filters of an answer ask of a release."""

    @property
    def stix_id(self) -> str: ...
    @property
    def stix_type(self) -> str: ...
    @property
    def version_us(self) -> int: ...
    @property
    def is_first(self) -> bool: ...
    @property
    def is_last(self) -> bool: ...


def is_let_through(
    door: str,
    filters: Mapping[str, Any],
    one: Released,
    tlp: Tlp | None,
    may_leave: Callable[[], bool],
) -> bool:
    """Whether an answer's filters let a release through, as the doors write them down.

    `may_leave` says whether its form may stand in a file; it is asked of exports alone. Without a
    `tlp` (`known_tlp`) the level that it had then lets it through.
    """
    if (
        door == EXPORT_DOOR
        and tlp is not None
        and not (may_leave() or one.stix_id in filters.get(CARRIED, ()))
    ):
        return False
    narrowed = [("id", one.stix_id), ("type", one.stix_type)]
    if tlp is not None:
        narrowed.append(("tlp", tlp.text))
    if any(value not in filters.get(name, (value,)) for name, value in narrowed):
        return False
    versions = filters.get("version", ("all",))
    return (
        "all" in versions
        or ("last" in versions and one.is_last)
        or ("first" in versions and one.is_first)
        or one.version_us in versions
    )


def known_tlp(tlp: Tlp, feed_id: int | None, closed: int | None) -> Tlp | None:
    """The level that a release had; None where a feed may have put other content in its place.

    Nobody who was served something is left out of a recall for what the content says now.
    """
    return tlp if feed_id is None or closed is None else None


def may_leave_without(facts: StoredFacts, omitted: str | None, tlp: Tlp) -> bool:
    """Whether a form (as in `release.omitted`) of an object may stand in a file."""
    lacked = units_lacked(omitted)
    levels = [level for unit, level in facts.properties.items() if unit not in lacked]
    return may_be_exported(levels, tlp)


def units_lacked(omitted: str | None) -> frozenset[str]:
    """The units that a form (as in `release.omitted`) lacks whole."""
    return frozenset() if omitted is None else frozenset(orjson.loads(omitted)["units"])


def _list_releases(
    connection: Connection, member_id: int, contribution_ids: Iterable[int]
) -> Iterator[tuple[int, _Released]]:
    for batch in in_batches(dict.fromkeys(contribution_ids)):
        rows = connection.execute(
            select(
                release,
                audience.c.mask,
                contribution.c.tlp,
                contribution.c.facts,
                contribution.c.feed_id,
            )
            .join(audience, audience.c.id == release.c.audience_id)
            .join(contribution, contribution.c.id == release.c.contribution_id)
            .where(
                release.c.contribution_id.in_(batch),
                contribution.c.originator_id == member_id,
            )
        )
        for row in rows:
            yield row.collection_id, _released(row)


def _released(row: Row[Any]) -> _Released:
    facts, tlp = load_facts(row.facts), Tlp(row.tlp)
    return _Released(
        contribution_id=row.contribution_id,
        date_added_us=row.date_added_us,
        mask=mask_from(row.mask),
        opened=row.opened,
        closed=row.closed,
        omitted=row.omitted,
        stix_id=row.stix_id,
        stix_type=row.stix_type,
        version_us=row.version_us,
        is_first=row.is_first,
        is_last=row.is_last,
        tlp=known_tlp(tlp, row.feed_id, row.closed),
        may_leave=may_leave_without(facts, row.omitted, tlp),
    )


def _list_own_elements(
    connection: Connection, member_id: int, collections: Iterable[int]
) -> dict[int, set[int]]:
    """The member's own places in audiences, which are numbered by forum, for each collection."""
    rows = connection.execute(
        select(collection.c.id, recipient.c.bit)
        .join(seat, seat.c.forum_id == collection.c.forum_id)
        .join(recipient, recipient.c.id == seat.c.recipient_id)
        .where(seat.c.member_id == member_id, collection.c.id.in_(list(collections)))
    )
    own: dict[int, set[int]] = defaultdict(set)
    for row in rows:
        own[row.id] |= {2 * row.bit, 2 * row.bit + 1}
    return own


def _deliveries_of(
    collection_id: int, releases: list[_Released], before: int | None, after_id: int
) -> Select[Any]:
    """The answers that may have held one of these releases, which are in order."""
    conditions = [
        delivery.c.collection_id == collection_id,
        delivery.c.id > after_id,
        delivery.c.door != OWN_DOOR,
        delivery.c.first_us <= releases[-1].date_added_us,
        delivery.c.last_us >= releases[0].date_added_us,
        delivery.c.head >= min(one.opened for one in releases),
    ]
    ends = [one.closed for one in releases]
    closed = [end for end in ends if end is not None]
    if len(closed) == len(ends):
        conditions.append(delivery.c.head < max(closed))
    if before is not None:
        conditions.append(delivery.c.head < before)
    return select(delivery).where(*conditions)


def _count(
    tallies: defaultdict[tuple[int, int], _Tally],
    row: Row[Any],
    releases: list[_Released],
    stamps: list[int],
) -> None:
    """Count what one answer held of these releases, which are in the order of `stamps`."""
    among = releases[bisect_left(stamps, row.first_us) : bisect_right(stamps, row.last_us)]
    standing = [one for one in among if one.was_visible_to(row.element, row.head)]
    if not standing:
        return
    filters = orjson.loads(row.filters)
    for one in standing:
        if not is_let_through(row.door, filters, one, one.tlp, one.may_stand_in_a_file):
            continue
        tally = tallies[(one.contribution_id, row.element)]
        tally.first_us = min(tally.first_us or row.at_us, row.at_us)
        tally.last_us = max(tally.last_us, row.at_us)
        if row.door in CONTENT_DOORS:
            tally.forms.add(one.omitted)
