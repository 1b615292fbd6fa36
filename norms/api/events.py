"""`/api/v1/norms/events`: what happened, recorded by who may; and confirmations of rows."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from flask import Response
from flask_smorest import Blueprint
from marshmallow import fields

from auth.doors import Permission, current_database, current_reader, door
from auth.queries import find_person_behind
from kernel.errors import Forbidden
from norms.api.entering import (
    NORMS,
    SOURCED,
    Sourced,
    day_filter,
    expect,
    listing_of,
    named,
    read_body,
    reader_and_now,
)
from norms.atom import event_entries
from norms.documents import event_document
from norms.queries.events import RecordedEvent, find_event, list_events
from norms.rules.dates import parse_day
from norms.rules.words import EVENT_KINDS
from norms.services.confirming import NOUNS
from norms.services.declaring import NAMES, declare
from norms.services.registering import DOCUMENT_NAMES, confirm_as_secretariat, register
from web.atom import ATOM, EXAMPLE, answer_feed, feed_here
from web.bodies import JSON
from web.installation import public_base
from web.listing import Key, ListQuery, answer_json, asks, listed
from web.openapi import body_of
from web.shapes import Query, Shape, instant, text, text_filter, word_filter, words

blueprint = Blueprint(
    "norms-events", __name__, url_prefix=NORMS, description="What happened, since when"
)
_ID: Final = "5f2d7c0a-9e4b-4d1c-8a3f-6e2b9d4e1107"
_EVENT_BODY: Final = body_of(
    "Events to record: a State's own acts, or what a secretariat records. Dates may be partial.",
    {
        "type": "object",
        "required": ["events"],
        "additionalProperties": False,
        "properties": {
            "events": {
                "type": "array",
                "minItems": 1,
                "maxItems": 1000,
                "items": {
                    "type": "object",
                    "required": ["kind"],
                    "additionalProperties": False,
                    "properties": {
                        **{name: {"type": ["string", "null"]} for name in sorted(NAMES)},
                        "kind": {"enum": sorted(EVENT_KINDS)},
                        **{
                            name: {"type": "array", "items": {"type": "string"}}
                            for name in ("provisions", "parties", "articles", "pins")
                        },
                    },
                },
            }
        },
    },
    {
        "events": [
            {
                "kind": "interpretative-declaration",
                "instrument": "xx",
                "provisions": ["1"],
                "date": "2026-11-27",
                "body": "Reads it as covering hospitals.",
                "source": "note verbale 7",
            }
        ]
    },
    JSON,
)
_ROWS: Final = {"type": "array", "items": {"type": "object"}}
_RECORD_BODY: Final = body_of(
    "Rows as a catalogue has them, of the secretariat's own forums.",
    {
        "type": "object",
        "additionalProperties": False,
        "properties": dict.fromkeys(sorted(DOCUMENT_NAMES), _ROWS),
    },
    {
        "instruments": [
            {
                "id": "xx",
                "symbol": "HD/1",
                "title": "Harbour decision",
                "legal_character": "voluntary-non-binding",
                "forum": "harbour",
                "adopted": "2018-05",
            }
        ],
        "provisions": [{"instrument": "xx", "path": "1", "short": "Answer requests"}],
    },
    JSON,
)
_CONFIRMATION_BODY: Final = body_of(
    "Which row was compared with what.",
    {
        "type": "object",
        "required": ["kind", "key", "against"],
        "additionalProperties": False,
        "properties": {
            "kind": {"enum": sorted(NOUNS)},
            "key": {"type": "string", "minLength": 1},
            "against": {"type": "string", "minLength": 1, "maxLength": 1000},
        },
    },
    {"kind": "provision", "key": "xx:1", "against": "HD/1"},
    JSON,
)


class EventSchema(Sourced):
    """An event as recorded. A corrected one stays, and says by which."""

    EXAMPLE: ClassVar = {
        "id": _ID,
        "key": None,
        "kind": "reservation",
        "date": "2019-01-01",
        "instrument": "xx",
        "forum": None,
        "party": "XAA",
        "provisions": ["xx:1"],
        "parties": [],
        "basis": None,
        "symbol": None,
        "refers_to": None,
        "corrects": None,
        "corrected_by": None,
        "body": "Reads it otherwise.",
        "detail": {},
        "on_behalf_of": None,
        "objections_until": "2020-01-01",
        "in_time": None,
        "permitted": None,
        "recorded": "2026-11-27T08:30:00.000000Z",
        **SOURCED,
    }
    id = text()
    key = text(nullable=True)
    kind = text()
    date = text("A year, a month or a day, as it was given.")
    instrument = text()
    forum = text(nullable=True)
    party = text(nullable=True)
    provisions = words(about="Empty: all of the instrument.")
    parties = words(about="Those that an adoption binds by name.")
    basis = text(nullable=True)
    symbol = text(nullable=True)
    refers_to = text(nullable=True)
    corrects = text(nullable=True)
    corrected_by = text(nullable=True)
    body = text(nullable=True)
    detail = fields.Dict(required=True)
    on_behalf_of = text(nullable=True)
    objections_until = text("Twelve months after its notification (VCLT 20(5)).", nullable=True)
    in_time = fields.Boolean(required=True, allow_none=True)
    permitted = fields.Boolean(
        required=True,
        allow_none=True,
        metadata={
            "description": "Whether the treaty lists what is reserved against as open to it."
        },
    )
    recorded = instant()


class EventQuery(ListQuery):
    """Which events to list."""

    instrument = text_filter()
    party = text_filter()
    forum = text_filter()
    kind = word_filter(*sorted(EVENT_KINDS))
    from_day = day_filter("Events of this day or later.")
    to_day = day_filter("Events of this day or earlier.")


class EventFeedQuery(Query):
    """Which events are told of."""

    instrument = text_filter()
    party = text_filter()
    forum = text_filter()
    kind = word_filter(*sorted(EVENT_KINDS))


class RecordedSchema(Shape):
    """The ids of the recorded events, in the order of the body; or what waits, as a recording."""

    EXAMPLE: ClassVar = {"events": [_ID], "recording": None}
    events = words()
    recording = text("What waits for a second person of the secretariat.", nullable=True)


class CountsSchema(Shape):
    """By noun, how many rows were added, changed, unchanged, kept."""

    EXAMPLE: ClassVar = {"recorded": {"provision": {"added": 1}}}
    recorded = fields.Dict(required=True)


class ConfirmationSchema(Shape):
    """What was confirmed, by whom, against what."""

    EXAMPLE: ClassVar = {
        "kind": "provision",
        "key": "xx:1",
        "against": "HD/1",
        "confirmed_by": "ann@secretariat.example",
    }
    kind = text()
    key = text()
    against = text()
    confirmed_by = text()


@blueprint.route("/events", methods=["GET"])
@door(Permission.API_READ)
@listed(blueprint, EventQuery, EventSchema)
def show_events(query: dict[str, Any]) -> Response:
    """Events by day, corrected ones too."""
    first, last = query["from_day"], query["to_day"]
    with current_database().read() as connection:
        found = list_events(
            connection,
            current_reader(),
            instrument=query["instrument"],
            party=query["party"],
            forum_slug=query["forum"],
            kinds=[query["kind"]] if query["kind"] else None,
            from_day=parse_day(first) if first else None,
            to_day=parse_day(last) if last else None,
        )
    listing = listing_of("events", query)
    return listing.answer(listing.cut(found, _key), _key, event_document, EventSchema)


@blueprint.route("/events.atom", methods=["GET"])
@door(Permission.API_READ)
@asks(blueprint, EventFeedQuery)
@blueprint.response(200, {"type": "string"}, content_type=ATOM, example=EXAMPLE)
def show_feed(query: dict[str, Any]) -> Response:
    """What was recorded last, as an Atom feed (RFC 4287), corrections too."""
    with current_database().read() as connection:
        found = list_events(
            connection,
            current_reader(),
            instrument=query["instrument"],
            party=query["party"],
            forum_slug=query["forum"],
            kinds=[query["kind"]] if query["kind"] else None,
        )
    feed = feed_here("What was recorded", "/norms/events")
    return answer_feed(feed, event_entries(found, public_base()))


@blueprint.route("/events/<event>", methods=["GET"])
@door(Permission.API_READ)
@blueprint.response(200, EventSchema, example=EventSchema.EXAMPLE)
def show_event(event: str) -> Response:
    """One event."""
    with current_database().read() as connection:
        found = find_event(connection, current_reader(), named(event, "event"))
    return answer_json(event_document(expect(found, "event")))


@blueprint.route("/events", methods=["POST"])
@door(Permission.API_WRITE)
@blueprint.doc(requestBody=_EVENT_BODY)
@blueprint.alt_response(409, "CONFLICT")
@blueprint.alt_response(
    202,
    schema=RecordedSchema,
    example={"events": [], "recording": _ID},
    success=True,
    description="It waits for a second person of the secretariat.",
)
@blueprint.response(201, RecordedSchema, example=RecordedSchema.EXAMPLE)
def record_events() -> Response:
    """Record events, all of them or none; what follows is derived before the answer.

    A State's clearance officer records its own acts and contests what was recorded of it; the
    secretariat of a forum what happened there. Where the forum asks for a second person, it waits
    (202) until another of the secretariat confirms it at `recordings`.
    """
    reader, now_us = reader_and_now()
    document = read_body()
    with current_database().write() as connection:
        declared = declare(connection, reader, document, now_us=now_us)
    told = {"events": list(declared.events), "recording": declared.waits}
    return answer_json(told, 201 if declared.waits is None else 202)


@blueprint.route("/records", methods=["POST"])
@door(Permission.API_WRITE)
@blueprint.doc(requestBody=_RECORD_BODY)
@blueprint.alt_response(409, "CONFLICT")
@blueprint.response(201, CountsSchema, example=CountsSchema.EXAMPLE)
def add_records() -> Response:
    """Record forums, instruments, provisions, links and text pins, as a forum's secretariat."""
    reader, now_us = reader_and_now()
    document = read_body()
    with current_database().write() as connection:
        counts = register(connection, reader, document, now_us=now_us)
    return answer_json({"recorded": counts}, 201)


@blueprint.route("/confirmations", methods=["POST"])
@door(Permission.API_WRITE)
@blueprint.doc(requestBody=_CONFIRMATION_BODY)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.response(201, ConfirmationSchema, example=ConfirmationSchema.EXAMPLE)
def add_confirmation() -> Response:
    """Put on record that the caller's person has compared a row with its source."""
    reader, now_us = reader_and_now()
    document = read_body()
    with current_database().write() as connection:
        person = find_person_behind(connection, reader.actor)
        if person is None or reader.secretariat_of is None:
            raise Forbidden("auth.role-needed", "only a person of a secretariat confirms a row")
        told = confirm_as_secretariat(
            connection, reader, document, person=person.email, now_us=now_us
        )
    return answer_json(told, 201)


def _key(found: RecordedEvent) -> Key:
    return (parse_first(found.date), found.recorded_us, found.id)


def parse_first(date: str) -> str:
    """A partial date so that it sorts by its first day."""
    return f"{date}-01-01"[:10] if len(date) == 4 else f"{date}-01"[:10]
