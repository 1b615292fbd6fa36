"""Readers of what acts without a request: commands, and work that a person has asked for.

The audit names the operator of a command, and the person of such work.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from auth.queries.forums import find_forum
from auth.queries.members import expect_member, find_member
from auth.queries.persons import find_person, find_person_behind
from auth.queries.seats import find_seated
from auth.reader import SCOPES, Reader, Seated
from auth.rules import bound_scopes
from auth.services.audit import OPERATOR
from kernel.errors import BadInput, Forbidden, NotFound


def operator_reader(connection: Connection, member_code: str) -> Reader:
    """A reader for a command given `--as` or `--member`. Raises NotFound.

    It sees what the member sees through an individual credential, never more.
    """
    found = expect_member(connection, member_code)
    return Reader(
        actor=OPERATOR,
        credential_id=OPERATOR,
        kind="individual",
        scopes=frozenset(SCOPES),
        member_id=found.id,
        member_code=found.code,
    )


def installation_reader() -> Reader:
    """A reader for a command that acts for nobody: it sees what is public, and no more."""
    return Reader(
        actor=OPERATOR, credential_id=OPERATOR, kind="individual", scopes=frozenset(SCOPES)
    )


def secretariat_reader(connection: Connection, email: str) -> Reader:
    """A reader for a command in the name of a secretariat's person. Raises BadInput."""
    found = find_person(connection, email)
    if found is None or found.status != "active" or found.forum_slug is None:
        raise BadInput(
            "auth.bad-person",
            f"{email!r} is no active person of a secretariat; see `comity person list`",
        )
    forum = find_forum(connection, found.forum_slug)
    return Reader(
        actor=f"person:{found.email}",
        credential_id=OPERATOR,
        kind="individual",
        scopes=frozenset(SCOPES),
        roles=found.roles,
        secretariat_of=None if forum is None else forum.id,
    )


def seat_for_operator(connection: Connection, member_code: str, forum_slug: str) -> Seated:
    """The member's seat in a forum, for a command. Raises NotFound unless it has one now."""
    reader = operator_reader(connection, member_code)
    seated = find_seated(connection, reader, forum_slug)
    if seated is None:
        raise NotFound(
            "auth.unknown-seat",
            f"{member_code} has no active seat in an open forum {forum_slug!r}; "
            "see `comity seat add`",
        )
    return seated


def feed_reader(connection: Connection, feed_uuid: str, member_code: str) -> Reader:
    """A reader for what runs by itself on a member's behalf: a machine of that member.

    Raises NotFound for a code that no member has; whether it is active its seat tells.
    """
    operator = operator_reader(connection, member_code)
    return replace(
        operator, actor=f"feed:{feed_uuid}", credential_id=f"feed:{feed_uuid}", kind="machine"
    )


def partner_reader(feed_uuid: str, recipient_id: int) -> Reader:
    """A reader for what is pushed to a forum's partner: what the partner would see itself."""
    return Reader(
        actor=f"feed:{feed_uuid}",
        credential_id=f"feed:{feed_uuid}",
        kind="machine",
        scopes=frozenset(SCOPES),
        partner_id=recipient_id,
    )


def reader_of_person(connection: Connection, actor: str) -> Reader:
    """A reader for work that goes on without the person who asked for it, `person:EMAIL`.

    With the roles that the person has now. Raises Forbidden unless the person and the member
    that it acts for are active.
    """
    found = find_person_behind(connection, actor)
    holder = found and found.member_code and find_member(connection, found.member_code)
    if not found or not holder or found.status != "active" or holder.status != "active":
        raise Forbidden(
            "auth.person-gone", "whoever asked for this, or their member, is not active any more"
        )
    return Reader(
        actor=actor,
        credential_id=actor,
        kind="individual",
        scopes=bound_scopes(SCOPES, of_partner=False, roles=found.roles),
        member_id=holder.id,
        member_code=holder.code,
        roles=found.roles,
    )
