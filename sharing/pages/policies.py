"""`/sharing/FORUM/policy` and `…/accepts`: what our member shares with whom, and declines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson
from flask import Response, flash, url_for
from flask_babel import gettext as _
from marshmallow import fields, validate
from sqlalchemy import Connection

from auth.doors import Permission, door
from auth.queries import Forum, find_forum_by_id
from auth.reader import Seated
from auth.rules import POLICY_OFFICER
from kernel.errors import BadInput, ComityError, Conflict, NotFound
from sharing.pages.entering import blueprint, check_role, enter, forum_page, listing_of
from sharing.pages.sentences import sentences_of
from sharing.queries.collections import Collection, list_collections, list_places, names_of
from sharing.queries.jobs import find_tried
from sharing.queries.own import PolicyFilter, has_contributed_more_than, list_own_policies
from sharing.queries.policies import (
    NO_RULES,
    SavedDocument,
    find_fault,
    find_policy,
    list_accepts,
)
from sharing.queries.simulations import About, Simulation, find_simulation
from sharing.services.jobs import ask_policy, ask_simulation
from sharing.services.policies import Setter, set_accepts, set_policy, without_counts
from sharing.services.simulations import apply_policy, check_trial, trial_of_policy, try_out
from web.forms import Filled, FormSchema, empty_form, read_form
from web.installation import current_database, current_instant_us
from web.listing import ListQuery, read_filters
from web.pages import see_other

_MOST_CHARACTERS: Final = 1024 * 1024
MOST_AT_ONCE: Final = 1000
"""Versions of our own over which a policy is tried out while the page waits."""
MOST_APPLIED_AT_ONCE: Final = 300
"""The same of one that is applied: others wait meanwhile."""
_MOST_SHOWN: Final = 300
"""Versions that a page about a simulation names in all; the API and the command name more."""


class DocumentForm(FormSchema):
    """A document in JSON."""

    document = fields.String(required=True, validate=validate.Length(1, _MOST_CHARACTERS))


class ApplyForm(DocumentForm):
    """The document that was tried out, and the simulation that did."""

    simulation = fields.String(load_default="", validate=validate.Length(max=100))


@blueprint.get("/<forum>/policy", endpoint="policy")
@door(Permission.MEMBER)
def show_policy(forum: str) -> Response:
    """GET /sharing/FORUM/policy: the policy that holds, as sentences and as JSON; its history."""
    query = read_filters(ListQuery)
    with current_database().read() as connection:
        seated, member_id = enter(connection, forum)
        saved = find_policy(connection, seated.forum_id, member_id)
        listing = listing_of(seated, "policies", query)
        before = listing.after or (None,)
        found = list_own_policies(
            connection, seated, PolicyFilter(before[0], None, None), limit=listing.limit
        )
        places = list_places(connection, seated.forum_id)
    history, following = listing.split(found, _version)
    document = saved.document if saved else NO_RULES
    is_readable = find_fault(document, names_of(places)) is None
    return forum_page(
        "policy.html",
        seated,
        saved=saved,
        document=_indented(document),
        is_readable=is_readable,
        sentences=sentences_of(orjson.loads(document)) if is_readable else [],
        history=history,
        next=following,
    )


@blueprint.get("/<forum>/policy/edit", endpoint="edit-policy")
@door(Permission.MEMBER)
def edit_policy(forum: str) -> Response:
    """GET /sharing/FORUM/policy/edit: the document to change; nothing is changed by it yet."""
    with current_database().read() as connection:
        _place, seated, member_id = _enter_as_officer(connection, forum)
        saved = find_policy(connection, seated.forum_id, member_id)
    return _edit_page(seated, empty_form(document=_indented(saved.document if saved else NO_RULES)))


@blueprint.post("/<forum>/policy/edit", endpoint="try-policy")
@door(Permission.MEMBER)
def try_policy(forum: str) -> Response:
    """POST /sharing/FORUM/policy/edit: what the document would change, before it does."""
    form = read_form(DocumentForm)
    with current_database().read() as connection:
        place, seated, member_id = _enter_as_officer(connection, forum)
        places = list_collections(connection, seated)
        is_long = has_contributed_more_than(connection, seated, MOST_AT_ONCE)
    if form.errors:
        return _edit_page(seated, form, status=400)
    try:
        document = form.values["document"].encode()
        trial = trial_of_policy(place, member_id, document)
        if is_long:
            with current_database().read() as connection:
                check_trial(connection, trial)
            now_us = current_instant_us()
            job_id = ask_simulation(current_database(), seated, document, now_us=now_us)
            return see_other(url_for("exchange.job", job_id=job_id))
        made = try_out(current_database(), seated.reader.actor, trial, now_us=current_instant_us())
    except ComityError as refused:
        if refused.status >= 500:
            raise
        form.blame("document", refused.message)
        return _edit_page(seated, form, status=refused.status)
    return _simulation_page(seated, places, made, form.values["document"])


@blueprint.get("/<forum>/policy/simulations/<simulation_id>", endpoint="simulation")
@door(Permission.MEMBER)
def show_simulation(forum: str, simulation_id: str) -> Response:
    """GET …/simulations/ID: a simulation as it was told; applied from here if it was long work."""
    with current_database().read() as connection:
        place, seated, member_id = _enter_as_officer(connection, forum)
        about = About("policy", place.id, member_id)
        found = find_simulation(connection, about, simulation_id, now_us=current_instant_us())
        places = list_collections(connection, seated)
        tried = find_tried(connection, seated, simulation_id)
    if found is None:
        raise NotFound(
            "sharing.unknown-simulation", "no such simulation, or not any more; try it out again"
        )
    return _simulation_page(seated, places, found, "" if tried is None else tried.decode())


@blueprint.post("/<forum>/policy", endpoint="apply-policy")
@door(Permission.MEMBER)
def apply(forum: str) -> Response:
    """POST /sharing/FORUM/policy: the document holds, exactly as it was tried out.

    Over many versions that is long work, which is followed at its own page.
    """
    form = read_form(ApplyForm)
    with current_database().read() as connection:
        place, seated, member_id = _enter_as_officer(connection, forum)
        is_long = has_contributed_more_than(connection, seated, MOST_APPLIED_AT_ONCE)
    if form.errors:
        return _edit_page(seated, form, status=400)
    setter = Setter(seated.reader.actor, member_id)
    document, simulation_id = form.values["document"].encode(), form.values["simulation"]
    now_us = current_instant_us()
    trial = trial_of_policy(place, member_id, document)
    try:
        if is_long:
            with current_database().read() as connection:
                check_trial(connection, trial)
            job_id = ask_policy(current_database(), seated, document, simulation_id, now_us=now_us)
            return see_other(url_for("exchange.job", job_id=job_id))
        if simulation_id:
            saved = apply_policy(current_database(), setter, trial, simulation_id, now_us=now_us)
        else:
            saved = set_policy(
                current_database(),
                setter,
                seated.forum_id,
                member_id,
                document,
                now_us=now_us,
                confirm=without_counts,
            )
    except (BadInput, Conflict, NotFound) as refused:
        form.blame("document", refused.message)
        return _edit_page(seated, form, status=refused.status)
    flash(_("Version %(version)s of your policy holds now.", version=saved.version))
    return see_other(url_for("exchange.policy", forum=forum))


@blueprint.get("/<forum>/accepts", endpoint="accepts")
@door(Permission.MEMBER)
def show_accepts(forum: str) -> Response:
    """GET /sharing/FORUM/accepts: what our member declines to receive."""
    with current_database().read() as connection:
        seated, member_id = enter(connection, forum)
        found = list_accepts(connection, seated.forum_id, member_id)
    document = _indented(found[0].document if found else "{}")
    return _accepts_page(seated, empty_form(document=document))


@blueprint.post("/<forum>/accepts", endpoint="set-accepts")
@door(Permission.MEMBER)
def replace_accepts(forum: str) -> Response:
    """POST /sharing/FORUM/accepts: it holds from now on."""
    form = read_form(DocumentForm)
    with current_database().read() as connection:
        _place, seated, member_id = _enter_as_officer(connection, forum)
    if form.errors:
        return _accepts_page(seated, form, status=400)
    try:
        set_accepts(
            current_database(),
            Setter(seated.reader.actor, member_id),
            seated.forum_id,
            member_id,
            form.values["document"].encode(),
            now_us=current_instant_us(),
        )
    except BadInput as refused:
        form.blame("document", refused.message)
        return _accepts_page(seated, form, status=400)
    flash(_("What your member accepts is saved."))
    return see_other(url_for("exchange.accepts", forum=forum))


def _enter_as_officer(connection: Connection, forum: str) -> tuple[Forum, Seated, int]:
    seated, member_id = enter(connection, forum)
    check_role(seated, POLICY_OFFICER)
    return find_forum_by_id(connection, seated.forum_id), seated, member_id


def _edit_page(seated: Seated, form: Filled, *, status: int = 200) -> Response:
    return forum_page("policy-edit.html", seated, status=status, form=form)


def _simulation_page(
    seated: Seated, places: list[Collection], made: Simulation, document: str
) -> Response:
    result = made.document()
    _shorten(result)
    return forum_page(
        "simulation.html",
        seated,
        simulation_id=made.id,
        result=result,
        titles={place.uuid: place.title for place in places},
        document=document,
    )


def _shorten(result: Mapping[str, Any]) -> None:
    """Name so many versions for each recipient that the page stays small; all are counted."""
    rows = list(_list_effects(result))
    most = max(1, _MOST_SHOWN // max(1, len(rows)))
    for row in rows:
        row["more_objects"] += max(0, len(row["objects"]) - most)
        del row["objects"][most:]


def _list_effects(result: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name in ("gains", "loses", "already_served"):
        yield from result[name]
    for name in ("opens", "closes"):
        yield from result["later"][name]


def _accepts_page(seated: Seated, form: Filled, *, status: int = 200) -> Response:
    return forum_page("accepts.html", seated, status=status, form=form)


def _version(saved: SavedDocument) -> tuple[int]:
    return (saved.version,)


def _indented(document: str) -> str:
    """As it can be read; what cannot be is shown as it is kept."""
    try:
        value = orjson.loads(document)
    except ValueError:
        return document
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
