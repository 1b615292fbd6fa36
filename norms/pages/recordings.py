"""`/norms/recordings`: what waits for a second person of our secretariat; confirmed or refused."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, url_for
from flask_babel import gettext as _

from auth.doors import Permission, current_reader, current_signed, door
from kernel.errors import ComityError
from norms.documents import recording_document
from norms.pages.entering import blueprint, expect, listing_of, named, norms_page
from norms.pages.writing import blame, check_secretariat, document_of, event_labels, export, line
from norms.queries.recordings import Recording, find_recording, list_recordings
from norms.rules.four_eyes import STATES, WAITING
from norms.services.recordings import confirm_recording, refuse_recording
from web.forms import Filled, FormSchema, empty_form, read_form
from web.installation import current_database, current_instant_us
from web.listing import ListQuery, is_export, read_filters
from web.pages import see_other
from web.shapes import word_filter


class RecordingsQuery(ListQuery):
    """Which of them to list."""

    state = word_filter(*STATES)


class RefusalForm(FormSchema):
    """Why, for the secretariat alone."""

    reason = line(most=2000)


@blueprint.get("/recordings", endpoint="recordings")
@door(Permission.PERSON)
def show_recordings() -> Response:
    """GET /norms/recordings: those of our secretariat, the oldest first."""
    check_secretariat()
    query = read_filters(RecordingsQuery)
    with current_database().read() as connection:
        found = list_recordings(connection, current_reader(), state=query["state"])
    listing = listing_of("recordings", query)
    if is_export():
        return export(listing, found, _key, recording_document)
    rows, following = listing.split(listing.cut(found, _key), _key)
    return norms_page("recordings.html", rows=rows, next=following, states=STATES)


@blueprint.get("/recordings/<recording>", endpoint="recording")
@door(Permission.PERSON)
def show_recording(recording: str) -> Response:
    """GET /norms/recordings/ID: what would be on record, and the buttons of a second person."""
    return _shown(_find(recording), empty_form())


@blueprint.post("/recordings/<recording>/confirm", endpoint="confirm-recording")
@door(Permission.PERSON)
def confirm(recording: str) -> Response:
    """POST …/confirm: by another person than who recorded it; it counts from now on."""
    found = _find(recording)
    try:
        with current_database().write() as connection:
            names = confirm_recording(
                connection, current_reader(), found.id, now_us=current_instant_us()
            )
    except ComityError as refused:
        form = empty_form()
        return _shown(found, form, status=blame(form, refused, ()))
    flash(_("It is on record; what follows from it is derived."))
    if len(names) == 1:
        return see_other(url_for("register.event", event=names[0]))
    return see_other(url_for("register.recording", recording=found.id))


@blueprint.post("/recordings/<recording>/refuse", endpoint="refuse-recording")
@door(Permission.PERSON)
def refuse(recording: str) -> Response:
    """POST …/refuse: nothing of it comes on record."""
    found, form, status = _find(recording), read_form(RefusalForm), 400
    if not form.errors:
        try:
            with current_database().write() as connection:
                refuse_recording(
                    connection,
                    current_reader(),
                    found.id,
                    document_of(form),
                    now_us=current_instant_us(),
                )
        except ComityError as refused:
            status = blame(form, refused, {"reason"})
        else:
            flash(_("It is refused; nothing of it is on record."))
            return see_other(url_for("register.recordings", state=WAITING))
    return _shown(found, form, status=status)


def _find(name: str) -> Recording:
    with current_database().read() as connection:
        found = find_recording(connection, current_reader(), named(name, "recording"))
    return expect(found, "recording")


def _shown(found: Recording, form: Filled, *, status: int = 200) -> Response:
    return norms_page(
        "recording.html",
        status=status,
        recording=found,
        form=form,
        waits=found.state == WAITING,
        is_mine=found.recorded_by == current_signed().email,
        said=[[(name, _texts(value)) for name, value in one.items()] for one in found.events],
        labels=event_labels(),
    )


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def _key(found: Recording) -> tuple[Any, ...]:
    return (found.recorded_us, found.id)
