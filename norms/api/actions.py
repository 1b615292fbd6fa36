"""`/api/v1/norms/actions`: what States do about what was agreed, each State its own.

A drafter drafts, a clearance officer releases to an audience; what is not for the caller is absent.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from flask import Response
from flask_smorest import Blueprint
from marshmallow import fields
from sqlalchemy import Connection

from auth.doors import Permission, current_database, current_reader, door
from norms.api.entering import (
    NORMS,
    SOURCED,
    Sourced,
    as_of,
    expect,
    listing_of,
    named,
    read_body,
    read_day,
    reader_and_now,
)
from norms.api.own_shapes import RELEASE_BODY, SOME_ID, STATES, TEXT, TEXTS, object_of
from norms.api.parties import AsOfQuery
from norms.documents import action_document
from norms.queries.states_own import (
    COLUMNS,
    Action,
    find_action,
    list_actions,
)
from norms.rules.dates import day_of
from norms.rules.progress import KINDS as EVENT_KINDS
from norms.services import actions
from norms.services.own_rows import AUDIENCES
from web.bodies import JSON
from web.listing import Key, ListQuery, answer_json, asks, listed
from web.openapi import body_of
from web.shapes import count, text, text_filter, word, word_filter, words

blueprint = Blueprint(
    "norms-actions", __name__, url_prefix=NORMS, description="What States do about it"
)

_ACTION_BODY: Final = body_of(
    "An action in the columns of the Regional Action Plan.",
    object_of(
        ["plan"],
        **dict.fromkeys((*COLUMNS, "due", "source", "note"), TEXT),
        provisions=TEXTS,
    ),
    {"plan": "A round-the-clock contact", "provisions": ["xx:1"], "due": "2027-06"},
    JSON,
)
_EVENT_BODY: Final = body_of(
    "What became of an action.",
    object_of(
        ["kind", "date"],
        kind={"enum": list(EVENT_KINDS)},
        date={"type": "string"},
        **dict.fromkeys(("body", "link", "digest", "due", "source", "note"), TEXT),
        confidence=TEXT,
    ),
    {"kind": "evidence", "date": "2026-11-20", "link": "https://xaa.example/contact"},
    JSON,
)


class ActionEventSchema(Sourced):
    """One dated event of an action."""

    EXAMPLE: ClassVar = {
        "id": SOME_ID,
        "kind": "evidence",
        "date": "2026-11-20",
        "body": None,
        "link": "https://xaa.example/contact",
        "digest": None,
        "due": None,
        **SOURCED,
    }
    id = text()
    kind = word(*EVENT_KINDS)
    date = text()
    body = text(nullable=True)
    link = text(nullable=True)
    digest = text(nullable=True)
    due = text(nullable=True)


class ActionSchema(Sourced):
    """An implementation action; its status follows from its events as of the day asked about."""

    EXAMPLE: ClassVar = {
        "id": SOME_ID,
        "party": "XAA",
        **dict.fromkeys(COLUMNS),
        "plan": "A round-the-clock contact",
        "provisions": ["xx:1"],
        "pins": ["xx:1|en|1"],
        "due": "2027-06",
        "status": "in-progress",
        "since": "2026-10",
        "evidence": 1,
        "state": "released",
        "audience": "public",
        "parties": None,
        "events": [ActionEventSchema.EXAMPLE],
        **SOURCED,
    }
    id = text()
    party = text()
    provisions = words()
    pins = words()
    due = text(nullable=True)
    status = word("planned", "in-progress", "completed", "discontinued")
    since = text(nullable=True)
    evidence = count()
    state = word(*STATES)
    audience = word(*AUDIENCES)
    parties = words(nullable=True)
    events = fields.List(fields.Nested(ActionEventSchema), required=True)


for _name in COLUMNS:
    ActionSchema._declared_fields[_name] = text(nullable=_name != "plan")  # noqa: SLF001


class ActionQuery(ListQuery):
    """Which actions to list, as of when."""

    as_of = as_of()
    party = text_filter()
    provision = text_filter()
    status = text_filter()
    state = word_filter(*STATES)


@blueprint.route("/actions", methods=["GET"])
@door(Permission.API_READ)
@listed(blueprint, ActionQuery, ActionSchema)
def show_actions(query: dict[str, Any]) -> Response:
    """Implementation actions that the caller may see, by party."""
    with current_database().read() as connection:
        found = list_actions(
            connection,
            current_reader(),
            day=read_day(query["as_of"]),
            party=query["party"],
            provision=query["provision"],
        )
    wanted = [
        one
        for one in found
        if query["state"] in (None, one.state) and query["status"] in (None, one.progress.status)
    ]
    listing = listing_of("actions", query)
    return listing.answer(
        listing.cut(wanted, _action_key), _action_key, action_document, ActionSchema
    )


@blueprint.route("/actions", methods=["POST"])
@door(Permission.API_WRITE)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.doc(requestBody=_ACTION_BODY)
@blueprint.response(201, ActionSchema, example=ActionSchema.EXAMPLE)
def add_action() -> Response:
    """Draft an action. For a drafter of the State; nobody else sees it."""
    reader, now_us = reader_and_now()
    document = read_body()
    with current_database().write() as connection:
        name = actions.draft_action(connection, reader, document, now_us=now_us)
        return _told_action(connection, name, day_of(now_us), 201)


@blueprint.route("/actions/<action>", methods=["GET"])
@door(Permission.API_READ)
@asks(blueprint, AsOfQuery)
@blueprint.response(200, ActionSchema, example=ActionSchema.EXAMPLE)
def show_action(query: dict[str, Any], action: str) -> Response:
    """One action with its events."""
    with current_database().read() as connection:
        return _told_action(connection, action, read_day(query["as_of"]))


@blueprint.route("/actions/<action>", methods=["PUT"])
@door(Permission.API_WRITE)
@blueprint.doc(requestBody=_ACTION_BODY)
@blueprint.alt_response(409, "CONFLICT")
@blueprint.response(200, ActionSchema, example=ActionSchema.EXAMPLE)
def replace_action(action: str) -> Response:
    """Write a draft anew."""
    reader, now_us = reader_and_now()
    name, document = named(action, "action"), read_body()
    with current_database().write() as connection:
        actions.replace_action(connection, reader, name, document, now_us=now_us)
        return _told_action(connection, name, day_of(now_us))


@blueprint.route("/actions/<action>/release", methods=["POST"])
@door(Permission.API_WRITE)
@blueprint.doc(requestBody=RELEASE_BODY)
@blueprint.alt_response(409, "CONFLICT")
@blueprint.response(200, ActionSchema, example=ActionSchema.EXAMPLE)
def release_action(action: str) -> Response:
    """Show a draft to an audience. For a clearance officer of the State."""
    reader, now_us = reader_and_now()
    name, document = named(action, "action"), read_body()
    with current_database().write() as connection:
        actions.release_action(connection, reader, name, document, now_us=now_us)
        return _told_action(connection, name, day_of(now_us))


@blueprint.route("/actions/<action>/withdrawal", methods=["POST"])
@door(Permission.API_WRITE)
@blueprint.response(200, ActionSchema, example=ActionSchema.EXAMPLE)
def withdraw_action(action: str) -> Response:
    """Take an action back."""
    reader, now_us = reader_and_now()
    name = named(action, "action")
    with current_database().write() as connection:
        actions.withdraw_action(connection, reader, name, now_us=now_us)
        return _told_action(connection, name, day_of(now_us))


@blueprint.route("/actions/<action>/events", methods=["POST"])
@door(Permission.API_WRITE)
@blueprint.doc(requestBody=_EVENT_BODY)
@blueprint.alt_response(409, "CONFLICT")
@blueprint.response(201, ActionSchema, example=ActionSchema.EXAMPLE)
def add_action_event(action: str) -> Response:
    """Put on record what became of an action: begun, completed, evidence, a due date moved."""
    reader, now_us = reader_and_now()
    name, document = named(action, "action"), read_body()
    with current_database().write() as connection:
        actions.add_action_event(connection, reader, name, document, now_us=now_us)
        return _told_action(connection, name, day_of(now_us), 201)


def _told_action(connection: Connection, name: str, day: int, status: int = 200) -> Response:
    found = find_action(connection, current_reader(), named(name, "action"), day=day)
    return answer_json(action_document(expect(found, "action")), status)


def _action_key(found: Action) -> Key:
    return (found.party, found.id)
