"""`/sharing/FORUM/contribute` and `…/contributions`: what our member gives, and takes back."""

from __future__ import annotations

from typing import Any, Final

import orjson
from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from marshmallow import fields, validate

from auth.doors import Permission, door
from auth.reader import Seated
from kernel.clock import format_instant, format_version
from kernel.errors import ComityError, Conflict, Forbidden, NotFound
from kernel.strictjson import Limits
from sharing.pages.entering import (
    CONTRIBUTOR,
    LEVELS,
    blueprint,
    check_role,
    enter,
    enter_collection,
    forum_page,
    listing_of,
)
from sharing.queries.answered import Answered, Named, find_answered
from sharing.queries.collections import Collection, list_collections
from sharing.queries.own import OwnContribution, OwnFilter, list_contributions
from sharing.rules.tlp import Tlp
from sharing.services.contribute import Receipt, contribute
from sharing.services.jobs import ask_import
from sharing.services.previewing import Preview, preview
from sharing.services.settling import settled_read
from sharing.services.withdraw import every_version, withdraw
from web.forms import Filled, FormSchema, read_form
from web.installation import (
    current_database,
    current_instant_us,
    current_settings,
    current_signer,
)
from web.listing import ListQuery, is_export, read_filters
from web.pages import see_other
from web.shapes import Instant, Shape, instant, text, text_filter, word, word_filter

STATES: Final = ("standing", "held", "deleted")
_MOST_PASTED: Final = 2 * 1024 * 1024
_ID_LENGTH: Final = 300
_ANSWERING: Final = ("answers", "answers_collection")


class ContributeForm(FormSchema):
    """An envelope, a bundle or a list of objects, pasted; and into which collection."""

    collection = fields.String(required=True, validate=validate.Length(1, 100))
    objects = fields.String(load_default="")
    answers = fields.String(load_default="", validate=validate.Length(max=_ID_LENGTH))
    answers_collection = fields.String(load_default="", validate=validate.Length(max=100))
    answered = fields.String(load_default="", validate=validate.Length(max=100))


class FileForm(FormSchema):
    """Into which collection a file goes that is contributed as long work."""

    long_collection = fields.String(load_default="", validate=validate.Length(max=100))


class ContributionsQuery(ListQuery):
    """Which of our own versions to list."""

    collection = text_filter()
    type = text_filter()
    id = text_filter()
    state = word_filter(*STATES)
    tlp = word_filter(*LEVELS)
    since = Instant()
    until = Instant()


class OwnSchema(Shape):
    """A version that our member contributed, as JSON and CSV."""

    collection = text()
    id = text()
    type = text()
    version = instant()
    tlp = word(*LEVELS)
    state = word(*STATES)
    contributed = instant()


@blueprint.get("/<forum>/contribute", endpoint="contribute")
@door(Permission.MEMBER)
def show_contribute(forum: str) -> Response:
    """GET /sharing/FORUM/contribute: the form."""
    seated, places = _enter(forum)
    given = {name: [request.args.get(name, "")[:_ID_LENGTH]] for name in _ANSWERING}
    return _contribute_page(seated, places, Filled(given))


@blueprint.post("/<forum>/contribute", endpoint="contribute-objects")
@door(Permission.MEMBER)
def send_objects(forum: str) -> Response:
    """POST /sharing/FORUM/contribute: first what would become of it, then, confirmed, does it."""
    seated, places = _enter(forum)
    form = read_form(ContributeForm)
    place = next((one for one in places if one.uuid == form.text("collection")), None)
    raw = _objects_of(form)
    if place is None:
        form.blame("collection", _("Choose a collection."))
    answers = _answered(seated, form)
    if not raw.strip():
        form.blame("objects", _("Paste STIX objects, or choose a file that holds some."))
    # A preview is confirmed by sending it once more, with the line ends of forms.
    if len(raw.replace(b"\r\n", b"\n")) > _MOST_PASTED:
        form.blame(
            "objects", _("This is more than a page takes (2 MiB). Send it as a file, below.")
        )
    if place is None or form.errors:
        return _contribute_page(seated, places, form, status=400)
    limits, now_us = Limits(max_bytes=current_settings().max_content_length), current_instant_us()
    try:
        if request.form.get("confirm"):
            receipt = contribute(
                current_database(),
                seated,
                place,
                raw,
                now_us=now_us,
                limits=limits,
                answers=answers,
            )
            return _done(seated, place, receipt)
        tried = preview(
            current_database(),
            seated,
            place,
            raw,
            now_us=now_us,
            limits=limits,
            answers=answers,
        )
    except ComityError as refused:
        if isinstance(refused, Forbidden) or refused.status >= 500:
            raise
        form.blame("objects", refused.message)
        return _contribute_page(seated, places, form, status=refused.status)
    if not tried.receipt.outcomes:
        form.blame("objects", _("There is no object in it."))
        return _contribute_page(seated, places, form, status=400)
    sealed = "" if answers is None else _seal_of(answers)
    return _contribute_page(seated, places, form, tried=tried, raw=raw, answered=sealed)


@blueprint.post("/<forum>/contribute/file", endpoint="contribute-file")
@door(Permission.MEMBER, files_of=CONTRIBUTOR)
def send_file(forum: str) -> Response:
    """POST /sharing/FORUM/contribute/file: a file of any length, contributed as long work."""
    seated, places = _enter(forum)
    form = read_form(FileForm)
    place = next((one for one in places if one.uuid == form.text("long_collection")), None)
    upload = request.files.get("long_file")
    if place is None:
        form.blame("long_collection", _("Choose a collection."))
    if upload is None or not upload.filename:
        form.blame("long_file", _("Choose a file."))
    if place is None or upload is None or form.errors:
        return _contribute_page(seated, places, form, status=400)
    try:
        with upload.stream:
            job_id = ask_import(
                current_database(),
                seated,
                place,
                upload.stream,
                upload.filename or "",
                most_object_bytes=current_settings().max_content_length,
                now_us=current_instant_us(),
            )
    except Conflict as refused:
        form.blame("long_file", refused.message)
        return _contribute_page(seated, places, form, status=refused.status)
    return see_other(url_for("exchange.job", job_id=job_id))


@blueprint.get("/<forum>/contributions", endpoint="contributions")
@door(Permission.MEMBER)
def show_contributions(forum: str) -> Response:
    """GET /sharing/FORUM/contributions: our own versions in the order they came."""
    query = read_filters(ContributionsQuery)
    level = query["tlp"]
    wanted = OwnFilter(
        collection=query["collection"],
        stix_type=query["type"],
        stix_id=query["id"],
        state=query["state"],
        tlp=None if level is None else Tlp.parse(level),
        since_us=query["since"],
        until_us=query["until"],
    )
    with settled_read(current_database(), now_us=current_instant_us()) as connection:
        seated, _member = enter(connection, forum)
        places = list_collections(connection, seated)
        listing = listing_of(seated, "contributions", query)
        found = list_contributions(
            connection, seated, wanted, after=listing.after, limit=listing.limit
        )
    if is_export():
        return listing.answer(found, lambda own: own.key, _document, OwnSchema)
    rows, following = listing.split(found, lambda own: own.key)
    return forum_page(
        "contributions.html",
        seated,
        rows=rows,
        next=following,
        states=STATES,
        levels=LEVELS,
        titles={place.uuid: place.title for place in places},
    )


@blueprint.get("/<forum>/collections/<ref>/contributions/<stix_id>/withdraw", endpoint="withdraw")
@door(Permission.MEMBER)
def show_withdraw(forum: str, ref: str, stix_id: str) -> Response:
    """GET …/withdraw: what withdrawing means, and the button."""
    seated, place, versions = _enter_own(forum, ref, stix_id)
    return forum_page("withdraw.html", seated, place=place, stix_id=stix_id, versions=versions)


@blueprint.post(
    "/<forum>/collections/<ref>/contributions/<stix_id>/withdraw", endpoint="withdraw-now"
)
@door(Permission.MEMBER)
def withdraw_object(forum: str, ref: str, stix_id: str) -> Response:
    """POST …/withdraw: every version leaves every view at once."""
    seated, place, _versions = _enter_own(forum, ref, stix_id)
    withdraw(current_database(), seated, place, stix_id, every_version, now_us=current_instant_us())
    flash(_("It is withdrawn and has left every view. Copies that were served are on record."))
    return see_other(url_for("exchange.contributions", forum=forum, id=stix_id))


def _enter(forum: str) -> tuple[Seated, list[Collection]]:
    with settled_read(current_database(), now_us=current_instant_us()) as connection:
        seated, _member = enter(connection, forum)
        check_role(seated, CONTRIBUTOR)
        places = list_collections(connection, seated)
    return seated, [place for place in places if place.may_be_written_by(seated)]


def _enter_own(
    forum: str, ref: str, stix_id: str
) -> tuple[Seated, Collection, list[OwnContribution]]:
    with settled_read(current_database(), now_us=current_instant_us()) as connection:
        seated, _member = enter(connection, forum)
        check_role(seated, CONTRIBUTOR)
        place = enter_collection(connection, seated, ref)
        versions = []
        if "\0" not in stix_id:
            wanted = OwnFilter(collection=place.uuid, stix_id=stix_id)
            versions = [
                own
                for own in list_contributions(connection, seated, wanted, after=None, limit=1000)
                if own.state != "deleted"
            ]
    if not versions:
        raise NotFound("sharing.unknown-object", "your member contributed no such object")
    return seated, place, versions


def _answered(seated: Seated, form: Filled) -> Answered | None:
    """What the objects answer; what this person does not see, or cannot mean, is blamed.

    What is confirmed is what was shown: that of another contributor may stand there by now.
    """
    stix_id = form.text("answers").strip()
    if not stix_id:
        return None
    named = Named(stix_id, form.text("answers_collection") or None)
    try:
        with settled_read(current_database(), now_us=current_instant_us()) as connection:
            found = find_answered(connection, seated, named)
    except Conflict:
        form.blame("answers", _("You see it in several collections: begin at the object's page."))
        return None
    if found is None:
        form.blame("answers", _("You see no object of this id in this forum."))
    elif request.form.get("confirm") and form.text("answered") != _seal_of(found):
        form.blame("answers", _("What stands there is another by now. Look at it again."))
    return found


def _seal_of(answered: Answered) -> str:
    """Names the very contribution, and tells nothing of our own numbers."""
    return current_signer().hash("answered", str(answered.contribution_id)).hex()


def _objects_of(form: Filled) -> bytes:
    """What was pasted, or the file that was chosen; a bare object or list is wrapped."""
    upload = request.files.get("file")
    raw = form.text("objects").encode()
    if upload is not None and upload.filename:
        with upload.stream:
            raw = upload.stream.read()
    bare = raw.strip()
    if bare.startswith(b"["):
        return b'{"objects":' + bare + b"}"
    if bare.startswith(b"{") and _is_single(bare):
        return b'{"objects":[' + bare + b"]}"
    return raw


def _is_single(raw: bytes) -> bool:
    """Whether this is one STIX object by itself: the gate says what is wrong with it if so."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return False
    return isinstance(value, dict) and "objects" not in value and "id" in value


def _done(seated: Seated, place: Collection, receipt: Receipt) -> Response:
    flash(
        _(
            "Contributed to %(title)s: %(good)s taken, %(bad)s refused.",
            title=place.title,
            good=len(receipt.successes),
            bad=len(receipt.failures),
        )
    )
    return forum_page("contributed.html", seated, place=place, receipt=receipt)


def _contribute_page(
    seated: Seated,
    places: list[Collection],
    form: Filled,
    *,
    tried: Preview | None = None,
    raw: bytes = b"",
    answered: str = "",
    status: int = 200,
) -> Response:
    return forum_page(
        "contribute.html",
        seated,
        status=status,
        places=places,
        form=form,
        tried=tried,
        answered=answered,
        most_file_bytes=current_settings().max_import_length,
        pasted=raw.decode("utf-8", "replace") if tried is not None else form.text("objects"),
    )


def _document(own: OwnContribution) -> dict[str, Any]:
    return {
        "collection": own.collection,
        "id": own.stix_id,
        "type": own.stix_type,
        "version": format_version(own.version_us),
        "tlp": own.tlp.text,
        "state": own.state,
        "contributed": format_instant(own.contributed_us),
    }
