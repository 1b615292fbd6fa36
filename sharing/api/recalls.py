"""`/api/v1/forums/SLUG/recalls` and `/served`: what is taken back, and from whom.

A recipient finds that what it received is recalled; the originator who had been served, and
who has acknowledged.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Final

from flask import Response
from flask_smorest import Blueprint
from marshmallow import fields, validate
from sqlalchemy import Connection

from auth.doors import Permission, current_database, current_instant_us, current_settings, door
from auth.reader import Seated
from kernel.clock import format_instant, parse_instant
from kernel.errors import BadInput, NotFound
from kernel.strictjson import loads
from sharing.api.documents import OBJECT_EXAMPLE, RECALL, RECALL_EXAMPLE
from sharing.api.entering import (
    FORUM,
    PLACE,
    enter,
    enter_as_member,
    enter_collection,
    listing_of,
)
from sharing.queries.collections import Collection
from sharing.queries.recalls import (
    ReceivedRecall,
    SentRecall,
    Told,
    find_sent,
    list_received_recalls,
    list_sent_recalls,
    list_told,
)
from sharing.services.inquire import find_served
from sharing.services.notices import acknowledge, gather_notices
from sharing.services.recall import NewRecall, check_may_recall, naming, recall
from sharing.services.withdraw import Choose, every_version, unknown_object
from web.bodies import JSON, read_json_body
from web.listing import Key, ListQuery, listed
from web.openapi import body_of
from web.shapes import Instant, Shape, count, flag, instant, text, text_filter, words

_KEYS: Final = frozenset(RECALL["properties"])

blueprint = Blueprint("recalls", __name__, url_prefix=FORUM, description="What is taken back")

_ID, _AT = "2a1c6f0e-5d3b-4e7a-9f00-6b8d1c2e3f40", "2026-11-27T08:30:00.000000Z"
_BODY: Final = body_of(
    "What is recalled. `collection` is an id or an alias; `reason` is told to those who had been "
    "served it; without `versions`, every one.",
    RECALL,
    RECALL_EXAMPLE,
    JSON,
)


class RecallSchema(Shape):
    """That versions which the caller received are recalled; `acknowledged` is null until it is."""

    EXAMPLE: ClassVar = {
        "id": _ID,
        "collection": PLACE,
        "object_id": OBJECT_EXAMPLE["id"],
        "versions": [OBJECT_EXAMPLE["modified"]],
        "reason": "The host belongs to somebody else.",
        "told": _AT,
        "acknowledged": None,
    }
    id = text()
    collection = text()
    object_id = text()
    versions = words()
    reason = text()
    told = instant()
    acknowledged = instant(nullable=True)


class SentRecallSchema(Shape):
    """A recall that the caller's member has sent."""

    EXAMPLE: ClassVar = {
        "id": _ID,
        "collection": PLACE,
        "object_id": OBJECT_EXAMPLE["id"],
        "versions": [OBJECT_EXAMPLE["modified"]],
        "reason": "The host belongs to somebody else.",
        "never_return": False,
        "keep": False,
        "recalled": _AT,
        "told": 2,
        "acknowledged": 1,
    }
    id = text()
    collection = text()
    object_id = text()
    versions = words()
    reason = text()
    never_return = flag()
    keep = flag()
    recalled = instant()
    told = count("How many recipients.")
    acknowledged = count("How many of them.")


class ServedSchema(Shape):
    """What one recipient was served of one version: its content, or only that there is one."""

    EXAMPLE: ClassVar = {
        "recipient": "XBB",
        "version": OBJECT_EXAMPLE["modified"],
        "content": True,
        "less": ["description"],
        "served": _AT,
    }
    recipient = text()
    version = instant()
    content = flag()
    less = words(about="Properties that it never got.")
    served = instant("When it was served last.")


class NoticeSchema(ServedSchema):
    """The same for a recall, with the receipt; `acknowledged` is null until there is one."""

    EXAMPLE: ClassVar = ServedSchema.EXAMPLE | {"acknowledged": _AT}
    acknowledged = instant(nullable=True)


class ReceiptSchema(Shape):
    """That the caller's member or partner took note of a recall."""

    EXAMPLE: ClassVar = {"id": _ID, "acknowledged": _AT}
    id = text()
    acknowledged = instant()


class RecallQuery(ListQuery):
    """Which recalls to list: told (sent: recalled) at or after `since`, before `until`."""

    collection = text_filter()
    object_id = text_filter()
    since = Instant()
    until = Instant()


class NoticeQuery(ListQuery):
    """Which notices of a recall to list."""

    recipient = text_filter()


class ServedQuery(NoticeQuery):
    """Of which object, and of which of its versions."""

    collection = fields.String(required=True, validate=validate.Length(1, 300))
    id = fields.String(required=True, validate=validate.Length(1, 300))
    version = Instant()


@blueprint.route("/recalls", methods=["GET"])
@door(Permission.API_READ)
@listed(blueprint, RecallQuery, RecallSchema)
def show_recalls(query: dict[str, Any], forum: str) -> Response:
    """The recalls of what the caller was served, in the order of being told."""
    seated = _gathered(enter, forum)
    with current_database().read() as connection:
        found = list_received_recalls(connection, seated)
    listing = listing_of(seated, "recalls", query)
    wanted = [one for one in found if _is_asked_for(one, query)]
    return listing.answer(
        listing.cut(wanted, _key),
        _key,
        ReceivedRecall.document,
        RecallSchema,
    )


@blueprint.route("/recalls/<recall_id>/receipt", methods=["POST"])
@door(Permission.API)
@blueprint.response(200, ReceiptSchema, example=ReceiptSchema.EXAMPLE)
def acknowledge_recall(forum: str, recall_id: str) -> dict[str, Any]:
    """Take note of a recall; whoever may read notices may. The originator sees the receipt."""
    seated = _gathered(enter, forum)
    at_us = acknowledge(current_database(), seated, recall_id, now_us=current_instant_us())
    return {"id": recall_id, "acknowledged": format_instant(at_us)}


@blueprint.route("/recalls", methods=["POST"])
@door(Permission.API_WRITE)
@blueprint.doc(requestBody=_BODY, responses={"409": "CONFLICT"})
@blueprint.response(201, SentRecallSchema, example=SentRecallSchema.EXAMPLE)
def send_recall(forum: str) -> dict[str, Any]:
    """Recall the member's own versions, and tell whoever had been served them.

    For a person with the role contributor or policy-officer, or a feed that contributes.
    """
    with current_database().read() as connection:
        seated = enter_as_member(connection, forum)[0]
        check_may_recall(seated)
        ref, new = _read_recall(read_json_body(current_settings().max_content_length))
        place = _enter_collection(connection, seated, ref)
    recall(current_database(), seated, place, new, now_us=current_instant_us())
    with current_database().read() as connection:
        sent = find_sent(connection, seated, new.uuid)
        if sent is None:
            raise _unknown()
        return _sent(connection, seated, sent)


@blueprint.route("/recalls/sent", methods=["GET"])
@door(Permission.API_READ)
@listed(blueprint, RecallQuery, SentRecallSchema)
def show_sent_recalls(query: dict[str, Any], forum: str) -> Response:
    """The recalls that the caller's member has sent, oldest first."""
    seated = _gathered(_enter_as_recaller, forum)
    listing = listing_of(seated, "recalls-sent", query)
    with current_database().read() as connection:
        wanted = [one for one in list_sent_recalls(connection, seated) if _is_asked_for(one, query)]
        page = listing.cut(wanted, _key)
        return listing.answer(
            page,
            _key,
            lambda one: _sent(connection, seated, one),
            SentRecallSchema,
        )


@blueprint.route("/recalls/sent/<recall_id>", methods=["GET"])
@door(Permission.API_READ)
@listed(blueprint, NoticeQuery, NoticeSchema)
def show_notices(query: dict[str, Any], forum: str, recall_id: str) -> Response:
    """Whom a recall of the member's has told, what each had been served, and the receipts."""
    seated = _gathered(_enter_as_recaller, forum)
    with current_database().read() as connection:
        sent = find_sent(connection, seated, recall_id)
        if sent is None:
            raise _unknown()
        told = list_told(connection, seated, sent)
    return _told_page(seated, told, query, recall_id, NoticeSchema)


@blueprint.route("/served", methods=["GET"])
@door(Permission.API_READ)
@listed(blueprint, ServedQuery, ServedSchema)
def show_served(query: dict[str, Any], forum: str) -> Response:
    """Who had been served what of one of the member's own objects, from the log of deliveries.

    For those who may recall it.
    """
    with current_database().read() as connection:
        seated = _enter_as_recaller(connection, forum)
        place = _enter_collection(connection, seated, query["collection"])
    if "\0" in query["id"]:
        raise unknown_object()
    told = find_served(
        current_database(),
        seated,
        place,
        query["id"],
        query["version"],
        now_us=current_instant_us(),
    )
    about = f"{place.uuid} {query['id']}"
    return _told_page(seated, told, query, about, ServedSchema)


def _key(one: ReceivedRecall | SentRecall | Told) -> Key:
    return one.key


def _gathered(entering: Callable[[Connection, str], Seated], forum: str) -> Seated:
    """The caller's place, with every notice written that has to be."""
    with current_database().read() as connection:
        seated = entering(connection, forum)
    gather_notices(current_database(), seated.forum_id, now_us=current_instant_us())
    return seated


def _enter_as_recaller(connection: Connection, forum: str) -> Seated:
    seated, _ = enter_as_member(connection, forum)
    check_may_recall(seated)
    return seated


def _enter_collection(connection: Connection, seated: Seated, ref: str) -> Collection:
    """A collection of the member's, whether or not the person reads or writes objects."""
    member = replace(seated, reader=replace(seated.reader, roles=None))
    return enter_collection(connection, member, ref)


def _is_asked_for(one: ReceivedRecall | SentRecall, query: Mapping[str, Any]) -> bool:
    since_us, until_us = query["since"], query["until"]
    return (
        query["collection"] in (None, one.collection)
        and query["object_id"] in (None, one.stix_id)
        and (since_us is None or one.at_us >= since_us)
        and (until_us is None or one.at_us < until_us)
    )


def _sent(connection: Connection, seated: Seated, sent: SentRecall) -> dict[str, Any]:
    return sent.document(list_told(connection, seated, sent))


def _told_page(
    seated: Seated, told: list[Told], query: dict[str, Any], about: str, shape: type[Shape]
) -> Response:
    listing = listing_of(seated, "served", query, about=about)
    wanted = [one for one in told if query["recipient"] in (None, one.recipient)]
    columns = shape().fields
    return listing.answer(
        listing.cut(wanted, _key),
        _key,
        lambda one: {name: value for name, value in one.document().items() if name in columns},
        shape,
    )


def _unknown() -> NotFound:
    return NotFound("sharing.unknown-recall", "your member has sent no such recall")


def _read_recall(content: bytes) -> tuple[str, NewRecall]:
    """The collection, and what is recalled. Raises BadInput (`sharing.bad-recall`)."""
    value = loads(content)
    if not isinstance(value, dict):
        raise _bad("the body is a JSON object")
    if unknown := value.keys() - _KEYS:
        raise _bad(f"{min(unknown)!r} is no key of a recall")
    ref, stix_id, reason = (_text(value, name) for name in ("collection", "id", "reason"))
    flags = [value.get(name, False) for name in ("never_return", "keep")]
    if not all(isinstance(flag, bool) for flag in flags):
        raise _bad("never_return and keep are true or false")
    new = NewRecall(str(uuid.uuid4()), stix_id, reason, _choosing(value), *flags)
    return ref, new


def _text(value: Mapping[str, Any], name: str) -> str:
    text = value.get(name)
    if not isinstance(text, str) or "\0" in text:
        raise _bad(f"{name} is needed, and is text")
    return text


def _choosing(value: Mapping[str, Any]) -> Choose:
    if "versions" not in value:
        return every_version
    versions = value["versions"]
    if not isinstance(versions, list) or not versions or not _are_texts(versions):
        raise _bad("versions is a list of instants; leave it out to recall every version")
    return naming([parse_instant(one) for one in versions])


def _are_texts(values: list[Any]) -> bool:
    return all(isinstance(one, str) for one in values)


def _bad(message: str) -> BadInput:
    return BadInput("sharing.bad-recall", message)
