"""`/api/v1/jobs`: long work that a person has asked for at the pages, how far it is, its outcome.

For a credential of that person. What was made as a file is fetched at its page, by the session of
whoever asked: objects travel by TAXII.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Final

from flask import Response
from flask_smorest import Blueprint
from marshmallow import fields
from sqlalchemy import Connection

from auth.doors import Permission, current_database, current_instant_us, current_reader, door
from auth.queries import find_person_behind
from auth.reader import Reader
from kernel.errors import Forbidden
from sharing.api.entering import PLACE
from sharing.queries.jobs import (
    KINDS,
    STATES,
    JobFilter,
    find_job,
    list_jobs,
    list_refusals,
    outcome_document,
    refusal_document,
)
from sharing.services.jobs import cancel_job, unknown_job
from web.listing import ListQuery, answer_json, listed, make_listing
from web.openapi import PREFIX
from web.shapes import Shape, count, instant, text, text_filter, word, word_filter

blueprint = Blueprint(
    "jobs", __name__, url_prefix=f"{PREFIX}/jobs", description="Long work that a person asked for"
)

_ID: Final = "638708a2-3f1f-412d-bb08-59ad6a2ba486"


class LongWorkSchema(Shape):
    """One piece of long work. `outcome` is what came of it so far: of an import `contributed`,
    `known`, `refused` and `notes`; of an export `count`, `left_out` and `bytes`; of a policy its
    `version`. `simulation` is the trial that was made, or that the policy is applied by.
    """

    EXAMPLE: ClassVar = {
        "id": _ID,
        "kind": "import",
        "forum": "harbour",
        "collection": PLACE,
        "name": "file.json",
        "state": "done",
        "done": 3,
        "total": 3,
        "code": None,
        "reason": None,
        "asked": "2026-11-27T08:30:00.000000Z",
        "ended": "2026-11-27T08:31:00.000000Z",
        "simulation": None,
        "outcome": {"contributed": 2, "known": 0, "refused": 1, "notes": {}},
    }
    id = text()
    kind = word(*KINDS)
    forum = text()
    collection = text(nullable=True)
    name = text("Of the file that came in, or goes out.")
    state = word(*STATES)
    done = count()
    total = count("0 until it is known.")
    code = text(nullable=True)
    reason = text(nullable=True)
    asked = instant()
    ended = instant(nullable=True)
    simulation = text(nullable=True)
    outcome = fields.Dict(required=True)


class LongWorkQuery(ListQuery):
    """Which long work to list."""

    kind = word_filter(*KINDS)
    state = word_filter(*STATES)
    forum = text_filter()


class NotTakenQuery(ListQuery):
    """Which refusals to list."""

    code = text_filter()


class NotTakenSchema(Shape):
    """An object of an imported file that was not taken, and why."""

    EXAMPLE: ClassVar = {
        "place": "line 3",
        "id": None,
        "version": None,
        "code": "sharing.not-an-object",
        "reason": "this is no object",
    }
    place = text("`line 3`, or `index 2` of a list.")
    id = text(nullable=True)
    version = text(nullable=True)
    code = text()
    reason = text()


@blueprint.route("", methods=["GET"])
@door(Permission.API_READ)
@listed(blueprint, LongWorkQuery, LongWorkSchema)
def show_jobs(query: dict[str, Any]) -> Response:
    """What the person has asked for in every forum, the newest first; kept for a week."""
    with current_database().read() as connection:
        reader = _asker(connection)
        listing = make_listing("jobs", reader.actor, query)
        wanted = JobFilter(query["kind"], query["state"], query["forum"])
        found = list_jobs(connection, reader, wanted, before=listing.after, limit=listing.limit)
    return listing.answer(found, lambda job: job.key, outcome_document, LongWorkSchema)


@blueprint.route("/<job_id>", methods=["GET"])
@door(Permission.API_READ)
@blueprint.response(200, LongWorkSchema, example=LongWorkSchema.EXAMPLE)
def show_job(job_id: str) -> Response:
    """How far it is, and what came of it so far."""
    with current_database().read() as connection:
        return _told(connection, _asker(connection), job_id)


@blueprint.route("/<job_id>/refusals", methods=["GET"])
@door(Permission.API_READ)
@listed(blueprint, NotTakenQuery, NotTakenSchema)
def show_refusals(query: dict[str, Any], job_id: str) -> Response:
    """What an import did not take, in the order in which it was come upon; others have none."""
    with current_database().read() as connection:
        reader = _asker(connection)
        job = find_job(connection, reader, _named(job_id))
        if job is None:
            raise unknown_job()
        listing = make_listing("job-refusals", f"{reader.actor} {job.id}", query)
        (after,) = listing.after or (0,)
        found = list_refusals(
            *(connection, reader, job.id), after=after, limit=listing.limit, code=query["code"]
        )
    return listing.answer(found, lambda one: (one.number,), refusal_document, NotTakenSchema)


@blueprint.route("/<job_id>/cancellation", methods=["POST"])
@door(Permission.API_WRITE)
@blueprint.alt_response(409, "CONFLICT")
@blueprint.response(200, LongWorkSchema, example=LongWorkSchema.EXAMPLE)
def cancel(job_id: str) -> Response:
    """Do nothing more of it; what an import had contributed stays."""
    database = current_database()
    with database.read() as connection:
        reader = _asker(connection)
    cancel_job(database, reader, _named(job_id), now_us=current_instant_us())
    with database.read() as connection:
        return _told(connection, reader, job_id)


def _asker(connection: Connection) -> Reader:
    """The person behind the credential, in whose name long work is asked for at the pages."""
    reader = current_reader()
    person = find_person_behind(connection, reader.actor)
    if person is None:
        raise Forbidden(
            "auth.role-needed", "only a person asks for long work; use a person's credential"
        )
    return replace(reader, actor=f"person:{person.email}")


def _told(connection: Connection, reader: Reader, job_id: str) -> Response:
    job = find_job(connection, reader, _named(job_id))
    if job is None:
        raise unknown_job()
    return answer_json(outcome_document(job))


def _named(job_id: str) -> str:
    if "\0" in job_id:
        raise unknown_job()
    return job_id
