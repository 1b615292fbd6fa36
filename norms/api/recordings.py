"""`/api/v1/norms/recordings`: what waits for a second person of the caller's secretariat."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from flask import Response
from flask_smorest import Blueprint
from marshmallow import fields
from sqlalchemy import Connection

from auth.doors import Permission, current_database, door
from auth.reader import Reader
from norms.api.entering import NORMS, expect, listing_of, named, read_body, reader_and_now
from norms.api.own_shapes import TEXT, object_of
from norms.documents import recording_document
from norms.queries.recordings import Recording, find_recording, list_recordings
from norms.rules.four_eyes import STATES, WAITING
from norms.services.recordings import confirm_recording, refuse_recording
from web.bodies import JSON
from web.listing import Key, ListQuery, answer_json, listed
from web.openapi import body_of
from web.shapes import Shape, instant, text, word, word_filter, words

blueprint = Blueprint(
    "norms-recordings", __name__, url_prefix=NORMS, description="Four eyes of a secretariat"
)
_ID: Final = "5f2d7c0a-9e4b-4d1c-8a3f-6e2b9d4e1108"
_REFUSAL_BODY: Final = body_of(
    "That it is not to be recorded; a reason is for the secretariat alone.",
    object_of([], reason=TEXT),
    {"reason": "The date is another."},
    JSON,
)


class RecordingSchema(Shape):
    """Events that one person of a secretariat recorded, and what became of them. They count from
    their confirmation by another person on; nobody else sees what waits, or was refused.
    """

    EXAMPLE: ClassVar = {
        "id": _ID,
        "state": WAITING,
        "events": [{"kind": "adoption", "instrument": "xx", "date": "2026-11-27"}],
        "recorded_by": "ann@secretariat.example",
        "recorded": "2026-11-27T08:30:00.000000Z",
        "decided_by": None,
        "decided": None,
        "reason": None,
        "became": [],
    }
    id = text()
    state = word(*STATES)
    events = fields.List(fields.Dict(), required=True)
    recorded_by = text()
    recorded = instant()
    decided_by = text(nullable=True)
    decided = instant(nullable=True)
    reason = text(nullable=True)
    became = words(about="The ids of the events on record.")


class RecordingQuery(ListQuery):
    """Which of them to list."""

    state = word_filter(*STATES)


@blueprint.route("/recordings", methods=["GET"])
@door(Permission.API_READ)
@listed(blueprint, RecordingQuery, RecordingSchema)
def show_recordings(query: dict[str, Any]) -> Response:
    """What the caller's secretariat records with four eyes, the oldest first; else nothing."""
    reader, _now_us = reader_and_now()
    with current_database().read() as connection:
        found = list_recordings(connection, reader, state=query["state"])
    listing = listing_of("recordings", query)
    return listing.answer(listing.cut(found, _key), _key, recording_document, RecordingSchema)


@blueprint.route("/recordings/<recording>", methods=["GET"])
@door(Permission.API_READ)
@blueprint.response(200, RecordingSchema, example=RecordingSchema.EXAMPLE)
def show_recording(recording: str) -> Response:
    """One of them."""
    reader, _now_us = reader_and_now()
    with current_database().read() as connection:
        return _told(connection, reader, named(recording, "recording"))


@blueprint.route("/recordings/<recording>/confirmation", methods=["POST"])
@door(Permission.API_WRITE)
@blueprint.alt_response(409, "CONFLICT")
@blueprint.response(200, RecordingSchema, example=RecordingSchema.EXAMPLE)
def confirm(recording: str) -> Response:
    """Put it on record, as another person of the secretariat than who recorded it."""
    reader, now_us = reader_and_now()
    name = named(recording, "recording")
    with current_database().write() as connection:
        confirm_recording(connection, reader, name, now_us=now_us)
        return _told(connection, reader, name)


@blueprint.route("/recordings/<recording>/refusal", methods=["POST"])
@door(Permission.API_WRITE)
@blueprint.doc(requestBody=_REFUSAL_BODY)
@blueprint.alt_response(409, "CONFLICT")
@blueprint.response(200, RecordingSchema, example=RecordingSchema.EXAMPLE)
def refuse(recording: str) -> Response:
    """Refuse it, as any person of the secretariat; who recorded it takes it back so."""
    reader, now_us = reader_and_now()
    name, document = named(recording, "recording"), read_body()
    with current_database().write() as connection:
        refuse_recording(connection, reader, name, document, now_us=now_us)
        return _told(connection, reader, name)


def _told(connection: Connection, reader: Reader, name: str) -> Response:
    found = expect(find_recording(connection, reader, name), "recording")
    return answer_json(recording_document(found))


def _key(found: Recording) -> Key:
    return (found.recorded_us, found.id)
