"""What the arguments of a command name: a forum, a member, a collection, a document.

Each is found or refused with a sentence that says where to look. What does not live here:
what a command does with them.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sqlalchemy import Connection

from auth.queries import (
    Forum,
    Member,
    expect_member,
    find_forum,
    list_roster,
    list_seated,
)
from auth.reader import Seated
from auth.services import operator_reader
from kernel.errors import BadInput, NotFound
from sharing.queries.collections import Collection, find_collection
from sharing.rules.grammar import MAX_BYTES

STANDARD_INPUT = "-"


def expect_forum(connection: Connection, slug: str) -> Forum:
    """The forum, open for sharing. Raises NotFound."""
    found = find_forum(connection, slug)
    if found is None or not found.is_open:
        raise NotFound(
            "sharing.unknown-forum",
            f"no forum {slug!r} is open for sharing; see `comity forum list`",
        )
    return found


def expect_holder(connection: Connection, code: str, slug: str) -> tuple[Forum, Member]:
    """A member that has, or had, a seat in a forum. Raises NotFound."""
    forum, member = expect_forum(connection, slug), expect_member(connection, code)
    if all(row.member_id != member.id for row in list_roster(connection, forum.id)):
        raise NotFound(
            "auth.unknown-seat",
            f"{code} has no seat in {slug}; give it one with `comity seat add {slug} {code}`",
        )
    return forum, member


def expect_place(connection: Connection, code: str, ref: str) -> tuple[Seated, Collection]:
    """A collection, by id or alias, that exists for the member in a forum it has a seat in.

    Raises NotFound, and BadInput for an alias that several of its forums use.
    """
    expect_member(connection, code)
    seats = list_seated(connection, operator_reader(connection, code))
    found = [
        (seated, place)
        for seated in seats
        if (place := find_collection(connection, seated, ref)) is not None
    ]
    exact = [pair for pair in found if pair[1].uuid == ref.lower()]
    if len(exact or found) > 1:
        raise BadInput(
            "sharing.ambiguous-alias",
            f"{ref!r} is an alias in several forums of {code}; give the collection's id",
        )
    if not found:
        raise NotFound(
            "sharing.unknown-collection",
            f"{code} has no active seat where there is a collection {ref!r}; "
            "see `comity collection list FORUM`",
        )
    return (exact or found)[0]


def read_document(name: str) -> bytes:
    """A policy document from a file, or from standard input for `-`; reads no more than allowed.

    Raises BadInput (`sharing.unreadable-file`).
    """
    try:
        if name == STANDARD_INPUT:
            return sys.stdin.buffer.read(MAX_BYTES + 1)
        with Path(name).open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as fault:
        raise unreadable(name, fault) from None


def unreadable(name: str, fault: OSError) -> BadInput:
    """The refusal for a file that cannot be read or written."""
    return BadInput("sharing.unreadable-file", f"{name}: {fault.strerror or fault}")
