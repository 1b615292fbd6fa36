"""`/norms/silence-procedures`: drafts that are adopted if nobody objects in time."""

from __future__ import annotations

from typing import Any, Final

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from marshmallow import fields, validate
from sqlalchemy import Connection

from auth.doors import Permission, current_reader, door
from kernel.errors import ComityError, Forbidden
from norms.documents import silence_document
from norms.pages.entering import CLEARANCE, blueprint, expect, listing_of, named, norms_page
from norms.pages.writing import (
    LONG,
    blame,
    check_role,
    check_secretariat,
    document_of,
    export,
    line,
)
from norms.queries.forums import ForumProfile, find_profile, list_memberships
from norms.queries.silences import Silence, find_silence, list_silences
from norms.rules.dates import day_of
from norms.rules.silence import ADOPTED, BROKEN, HELD, RUNNING, WITHDRAWN
from norms.services import silences
from norms.services.rights import is_secretariat_of
from web.forms import Filled, FormSchema, empty_form, read_form
from web.installation import current_database, current_instant_us
from web.listing import ListQuery, is_export, read_filters
from web.pages import see_other
from web.shapes import text_filter, word_filter

_STATES: Final = (RUNNING, HELD, ADOPTED, BROKEN, WITHDRAWN)


class SilencesQuery(ListQuery):
    """Which procedures to list."""

    forum = text_filter()
    state = word_filter(*_STATES)


class CirculateForm(FormSchema):
    """What is circulated, until when."""

    title = line(required=True, most=2000)
    symbol = line(required=True)
    deadline = line(required=True)
    zone = line()
    source = line(most=1000)
    note = line(most=2000)


class ExtensionForm(FormSchema):
    """A later deadline."""

    deadline = line(required=True)
    zone = line()
    note = line(most=2000)


class ObjectionForm(FormSchema):
    """That silence is broken; a reason is not asked for."""

    body = line(most=LONG)
    party = line()
    source = line(most=1000)


class EndForm(FormSchema):
    """How a procedure ends."""

    kind = fields.String(required=True, validate=validate.OneOf((ADOPTED, WITHDRAWN)))


@blueprint.get("/silence-procedures", endpoint="silences")
@door(Permission.PERSON)
def show_silences() -> Response:
    """GET /norms/silence-procedures: by deadline."""
    query = read_filters(SilencesQuery)
    with current_database().read() as connection:
        found = list_silences(
            connection, current_reader(), now_us=current_instant_us(), forum_slug=query["forum"]
        )
    wanted = [one for one in found if query["state"] in (None, one.state.status)]
    listing = listing_of("silences", query)
    if is_export():
        return export(listing, wanted, _key, silence_document)
    rows, following = listing.split(listing.cut(wanted, _key), _key)
    return norms_page("silences.html", silences=rows, next=following, states=_STATES)


@blueprint.route(
    "/forums/<slug>/silence-procedures/new", methods=["GET", "POST"], endpoint="circulate"
)
@door(Permission.PERSON)
def circulate(slug: str) -> Response:
    """GET or POST …/new: the forum's secretariat circulates a draft under silence."""
    with current_database().read() as connection:
        forum = expect(find_profile(connection, current_reader(), slug), "forum")
        if not is_secretariat_of(connection, current_reader(), forum.id):
            raise Forbidden(
                "norms.not-its-secretariat", "only the secretariat of this forum circulates a draft"
            )
    if request.method == "GET":
        return norms_page("silence-new.html", forum=forum, form=empty_form(zone="UTC"))
    form, status = read_form(CirculateForm), 400
    if not form.errors:
        try:
            with current_database().write() as connection:
                name = silences.circulate(
                    connection,
                    current_reader(),
                    slug,
                    document_of(form),
                    now_us=current_instant_us(),
                )
        except ComityError as refused:
            status = blame(form, refused, frozenset(CirculateForm().fields))
        else:
            flash(_("It is circulated; silence runs."))
            return see_other(url_for("register.silence", procedure=name))
    return norms_page("silence-new.html", status=status, forum=forum, form=form)


@blueprint.get("/silence-procedures/<procedure>", endpoint="silence")
@door(Permission.PERSON)
def show_silence(procedure: str) -> Response:
    """GET /norms/silence-procedures/ID: what it is now, and what may be done about it."""
    return _shown(_find(procedure))


@blueprint.post("/silence-procedures/<procedure>/extension", endpoint="extend-silence")
@door(Permission.PERSON)
def extend(procedure: str) -> Response:
    """POST …/extension: more time, while silence runs."""
    found = _find(procedure)
    check_secretariat()
    return _do(found, ExtensionForm, silences.extend, _("There is more time now."))


@blueprint.post("/silence-procedures/<procedure>/objection", endpoint="break-silence")
@door(Permission.PERSON)
def break_silence(procedure: str) -> Response:
    """POST …/objection: silence is broken; by a member's clearance officer."""
    found = _find(procedure)
    if current_reader().secretariat_of is None:
        check_role(CLEARANCE)
    return _do(found, ObjectionForm, silences.break_silence, _("Silence is broken."))


@blueprint.post("/silence-procedures/<procedure>/end", endpoint="end-silence")
@door(Permission.PERSON)
def end(procedure: str) -> Response:
    """POST …/end: what was held is adopted, or it is withdrawn. A clock does neither."""
    found = _find(procedure)
    check_secretariat()
    return _do(found, EndForm, silences.end, _("It is on record."))


def _do(found: Silence, schema: type[FormSchema], act: Any, told: str) -> Response:  # noqa: ANN401
    form, status = read_form(schema), 400
    if not form.errors:
        try:
            with current_database().write() as connection:
                act(
                    connection,
                    current_reader(),
                    found.id,
                    document_of(form),
                    now_us=current_instant_us(),
                )
        except ComityError as refused:
            status = blame(form, refused, frozenset(schema().fields))
        else:
            flash(told)
            return see_other(url_for("register.silence", procedure=found.id))
    return _shown(found, form=form, status=status)


def _find(name: str) -> Silence:
    with current_database().read() as connection:
        found = find_silence(
            connection, current_reader(), named(name, "silence"), now_us=current_instant_us()
        )
    return expect(found, "silence")


def _shown(found: Silence, *, form: Filled | None = None, status: int = 200) -> Response:
    reader = current_reader()
    with current_database().read() as connection:
        forum = expect(find_profile(connection, reader, found.forum), "forum")
        is_its_secretariat = is_secretariat_of(connection, reader, forum.id)
        members = _members(connection, forum) if is_its_secretariat else []
    return norms_page(
        "silence.html",
        status=status,
        silence=found,
        forum=forum,
        is_its_secretariat=is_its_secretariat,
        members=members,
        form=form or empty_form(),
    )


def _members(connection: Connection, forum: ForumProfile) -> list[tuple[str, str]]:
    day = day_of(current_instant_us())
    return [
        (one.party, f"{one.party} {one.name}")
        for one in list_memberships(connection, current_reader(), forum.slug, day=day)
        if one.standing == "member"
    ]


def _key(found: Silence) -> tuple[Any, ...]:
    return (found.state.deadline_us, found.id)
