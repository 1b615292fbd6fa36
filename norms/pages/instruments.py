"""`/norms/instruments` and `/norms/provisions`: what was agreed, and how it hangs together."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask_babel import gettext as _

from auth.doors import Permission, current_reader, door
from norms.documents import instrument_document
from norms.pages.entering import (
    asked,
    asked_day,
    blueprint,
    expect,
    listing_of,
    named,
    norms_page,
    shown_day,
)
from norms.pages.writing import export
from norms.queries.events import list_events
from norms.queries.participants import count_force, find_treaty, list_participants_in
from norms.queries.provisions import (
    Instrument,
    Link,
    Provision,
    find_instrument,
    find_provision,
    list_instruments,
    list_links,
    list_links_of,
    list_pins,
    list_provisions,
)
from norms.queries.states_own import list_actions, list_positions
from norms.queries.status import list_status
from web.installation import current_database
from web.listing import ListQuery, is_export, read_filters
from web.shapes import text_filter


class InstrumentsQuery(ListQuery):
    """Which instruments to list, as of when."""

    as_of = text_filter()
    forum = text_filter()
    kind = text_filter()
    status = text_filter()


@blueprint.get("/instruments", endpoint="instruments")
@door(Permission.PERSON)
def show_instruments() -> Response:
    """GET /norms/instruments: by id, with their status as of a day."""
    reader, day, query = current_reader(), asked_day(), read_filters(InstrumentsQuery)
    with current_database().read() as connection:
        known = list_instruments(connection, reader, day=day)
    found = [
        one
        for one in known
        if query["forum"] in (None, one.forum)
        and query["kind"] in (None, one.kind)
        and query["status"] in (None, one.status)
    ]
    listing = listing_of("instruments", query)
    if is_export():
        return export(listing, found, _id, instrument_document)
    rows, following = listing.split(listing.cut(found, _id), _id)
    return norms_page(
        "instruments.html",
        instruments=rows,
        next=following,
        as_of=shown_day(day),
        kinds=sorted({one.kind for one in known}),
        forums=sorted({one.forum for one in known}),
        statuses=sorted({one.status for one in known if one.status}),
    )


@blueprint.get("/instruments/<instrument>", endpoint="instrument")
@door(Permission.PERSON)
def show_instrument(instrument: str) -> Response:
    """GET /norms/instruments/ID: its provisions, its participants, what happened to it."""
    reader, day, name = current_reader(), asked_day(), named(instrument, "instrument")
    with current_database().read() as connection:
        known = list_instruments(connection, reader, day=day)
        found = expect(next((one for one in known if one.id == name), None), "instrument")
        treaty = expect(find_treaty(connection, reader, name), "instrument")
        return norms_page(
            "instrument.html",
            instrument=found,
            as_of=shown_day(day),
            force=count_force(treaty, day=day),
            provisions=list_provisions(connection, reader, instrument_id=name),
            participants=list_participants_in(connection, reader, treaty, day=day),
            events=list_events(connection, reader, instrument=name),
            others=[one for one in known if one.id != name],
        )


@blueprint.get("/provisions/<provision>", endpoint="provision")
@door(Permission.PERSON)
def show_provision(provision: str) -> Response:
    """GET /norms/provisions/ID: our words, their source, what it is linked with, who is bound."""
    reader, day, name = current_reader(), asked_day(), named(provision, "provision")
    with current_database().read() as connection:
        found = expect(find_provision(connection, reader, name), "provision")
        instrument = expect(
            find_instrument(connection, reader, found.instrument, day=day), "instrument"
        )
        begun = found.from_day is None or found.from_day <= day
        rows = list_status(
            connection,
            reader,
            instrument.forum_id,
            instrument.forum,
            day=day,
            provision_id=name,
            places={name: (found.instrument, found.position)} if begun else {},
        )
        return norms_page(
            "provision.html",
            provision=found,
            instrument=instrument,
            as_of=shown_day(day),
            links=list_links(connection, reader, name),
            pins=list_pins(connection, reader, name),
            rows=rows,
            positions=list_positions(connection, reader, provision=name),
            actions=list_actions(connection, reader, day=day, provision=name),
        )


@blueprint.get("/compare/provisions", endpoint="parallels")
@door(Permission.PERSON)
def show_parallels() -> Response:
    """GET /norms/compare/provisions: an instrument beside another, by the links on record."""
    reader, day = current_reader(), asked_day()
    left, right = asked("left"), asked("right")
    rows: list[tuple[Provision, Link | None, Provision | None]] = []
    with current_database().read() as connection:
        known = list_instruments(connection, reader, day=day)
        if left and right:
            for one in (left, right):
                expect(find_instrument(connection, reader, one, day=day), "instrument")
            others = {
                one.id: one for one in list_provisions(connection, reader, instrument_id=right)
            }
            here = list_provisions(connection, reader, instrument_id=left)
            linked = list_links_of(connection, reader, [one.id for one in here])
            for provision in here:
                links = [
                    link
                    for link in linked[provision.id]
                    if link.to in others or (link.to_instrument == right and not link.is_back)
                ]
                rows += [(provision, link, others.get(link.to or "")) for link in links]
                if not links:
                    rows.append((provision, None, None))
    return norms_page(
        "parallels.html",
        left=left,
        right=right,
        rows=rows,
        instruments=known,
        nothing=_("nothing on record"),
    )


def _id(found: Instrument) -> tuple[Any, ...]:
    return (found.id,)
