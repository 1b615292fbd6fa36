"""`/sharing/FORUM/recalls` and `…/served`: what was taken back, and who had been served it."""

from __future__ import annotations

import uuid
from dataclasses import replace

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from marshmallow import fields, validate

from auth.doors import Permission, door
from auth.reader import Seated
from kernel.errors import BadInput, Conflict
from sharing.pages.entering import blueprint, enter, enter_collection, forum_page, has_role
from sharing.queries.collections import Collection, list_collections
from sharing.queries.recalls import Told, list_received_recalls, list_sent_recalls, list_told
from sharing.services.inquire import find_served
from sharing.services.notices import acknowledge, gather_notices
from sharing.services.recall import RECALLERS, NewRecall, check_may_recall, recall
from sharing.services.withdraw import unknown_object
from web.forms import Filled, FormSchema, empty_form, read_form
from web.installation import current_database, current_instant_us
from web.pages import see_other


class RecallForm(FormSchema):
    """Why, and what becomes of the content."""

    reason = fields.String(required=True, validate=validate.Length(1, 1000))
    never_return = fields.String(load_default="")


@blueprint.get("/<forum>/recalls", endpoint="recalls")
@door(Permission.MEMBER)
def show_recalls(forum: str) -> Response:
    """GET /sharing/FORUM/recalls: those of what we received, and those that we have sent."""
    with current_database().read() as connection:
        seated, _member = enter(connection, forum)
    gather_notices(current_database(), seated.forum_id, now_us=current_instant_us())
    with current_database().read() as connection:
        received = list_received_recalls(connection, seated)
        sent = []
        if has_role(seated, *RECALLERS):
            sent = [
                (one, list_told(connection, seated, one))
                for one in list_sent_recalls(connection, seated)
            ]
        titles = {place.uuid: place.title for place in list_collections(connection, seated)}
    return forum_page("recalls.html", seated, received=received, sent=sent, titles=titles)


@blueprint.post("/<forum>/recalls/<recall_id>/receipt", endpoint="receipt")
@door(Permission.MEMBER)
def take_note(forum: str, recall_id: str) -> Response:
    """POST …/recalls/ID/receipt: our member has taken note; the originator sees it."""
    with current_database().read() as connection:
        seated, _member = enter(connection, forum)
    gather_notices(current_database(), seated.forum_id, now_us=current_instant_us())
    acknowledge(current_database(), seated, recall_id, now_us=current_instant_us())
    flash(_("Your member has taken note; the originator sees that."))
    return see_other(url_for("exchange.recalls", forum=forum))


@blueprint.get("/<forum>/served", endpoint="served")
@door(Permission.MEMBER)
def show_served(forum: str) -> Response:
    """GET /sharing/FORUM/served: who had been served one of our objects; and the recall."""
    seated, place, stix_id, told = _enter_served(forum)
    return _served_page(seated, place, stix_id, told, empty_form())


@blueprint.post("/<forum>/served", endpoint="recall")
@door(Permission.MEMBER)
def send_recall(forum: str) -> Response:
    """POST /sharing/FORUM/served: recall every version, and tell whoever had been served it."""
    seated, place, stix_id, told = _enter_served(forum)
    form = read_form(RecallForm)
    if form.errors:
        return _served_page(seated, place, stix_id, told, form, status=400)
    new = NewRecall(
        uuid=str(uuid.uuid4()),
        stix_id=stix_id,
        reason=form.values["reason"],
        never_return=bool(form.values["never_return"]),
    )
    try:
        recall(current_database(), seated, place, new, now_us=current_instant_us())
    except (BadInput, Conflict) as refused:
        form.blame("reason", refused.message)
        return _served_page(seated, place, stix_id, told, form, status=refused.status)
    flash(_("It is recalled; whoever had been served it is told."))
    return see_other(url_for("exchange.recalls", forum=forum))


def _enter_served(forum: str) -> tuple[Seated, Collection, str, list[Told]]:
    stix_id, ref = request.args.get("id", ""), request.args.get("collection", "")
    with current_database().read() as connection:
        seated, _member = enter(connection, forum)
        check_may_recall(seated)
        # A collection of the member's, whether or not the person reads or writes objects.
        member = replace(seated, reader=replace(seated.reader, roles=None))
        place = enter_collection(connection, member, ref)
    if "\0" in stix_id:
        raise unknown_object()
    told = find_served(
        current_database(), seated, place, stix_id, None, now_us=current_instant_us()
    )
    return seated, place, stix_id, told


def _served_page(
    seated: Seated,
    place: Collection,
    stix_id: str,
    told: list[Told],
    form: Filled,
    *,
    status: int = 200,
) -> Response:
    return forum_page(
        "served.html", seated, status=status, place=place, stix_id=stix_id, told=told, form=form
    )
