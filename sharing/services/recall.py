"""Recall: an originator takes back versions, and whoever had been served them is told.

Sharing policy §5: what had been served to whom is known, and each recipient acknowledges. What
does not live here: finding out who had been served (notices).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import orjson
from sqlalchemy import Connection, insert, update

from auth.reader import Seated
from auth.rules import POLICY_OFFICER
from auth.services import record_audit
from kernel.db import Database
from kernel.errors import BadInput, Forbidden
from sharing.queries.collections import Collection
from sharing.queries.contributions import Stored, in_batches, list_copies
from sharing.services.lock import LockedForum
from sharing.services.notices import gather_notices
from sharing.services.settling import hold_forum
from sharing.services.withdraw import (
    Choose,
    delete_versions,
    every_version,
    refuse_carried,
    refuse_unknown,
    unknown_object,
)
from sharing.tables import contribution, recall_gathering
from sharing.tables import recall as recall_table

RECALLERS: Final = ("contributor", POLICY_OFFICER)
"""Roles of a person that may recall, and ask who was served; a feed writes and may too."""

REASON_CHARACTERS: Final = 1000


@dataclass(frozen=True, slots=True)
class NewRecall:
    """What is recalled and why; `uuid` names it to everybody.

    `reason` is told to whoever had been served. `keep` leaves the versions where they are;
    `never_return` refuses them for ever, should they be contributed again.
    """

    uuid: str
    stix_id: str
    reason: str
    choose: Choose = every_version
    never_return: bool = False
    keep: bool = False


def recall(
    database: Database, seated: Seated, place: Collection, new: NewRecall, *, now_us: int
) -> None:
    """Recall the member's own versions of an object, deleted ones too.

    Those that stand are deleted as DELETE does, unless they are kept. Whoever had been served
    one of them finds a notice. Raises BadInput, Forbidden when the person may not, and what
    `withdraw` raises.
    """
    check_may_recall(seated)
    _check(new)
    with database.write() as connection:
        lock = hold_forum(connection, place.forum_id, now_us=now_us)
        chosen = _choose(connection, seated, place, new)
        cause = lock.append("recall", _subject(new.stix_id, chosen), seated.reader.actor)
        standing = [stored for stored in chosen if not stored.is_deleted]
        if standing and not new.keep:
            refuse_carried(connection, place.forum_id, standing)
            delete_versions(lock, standing, cause)
        if new.never_return:
            _never_return(connection, chosen)
        _keep(lock, seated, place, new, chosen, cause)
        _record(connection, seated, place, new, chosen, now_us)
        lock.save()
    gather_notices(database, place.forum_id, now_us=now_us)


def naming(versions: Iterable[int]) -> Choose:
    """These versions (µs) and no others; a recall that names another one is refused."""
    wanted = frozenset(versions)
    return lambda _held: wanted


def check_may_recall(seated: Seated) -> None:
    """Raise Forbidden unless the caller may recall what its member contributed."""
    if seated.member_id is None or not any(seated.reader.has_role(role) for role in RECALLERS):
        raise Forbidden(
            "auth.role-needed",
            f"only a person with one of the roles {', '.join(RECALLERS)} recalls what was served",
        )


def _check(new: NewRecall) -> None:
    reason = new.reason.strip()
    if not reason.replace("\n", " ").isprintable() or not 0 < len(reason) <= REASON_CHARACTERS:
        raise BadInput(
            "sharing.bad-recall",
            f"a recall needs a reason of 1 to {REASON_CHARACTERS} printable characters",
        )
    if new.keep and new.never_return:
        raise BadInput(
            "sharing.bad-recall", "what is kept does not go, so it cannot never return; choose one"
        )


def _choose(
    connection: Connection, seated: Seated, place: Collection, new: NewRecall
) -> list[Stored]:
    own = [
        stored
        for stored in list_copies(connection, place.id, [new.stix_id])
        if stored.originator_id == seated.member_id
    ]
    if not own:
        refuse_unknown(connection, seated, place, new.stix_id)
    wanted = set(new.choose(sorted(stored.version_us for stored in own)))
    chosen = [stored for stored in own if stored.version_us in wanted]
    if not chosen or len(chosen) < len(wanted):
        raise unknown_object()
    return sorted(chosen, key=lambda stored: stored.version_us)


def _subject(stix_id: str, chosen: list[Stored]) -> str:
    return f"{stix_id} {' '.join(str(stored.version_us) for stored in chosen)}"


def _never_return(connection: Connection, chosen: list[Stored]) -> None:
    for batch in in_batches(stored.id for stored in chosen):
        connection.execute(
            update(contribution).where(contribution.c.id.in_(batch)).values(never_returns=True)
        )


def _keep(
    lock: LockedForum,
    seated: Seated,
    place: Collection,
    new: NewRecall,
    chosen: list[Stored],
    cause: int,
) -> None:
    """Write the recall down, and that the log of deliveries is to be read for it."""
    recall_id = lock.connection.execute(
        insert(recall_table)
        .values(
            uuid=new.uuid,
            forum_id=place.forum_id,
            collection_id=place.id,
            originator_id=seated.member_id,
            stix_id=new.stix_id,
            versions=orjson.dumps([[one.id, one.version_us] for one in chosen]).decode(),
            reason=new.reason.strip(),
            never_return=new.never_return,
            keep=new.keep,
            seq=cause,
            at_us=lock.now_us,
        )
        .returning(recall_table.c.id)
    ).scalar_one()
    lock.connection.execute(
        insert(recall_gathering).values(recall_id=recall_id, forum_id=place.forum_id, delivery_id=0)
    )


def _record(
    connection: Connection,
    seated: Seated,
    place: Collection,
    new: NewRecall,
    chosen: list[Stored],
    now_us: int,
) -> None:
    record_audit(
        connection,
        seated.reader.actor,
        "recall",
        f"recall:{new.uuid}",
        member_id=seated.member_id,
        detail={
            "object": new.stix_id,
            "collection": place.uuid,
            "versions": len(chosen),
            "never_return": new.never_return,
            "keep": new.keep,
        },
        now_us=now_us,
    )
