"""Pages of a view: objects, manifest, an object by id, its versions.

TAXII 2.1 §5.3, §5.4, §5.6 and §5.8. Each is one statement, and recorded before it leaves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from flask import Response, request
from sqlalchemy import Connection

from auth.doors import (
    current_database,
    current_instant_us,
    current_reader,
    current_settings,
    current_signer,
)
from kernel.errors import NotFound, Unavailable
from sharing.queries.matching import ALL_VERSIONS, LAST_VERSION, VersionFilter
from sharing.queries.releases import (
    Head,
    Page,
    has_version,
    list_manifest,
    list_objects,
)
from sharing.services.deliver import Served, record_delivery
from sharing.services.settling import settle_forum
from sharing.taxii import answers
from sharing.taxii.cursor import Walk, filters_of, purpose_of, seal_walk, walk_of
from sharing.taxii.entering import Entered, check_can_read, enter_view
from sharing.taxii.filters import (
    OBJECT_FIELDS,
    SINGLE_FIELDS,
    VERSIONS_FIELDS,
    Asked,
    read_filters,
)

_NOTHING: Page[Any] = Page((), (), has_more=False)


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """Its name in cursors and deliveries, what may be asked of it, how it reads and writes."""

    name: str
    fields: tuple[str, ...]
    default: VersionFilter
    find: Callable[..., Page[Any]]
    write: Callable[[Page[Any], str | None], Response]


_OBJECTS = _Endpoint("objects", OBJECT_FIELDS, LAST_VERSION, list_objects, answers.envelope)
_MANIFEST = _Endpoint("manifest", OBJECT_FIELDS, LAST_VERSION, list_manifest, answers.manifest)
_OBJECT = _Endpoint("object", SINGLE_FIELDS, LAST_VERSION, list_objects, answers.envelope)
_VERSIONS = _Endpoint("versions", VERSIONS_FIELDS, ALL_VERSIONS, list_manifest, answers.versions)


def objects(forum: str, ref: str) -> Response:
    """GET /{api-root}/collections/{id}/objects/ (TAXII 2.1 §5.4)."""
    return _serve(_OBJECTS, forum, ref)


def manifest(forum: str, ref: str) -> Response:
    """GET /{api-root}/collections/{id}/manifest/ (TAXII 2.1 §5.3)."""
    return _serve(_MANIFEST, forum, ref)


def one_object(forum: str, ref: str, stix_id: str) -> Response:
    """GET /{api-root}/collections/{id}/objects/{object-id}/ (TAXII 2.1 §5.6)."""
    return _serve(_OBJECT, forum, ref, stix_id)


def versions(forum: str, ref: str, stix_id: str) -> Response:
    """GET /{api-root}/collections/{id}/objects/{object-id}/versions/ (TAXII 2.1 §5.8)."""
    return _serve(_VERSIONS, forum, ref, stix_id)


def _serve(endpoint: _Endpoint, forum: str, ref: str, stix_id: str | None = None) -> Response:
    """One page; raises BadInput, Forbidden, NotFound, and Unavailable when it is not recorded."""
    asked = _of_object(read_filters(request.args, endpoint.fields), stix_id)
    # One instant for all of it: what falls due while this settles is for the next request.
    now_us = current_instant_us()
    answer = _look(endpoint, forum, ref, stix_id, asked, now_us=now_us)
    if isinstance(answer, Entered):
        settle_forum(current_database(), answer.seated.forum_id, now_us=now_us)
        answer = _look(endpoint, forum, ref, stix_id, asked, now_us=now_us)
    if isinstance(answer, Entered):
        raise Unavailable("sharing.cannot-settle", "what has fallen due could not be settled")
    entered, walk, page = answer
    if page.items:
        _record(endpoint, entered, walk, page)
    if not page.has_more:
        return endpoint.write(page, None)
    purpose = purpose_of(entered.seated, entered.collection.uuid, endpoint.name, stix_id)
    rest = walk.going_on_after(page.stamps_us[-1])
    return endpoint.write(page, seal_walk(current_signer(), purpose, rest))


def _look(
    endpoint: _Endpoint,
    forum: str,
    ref: str,
    stix_id: str | None,
    asked: Asked,
    *,
    now_us: int,
) -> tuple[Entered, Walk, Page[Any]] | Entered:
    """The page; only where it would be looked for, while something is overdue.

    Two looks, each one snapshot: what the caller meets there, then the page, which says itself
    where the forum stands by then. Whoever has left in between is shown nothing any more.
    """
    with current_database().ask() as connection:
        entered, head = enter_view(connection, current_reader(), forum, ref)
        check_can_read(entered)
        purpose = purpose_of(entered.seated, entered.collection.uuid, endpoint.name, stix_id)
        walk = walk_of(current_signer(), purpose, asked, endpoint.default)
        if head.is_overdue(now_us):
            return entered
        page = _read(connection, endpoint, entered, walk, head)
        if page.is_overdue(now_us):
            return entered
        if stix_id is not None and not page.items:
            _check_known(connection, entered, stix_id, walk.match.versions)
    return entered, walk, page


def _of_object(asked: Asked, stix_id: str | None) -> Asked:
    """An object by its id is a search for that id (TAXII 2.1 §5.6)."""
    if stix_id is None:
        return asked
    # No id holds a NUL, and PostgreSQL cannot even be asked for one.
    return replace(asked, ids=frozenset() if "\0" in stix_id else frozenset({stix_id}))


def _read(
    connection: Connection, endpoint: _Endpoint, entered: Entered, walk: Walk, head: Head
) -> Page[Any]:
    """The page, without a scan where nothing can be in it."""
    if walk.match.is_empty or head.is_behind(walk.after_us):
        return _NOTHING
    settings = current_settings()
    page: Page[Any] = endpoint.find(
        connection,
        entered.seated,
        entered.collection.id,
        walk.match,
        after_us=walk.after_us,
        limit=min(walk.limit or settings.page_default, settings.page_limit),
        head=head,
    )
    return page


def _check_known(
    connection: Connection, entered: Entered, stix_id: str, versions: VersionFilter
) -> None:
    """Raise NotFound unless the caller sees one of these versions of the object here.

    A known object whose versions the other filters leave out is an empty page; an unknown,
    hidden or deleted one, or version of one, is not found (TAXII 2.1 §5.6, §5.7).
    """
    known = "\0" not in stix_id and has_version(
        connection, entered.seated, entered.collection.id, stix_id, versions
    )
    if not known:
        raise NotFound("sharing.unknown-object", "no such object in this collection")


def _record(endpoint: _Endpoint, entered: Entered, walk: Walk, page: Page[Any]) -> None:
    """Write down what is about to leave; HEAD carries no objects away."""
    if request.method == "HEAD":
        return
    served = Served(
        collection_id=entered.collection.id,
        door=endpoint.name,
        filters=filters_of(walk),
        first_us=page.stamps_us[0],
        last_us=page.stamps_us[-1],
        head=page.seq,
        count=len(page.items),
    )
    record_delivery(current_database(), entered.seated, served, now_us=current_instant_us())
