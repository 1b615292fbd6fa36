"""`/api/v1/forums/SLUG/held`: the member's versions that wait for a release-approver."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import Response
from flask_smorest import Blueprint
from sqlalchemy import Connection

from auth.doors import (
    Permission,
    current_database,
    current_instant_us,
    current_signer,
    door,
)
from auth.queries import Person, find_person_behind
from auth.reader import Reader
from kernel.errors import Forbidden
from sharing.api.documents import OBJECT_EXAMPLE
from sharing.api.entering import FORUM, PLACE, enter_as_member, listing_of
from sharing.services.confirm import APPROVER, HeldVersion, confirm, list_held
from sharing.services.settling import settled_read
from web.listing import Key, ListQuery, listed
from web.shapes import Shape, instant, text, text_filter, words

blueprint = Blueprint(
    "held", __name__, url_prefix=FORUM, description="What waits for a release-approver"
)


class HeldSchema(Shape):
    """One version that is marked looser than the one before it, and waits; `id` confirms it."""

    EXAMPLE: ClassVar = {
        "id": "5f2d7c0a9e4b4d1c8a3f6e2b9d4e1107",
        "collection": PLACE,
        "object_id": OBJECT_EXAMPLE["id"],
        "type": "indicator",
        "modified": OBJECT_EXAMPLE["modified"],
        "contributed": "2026-11-27T08:30:00.000000Z",
        "would_reach": ["XBB", "partner:mirror"],
    }
    id = text()
    collection = text()
    object_id = text()
    type = text()
    modified = instant()
    contributed = instant()
    would_reach = words(
        about="Members, and `partner:NAME`, that the rules would grant it, now or later; what "
        "they accept is not told."
    )


class HeldQuery(ListQuery):
    """Which held versions to list."""

    collection = text_filter()
    object_id = text_filter()


@blueprint.route("/held", methods=["GET"])
@door(Permission.API_READ)
@listed(blueprint, HeldQuery, HeldSchema)
def show_held(query: dict[str, Any], forum: str) -> Response:
    """The member's versions that wait for a confirmation, oldest first."""
    now_us = current_instant_us()
    with settled_read(current_database(), now_us=now_us) as connection:
        seated, member_id = enter_as_member(connection, forum)
        held = list_held(connection, current_signer(), seated.forum_id, member_id, now_us=now_us)
    wanted = [
        one
        for one in held
        if query["collection"] in (None, one.collection)
        and query["object_id"] in (None, one.stix_id)
    ]
    listing = listing_of(seated, "held", query)
    return listing.answer(listing.cut(wanted, _key), _key, HeldVersion.document, HeldSchema)


@blueprint.route("/held/<held_id>/confirmation", methods=["POST"])
@door(Permission.API_WRITE)
@blueprint.response(200, HeldSchema, example=HeldSchema.EXAMPLE)
def confirm_held(forum: str, held_id: str) -> dict[str, Any]:
    """Release a held version. For a person with the role release-approver who did not
    contribute it. To refuse it, withdraw it.
    """
    with current_database().read() as connection:
        seated, _ = enter_as_member(connection, forum)
        approver = _approver(connection, seated.reader)
    confirmed = confirm(
        current_database(),
        current_signer(),
        seated.forum_id,
        approver,
        held_id,
        actor=seated.reader.actor,
        now_us=current_instant_us(),
    )
    return confirmed.document()


def _approver(connection: Connection, reader: Reader) -> Person:
    """The person behind the credential; a machine has none and confirms nothing."""
    person = find_person_behind(connection, reader.actor)
    if person is None or reader.roles is None or APPROVER not in reader.roles:
        raise Forbidden(
            "auth.role-needed", f"only a person with the role {APPROVER} confirms what is held"
        )
    return person


def _key(held: HeldVersion) -> Key:
    return (held.contributed_us, held.collection, held.stix_id, held.version_us)
