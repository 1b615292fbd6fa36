"""Entering: from an address to the caller's place in a forum, and to a collection there.

A forum without a seat and one that never was are refused in the same words; so are a
collection without a business and one that never was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import Connection

from auth.doors import current_database, current_reader, current_settings
from auth.queries import Forum, find_forum_by_id, find_seated
from auth.reader import Seated
from auth.rules import POLICY_OFFICER
from kernel.errors import Forbidden, NotFound
from sharing.queries.collections import Collection, find_collection
from sharing.rules.tlp import Tlp
from web.bodies import read_json_body
from web.listing import Listing, make_listing
from web.openapi import PREFIX

FORUM: Final = f"{PREFIX}/forums/<forum>"
LEVELS: Final = tuple(level.text for level in Tlp)
PLACE: Final = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"
"""A collection of the examples."""


def enter(connection: Connection, forum: str) -> Seated:
    """The caller's place in a forum. Raises NotFound (`sharing.unknown-forum`)."""
    seated = find_seated(connection, current_reader(), forum)
    if seated is None:
        raise NotFound("sharing.unknown-forum", "no such forum")
    return seated


def enter_as_member(connection: Connection, forum: str) -> tuple[Seated, int]:
    """The same with the member that the caller acts for. Raises Forbidden for a partner."""
    seated = enter(connection, forum)
    if seated.member_id is None:
        raise Forbidden("auth.role-needed", "only a member has this, not a partner")
    return seated, seated.member_id


def enter_as_officer(forum: str) -> tuple[Forum, Seated, int]:
    """The same with the forum, for a person who may set the member's policies.

    In a look of its own at the database. Raises Forbidden (`auth.role-needed`) for others.
    """
    with current_database().read() as connection:
        seated, member_id = enter_as_member(connection, forum)
        place = find_forum_by_id(connection, seated.forum_id)
    roles = seated.reader.roles
    if roles is None or POLICY_OFFICER not in roles:
        raise Forbidden(
            "auth.role-needed",
            f"only a person with the role {POLICY_OFFICER} sets what the member shares or accepts",
        )
    return place, seated, member_id


def read_document() -> bytes:
    """The body of the request, which is a document in JSON."""
    return read_json_body(current_settings().max_content_length)


def enter_collection(connection: Connection, seated: Seated, ref: str) -> Collection:
    """The collection with this UUID or alias. Raises NotFound (`sharing.unknown-collection`)."""
    found = find_collection(connection, seated, ref)
    if found is None:
        raise NotFound("sharing.unknown-collection", "no such collection in this forum")
    return found


def named(places: Iterable[Collection], ref: str | None) -> list[Collection]:
    """Those of `places` that a filter names by UUID or alias; all without a filter."""
    if ref is None:
        return list(places)
    return [place for place in places if ref.lower() == place.uuid or ref == place.alias]


def listing_of(seated: Seated, name: str, query: Mapping[str, Any], *, about: str = "") -> Listing:
    """A list of the caller's in this forum, or of one thing there; its cursors fit no other."""
    return make_listing(name, f"{seated.forum_slug} {seated.element} {about}", query)
