"""Who of a member's people and machines may look at its feeds, steer them, set them up.

A feed of another member and one that never was are refused in the same words. Setting one up, and
giving it credentials, lays a lasting way in or out: it takes a person with the role member-admin,
and a machine's credential that was stolen lays none. What does not live here: what is done
(keeping).
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection

from auth.queries import find_seated
from auth.reader import Reader, Seated
from kernel.errors import Forbidden, NotFound
from sharing.queries.feed_lists import Standing, find_standing
from sharing.queries.feeds import Feed, find_feed

ADMIN: Final = "member-admin"
STEERSMAN: Final = "contributor"
READERS: Final = ("reader", STEERSMAN)
"""Who is told which objects a feed moved; a member-admin is told how it runs."""


def may_look(reader: Reader) -> bool:
    """Whether the reader is told how its member's feeds run."""
    return may_see_objects(reader) or reader.has_role(ADMIN)


def may_see_objects(reader: Reader) -> bool:
    """Whether it is told which objects they moved."""
    return any(reader.has_role(role) for role in READERS)


def may_steer(reader: Reader) -> bool:
    """Whether it pauses, resumes, runs, replays and tests them."""
    return reader.has_role(STEERSMAN)


def may_set_up(reader: Reader) -> bool:
    """Whether it sets them up: a person with the role, no machine."""
    return reader.roles is not None and ADMIN in reader.roles


def check_may_look(reader: Reader) -> None:
    """Raises Forbidden."""
    if reader.member_id is None:
        raise Forbidden("auth.role-needed", "only a member has feeds")
    if not may_look(reader):
        raise _needed(*READERS, ADMIN)


def check_may_see_objects(reader: Reader) -> None:
    """Raises Forbidden."""
    check_may_look(reader)
    if not may_see_objects(reader):
        raise _needed(*READERS)


def check_may_steer(reader: Reader) -> None:
    """Raises Forbidden."""
    check_may_look(reader)
    if not may_steer(reader):
        raise _needed(STEERSMAN)


def check_may_set_up(reader: Reader) -> None:
    """Raises Forbidden."""
    check_may_look(reader)
    if not may_set_up(reader):
        raise _needed(ADMIN)


def expect_feed(connection: Connection, reader: Reader, name: str) -> Feed:
    """A feed of the reader's member by name or id. Raises NotFound."""
    found = find_feed(connection, reader, name)
    if found is None:
        raise _unknown()
    return found


def expect_standing(connection: Connection, reader: Reader, name: str) -> Standing:
    """The same with how it stands. Raises NotFound."""
    found = find_standing(connection, reader, name)
    if found is None:
        raise _unknown()
    return found


def expect_seated_feed(connection: Connection, reader: Reader, name: str) -> tuple[Feed, Seated]:
    """The same with the member's place in its forum. Raises NotFound."""
    found = expect_feed(connection, reader, name)
    seated = find_seated(connection, reader, found.forum_slug)
    if seated is None:
        raise NotFound(
            "sharing.feed-without-seat",
            "your member has no active seat in this feed's forum any more; the operator gives it "
            "back",
        )
    return found, seated


def _unknown() -> NotFound:
    return NotFound("sharing.unknown-feed", "your member has no such feed")


def _needed(*roles: str) -> Forbidden:
    named = roles[0] if len(roles) == 1 else f"one of {', '.join(roles)}"
    return Forbidden("auth.role-needed", f"only a person with the role {named} does this")
