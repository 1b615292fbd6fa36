"""`/api/v1/norms/positions`: what States say about what was agreed, each State its own.

A drafter drafts, a clearance officer releases to an audience; what is not for the caller is absent.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from flask import Response
from flask_smorest import Blueprint
from sqlalchemy import Connection

from auth.doors import Permission, current_database, current_reader, door
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
from norms.api.own_shapes import RELEASE_BODY, SOME_ID, STATES, TEXT, TEXTS, object_of
from norms.documents import position_document
from norms.queries.states_own import (
    Position,
    find_position,
    list_positions,
)
from norms.services import positions
from norms.services.own_rows import AUDIENCES
from web.bodies import JSON
from web.listing import Key, ListQuery, answer_json, listed
from web.openapi import body_of
from web.shapes import flag, text, text_filter, word, word_filter, words

blueprint = Blueprint(
    "norms-positions", __name__, url_prefix=NORMS, description="What States say about it"
)

_POSITION_NAMES: Final = {
    **dict.fromkeys(
        ("language", "forum", "instrument", "supersedes", "source", "note", "party"), TEXT
    ),
    **{name: {"type": "string"} for name in ("title", "body", "date")},
    "kind": {"enum": list(positions.KINDS)},
    "provisions": TEXTS,
}
_POSITION: Final = {
    "kind": "national-position",
    "title": "On hospitals",
    "body": "Hospitals are critical infrastructure.",
    "date": "2026-11-27",
    "provisions": ["xx:1"],
}
_POSITION_BODY: Final = body_of(
    "A position in the State's own words.",
    object_of(["title", "body", "date"], **_POSITION_NAMES),
    _POSITION,
    JSON,
)
_RECORDED_BODY: Final = body_of(
    "What a State has said in public in the secretariat's forum.",
    object_of(["title", "body", "date", "party", "forum", "source"], **_POSITION_NAMES),
    {**_POSITION, "party": "XAA", "forum": "harbour", "source": "HD/1, annex"},
    JSON,
)


class PositionSchema(Sourced):
    """A position, view or explanation; `parties` are told to its own State alone."""

    EXAMPLE: ClassVar = {
        "id": SOME_ID,
        "party": "XAA",
        "kind": "national-position",
        "title": "On hospitals",
        "body": "Hospitals are critical infrastructure.",
        "language": "en",
        "date": "2026-11-27",
        "forum": None,
        "instrument": None,
        "provisions": ["xx:1"],
        "pins": ["xx:1|en|1"],
        "supersedes": None,
        "superseded": False,
        "state": "released",
        "audience": "public",
        "parties": None,
        **SOURCED,
    }
    id = text()
    party = text()
    kind = word(*positions.KINDS)
    title = text()
    body = text()
    language = text()
    date = text()
    forum = text(nullable=True)
    instrument = text(nullable=True)
    provisions = words()
    pins = words(about="The words that it answers, as they were pinned when it was written.")
    supersedes = text(nullable=True)
    superseded = flag()
    state = word(*STATES)
    audience = word(*AUDIENCES)
    parties = words(nullable=True)


class PositionQuery(ListQuery):
    """Which positions to list."""

    party = text_filter()
    kind = word_filter(*positions.KINDS)
    provision = text_filter()
    state = word_filter(*STATES)


@blueprint.route("/positions", methods=["GET"])
@door(Permission.API_READ)
@listed(blueprint, PositionQuery, PositionSchema)
def show_positions(query: dict[str, Any]) -> Response:
    """Positions that the caller may see, by party and date."""
    with current_database().read() as connection:
        found = list_positions(
            connection,
            current_reader(),
            party=query["party"],
            kind=query["kind"],
            provision=query["provision"],
        )
    wanted = [one for one in found if query["state"] in (None, one.state)]
    listing = listing_of("positions", query)
    return listing.answer(
        listing.cut(wanted, _position_key), _position_key, position_document, PositionSchema
    )


@blueprint.route("/positions", methods=["POST"])
@door(Permission.API_WRITE)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.doc(requestBody=_POSITION_BODY)
@blueprint.response(201, PositionSchema, example=PositionSchema.EXAMPLE)
def add_position() -> Response:
    """Draft a position. For a drafter of the State; nobody else sees it."""
    reader, now_us = reader_and_now()
    document = read_body()
    with current_database().write() as connection:
        name = positions.draft_position(connection, reader, document, now_us=now_us)
        return _told_position(connection, name, 201)


@blueprint.route("/positions/recorded", methods=["POST"])
@door(Permission.API_WRITE)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.doc(requestBody=_RECORDED_BODY)
@blueprint.response(201, PositionSchema, example=PositionSchema.EXAMPLE)
def add_recorded_position() -> Response:
    """Record what a State said in public in the secretariat's forum, marked as recorded by it."""
    reader, now_us = reader_and_now()
    document = read_body()
    with current_database().write() as connection:
        name = positions.record_position(connection, reader, document, now_us=now_us)
        return _told_position(connection, name, 201)


@blueprint.route("/positions/<position>", methods=["GET"])
@door(Permission.API_READ)
@blueprint.response(200, PositionSchema, example=PositionSchema.EXAMPLE)
def show_position(position: str) -> Response:
    """One position."""
    with current_database().read() as connection:
        return _told_position(connection, position)


@blueprint.route("/positions/<position>", methods=["PUT"])
@door(Permission.API_WRITE)
@blueprint.doc(requestBody=_POSITION_BODY)
@blueprint.alt_response(409, "CONFLICT")
@blueprint.response(200, PositionSchema, example=PositionSchema.EXAMPLE)
def replace_position(position: str) -> Response:
    """Write a draft anew."""
    reader, now_us = reader_and_now()
    name, document = named(position, "position"), read_body()
    with current_database().write() as connection:
        positions.replace_position(connection, reader, name, document, now_us=now_us)
        return _told_position(connection, name)


@blueprint.route("/positions/<position>/release", methods=["POST"])
@door(Permission.API_WRITE)
@blueprint.doc(requestBody=RELEASE_BODY)
@blueprint.alt_response(409, "CONFLICT")
@blueprint.response(200, PositionSchema, example=PositionSchema.EXAMPLE)
def release_position(position: str) -> Response:
    """Show a draft to an audience. For a clearance officer of the State."""
    reader, now_us = reader_and_now()
    name, document = named(position, "position"), read_body()
    with current_database().write() as connection:
        positions.release_position(connection, reader, name, document, now_us=now_us)
        return _told_position(connection, name)


@blueprint.route("/positions/<position>/withdrawal", methods=["POST"])
@door(Permission.API_WRITE)
@blueprint.response(200, PositionSchema, example=PositionSchema.EXAMPLE)
def withdraw_position(position: str) -> Response:
    """Take a position back: only its State goes on seeing it."""
    reader, now_us = reader_and_now()
    name = named(position, "position")
    with current_database().write() as connection:
        positions.withdraw_position(connection, reader, name, now_us=now_us)
        return _told_position(connection, name)


def _told_position(connection: Connection, name: str, status: int = 200) -> Response:
    found = find_position(connection, current_reader(), named(name, "position"))
    return answer_json(position_document(expect(found, "position")), status)


def _position_key(found: Position) -> Key:
    return (found.party, found.date, found.id)
