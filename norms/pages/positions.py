"""`/norms/positions`: what States say about what was agreed, each State its own.

A drafter drafts, a clearance officer releases to an audience; what is not for the reader is
absent.
"""

from __future__ import annotations

from typing import Any, Final

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from marshmallow import fields, validate

from auth.doors import Permission, current_reader, door
from kernel.errors import ComityError
from norms.documents import position_document
from norms.pages.entering import (
    CLEARANCE,
    DRAFTER,
    blueprint,
    expect,
    listing_of,
    named,
    norms_page,
)
from norms.pages.writing import (
    LONG,
    STATES,
    ReleaseForm,
    blame,
    check_role,
    document_of,
    export,
    line,
    party_choices,
    provision_choices,
    several,
)
from norms.queries.forums import list_forums
from norms.queries.provisions import list_instruments
from norms.queries.states_own import Position, find_position, list_positions
from norms.rules.dates import day_of, format_day
from norms.services import positions
from web.forms import Filled, FormSchema, empty_form, read_form
from web.installation import current_database, current_instant_us
from web.listing import ListQuery, is_export, read_filters
from web.pages import see_other
from web.shapes import text_filter, word_filter


class PositionsQuery(ListQuery):
    """Which positions to list."""

    party = text_filter()
    kind = word_filter(*positions.KINDS)
    provision = text_filter()
    state = word_filter(*STATES)


class PositionForm(FormSchema):
    """A position in the State's own words."""

    kind = fields.String(required=True, validate=validate.OneOf(positions.KINDS))
    title = line(required=True)
    body = line(required=True, most=LONG)
    language = line(most=35)
    date = line(required=True)
    forum = line()
    instrument = line()
    provisions = several()
    supersedes = line()
    source = line(most=1000)
    note = line(most=2000)
    # The secretariat names whose words it records.
    party = line()


_NAMES: Final = frozenset(PositionForm().fields)


@blueprint.get("/positions", endpoint="positions")
@door(Permission.PERSON)
def show_positions() -> Response:
    """GET /norms/positions: those that the reader may see, by party and date."""
    query = read_filters(PositionsQuery)
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
    if is_export():
        return export(listing, wanted, _key, position_document)
    rows, following = listing.split(listing.cut(wanted, _key), _key)
    return norms_page(
        "positions.html", positions=rows, next=following, kinds=positions.KINDS, states=STATES
    )


@blueprint.route("/positions/new", methods=["GET", "POST"], endpoint="new-position")
@door(Permission.PERSON)
def add_position() -> Response:
    """GET or POST /norms/positions/new: a draft; or what a secretariat records of a State."""
    reader, now_us = current_reader(), current_instant_us()
    is_recorded = reader.secretariat_of is not None
    if not is_recorded:
        check_role(DRAFTER)
    form = _sent()
    if form is None:
        return _form_page(empty_form(date=format_day(day_of(now_us)), language="en"), None)
    status = 400
    if not form.errors:
        write = positions.record_position if is_recorded else positions.draft_position
        try:
            with current_database().write() as connection:
                name = write(connection, reader, document_of(form), now_us=now_us)
        except ComityError as refused:
            status = blame(form, refused, _NAMES)
        else:
            flash(_("It is recorded.") if is_recorded else _("The draft is saved."))
            return see_other(url_for("register.position", position=name))
    return _form_page(form, None, status=status)


@blueprint.get("/positions/<position>", endpoint="position")
@door(Permission.PERSON)
def show_position(position: str) -> Response:
    """GET /norms/positions/ID: one position, with what may be done with it."""
    return _shown(_find(position), empty_form(audience="public"))


@blueprint.route("/positions/<position>/edit", methods=["GET", "POST"], endpoint="edit-position")
@door(Permission.PERSON)
def edit_position(position: str) -> Response:
    """GET or POST …/edit: a draft, written anew."""
    found = _find_own(position, DRAFTER)
    form = _sent()
    if form is None:
        said = position_document(found)
        texts = {name: said.get(name) for name in _NAMES if name in said}
        return _form_page(empty_form(**texts), found)
    status = 400
    if not form.errors:
        try:
            with current_database().write() as connection:
                positions.replace_position(
                    connection,
                    current_reader(),
                    found.id,
                    document_of(form),
                    now_us=current_instant_us(),
                )
        except ComityError as refused:
            status = blame(form, refused, _NAMES)
        else:
            flash(_("The draft is saved."))
            return see_other(url_for("register.position", position=found.id))
    return _form_page(form, found, status=status)


@blueprint.post("/positions/<position>/release", endpoint="release-position")
@door(Permission.PERSON)
def release_position(position: str) -> Response:
    """POST …/release: a clearance officer shows a draft to an audience."""
    found, form = _find_own(position, CLEARANCE), read_form(ReleaseForm)
    if form.errors:
        return _shown(found, form, status=400)
    try:
        with current_database().write() as connection:
            positions.release_position(
                connection,
                current_reader(),
                found.id,
                document_of(form),
                now_us=current_instant_us(),
            )
    except ComityError as refused:
        status = blame(form, refused, {"audience", "parties"})
        return _shown(found, form, status=status)
    flash(_("It is released to the audience that you chose."))
    return see_other(url_for("register.position", position=found.id))


@blueprint.post("/positions/<position>/withdrawal", endpoint="withdraw-position")
@door(Permission.PERSON)
def withdraw_position(position: str) -> Response:
    """POST …/withdrawal: only its State goes on seeing it."""
    found = _find_own(position, CLEARANCE)
    with current_database().write() as connection:
        positions.withdraw_position(
            connection, current_reader(), found.id, now_us=current_instant_us()
        )
    flash(_("It is withdrawn; only our State goes on seeing it."))
    return see_other(url_for("register.position", position=found.id))


def _sent() -> Filled | None:
    """What was sent, if something was."""
    return read_form(PositionForm) if request.method == "POST" else None


def _find(name: str) -> Position:
    with current_database().read() as connection:
        found = find_position(connection, current_reader(), named(name, "position"))
    return expect(found, "position")


def _find_own(name: str, role: str) -> Position:
    """A position of the person's own State, for a role; another State's is absent here."""
    found = _find(name)
    expect(found if found.party == current_reader().member_code else None, "position")
    check_role(role)
    return found


def _shown(found: Position, form: Filled, *, status: int = 200) -> Response:
    with current_database().read() as connection:
        parties = party_choices(connection)
    return norms_page("position.html", status=status, position=found, form=form, parties=parties)


def _form_page(form: Filled, found: Position | None, *, status: int = 200) -> Response:
    reader = current_reader()
    with current_database().read() as connection:
        day = day_of(current_instant_us())
        choices: dict[str, Any] = {
            "provisions": provision_choices(connection),
            "forums": [(one.slug, one.title) for one in list_forums(connection, reader)],
            "instruments": [
                (one.id, f"{one.symbol} {one.title}")
                for one in list_instruments(connection, reader, day=day)
            ],
            "parties": party_choices(connection) if reader.secretariat_of is not None else [],
        }
        own = list_positions(connection, reader, party=reader.member_code or "")
    earlier = [
        (one.id, f"{one.date} {one.title}"[:120])
        for one in own
        if one.state == "released" and (found is None or one.id != found.id)
    ]
    return norms_page(
        "position-edit.html",
        status=status,
        form=form,
        position=found,
        kinds=positions.KINDS,
        earlier=earlier,
        **choices,
    )


def _key(found: Position) -> tuple[Any, ...]:
    return (found.party, found.date, found.id)
