"""What is misconfigured in the records: forums, seats, policies, credentials, the clock.

For the operator, who is told what to mend and reads no content. What does not live here: the
surroundings (kernel.checkup).
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from sqlalchemy import Connection, func, select

from auth.queries import (
    Forum,
    Member,
    RosterRow,
    list_credentials,
    list_forums,
    list_members,
    list_persons,
    list_roster,
)
from auth.queries.credentials import Credential
from auth.reader import WRITING_SEATS
from kernel.checkup import Finding
from kernel.clock import MINUTE_US, SECOND_US, format_instant
from kernel.leases import list_held
from sharing.queries.collections import list_places, names_of
from sharing.queries.feeds import list_operated
from sharing.queries.policies import (
    UNREADABLE_BY,
    SavedDocument,
    find_fault,
    find_forum_document,
    find_policy,
    list_standing_accepts,
    read_saved,
)
from sharing.rules.accepts import read_accepts
from sharing.tables import forum_head, job

_CLOCK_TOLERANCE_US = 5 * MINUTE_US
# A worker that lives settles within seconds; much at once takes longer.
_SETTLING_US = MINUTE_US


def check_records(connection: Connection, *, now_us: int) -> Iterator[Finding]:
    """Everything that this module knows how to find, forums first."""
    forums = [forum for forum in list_forums(connection) if forum.is_open]
    rosters = {forum.id: list_roster(connection, forum.id) for forum in forums}
    for forum in forums:
        yield from _check_forum(connection, forum, rosters[forum.id])
    seated = {row.member_id for rows in rosters.values() for row in rows if row.is_active}
    disabled = {person.email for person in list_persons(connection) if person.status != "active"}
    for member in list_members(connection):
        if member.status == "active" and member.id not in seated:
            yield _no_seat(member)
        for credential in list_credentials(connection, member_id=member.id):
            yield from _check_credential(credential, member.code, disabled, now_us)
    for forum in forums:
        for row in rosters[forum.id]:
            if row.is_partner:
                owner = f"{forum.slug}/{row.name}"
                for credential in list_credentials(connection, partner_id=row.recipient_id):
                    yield from _check_credential(credential, owner, disabled, now_us)
    yield from _check_feeds(connection)
    yield from _check_due(connection, forums, now_us)
    yield from _check_work(connection, now_us)
    yield from _check_clock(connection, now_us)


def _check_feeds(connection: Connection) -> Iterator[Finding]:
    for found in list_operated(connection):
        if found.is_troubled and found.state == "active":
            yield Finding(
                "feed-in-trouble",
                f"the feed {found.name} of {found.member_code} has failed {found.failures} times "
                "in a row",
                f"comity feed test {shlex.quote(found.name)}",
            )


def _check_forum(
    connection: Connection, forum: Forum, roster: list[RosterRow]
) -> Iterator[Finding]:
    places = list_places(connection, forum.id)
    if not places:
        yield Finding(
            "forum-without-collections",
            f"the forum {forum.slug} has no collections, so nothing can be shared in it",
            f"comity collection add {forum.slug} --title T",
        )
    if not any(row.is_active for row in roster):
        yield Finding(
            "forum-without-seats",
            f"nobody has an active seat in the forum {forum.slug}",
            f"comity seat add {forum.slug} CODE",
        )
    names = names_of(places)
    yield from _check_own(connection, forum, names)
    accepted = list_standing_accepts(connection, forum.id)
    for row in roster:
        if row.member_id is not None:
            yield from _check_policy(connection, forum, row, names)
            yield from _check_accepts(forum, row, accepted.get(row.member_id))


def _check_own(connection: Connection, forum: Forum, names: dict[str, str]) -> Iterator[Finding]:
    """The forum's own documents."""
    rules = find_forum_document(connection, forum.id, "withhold")
    fault = find_fault(rules.document, names, of_forum=True) if rules else None
    if fault is not None:
        yield Finding(
            "forum-policy-unreadable",
            f"the rules of the forum {forum.slug} cannot be read, so everything is withheld from "
            f"everybody but its originator: {fault}",
            f"comity forum-policy set {forum.slug} FILE",
        )
    template = find_forum_document(connection, forum.id, "template")
    fault = find_fault(template.document, names) if template else None
    if fault is not None:
        yield Finding(
            "template-unreadable",
            f"the policy that a new seat of the forum {forum.slug} starts with cannot be read: "
            f"{fault}",
            f"comity forum-policy template set {forum.slug} FILE",
        )


def _check_policy(
    connection: Connection, forum: Forum, row: RosterRow, names: dict[str, str]
) -> Iterator[Finding]:
    held = find_policy(connection, forum.id, row.member_id or 0)
    fault = find_fault(held.document, names) if held else None
    if fault is not None:
        yield Finding(
            "policy-unreadable",
            f"the policy of {row.name} in {forum.slug} cannot be read, so nothing that it "
            f"contributed is shared with anybody: {fault}",
            f"comity policy set {row.name} {forum.slug} FILE",
        )
        return
    rules = list(read_saved(held.document, names).list_shares()) if held else []
    is_writer = row.is_active and row.role in WRITING_SEATS
    if not is_writer or any(rule.audience.any for rule in rules):
        return
    yield Finding(
        "policy-shares-nothing",
        f"the policy of {row.name} in {forum.slug} shares nothing with anybody",
        f"comity policy set {row.name} {forum.slug} FILE",
    )


def _check_accepts(
    forum: Forum, row: RosterRow, accepted: SavedDocument | None
) -> Iterator[Finding]:
    try:
        if accepted is not None:
            read_accepts(accepted.value)
    except UNREADABLE_BY as fault:
        yield Finding(
            "accepts-unreadable",
            f"what {row.name} accepts in {forum.slug} cannot be read, so it receives nothing: "
            f"{fault}",
            f"comity accepts set {row.name} {forum.slug} FILE",
        )


def _no_seat(member: Member) -> Finding:
    return Finding(
        "member-without-seat",
        f"the member {member.code} has no active seat in any open forum",
        f"comity seat add FORUM {member.code}",
    )


def _check_credential(
    credential: Credential, owner: str, disabled: set[str], now_us: int
) -> Iterator[Finding]:
    if credential.revoked_us is not None:
        return
    if credential.expires_us is not None and credential.expires_us <= now_us:
        expired = format_instant(credential.expires_us, digits=3)
        yield Finding(
            "credential-expired",
            f"the credential {credential.id} ({credential.name}) of {owner} expired at {expired}",
            f"comity credential revoke {credential.id}, and add another if it is still needed",
        )
    if credential.person_email in disabled:
        yield Finding(
            "credential-of-disabled-person",
            f"the credential {credential.id} ({credential.name}) of {owner} stands for "
            f"{credential.person_email}, who is disabled",
            f"comity credential revoke {credential.id}",
        )


def _check_due(connection: Connection, forums: list[Forum], now_us: int) -> Iterator[Finding]:
    rows = connection.execute(
        select(forum_head.c.forum_id, forum_head.c.due_us).where(
            forum_head.c.due_us <= now_us - _SETTLING_US
        )
    )
    late = {row.forum_id: row.due_us for row in rows}
    for forum in forums:
        due_us = late.get(forum.id)
        if due_us is not None:
            # After some upgrades everything is due since ever.
            since = f"since {format_instant(due_us, digits=3)}" if due_us else "since the upgrade"
            yield Finding(
                "due-unsettled",
                f"something is due in the forum {forum.slug} {since}, and no worker settles it: "
                "the next reader waits for that",
                "comity worker, or comity serve without COMITY_EMBEDDED_WORKER=false; "
                "if one runs, its log says what is in its way",
            )


def _check_work(connection: Connection, now_us: int) -> Iterator[Finding]:
    """Long work that people wait for and that no worker is at."""
    waiting = connection.execute(
        select(func.count()).where(
            job.c.ended_us.is_(None),
            job.c.state != "arriving",
            job.c.asked_us <= now_us - _SETTLING_US,
        )
    ).scalar_one()
    at_work = any(held.name.startswith("job/") for held in list_held(connection, now_us=now_us))
    if waiting and not at_work:
        yield Finding(
            "work-waits",
            f"long work waits for more than a minute ({waiting} of it), and no worker is at any",
            "comity worker, or comity serve without COMITY_EMBEDDED_WORKER=false; "
            "if one runs, its log says what is in its way",
        )


def _check_clock(connection: Connection, now_us: int) -> Iterator[Finding]:
    newest = connection.execute(select(func.max(forum_head.c.date_added_us))).scalar()
    if newest is not None and newest - now_us > _CLOCK_TOLERANCE_US:
        seconds = (newest - now_us) // SECOND_US
        yield Finding(
            "clock-behind",
            f"this host's clock is {seconds} s behind the newest stamp of the ledger, "
            f"{format_instant(newest, digits=3)}",
            "set the clock (a time service keeps it right); until then stamps run ahead",
        )
