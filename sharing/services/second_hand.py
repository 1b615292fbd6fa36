"""What a feed brings: taken second-hand, unless it is ours, came from here, or says it is ours.

A partner's feed is no witness of who wrote an object. What this installation's members contributed
themselves never comes back through a feed as something new, and nothing that names a member as
its author is taken at a partner's word.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, select

from auth.queries import list_identity_owners
from auth.reader import Seated
from auth.tables import seat
from sharing.gate.verdicts import Checked
from sharing.queries.contributions import in_batches, list_own_copies
from sharing.rules.tlp import Tlp
from sharing.tables import contribution, feed, feed_sent, release
from sharing.visibility import visible_in_forum


@dataclass(frozen=True, slots=True)
class FeedDoor:
    """The feed that an envelope comes through, and the reader that it acts as.

    `peer` is the origin (scheme, host and port) that it pulls from; `min_tlp` the level that
    nothing of it is decided below.
    """

    feed_id: int
    peer: str
    seated: Seated
    min_tlp: Tlp | None = None


@dataclass(frozen=True, slots=True)
class Word:
    """What is said of an object that is not taken."""

    is_success: bool
    code: str
    message: str


_RETURNED = Word(
    is_success=True,
    code="sharing.returned",
    message="it was contributed or sent from here; nothing was taken",
)
_SPOOFED = Word(
    is_success=False,
    code="sharing.spoofed-originator",
    message="it claims to be of a member of this installation, which has not contributed it; a "
    "feed does not speak for members: that member contributes it itself",
)


class SecondHand:
    """Judges the objects of one envelope of a feed, by what is known at this moment."""

    def __init__(
        self,
        connection: Connection,
        forum_id: int,
        owner_id: int,
        door: FeedDoor,
        good: Sequence[tuple[int, Checked]],
    ) -> None:
        objects = [checked for _, checked in good]
        # What has no versions is the same wherever it is from, and may be needed here.
        ids = list(dict.fromkeys(c.stix_id for c in objects if "modified" in c.value))
        own = [
            stored
            for stored in list_own_copies(connection, forum_id, owner_id, ids)
            if stored.feed_id is None
        ]
        self._own = {stored.stix_id for stored in own}
        self._here = {(stored.stix_id, stored.version_us) for stored in own}
        self._here |= _list_first_hand(connection, door.seated, owner_id, ids)
        self._here |= _list_sent(connection, door.peer, owner_id, ids)
        named = {checked.created_by_ref for checked in objects if checked.created_by_ref}
        named.update(c.stix_id for c in objects if c.stix_type == "identity")
        self._members = list_identity_owners(connection, sorted(named)).keys()

    def judge(self, checked: Checked) -> Word | None:
        """Why an object is not taken; None when it is a partner's word like any other."""
        if (checked.stix_id, checked.version_us) in self._here:
            return _RETURNED
        claims = {checked.stix_id, checked.created_by_ref} & self._members
        if checked.stix_id in self._own or claims:
            return _SPOOFED
        return None


def _list_first_hand(
    connection: Connection, seated: Seated, owner_id: int, stix_ids: Iterable[str]
) -> set[tuple[str, int]]:
    """What other members contributed themselves, as far as the feed's owner sees it."""
    found: set[tuple[str, int]] = set()
    for batch in in_batches(stix_ids):
        statement = (
            visible_in_forum(seated, contribution.c.stix_id, contribution.c.version_us)
            .join(contribution, contribution.c.id == release.c.contribution_id)
            .where(
                contribution.c.forum_id == seated.forum_id,
                contribution.c.stix_id.in_(batch),
                contribution.c.feed_id.is_(None),
                contribution.c.originator_id != owner_id,
            )
        )
        found.update((row.stix_id, row.version_us) for row in connection.execute(statement))
    return found


def _list_sent(
    connection: Connection, peer: str, owner_id: int, stix_ids: Iterable[str]
) -> set[tuple[str, int]]:
    """What the owner's own feeds have sent of the owner's own view to the same partner.

    What others sent there tells of what they see.
    """
    found: set[tuple[str, int]] = set()
    own = select(seat.c.recipient_id).where(seat.c.member_id == owner_id)
    for batch in in_batches(stix_ids):
        statement = (
            select(feed_sent.c.stix_id, feed_sent.c.version_us)
            .join(feed, and_(feed.c.id == feed_sent.c.feed_id, feed.c.peer == peer))
            .where(
                feed_sent.c.stix_id.in_(batch),
                feed.c.member_id == owner_id,
                feed.c.recipient_id.in_(own),
            )
        )
        found.update((row.stix_id, row.version_us) for row in connection.execute(statement))
    return found
