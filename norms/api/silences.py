"""`/api/v1/norms/silence-procedures`: drafts that are adopted if nobody objects in time."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from flask import Response
from flask_smorest import Blueprint
from sqlalchemy import Connection

from auth.doors import Permission, current_database, door
from auth.reader import Reader
from norms.api.entering import (
    NORMS,
    SOURCED,
    Sourced,
    expect,
    listing_of,
    named,
    read_body,
    reader_and_now,
)
from norms.api.own_shapes import SOME_ID, TEXT, object_of
from norms.documents import silence_document
from norms.queries.silences import Silence, find_silence, list_silences
from norms.rules.silence import ADOPTED, BROKEN, HELD, RUNNING, WITHDRAWN
from norms.services import silences
from web.bodies import JSON
from web.listing import Key, ListQuery, answer_json, listed
from web.openapi import body_of
from web.shapes import instant, text, text_filter, word, word_filter, words

blueprint = Blueprint(
    "norms-silences", __name__, url_prefix=NORMS, description="Adopted unless somebody objects"
)
STATES: Final = (RUNNING, HELD, ADOPTED, BROKEN, WITHDRAWN)
_DEADLINE: Final = {"type": "string", "format": "date-time"}
_BODY: Final = body_of(
    "What is circulated, until when: an instant, with the zone in which it was set.",
    object_of(
        ["title", "symbol", "deadline"],
        title={"type": "string"},
        symbol={"type": "string"},
        deadline=_DEADLINE,
        zone=TEXT,
        source=TEXT,
        note=TEXT,
    ),
    {
        "title": "Draft decision on contacts",
        "symbol": "HD/DRAFT/2",
        "deadline": "2027-01-15T11:00:00Z",
        "zone": "Europe/Vienna",
    },
    JSON,
)
_EXTENSION_BODY: Final = body_of(
    "A later deadline.",
    object_of(["deadline"], deadline=_DEADLINE, zone=TEXT, source=TEXT, note=TEXT),
    {"deadline": "2027-01-20T11:00:00Z"},
    JSON,
)
_OBJECTION_BODY: Final = body_of(
    "That silence is broken; a reason is not asked for. The secretariat names whose objection.",
    object_of([], body=TEXT, party=TEXT, source=TEXT, note=TEXT),
    {},
    JSON,
)
_END_BODY: Final = body_of(
    "`withdrawn`, or that what was held is `adopted`.",
    object_of(["kind"], kind={"enum": [ADOPTED, WITHDRAWN]}),
    {"kind": "adopted"},
    JSON,
)


class SilenceSchema(Sourced):
    """A silence procedure and what it is now. After an unbroken deadline it is `held`, until the
    secretariat records the adoption; `broken_by` is told to members of the forum alone.
    """

    EXAMPLE: ClassVar = {
        "id": SOME_ID,
        "forum": "harbour",
        "title": "Draft decision on contacts",
        "symbol": "HD/DRAFT/2",
        "circulated": "2026-11-27T08:30:00.000000Z",
        "deadline": "2027-01-15T11:00:00.000000Z",
        "zone": "Europe/Vienna",
        "state": RUNNING,
        "since": "2026-11-27T08:30:00.000000Z",
        "broken_by": None,
        **SOURCED,
    }
    id = text()
    forum = text()
    title = text()
    symbol = text()
    circulated = instant()
    deadline = instant()
    zone = text("In which the deadline was set (IANA).")
    state = word(*STATES)
    since = instant()
    broken_by = words(nullable=True)


class SilenceQuery(ListQuery):
    """Which procedures to list."""

    forum = text_filter()
    state = word_filter(*STATES)


@blueprint.route("/silence-procedures", methods=["GET"])
@door(Permission.API_READ)
@listed(blueprint, SilenceQuery, SilenceSchema)
def show_silences(query: dict[str, Any]) -> Response:
    """Silence procedures by deadline."""
    reader, now_us = reader_and_now()
    with current_database().read() as connection:
        found = list_silences(connection, reader, now_us=now_us, forum_slug=query["forum"])
    wanted = [one for one in found if query["state"] in (None, one.state.status)]
    listing = listing_of("silence-procedures", query)
    return listing.answer(listing.cut(wanted, _key), _key, silence_document, SilenceSchema)


@blueprint.route("/forums/<slug>/silence-procedures", methods=["POST"])
@door(Permission.API_WRITE)
@blueprint.doc(requestBody=_BODY)
@blueprint.response(201, SilenceSchema, example=SilenceSchema.EXAMPLE)
def circulate(slug: str) -> Response:
    """Circulate a draft under silence. For the forum's secretariat."""
    reader, now_us = reader_and_now()
    document = read_body()
    with current_database().write() as connection:
        name = silences.circulate(connection, reader, slug, document, now_us=now_us)
        return _told(connection, reader, name, now_us, 201)


@blueprint.route("/silence-procedures/<procedure>", methods=["GET"])
@door(Permission.API_READ)
@blueprint.response(200, SilenceSchema, example=SilenceSchema.EXAMPLE)
def show_silence(procedure: str) -> Response:
    """One procedure."""
    reader, now_us = reader_and_now()
    with current_database().read() as connection:
        return _told(connection, reader, named(procedure, "silence"), now_us)


@blueprint.route("/silence-procedures/<procedure>/extension", methods=["POST"])
@door(Permission.API_WRITE)
@blueprint.doc(requestBody=_EXTENSION_BODY)
@blueprint.alt_response(409, "CONFLICT")
@blueprint.response(200, SilenceSchema, example=SilenceSchema.EXAMPLE)
def extend(procedure: str) -> Response:
    """Give more time, while silence runs. For the forum's secretariat."""
    reader, now_us = reader_and_now()
    name, document = named(procedure, "silence"), read_body()
    with current_database().write() as connection:
        silences.extend(connection, reader, name, document, now_us=now_us)
        return _told(connection, reader, name, now_us)


@blueprint.route("/silence-procedures/<procedure>/objection", methods=["POST"])
@door(Permission.API_WRITE)
@blueprint.doc(requestBody=_OBJECTION_BODY)
@blueprint.alt_response(409, "CONFLICT")
@blueprint.response(200, SilenceSchema, example=SilenceSchema.EXAMPLE)
def object_(procedure: str) -> Response:
    """Break silence, before the deadline. For a clearance officer of a member of the forum."""
    reader, now_us = reader_and_now()
    name, document = named(procedure, "silence"), read_body()
    with current_database().write() as connection:
        silences.break_silence(connection, reader, name, document, now_us=now_us)
        return _told(connection, reader, name, now_us)


@blueprint.route("/silence-procedures/<procedure>/end", methods=["POST"])
@door(Permission.API_WRITE)
@blueprint.doc(requestBody=_END_BODY)
@blueprint.alt_response(409, "CONFLICT")
@blueprint.response(200, SilenceSchema, example=SilenceSchema.EXAMPLE)
def end(procedure: str) -> Response:
    """Withdraw a procedure, or record the adoption of what was held. A clock does neither."""
    reader, now_us = reader_and_now()
    name, document = named(procedure, "silence"), read_body()
    with current_database().write() as connection:
        silences.end(connection, reader, name, document, now_us=now_us)
        return _told(connection, reader, name, now_us)


def _told(
    connection: Connection, reader: Reader, name: str, now_us: int, status: int = 200
) -> Response:
    found = find_silence(connection, reader, name, now_us=now_us)
    return answer_json(silence_document(expect(found, "silence")), status)


def _key(found: Silence) -> Key:
    return (found.state.deadline_us, found.id)
