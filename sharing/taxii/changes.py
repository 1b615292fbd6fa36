"""What changes a collection: adding objects, deleting one (TAXII 2.1 §5.5, §5.7)."""

from __future__ import annotations

from flask import Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from auth.doors import current_database, current_instant_us, current_reader, current_settings
from kernel.errors import BadInput, NotFound, TooLarge, Unprocessable
from kernel.strictjson import Limits
from sharing.queries.matching import ALL_VERSIONS, Match
from sharing.services.contribute import contribute
from sharing.services.withdraw import withdraw
from sharing.taxii.answers import answer, resource
from sharing.taxii.entering import Entered, check_can_read, check_can_write, enter_collection
from sharing.taxii.filters import SINGLE_FIELDS, read_filters
from sharing.taxii.media import check_content_type


def add_objects(forum: str, ref: str) -> Response:
    """POST /{api-root}/collections/{id}/objects/ (TAXII 2.1 §5.5).

    202 with the status resource, complete: each object has been accepted or refused. Raises
    UnsupportedMedia, TooLarge past `max_content_length`, Unprocessable for a body that as a
    whole cannot be read.
    """
    entered = _enter(forum, ref)
    check_can_write(entered)
    check_content_type(request.headers.get("Content-Type"), request.headers.get("Content-Encoding"))
    content = _read_body(most := current_settings().max_content_length)
    try:
        receipt = contribute(
            current_database(),
            entered.seated,
            entered.collection,
            content,
            now_us=current_instant_us(),
            limits=Limits(max_bytes=most),
        )
    except (BadInput, TooLarge) as fault:
        # Not 413: the body is within max_content_length (TAXII 2.1 §4.2.1).
        raise Unprocessable(fault.code, fault.message) from None
    return resource(receipt.document(), 202)


def delete_object(forum: str, ref: str, stix_id: str) -> Response:
    """DELETE /{api-root}/collections/{id}/objects/{object-id}/ (TAXII 2.1 §5.7).

    The caller's own versions that `match[version]` names, else all. Whether the collection may
    be both read and written is settled before the object is looked for.
    """
    asked = read_filters(request.args, SINGLE_FIELDS)
    entered = _enter(forum, ref)
    check_can_read(entered)
    check_can_write(entered)
    versions = asked.versions or ALL_VERSIONS
    if "\0" in stix_id or Match(spec_versions=asked.spec_versions).is_empty:
        raise NotFound("sharing.unknown-object", "no such object in this collection")
    withdraw(
        current_database(),
        entered.seated,
        entered.collection,
        stix_id,
        versions.choose,
        now_us=current_instant_us(),
    )
    return answer(b"")


def _read_body(most: int) -> bytes:
    """The whole body; raises RequestEntityTooLarge when it has more than `most` bytes."""
    # One byte more than promised is let in: a body sent without its length is cut off at this
    # limit in silence, and must not pass for the part that was read.
    request.max_content_length = most + 1
    content = request.get_data(cache=False)
    if len(content) > most:
        raise RequestEntityTooLarge
    return content


def _enter(forum: str, ref: str) -> Entered:
    with current_database().read() as connection:
        return enter_collection(connection, current_reader(), forum, ref)
