"""`/norms/actions`: what States do about what was agreed, in the Regional Action Plan's columns.

A drafter drafts, a clearance officer releases; what became of an action are its events.
"""

from __future__ import annotations

from typing import Any, Final

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from marshmallow import fields, validate

from auth.doors import Permission, current_reader, door
from kernel.errors import ComityError
from norms.documents import action_document
from norms.pages.entering import (
    CLEARANCE,
    DRAFTER,
    asked_day,
    blueprint,
    expect,
    listing_of,
    named,
    norms_page,
    shown_day,
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
from norms.queries.states_own import COLUMNS, Action, find_action, list_actions
from norms.rules.dates import day_of, format_day
from norms.rules.progress import KINDS
from norms.services import actions
from web.forms import Filled, FormSchema, empty_form, read_form
from web.installation import current_database, current_instant_us
from web.listing import ListQuery, is_export, read_filters
from web.pages import see_other
from web.shapes import text_filter, word_filter

_PROGRESS: Final = ("planned", "in-progress", "completed", "discontinued")


class ActionsQuery(ListQuery):
    """Which actions to list, as of when."""

    as_of = fields.String()
    party = text_filter()
    provision = text_filter()
    status = word_filter(*_PROGRESS)
    state = word_filter(*STATES)


class ActionForm(FormSchema):
    """An action in the columns of the Regional Action Plan."""

    number = line()
    plan = line(required=True, most=LONG)
    items = line(most=LONG)
    existing = line(most=LONG)
    challenges = line(most=LONG)
    capacities = line(most=LONG)
    time_frame = line()
    lead = line()
    partners = line(most=2000)
    initiative = line(most=2000)
    area = line()
    outcome = line(most=LONG)
    sectoral_body = line()
    owner = line()
    provisions = several()
    due = line()
    source = line(most=1000)
    note = line(most=2000)


class ActionEventForm(FormSchema):
    """What became of an action."""

    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    date = line(required=True)
    body = line(most=LONG)
    link = line(most=2000)
    digest = line()
    due = line()
    source = line(most=1000)
    note = line(most=2000)


_NAMES: Final = frozenset(ActionForm().fields)
_EVENT_NAMES: Final = frozenset(ActionEventForm().fields)


@blueprint.get("/actions", endpoint="actions")
@door(Permission.PERSON)
def show_actions() -> Response:
    """GET /norms/actions: those that the reader may see, by State; as of a day."""
    query, day = read_filters(ActionsQuery), asked_day()
    with current_database().read() as connection:
        found = list_actions(
            connection,
            current_reader(),
            day=day,
            party=query["party"],
            provision=query["provision"],
        )
    wanted = [
        one
        for one in found
        if query["state"] in (None, one.state) and query["status"] in (None, one.progress.status)
    ]
    listing = listing_of("actions", query)
    if is_export():
        return export(listing, wanted, _key, action_document)
    rows, following = listing.split(listing.cut(wanted, _key), _key)
    return norms_page(
        "actions.html",
        actions=rows,
        next=following,
        as_of=shown_day(day),
        progress=_PROGRESS,
        states=STATES,
    )


@blueprint.route("/actions/new", methods=["GET", "POST"], endpoint="new-action")
@door(Permission.PERSON)
def add_action() -> Response:
    """GET or POST /norms/actions/new: a draft, which nobody else sees."""
    check_role(DRAFTER)
    if request.method == "GET":
        return _form_page(empty_form(), None)
    form, status = read_form(ActionForm), 400
    if not form.errors:
        try:
            with current_database().write() as connection:
                name = actions.draft_action(
                    connection, current_reader(), document_of(form), now_us=current_instant_us()
                )
        except ComityError as refused:
            status = blame(form, refused, _NAMES)
        else:
            flash(_("The draft is saved."))
            return see_other(url_for("register.action", action=name))
    return _form_page(form, None, status=status)


@blueprint.get("/actions/<action>", endpoint="action")
@door(Permission.PERSON)
def show_action(action: str) -> Response:
    """GET /norms/actions/ID: one action as of a day, its evidence, what may be done with it."""
    return _shown(_find(action))


@blueprint.route("/actions/<action>/edit", methods=["GET", "POST"], endpoint="edit-action")
@door(Permission.PERSON)
def edit_action(action: str) -> Response:
    """GET or POST …/edit: a draft, written anew."""
    found = _find_own(action, DRAFTER)
    if request.method == "GET":
        said = action_document(found)
        return _form_page(empty_form(**{name: said.get(name) for name in _NAMES}), found)
    form, status = read_form(ActionForm), 400
    if not form.errors:
        try:
            with current_database().write() as connection:
                actions.replace_action(
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
            return see_other(url_for("register.action", action=found.id))
    return _form_page(form, found, status=status)


@blueprint.post("/actions/<action>/release", endpoint="release-action")
@door(Permission.PERSON)
def release_action(action: str) -> Response:
    """POST …/release: a clearance officer shows a draft to an audience."""
    found, form = _find_own(action, CLEARANCE), read_form(ReleaseForm)
    if form.errors:
        return _shown(found, release=form, status=400)
    try:
        with current_database().write() as connection:
            actions.release_action(
                connection,
                current_reader(),
                found.id,
                document_of(form),
                now_us=current_instant_us(),
            )
    except ComityError as refused:
        return _shown(found, release=form, status=blame(form, refused, {"audience", "parties"}))
    flash(_("It is released to the audience that you chose."))
    return see_other(url_for("register.action", action=found.id))


@blueprint.post("/actions/<action>/withdrawal", endpoint="withdraw-action")
@door(Permission.PERSON)
def withdraw_action(action: str) -> Response:
    """POST …/withdrawal: only its State goes on seeing it."""
    found = _find_own(action, CLEARANCE)
    with current_database().write() as connection:
        actions.withdraw_action(connection, current_reader(), found.id, now_us=current_instant_us())
    flash(_("It is withdrawn; only our State goes on seeing it."))
    return see_other(url_for("register.action", action=found.id))


@blueprint.post("/actions/<action>/events", endpoint="add-action-event")
@door(Permission.PERSON)
def add_event(action: str) -> Response:
    """POST …/events: begun, progress, completed, evidence, a due date moved. Never edited."""
    found = _find_own(action, DRAFTER, CLEARANCE)
    form, status = read_form(ActionEventForm), 400
    if not form.errors:
        try:
            with current_database().write() as connection:
                actions.add_action_event(
                    connection,
                    current_reader(),
                    found.id,
                    document_of(form),
                    now_us=current_instant_us(),
                )
        except ComityError as refused:
            status = blame(form, refused, _EVENT_NAMES)
        else:
            flash(_("It is on record."))
            return see_other(url_for("register.action", action=found.id))
    return _shown(found, event=form, status=status)


def _find(name: str) -> Action:
    with current_database().read() as connection:
        found = find_action(connection, current_reader(), named(name, "action"), day=asked_day())
    return expect(found, "action")


def _find_own(name: str, *roles: str) -> Action:
    """An action of the person's own State, for a role; another State's is absent here."""
    found = _find(name)
    expect(found if found.party == current_reader().member_code else None, "action")
    check_role(*roles)
    return found


def _shown(
    found: Action, *, release: Filled | None = None, event: Filled | None = None, status: int = 200
) -> Response:
    with current_database().read() as connection:
        parties = party_choices(connection)
    today = format_day(day_of(current_instant_us()))
    return norms_page(
        "action.html",
        status=status,
        action=found,
        columns=COLUMNS,
        form=release or empty_form(audience="public"),
        event=event or empty_form(date=today),
        event_kinds=KINDS,
        parties=parties,
        as_of=shown_day(asked_day()),
    )


def _form_page(form: Filled, found: Action | None, *, status: int = 200) -> Response:
    with current_database().read() as connection:
        provisions = provision_choices(connection)
    return norms_page(
        "action-edit.html",
        status=status,
        form=form,
        action=found,
        columns=COLUMNS,
        provisions=provisions,
    )


def _key(found: Action) -> tuple[Any, ...]:
    return (found.party, found.id)
