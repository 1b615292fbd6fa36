"""Seats, partners and standing of members: who reads and writes in a forum, and what follows.

The auth room keeps the records; here each change is committed together with the releases
that it opens or withdraws. A seat that joins or returns receives things with a new
`date_added`; one that is suspended loses them at once (sharing policy §5).
"""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from auth import services as auth_services
from auth.queries import Forum, Member, find_forum
from auth.services import MemberChange
from auth.tables import forum as forum_table
from auth.tables import seat as seat_table
from kernel.db import Database
from kernel.errors import NotFound
from sharing.queries.policies import NO_RULES, find_forum_document, find_policy
from sharing.queries.rivals import list_rivals
from sharing.services.decisions import Decisions
from sharing.services.feeds.stopping import pause_pushes
from sharing.services.lock import LockedForum
from sharing.services.policies import Confirm, Setter, save_policy
from sharing.services.reconsider import Change, Progress, no_progress, reconsider_changed
from sharing.services.settling import hold_forum
from sharing.services.supposed import AS_STORED, Supposed
from sharing.tables import forum_head


def open_forum_for_sharing(connection: Connection, actor: str, slug: str, *, now_us: int) -> None:
    """Open a forum: it gets an API root and a ledger. Nobody is seated by that."""
    forum = find_forum(connection, slug)
    if forum is None:
        raise _no_forum(slug)
    auth_services.open_forum(connection, slug, actor=actor, now_us=now_us)
    known = connection.execute(
        select(forum_head.c.seq).where(forum_head.c.forum_id == forum.id)
    ).first()
    if known is None:
        connection.execute(
            insert(forum_head).values(forum_id=forum.id, seq=0, date_added_us=now_us)
        )
        lock = hold_forum(connection, forum.id, now_us=now_us)
        lock.append("open", f"forum:{slug}", actor)
        lock.save()


def seat_member(
    database: Database,
    actor: str,
    forum_slug: str,
    code: str,
    role: str,
    *,
    now_us: int,
    progress: Progress = no_progress,
    confirm: Confirm | None = None,
) -> Change:
    """Give a member a seat; its policy starts as a copy of the forum's template."""
    with database.write() as connection:
        lock, member = _lock_seat(connection, forum_slug, code, now_us)
        if confirm is not None:
            confirm(connection, lock.now_us)
        known = find_policy(connection, lock.forum_id, member.id)
        was = known.document if known else NO_RULES
        before = _decided(lock, Supposed(policies={member.id: was}))
        auth_services.add_seat(
            connection, lock.forum_id, member.id, role, actor=actor, now_us=now_us
        )
        epoch = lock.append("seat", f"member:{member.id} {role}", actor)
        if known is None:
            template = find_forum_document(connection, lock.forum_id, "template")
            document = template.document if template else NO_RULES
            save_policy(lock, Setter(actor, member.id), member.id, document)
        change = reconsider_changed(lock, epoch, before, progress=progress)
        lock.save()
    return change


def change_seat(
    database: Database,
    actor: str,
    forum_slug: str,
    code: str,
    status: str,
    *,
    now_us: int,
    progress: Progress = no_progress,
) -> Change:
    """Make a seat `active`, `suspended` or `ended`; its views follow in the same commit."""
    with database.write() as connection:
        lock, member = _lock_seat(connection, forum_slug, code, now_us)
        before = _decided(lock)
        auth_services.set_seat_status(
            connection, lock.forum_id, member.id, status, actor=actor, now_us=now_us
        )
        epoch = lock.append("seat-status", f"member:{member.id} {status}", actor)
        change = reconsider_changed(lock, epoch, before, progress=progress)
        lock.save()
    return change


def change_member(
    database: Database,
    actor: str,
    code: str,
    status: str,
    *,
    now_us: int,
    progress: Progress = no_progress,
    confirm: Confirm | None = None,
) -> None:
    """Make a member `active`, `suspended` or `departed`: in every forum it has a seat in, in one
    commit. What it contributed stays under its last policy (sharing policy §5)."""
    with database.write() as connection:
        member = auth_services.lock_member(connection, code)
        locks = _lock_all(connection, member.id, now_us)
        if confirm is not None:
            confirm(connection, max([now_us, *(lock.now_us for lock in locks)]))
        before = [_decided(lock) for lock in locks]
        auth_services.set_member_status(connection, code, status, actor=actor, now_us=now_us)
        for lock, decided in zip(locks, before, strict=True):
            epoch = lock.append("member-status", f"member:{member.id} {status}", actor)
            reconsider_changed(lock, epoch, decided, progress=progress)
            lock.save()


def set_member(
    database: Database,
    actor: str,
    code: str,
    change: MemberChange,
    *,
    now_us: int,
    progress: Progress = no_progress,
) -> None:
    """Change what a member is: what it may see, and which copies stand, follow in every forum
    it has a seat in, in one commit (sharing policy §1, §5)."""
    with database.write() as connection:
        member = auth_services.lock_member(connection, code)
        locks = [] if change.is_name_alone else _lock_all(connection, member.id, now_us)
        before = [_decided(lock) for lock in locks]
        auth_services.set_member(connection, code, change, actor=actor, now_us=now_us)
        identities = {*change.binds, *change.unbinds}
        for lock, decided in zip(locks, before, strict=True):
            epoch = lock.append("member-set", f"member:{member.id}", actor)
            rivals = list_rivals(connection, lock.forum_id, member.id, identities)
            reconsider_changed(lock, epoch, decided, beside=rivals, progress=progress)
            lock.save()


def _lock_all(connection: Connection, member_id: int, now_us: int) -> list[LockedForum]:
    return [
        hold_forum(connection, forum_id, now_us=now_us)
        for forum_id, _ in list_forums_of(connection, member_id)
    ]


def list_forums_of(connection: Connection, member_id: int) -> list[tuple[int, str]]:
    """The open forums in which a member has or had a seat, (id, slug).

    In one order, so that two changes to several of them never wait for each other.
    """
    rows = connection.execute(
        select(seat_table.c.forum_id, forum_table.c.slug)
        .join(forum_table, forum_table.c.id == seat_table.c.forum_id)
        .where(seat_table.c.member_id == member_id, forum_table.c.is_open)
        .order_by(seat_table.c.forum_id)
    )
    return [(row.forum_id, row.slug) for row in rows]


def add_partner(
    database: Database,
    actor: str,
    forum_slug: str,
    name: str,
    *,
    now_us: int,
    progress: Progress = no_progress,
) -> Change:
    """Add a partner system to a forum: a recipient that is no member; or again one that ended.

    What was pushed to that one stays paused until somebody has looked at where it goes.
    """
    with database.write() as connection:
        lock = _lock(connection, forum_slug, now_us)
        before = _decided(lock)
        number = auth_services.add_partner(
            connection, lock.forum_id, name, actor=actor, now_us=now_us
        )
        pause_pushes(connection, actor, number, now_us=now_us)
        epoch = lock.append("partner", name, actor)
        change = reconsider_changed(lock, epoch, before, progress=progress)
        lock.save()
    return change


def change_partner(
    database: Database,
    actor: str,
    forum_slug: str,
    name: str,
    status: str,
    *,
    now_us: int,
    progress: Progress = no_progress,
) -> Change:
    """Make a partner `active`, `suspended` or `ended`; its views follow in the same commit."""
    with database.write() as connection:
        lock = _lock(connection, forum_slug, now_us)
        before = _decided(lock)
        auth_services.set_partner_status(
            connection, lock.forum_id, name, status, actor=actor, now_us=now_us
        )
        epoch = lock.append("partner-status", f"{name} {status}", actor)
        change = reconsider_changed(lock, epoch, before, progress=progress)
        lock.save()
    return change


def _decided(lock: LockedForum, supposed: Supposed = AS_STORED) -> Decisions:
    """What was decided last, with the recipients as they are before they change."""
    return Decisions(lock.connection, lock.forum_id, lock.now_us, supposed)


def _lock(connection: Connection, forum_slug: str, now_us: int) -> LockedForum:
    return hold_forum(connection, _expect_open(connection, forum_slug).id, now_us=now_us)


def _lock_seat(
    connection: Connection, forum_slug: str, code: str, now_us: int
) -> tuple[LockedForum, Member]:
    """A forum, and the member as it is and stays: no other forum's seat of it changes meanwhile."""
    forum = _expect_open(connection, forum_slug)
    member = auth_services.lock_member(connection, code)
    return hold_forum(connection, forum.id, now_us=now_us), member


def _expect_open(connection: Connection, slug: str) -> Forum:
    forum = find_forum(connection, slug)
    if forum is None or not forum.is_open:
        raise _no_forum(slug)
    return forum


def _no_forum(slug: str) -> NotFound:
    return NotFound(
        "sharing.unknown-forum", f"no forum {slug!r} is open for sharing; see `comity forum list`"
    )
