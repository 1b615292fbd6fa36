"""Set a policy: a member's sharing rules, the forum's withhold rules, its template, accepts.

Every document is checked whole before anything is written, kept word for word, and versioned.
A policy's answer comes when all that follows from it is committed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select

from auth.queries import list_members, list_roster
from auth.services import record_audit
from kernel.clock import DAY_US
from kernel.db import Database
from kernel.strictjson import JsonValue, loads
from sharing.queries.commitments import find_provisions
from sharing.queries.contributions import in_batches, list_copies, list_own_copies
from sharing.queries.policies import NO_RULES, find_forum_document, find_policy
from sharing.rules.accepts import check_accepts
from sharing.rules.grammar import Names, check_size, parse_policy
from sharing.rules.model import SEAT_ROLES
from sharing.services.concerned import list_around
from sharing.services.decisions import Decisions
from sharing.services.grants import GrantTally
from sharing.services.lock import LockedForum
from sharing.services.reconsider import (
    Change,
    Progress,
    Watched,
    list_batches,
    no_progress,
    reconsider_changed,
)
from sharing.services.settling import hold_forum
from sharing.services.simulating import foresee_policy
from sharing.services.supposed import Supposed
from sharing.tables import accepts, collection, contribution, forum_policy, policy


@dataclass(frozen=True, slots=True)
class Saved:
    """A document that has been set, and what its taking effect changed."""

    version: int
    change: Change


Also = Callable[[Connection, "Saved"], None]
"""Called in the same transaction, when all is written: what it raises undoes the change."""


def nothing_else(_connection: Connection, _saved: Saved) -> None:
    """Does nothing besides."""


@dataclass(frozen=True, slots=True)
class Setter:
    """Who sets a document: `actor` for the records, and the member it acts for, if any.

    `also` is called when a policy is written, before it is committed.
    """

    actor: str
    member_id: int | None = None
    also: Also = nothing_else


Confirm = Callable[[Connection, int], tuple[int, int]]
"""Called under the lock at its instant, before anything is written; raises what refuses the
change. How many versions somebody gains and loses by what the asker may know."""


def without_counts(_connection: Connection, _now_us: int) -> tuple[int, int]:
    """Refuses nothing, and counts nothing where nobody is told."""
    return 0, 0


def set_policy(
    database: Database,
    setter: Setter,
    forum_id: int,
    member_id: int,
    document: bytes,
    *,
    now_us: int,
    progress: Progress = no_progress,
    confirm: Confirm | None = None,
) -> Saved:
    """Make `document` the member's sharing policy in the forum, from now on.

    Raises PolicyRefused with the path of the fault, BadInput on malformed JSON, and what
    `confirm` and the setter's `also` raise.
    """
    value = _read(document)
    with database.write() as connection:
        lock = hold_forum(connection, forum_id, now_us=now_us)
        parse_policy(value, names=list_names(connection, forum_id))
        counts = confirm(connection, lock.now_us) if confirm else None
        saved = save_policy(
            lock, setter, member_id, document.decode("utf-8"), counts=counts, progress=progress
        )
        lock.save()
        setter.also(connection, saved)
    return saved


def save_policy(
    lock: LockedForum,
    setter: Setter,
    member_id: int,
    document: str,
    *,
    counts: tuple[int, int] | None = None,
    progress: Progress = no_progress,
) -> Saved:
    """Write a checked document under the lock, and decide the member's contributions anew.

    What it changes is counted by what the member may know, unless `counts` says it already.
    """
    before = find_policy(lock.connection, lock.forum_id, member_id)
    was = before.document if before else NO_RULES
    decided = _decided_by(lock, Supposed(policies={member_id: was}))
    epoch = lock.append("policy", f"member:{member_id}", setter.actor)
    keys = {"forum_id": lock.forum_id, "member_id": member_id}
    version = _insert_version(lock.connection, policy, keys, document, setter, lock.now_us, epoch)
    record_audit(
        lock.connection,
        setter.actor,
        "policy.set",
        f"forum:{lock.forum_id} member:{member_id} version:{version}",
        member_id=member_id,
        now_us=lock.now_us,
    )
    start_counting(lock)
    told = [Watched(set())]
    change = reconsider_changed(
        lock, epoch, decided, originator_id=member_id, watch=told.append, progress=progress
    )
    gained, lost = counts or _count_grants(lock, member_id, was, document, told[-1])
    return Saved(version, Change(change.epoch, gained, lost))


def _decided_by(lock: LockedForum, supposed: Supposed) -> Decisions:
    return Decisions(lock.connection, lock.forum_id, lock.now_us, supposed)


def _count_grants(
    lock: LockedForum, member_id: int, before: str, document: str, watched: Watched
) -> tuple[int, int]:
    """How many of the member's versions somebody gains and loses, by what it may know."""
    connection, forum_id = lock.connection, lock.forum_id
    foresight, _ = foresee_policy(
        connection, forum_id, member_id, document, now_us=lock.now_us, before=before
    )
    if foresight.is_certain:
        tally = GrantTally(foresight, member_id, watched)
        around = sorted(list_around(connection, forum_id, member_id, watched.ids))
        for batch in in_batches(around):
            tally.count(list_own_copies(connection, forum_id, member_id, batch))
        return tally.finish()
    tally = GrantTally(foresight, member_id)
    # Who meets what is asked is not the member's to know: what changed by the counts is not all.
    own = contribution.c.originator_id == member_id
    for collection_id, ids in list_batches(connection, forum_id, own):
        tally.count(list_copies(connection, collection_id, ids))
    return tally.finish()


def start_counting(lock: LockedForum) -> None:
    """Count reciprocity every 00:00Z while somebody's policy asks for it, else never."""
    asked = Decisions(lock.connection, lock.forum_id, lock.now_us).list_reciprocal()
    midnight_us = lock.now_us - lock.now_us % DAY_US
    lock.counted_us = midnight_us if asked else None


def set_forum_policy(
    database: Database,
    setter: Setter,
    forum_id: int,
    document: bytes,
    *,
    now_us: int,
    progress: Progress = no_progress,
    confirm: Confirm | None = None,
) -> Saved:
    """Make `document` the forum's withhold rules; every contribution is decided anew."""
    value = _read(document)
    with database.write() as connection:
        lock = hold_forum(connection, forum_id, now_us=now_us)
        parse_policy(value, names=list_names(connection, forum_id), forum_policy=True)
        if confirm is not None:
            confirm(connection, lock.now_us)
        before = find_forum_document(connection, forum_id, "withhold")
        was = before.document if before else NO_RULES
        decided = _decided_by(lock, Supposed(forum_policy=was))
        epoch, version = _save_forum_document(lock, setter, "withhold", document)
        change = reconsider_changed(lock, epoch, decided, progress=progress)
        lock.save()
    return Saved(version, change)


def set_template(
    database: Database, setter: Setter, forum_id: int, document: bytes, *, now_us: int
) -> Saved:
    """Make `document` the policy that a new seat of the forum starts with."""
    value = _read(document)
    with database.write() as connection:
        lock = hold_forum(connection, forum_id, now_us=now_us)
        parse_policy(value, names=list_names(connection, forum_id))
        epoch, version = _save_forum_document(lock, setter, "template", document)
        lock.save()
    return Saved(version, Change(epoch, 0, 0))


def set_accepts(
    database: Database,
    setter: Setter,
    forum_id: int,
    member_id: int,
    document: bytes,
    *,
    now_us: int,
    progress: Progress = no_progress,
) -> int:
    """Make the document what the member accepts in the forum (sharing policy §6); its version.

    What it refuses leaves its view at once; what it accepts again comes with a new
    `date_added`.
    """
    value = _read(document)
    with database.write() as connection:
        lock = hold_forum(connection, forum_id, now_us=now_us)
        check_accepts(value, members=list_names(connection, forum_id).members)
        before = Decisions(connection, forum_id, lock.now_us)
        keys = {"forum_id": forum_id, "member_id": member_id}
        version = _insert_version(
            connection, accepts, keys, document.decode("utf-8"), setter, lock.now_us
        )
        record_audit(
            connection,
            setter.actor,
            "accepts.set",
            f"forum:{forum_id} member:{member_id} version:{version}",
            member_id=member_id,
            now_us=lock.now_us,
        )
        cause = lock.append("accepts", f"member:{member_id}", setter.actor)
        reconsider_changed(lock, cause, before, progress=progress)
        lock.save()
    return version


def list_names(connection: Connection, forum_id: int) -> Names:
    """What a policy of this forum may name today."""
    members = list_members(connection)
    names: dict[str, str] = {}
    for row in connection.execute(
        select(collection.c.uuid, collection.c.alias).where(collection.c.forum_id == forum_id)
    ):
        names[row.uuid] = row.uuid
        if row.alias:
            names[row.alias] = row.uuid
    return Names(
        members=frozenset(member.code for member in members),
        partners=frozenset(row.name for row in list_roster(connection, forum_id) if row.is_partner),
        roles=SEAT_ROLES,
        blocs=frozenset(bloc for member in members for bloc in member.blocs),
        jurisdictions=frozenset(m.jurisdiction for m in members if m.jurisdiction),
        collections=names,
        provisions=find_provisions(connection),
    )


def _read(document: bytes) -> JsonValue:
    check_size(document)
    return loads(document)


def _save_forum_document(
    lock: LockedForum, setter: Setter, kind: str, document: bytes
) -> tuple[int, int]:
    epoch = lock.append(f"forum-{kind}", f"forum:{lock.forum_id}", setter.actor)
    keys = {"forum_id": lock.forum_id, "kind": kind}
    version = _insert_version(
        lock.connection, forum_policy, keys, document.decode("utf-8"), setter, lock.now_us, epoch
    )
    record_audit(
        lock.connection,
        setter.actor,
        f"forum-policy.{kind}",
        f"forum:{lock.forum_id} version:{version}",
        now_us=lock.now_us,
    )
    return epoch, version


def _insert_version(
    connection: Connection,
    table: Table,
    keys: dict[str, Any],
    document: str,
    setter: Setter,
    now_us: int,
    epoch: int | None = None,
) -> int:
    conditions = [table.c[name] == value for name, value in keys.items()]
    newest = connection.execute(select(func.max(table.c.version)).where(*conditions)).scalar()
    values: dict[str, Any] = {
        **keys,
        "version": (newest or 0) + 1,
        "document": document,
        "set_us": now_us,
        "set_by": setter.actor,
    }
    if epoch is not None:
        values["epoch"] = epoch
    connection.execute(insert(table).values(**values))
    return (newest or 0) + 1
