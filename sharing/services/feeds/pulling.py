"""Take what a pull has brought: objects, their refusals and the feed's position, in one commit.

What does not live here: the partner's server (sharing.feeds) and the order of pages
(rules.walking).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import orjson
from sqlalchemy import Connection, select

from auth.queries import find_seated
from auth.reader import Seated
from auth.services import feed_reader
from kernel.clock import format_version
from kernel.db import Database
from kernel.errors import NotFound
from sharing.gate.envelopes import read_item
from sharing.gate.ids import is_stix_id
from sharing.gate.verdicts import RawObject
from sharing.queries.collections import Collection, find_collection
from sharing.queries.contributions import in_batches, list_own_copies
from sharing.queries.feeds import Feed, FeedRefusal
from sharing.rules.tlp import WELL_KNOWN
from sharing.rules.walking import Position
from sharing.services.admission import Outcome
from sharing.services.contribute import Receipt, contribute_second_hand
from sharing.services.feeds.runs import Tally, tell_run, write_position, write_refusals
from sharing.services.second_hand import FeedDoor
from sharing.tables import contribution

_KNOWN: Final = "sharing.known"
_RETURNED: Final = "sharing.returned"
_REPLACED: Final = "sharing.replaced"


@dataclass(frozen=True, slots=True)
class Pulling:
    """A feed's run at work: as whom, into what, under which number."""

    feed: Feed
    run_id: int
    seated: Seated
    place: Collection


@dataclass(frozen=True, slots=True)
class Brought:
    """One page, or a part of one (`pages` 0): its objects as bytes, its length, and where the feed
    stands once it is taken."""

    objects: Sequence[bytes]
    size: int
    before: Position
    after: Position
    pages: int = 1


def enter_as_feed(connection: Connection, found: Feed) -> tuple[Seated, Collection]:
    """The seat and the collection of a feed's member, as they are now. Raises NotFound."""
    reader = feed_reader(connection, found.uuid, found.member_code)
    seated = find_seated(connection, reader, found.forum_slug)
    place = None if seated is None else find_collection(connection, seated, found.collection_uuid)
    if seated is None or place is None:
        raise NotFound(
            "sharing.feed-without-seat",
            f"{found.member_code} has no active seat in {found.forum_slug} any more, or may do "
            "nothing in the collection; pause the feed or give the seat back",
        )
    return seated, place


def list_unknown_markings(
    connection: Connection, pulling: Pulling, objects: Iterable[bytes]
) -> list[str]:
    """The markings that objects of a page carry, and neither the page nor the member has.

    An object whose marking is unknown is refused: it is asked for before.
    """
    named: dict[str, None] = {}
    held: set[str] = set()
    for raw in objects:
        value = _value(raw)
        if not isinstance(value, dict):
            continue
        held.add(str(value.get("id")))
        for ref in _marking_refs(value):
            named[ref] = None
    wanted = [ref for ref in named if ref not in held and ref not in WELL_KNOWN]
    own = {
        stored.stix_id
        for stored in list_own_copies(
            connection, pulling.feed.forum_id, pulling.feed.member_id, wanted
        )
        if not stored.is_deleted
    }
    return [ref for ref in wanted if ref not in own]


def list_missing(
    connection: Connection, pulling: Pulling, versions: Sequence[tuple[str, int]]
) -> list[tuple[str, int]]:
    """Of the versions in a manifest those that the member has not contributed there yet."""
    held: set[tuple[str, int]] = set()
    for batch in in_batches({stix_id for stix_id, _ in versions}):
        rows = connection.execute(
            select(contribution.c.stix_id, contribution.c.version_us).where(
                contribution.c.collection_id == pulling.place.id,
                contribution.c.originator_id == pulling.feed.member_id,
                contribution.c.stix_id.in_(batch),
            )
        )
        held.update((row.stix_id, row.version_us) for row in rows)
    return [version for version in versions if version not in held]


def take_page(
    database: Database, pulling: Pulling, brought: Brought, tally: Tally, *, now_us: int
) -> Tally:
    """Contribute a page and go on to its end, in one transaction; what the run has moved by then.

    Raises Conflict when the feed is run by another, NotFound when its seat is gone, Forbidden
    when it may not write (any more), Unavailable when nothing can be recorded.
    """
    with database.read() as connection:
        seated, place = enter_as_feed(connection, pulling.feed)
    # Counted anew: a transaction that is not committed has moved nothing.
    moved = replace(
        tally,
        pages=tally.pages + brought.pages,
        bytes=tally.bytes + brought.size,
        oddities=set(tally.oddities),
    )
    door = FeedDoor(pulling.feed.id, pulling.feed.peer, seated, pulling.feed.min_tlp)

    def also(connection: Connection, receipt: Receipt) -> None:
        write_position(connection, pulling.feed.id, brought.before, brought.after)
        _count(moved, receipt)
        write_refusals(
            connection,
            pulling.feed.id,
            [_refusal(outcome, now_us) for outcome in receipt.failures],
            [(outcome.stix_id, outcome.version) for outcome in receipt.successes],
        )
        tell_run(connection, pulling.run_id, moved, now_us=now_us)

    if brought.objects:
        contribute_second_hand(
            database, place, _raw_objects(brought.objects), door, also, now_us=now_us
        )
    elif brought.before != brought.after or tally.pages == 0:
        with database.write() as connection:
            write_position(connection, pulling.feed.id, brought.before, brought.after)
            tell_run(connection, pulling.run_id, moved, now_us=now_us)
    return moved


def _raw_objects(objects: Iterable[bytes]) -> Iterable[RawObject]:
    return [read_item(index, raw) for index, raw in enumerate(objects)]


def _count(moved: Tally, receipt: Receipt) -> None:
    moved.objects += len(receipt.outcomes)
    moved.refused += len(receipt.failures)
    for outcome in receipt.successes:
        if outcome.code == _KNOWN:
            moved.known += 1
        elif outcome.code == _RETURNED:
            moved.returned += 1
        elif outcome.code == _REPLACED:
            moved.replaced += 1
        else:
            moved.contributed += 1


def _refusal(outcome: Outcome, now_us: int) -> FeedRefusal:
    return FeedRefusal(
        outcome.stix_id, outcome.version or format_version(0), outcome.code, outcome.message, now_us
    )


def _value(raw: bytes) -> object:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None


def _marking_refs(value: dict[str, object]) -> Iterable[str]:
    whole = value.get("object_marking_refs")
    granular = value.get("granular_markings")
    refs = list(whole) if isinstance(whole, list) else []
    for each in granular if isinstance(granular, list) else ():
        if isinstance(each, dict):
            refs.append(each.get("marking_ref"))
    # What is no id of a marking is refused with the object, and is asked for nowhere.
    return (
        ref
        for ref in refs
        if isinstance(ref, str) and ref.startswith("marking-definition--") and is_stix_id(ref)
    )
