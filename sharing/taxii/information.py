"""Server information: discovery, API roots, statuses (TAXII 2.1 §4); collections (§5.1, §5.2)."""

from __future__ import annotations

from typing import Any

from flask import Response

from auth.doors import (
    current_database,
    current_instant_us,
    current_reader,
    current_settings,
)
from auth.queries import list_seated
from kernel.errors import NotFound
from sharing.queries.statuses import find_status
from sharing.services.markings import find_markings
from sharing.services.settling import settled_read
from sharing.taxii.answers import answer, resource
from sharing.taxii.entering import Entered, enter_collection, enter_forum, list_entered
from sharing.taxii.media import STIX, TAXII
from web.installation import public_base

PARTIAL_VIEWS = (
    "Members share here under policies of their own. What a client receives is the view of the "
    "member or partner it acts for: objects, and optional properties of objects, may be left "
    "out of it (TAXII 2.1, section 1.6.9)."
)


def discovery() -> Response:
    """GET /taxii2/ (TAXII 2.1 §4.1): the API roots in which the caller has a seat."""
    settings = current_settings()
    with current_database().read() as connection:
        seats = list_seated(connection, current_reader())
    roots = [f"{public_base()}/taxii2/{seat.forum_slug}/" for seat in seats]
    document: dict[str, Any] = {"title": settings.title}
    if settings.contact:
        document["contact"] = settings.contact
    if roots:
        document |= {"default": roots[0], "api_roots": roots}
    return resource(document)


def api_root(forum: str) -> Response:
    """GET /{api-root}/ (TAXII 2.1 §4.2)."""
    with current_database().read() as connection:
        seated = enter_forum(connection, current_reader(), forum)
    return resource(
        {
            "title": seated.forum_title,
            "description": PARTIAL_VIEWS,
            "versions": [TAXII],
            "max_content_length": current_settings().max_content_length,
        }
    )


def status(forum: str, status_id: str) -> Response:
    """GET /{api-root}/status/{id}/ (TAXII 2.1 §4.3), as it was answered to the request."""
    with current_database().read() as connection:
        seated = enter_forum(connection, current_reader(), forum)
        document = find_status(connection, seated, status_id)
    if document is None:
        raise NotFound("sharing.unknown-status", "no such status in this API root")
    return answer(document)


def collections(forum: str) -> Response:
    """GET /{api-root}/collections/ (TAXII 2.1 §5.1)."""
    with current_database().read() as connection:
        seated = enter_forum(connection, current_reader(), forum)
        found = list_entered(connection, seated)
    return resource({"collections": [_collection(entered) for entered in found]} if found else {})


def collection(forum: str, ref: str) -> Response:
    """GET /{api-root}/collections/{id}/ (TAXII 2.1 §5.2)."""
    with current_database().read() as connection:
        entered = enter_collection(connection, current_reader(), forum, ref)
    return resource(_collection(entered))


def markings(forum: str, ref: str) -> Response:
    """GET /{api-root}/collections/{id}/x-comity-markings/: what applies to the caller here.

    An extension that no standard resource names (oasis-tcs/cti-taxii2#119).
    """
    now_us = current_instant_us()
    with settled_read(current_database(), now_us=now_us) as connection:
        entered = enter_collection(connection, current_reader(), forum, ref)
        found = find_markings(connection, entered.seated, entered.collection, now_us=now_us)
    return resource(found.document() | {"can_read": entered.can_read})


def _collection(entered: Entered) -> dict[str, Any]:
    place = entered.collection
    document: dict[str, Any] = {"id": place.uuid, "title": place.title}
    if place.alias is not None:
        document["alias"] = place.alias
    return document | {
        "can_read": entered.can_read,
        "can_write": entered.can_write,
        "media_types": [STIX],
    }
