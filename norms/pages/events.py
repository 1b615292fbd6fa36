"""`/norms/events`: what happened; recorded by who may, contested by the State it is about."""

from __future__ import annotations

from typing import Any, Final

import orjson
from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from marshmallow import fields, validate

from auth.doors import Permission, current_reader, door
from kernel.errors import BadInput, ComityError
from kernel.strictjson import DEFAULT_LIMITS, loads
from norms.atom import event_entries
from norms.documents import event_document
from norms.pages.entering import (
    CLEARANCE,
    blueprint,
    expect,
    feed_page,
    listing_of,
    named,
    norms_page,
)
from norms.pages.writing import (
    LONG,
    blame,
    check_role,
    check_secretariat,
    document_of,
    event_labels,
    export,
    line,
    party_choices,
    provision_choices,
    several,
)
from norms.queries.events import RecordedEvent, find_event, list_events
from norms.queries.forums import list_forums
from norms.queries.provisions import list_instruments
from norms.rules.dates import day_of, format_day, parse_day
from norms.rules.words import CONFIDENCES, CONTEST, EVENT_KINDS
from norms.services.declaring import declare
from norms.services.recordings import asks_second_person
from norms.services.registering import DOCUMENT_NAMES, register
from norms.services.rights import OWN_ACTS
from web.forms import Filled, FormSchema, empty_form, read_form
from web.installation import current_database, current_instant_us, public_base
from web.listing import ListQuery, format_field, is_export, read_filters
from web.pages import see_other
from web.shapes import text_filter, word_filter

_MOST_CHARACTERS: Final = 1024 * 1024


class EventsQuery(ListQuery):
    """Which events to list."""

    instrument = text_filter()
    party = text_filter()
    forum = text_filter()
    kind = word_filter(*sorted(EVENT_KINDS))
    from_day = fields.String()
    to_day = fields.String()
    format = format_field("atom")


class EventForm(FormSchema):
    """One event: a State's own act, or what a secretariat records."""

    kind = fields.String(required=True, validate=validate.OneOf(sorted(EVENT_KINDS)))
    instrument = line()
    date = line()
    forum = line()
    party = line()
    provisions = several()
    parties = several()
    basis = line()
    symbol = line()
    refers_to = line()
    corrects = line()
    body = line(most=LONG)
    notified = line()
    territory = line(most=1000)
    authority = line(most=1000)
    language = line(most=35)
    on_behalf_of = line()
    source = line(most=1000)
    confidence = line()
    note = line(most=2000)


class ContestForm(FormSchema):
    """Why the State says that this was recorded wrongly."""

    body = line(required=True, most=LONG)
    source = line(most=1000)


class RowsForm(FormSchema):
    """Rows as a catalogue has them."""

    document = fields.String(required=True, validate=validate.Length(1, _MOST_CHARACTERS))


_NAMES: Final = frozenset(EventForm().fields)


@blueprint.get("/events", endpoint="events")
@door(Permission.PERSON)
def show_events() -> Response:
    """GET /norms/events: by day, corrected ones too."""
    query = read_filters(EventsQuery)
    first, last = query.get("from_day"), query.get("to_day")
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
    if query["format"] == "atom":
        return feed_page("events", _("What happened"), event_entries(found, public_base()))
    listing = listing_of("events", query)
    if is_export():
        return export(listing, found, _key, event_document)
    rows, following = listing.split(listing.cut(found, _key), _key)
    return norms_page("events.html", events=rows, next=following, kinds=sorted(EVENT_KINDS))


@blueprint.route("/events/new", methods=["GET", "POST"], endpoint="new-event")
@door(Permission.PERSON)
def record_event() -> Response:
    """GET or POST /norms/events/new: a State's own act, or what happened in a forum."""
    if current_reader().secretariat_of is None:
        check_role(CLEARANCE)
    if request.method == "GET":
        today = format_day(day_of(current_instant_us()))
        names = ("instrument", "refers_to", "corrects", "kind", "party", "forum")
        given = {name: request.args.get(name) for name in names}
        return _form_page(empty_form(date=today, **given))
    form, status = read_form(EventForm), 400
    if not form.errors:
        try:
            with current_database().write() as connection:
                declared = declare(
                    connection,
                    current_reader(),
                    {"events": [document_of(form)]},
                    now_us=current_instant_us(),
                )
        except ComityError as refused:
            status = blame(form, refused, _NAMES)
        else:
            if declared.waits is not None:
                flash(_("It waits for a second person of our secretariat."))
                return see_other(url_for("register.recording", recording=declared.waits))
            flash(_("It is on record; what follows from it is derived."))
            return see_other(url_for("register.event", event=declared.events[0]))
    return _form_page(form, status=status)


@blueprint.get("/events/<event>", endpoint="event")
@door(Permission.PERSON)
def show_event(event: str) -> Response:
    """GET /norms/events/ID: one event, by what it was corrected, and how to contest it."""
    return _shown(_find(event), empty_form())


@blueprint.post("/events/<event>/contest", endpoint="contest")
@door(Permission.PERSON)
def contest(event: str) -> Response:
    """POST …/contest: our State says that this was recorded of it wrongly."""
    found = _find(event)
    check_role(CLEARANCE)
    form, status = read_form(ContestForm), 400
    if not form.errors:
        now_us = current_instant_us()
        said = {
            "kind": CONTEST,
            "refers_to": found.id,
            "date": format_day(day_of(now_us)),
            **document_of(form),
        }
        try:
            with current_database().write() as connection:
                declare(connection, current_reader(), {"events": [said]}, now_us=now_us)
        except ComityError as refused:
            status = blame(form, refused, {"body", "source"})
        else:
            flash(_("It is contested; the status says so from now on."))
            return see_other(url_for("register.event", event=found.id))
    return _shown(found, form, status=status)


@blueprint.route("/records/new", methods=["GET", "POST"], endpoint="new-records")
@door(Permission.PERSON)
def add_records() -> Response:
    """GET or POST /norms/records/new: forums, instruments, provisions, links, text pins."""
    check_secretariat()
    if request.method == "GET":
        return norms_page("records.html", form=empty_form(), counts={}, names=DOCUMENT_NAMES)
    form, status, counts = read_form(RowsForm), 400, {}
    if not form.errors:
        try:
            document = loads(form.values["document"].encode(), limits=DEFAULT_LIMITS)
            if not isinstance(document, dict):
                raise BadInput("norms.bad-document", "document: write an object")
            with current_database().write() as connection:
                counts = register(
                    connection, current_reader(), document, now_us=current_instant_us()
                )
            status = 200
        except ComityError as refused:
            status = refused.status
            if status >= 500:
                raise
            form.blame("document", refused.message)
    return norms_page("records.html", status=status, form=form, counts=counts, names=DOCUMENT_NAMES)


def _find(name: str) -> RecordedEvent:
    with current_database().read() as connection:
        found = find_event(connection, current_reader(), named(name, "event"))
    return expect(found, "event")


def _shown(found: RecordedEvent, form: Filled, *, status: int = 200) -> Response:
    reader = current_reader()
    may_contest = (
        reader.member_code is not None
        and found.party in (None, reader.member_code)
        and found.kind != CONTEST
        and found.corrected_by is None
    )
    detail = {name: orjson.dumps(value).decode() for name, value in found.detail.items()}
    return norms_page(
        "event.html",
        status=status,
        event=found,
        detail=detail,
        form=form,
        may_contest=may_contest,
    )


def _form_page(form: Filled, *, status: int = 200) -> Response:
    reader = current_reader()
    is_secretariat = reader.secretariat_of is not None
    with current_database().read() as connection:
        day = day_of(current_instant_us())
        asks_second = asks_second_person(connection, reader)
        choices: dict[str, Any] = {
            "provisions": provision_choices(connection),
            "forums": [(one.slug, one.title) for one in list_forums(connection, reader)],
            "instruments": [
                (one.id, f"{one.symbol} {one.title}")
                for one in list_instruments(connection, reader, day=day)
            ],
            "parties": party_choices(connection) if is_secretariat else [],
        }
    return norms_page(
        "event-new.html",
        status=status,
        form=form,
        kinds=sorted(EVENT_KINDS if is_secretariat else OWN_ACTS - {CONTEST}),
        confidences=CONFIDENCES,
        labels=event_labels(),
        asks_second=asks_second,
        **choices,
    )


def _key(found: RecordedEvent) -> tuple[Any, ...]:
    first = f"{found.date}-01-01"[:10] if len(found.date) == 4 else f"{found.date}-01"[:10]
    return (first, found.recorded_us, found.id)
