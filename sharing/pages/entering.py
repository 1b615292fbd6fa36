"""Entering the pages of a forum: the person's place there, and what its roles let it do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, Response
from sqlalchemy import Connection

from auth.doors import current_reader
from auth.queries import find_seated
from auth.reader import Seated
from auth.rules import POLICY_OFFICER
from kernel.errors import Forbidden, NotFound
from sharing.queries.collections import READING_ROLES, Collection, find_collection
from sharing.rules.tlp import Tlp
from web.listing import Listing, make_listing
from web.pages import page

blueprint = Blueprint("exchange", __name__, url_prefix="/sharing", template_folder="templates")

CONTRIBUTOR: Final = "contributor"
LEVELS: Final = tuple(level.text for level in Tlp)


def enter(connection: Connection, forum: str) -> tuple[Seated, int]:
    """The person's place in a forum, and the member it acts for. Raises NotFound."""
    seated = find_seated(connection, current_reader(), forum)
    if seated is None or seated.member_id is None:
        raise NotFound("sharing.unknown-forum", "no such forum")
    return seated, seated.member_id


def enter_to_read(connection: Connection, forum: str) -> Seated:
    """The same for somebody who may read objects. Raises Forbidden."""
    seated, _ = enter(connection, forum)
    check_role(seated, *READING_ROLES)
    return seated


def enter_collection(connection: Connection, seated: Seated, ref: str) -> Collection:
    """The collection with this UUID or alias. Raises NotFound."""
    found = find_collection(connection, seated, ref)
    if found is None:
        raise NotFound("sharing.unknown-collection", "no such collection in this forum")
    return found


def check_role(seated: Seated, *roles: str) -> None:
    """Raise Forbidden unless the person has one of these roles."""
    if not has_role(seated, *roles):
        raise Forbidden(
            "auth.role-needed", f"only a person with one of the roles {', '.join(roles)} does this"
        )


def has_role(seated: Seated, *roles: str) -> bool:
    """Whether the person has one of these roles."""
    return any(seated.reader.has_role(role) for role in roles)


def listing_of(seated: Seated, name: str, query: Mapping[str, Any]) -> Listing:
    """A list on a page of this forum; its cursors fit no other."""
    return make_listing(f"page-{name}", f"{seated.forum_slug} {seated.element}", query)


def forum_page(
    template: str,
    seated: Seated,
    *,
    status: int = 200,
    **context: Any,  # noqa: ANN401 - what a template is given
) -> Response:
    """A page of a forum; `may` tells its template what the person's roles allow."""
    may = {
        "read": has_role(seated, *READING_ROLES),
        "contribute": seated.role != "observer" and has_role(seated, CONTRIBUTOR),
        "recall": has_role(seated, CONTRIBUTOR, POLICY_OFFICER),
        "set_policy": has_role(seated, POLICY_OFFICER),
        "approve": has_role(seated, "release-approver"),
    }
    return page(f"sharing/{template}", status=status, seated=seated, may=may, **context)
