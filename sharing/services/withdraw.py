"""Withdraw: a member deletes versions of its own (TAXII DELETE; sharing policy §5).

The content is destroyed and leaves every view; id, version, digest and facts stay, since a
deleted version goes on gating older ones and equal content may be posted again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NoReturn

from sqlalchemy import Connection, select, update

from auth.reader import Seated
from kernel.db import Database
from kernel.errors import Conflict, Forbidden, NotFound
from sharing.queries.collections import Collection
from sharing.queries.contributions import Stored, in_batches, list_copies
from sharing.services.decisions import Decisions
from sharing.services.lock import LockedForum
from sharing.services.releasing import Releasing
from sharing.services.replacing import destroy_deleted
from sharing.services.seen import close_seen
from sharing.services.settling import hold_forum
from sharing.tables import contribution, marking_use, release
from sharing.visibility import visible_to

Choose = Callable[[list[int]], Iterable[int]]
"""From the versions of an id (µs, ascending) to those that are meant."""


def every_version(versions: list[int]) -> Iterable[int]:
    """All of them: what DELETE means when `match[version]` says nothing."""
    return versions


def withdraw(
    database: Database,
    seated: Seated,
    place: Collection,
    stix_id: str,
    choose: Choose = every_version,
    *,
    now_us: int,
) -> int:
    """Delete the member's own versions of `stix_id` that `choose` names; how many there were.

    Raises NotFound when the reader neither contributed nor sees the id, Forbidden when it
    sees it but did not contribute it or may not write here, and Conflict for a statement
    marking that objects of its own still carry.
    """
    with database.write() as connection:
        lock = hold_forum(connection, place.forum_id, now_us=now_us)
        own = [
            stored
            for stored in list_copies(connection, place.id, [stix_id])
            if stored.originator_id == seated.member_id and not stored.is_deleted
        ]
        if not own:
            refuse_unknown(connection, seated, place, stix_id)
        if not seated.may_contribute_as(place.write_roles):
            raise _not_originator()
        wanted = set(choose(sorted(stored.version_us for stored in own)))
        chosen = [stored for stored in own if stored.version_us in wanted]
        if not chosen:
            raise unknown_object()
        refuse_carried(connection, place.forum_id, chosen)
        cause = lock.append(
            "withdraw",
            f"{stix_id} {' '.join(str(stored.version_us) for stored in chosen)}",
            seated.reader.actor,
        )
        delete_versions(lock, chosen, cause)
        lock.save()
    return len(chosen)


def delete_versions(lock: LockedForum, chosen: list[Stored], cause: int) -> None:
    """Take versions of one copy, none of them deleted yet, from every view and destroy them."""
    connection = lock.connection
    for batch in in_batches(stored.id for stored in chosen):
        connection.execute(
            update(contribution)
            .where(contribution.c.id.in_(batch))
            .values(state="deleted", body_id=None)
        )
    close_seen(connection, chosen, lock.now_us)
    releasing = Releasing(lock, Decisions(connection, lock.forum_id, lock.now_us), cause)
    for collection_id, stix_id in {(stored.collection_id, stored.stix_id) for stored in chosen}:
        releasing.release(collection_id, [stix_id])
    releasing.finish()
    destroy_deleted(connection, chosen)


def refuse_unknown(
    connection: Connection, seated: Seated, place: Collection, stix_id: str
) -> NoReturn:
    """Refuse an id that the member did not contribute, by whether it sees it. Always raises."""
    if _sees(connection, seated, place, stix_id):
        raise _not_originator()
    raise unknown_object()


def _not_originator() -> Forbidden:
    return Forbidden("sharing.not-originator", "only the member that contributed it deletes it")


def unknown_object() -> NotFound:
    """The refusal for an id that does not exist for the member."""
    return NotFound("sharing.unknown-object", "no such object in this collection")


def _sees(connection: Connection, seated: Seated, place: Collection, stix_id: str) -> bool:
    statement = (
        visible_to(seated, place.id, release.c.id).where(release.c.stix_id == stix_id).limit(1)
    )
    return connection.execute(statement).first() is not None


def refuse_carried(connection: Connection, forum_id: int, chosen: list[Stored]) -> None:
    """Raises Conflict for a statement marking that something of its originator still carries.

    A marking that is gone would leave what carries it with a caveat nobody can read.
    """
    for stored in chosen:
        if not stored.facts.is_statement:
            continue
        carrier = connection.execute(
            select(contribution.c.stix_id)
            .join(marking_use, marking_use.c.contribution_id == contribution.c.id)
            .where(
                marking_use.c.marking_id == stored.stix_id,
                contribution.c.forum_id == forum_id,
                contribution.c.originator_id == stored.originator_id,
                contribution.c.state != "deleted",
            )
            .limit(1)
        ).scalar()
        if carrier is not None:
            raise Conflict(
                "sharing.marking-in-use",
                f"your {carrier} still carries this marking; delete what carries it first",
            )
