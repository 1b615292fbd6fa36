"""`/sharing/jobs`: long work that a person has asked for, how far it is, and what came of it.

It goes on when its page is left. What does not live here: where each kind is asked for
(contributing, policies, collections).
"""

from __future__ import annotations

from typing import Final

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from marshmallow import fields, validate

from auth.doors import Permission, current_reader, door
from auth.queries import find_seated
from auth.rules import POLICY_OFFICER
from auth.services import record_audit
from kernel.errors import Conflict, Forbidden, NotFound
from sharing.pages.entering import blueprint, enter_collection, has_role
from sharing.queries.jobs import (
    KINDS,
    STATES,
    Job,
    JobFilter,
    find_job,
    has_left_view,
    job_document,
    list_jobs,
    list_refusals,
    read_parts,
    refusal_document,
)
from sharing.services.jobs import FILE_KEPT_US, JOB_KEPT_US, cancel_job, note_fetched, unknown_job
from sharing.services.settling import settled_read
from web.installation import current_database, current_instant_us
from web.listing import ListQuery, is_export, make_listing, read_filters
from web.pages import page, see_other
from web.shapes import Shape, count, instant, text, text_filter, word, word_filter

STIX: Final = "application/stix+json;version=2.1"
_WAITS_LONG_US: Final = 30_000_000
"""After this long somebody is told that no worker may be running."""


class JobsQuery(ListQuery):
    """Which long work to list, the newest first."""

    limit = fields.Integer(load_default=50, validate=validate.Range(1, 200))
    kind = word_filter(*KINDS)
    state = word_filter(*STATES)
    forum = text_filter()


class JobSchema(Shape):
    """One piece of long work, as JSON and CSV."""

    id = text()
    kind = word(*KINDS)
    forum = text()
    collection = text(nullable=True)
    name = text()
    state = word(*STATES)
    done = count()
    total = count()
    code = text(nullable=True)
    reason = text(nullable=True)
    asked = instant()
    ended = instant(nullable=True)


class RefusalsQuery(ListQuery):
    """Which refusals of an import to show; `still` keeps a page from loading itself again."""

    still = text_filter()


class RefusalSchema(Shape):
    """An object that an import did not take, as JSON and CSV."""

    place = text()
    id = text(nullable=True)
    version = text(nullable=True)
    code = text()
    reason = text()


@blueprint.get("/jobs", endpoint="jobs")
@door(Permission.MEMBER)
def show_jobs() -> Response:
    """GET /sharing/jobs: what the person has asked for, in every forum."""
    query, reader = read_filters(JobsQuery), current_reader()
    listing = make_listing("page-jobs", reader.actor, query)
    wanted = JobFilter(query["kind"], query["state"], query["forum"])
    with current_database().read() as connection:
        found = list_jobs(connection, reader, wanted, before=listing.after, limit=listing.limit)
    if is_export():
        return listing.answer(found, lambda job: job.key, job_document, JobSchema)
    rows, following = listing.split(found, lambda job: job.key)
    return page("sharing/jobs.html", rows=rows, next=following, kinds=KINDS, states=STATES)


@blueprint.get("/jobs/<uuid:job_id>", endpoint="job")
@door(Permission.MEMBER)
def show_job(job_id: object) -> Response:
    """GET /sharing/jobs/ID: how far it is, what came of it, and what was refused and why."""
    query, reader, now_us = read_filters(RefusalsQuery), current_reader(), current_instant_us()
    listing = make_listing("page-refusals", f"{reader.actor} {job_id}", query)
    (after,) = listing.after or (0,)
    with current_database().read() as connection:
        job = find_job(connection, reader, str(job_id))
        if job is None:
            raise unknown_job()
        refused = list_refusals(connection, reader, job.id, after=after, limit=listing.limit)
        seated = find_seated(connection, reader, job.forum_slug)
    if is_export():
        return listing.answer(refused, lambda one: (one.number,), refusal_document, RefusalSchema)
    rows, following = listing.split(refused, lambda one: (one.number,))
    return page(
        "sharing/job.html",
        job=job,
        rows=rows,
        next=following,
        is_still=query["still"] is not None,
        is_seated=seated is not None,
        is_officer=seated is not None and has_role(seated, POLICY_OFFICER),
        waits_long=job.state == "waiting" and now_us - job.asked_us > _WAITS_LONG_US,
        file_until_us=_file_until(job, now_us),
        kept_until_us=None if job.ended_us is None else job.ended_us + JOB_KEPT_US,
    )


@blueprint.post("/jobs/<uuid:job_id>/cancel", endpoint="cancel-job")
@door(Permission.MEMBER)
def cancel(job_id: object) -> Response:
    """POST /sharing/jobs/ID/cancel: nothing more of it is done."""
    try:
        cancel_job(current_database(), current_reader(), str(job_id), now_us=current_instant_us())
        flash(_("Nothing more of it is done."))
    except Conflict:
        flash(_("It had ended already."))
    return see_other(url_for("exchange.job", job_id=job_id))


@blueprint.get("/jobs/<uuid:job_id>/file", endpoint="job-file")
@door(Permission.MEMBER)
def fetch_file(job_id: object) -> Response:
    """GET /sharing/jobs/ID/file: the file that was made, while all of it may still be seen.

    It was recorded as served before it was there.
    """
    database, now_us = current_database(), current_instant_us()
    with settled_read(database, now_us=now_us) as connection:
        reader = current_reader()
        job = find_job(connection, reader, str(job_id))
        if job is None or _file_until(job, now_us) is None:
            raise unknown_job()
        seated = find_seated(connection, reader, job.forum_slug)
        if seated is None:
            raise NotFound("sharing.unknown-forum", "no such forum")
        place = enter_collection(connection, seated, str(job.collection))
        if not place.may_be_read_by(seated):
            raise Forbidden("auth.role-needed", "you may not read this collection any more")
        if has_left_view(connection, seated, place.id, job.result["head"]):
            raise Conflict(
                "sharing.file-outdated",
                "something in this file was taken back, or is shared otherwise, since it was made; "
                "have it made anew",
            )
    if request.method != "HEAD":
        with database.write() as connection:
            note_fetched(connection, job)
            record_audit(
                connection,
                reader.actor,
                "export.fetch",
                f"collection:{place.uuid}",
                member_id=reader.member_id,
                detail={"job": job.id},
                now_us=now_us,
            )
    answer = Response(read_parts(database, job.id, "out"), content_type=STIX)
    answer.content_length = job.result["bytes"]
    answer.headers["Content-Disposition"] = f'attachment; filename="{job.name}"'
    return answer


def _file_until(job: Job, now_us: int) -> int | None:
    """Until when there is a file to fetch; None where there is none."""
    if job.kind != "export" or job.state != "done" or job.ended_us is None:
        return None
    until_us = job.ended_us + FILE_KEPT_US
    return until_us if until_us > now_us else None
