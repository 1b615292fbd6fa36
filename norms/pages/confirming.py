"""`/norms/unverified`: rows that nobody has compared with their source yet; and doing so.

A named person of the forum's secretariat confirms; for everybody else the list is to read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from marshmallow import fields, validate
from sqlalchemy import Connection

from auth.doors import Permission, current_reader, current_signed, door
from auth.queries import find_person_behind
from kernel.errors import ComityError, Forbidden
from norms.pages.entering import asked, blueprint, listing_of, norms_page
from norms.pages.writing import blame, check_secretariat, document_of, export, line
from norms.queries.events import list_events
from norms.queries.forums import list_forums, list_sessions
from norms.queries.provisions import list_instruments, list_provisions
from norms.queries.verified import Provenance
from norms.rules.dates import day_of
from norms.services.confirming import NOUNS
from norms.services.registering import confirm_as_secretariat
from web.forms import FormSchema, empty_form, read_form
from web.installation import current_database, current_instant_us
from web.listing import ListQuery, is_export, read_filters
from web.pages import see_other
from web.shapes import text_filter, word_filter

_LISTED: Final = ("forum", "instrument", "provision", "session", "event")


class UnverifiedQuery(ListQuery):
    """Which rows to list."""

    forum = text_filter()
    kind = word_filter(*_LISTED)


class ConfirmForm(FormSchema):
    """Which row was compared with what."""

    kind = fields.String(required=True, validate=validate.OneOf(sorted(NOUNS)))
    key = line(required=True)
    against = line(required=True, most=1000)


@dataclass(frozen=True, slots=True)
class Unverified:
    """One row that may not be relied on yet."""

    kind: str
    key: str
    label: str
    forum: str
    provenance: Provenance

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "id": self.key,
            "kind": self.kind,
            "label": self.label,
            "forum": self.forum,
            "source": self.provenance.source,
            "source_class": self.provenance.source_class,
            "confidence": self.provenance.confidence,
            "note": self.provenance.note,
        }


@blueprint.get("/unverified", endpoint="unverified")
@door(Permission.PERSON)
def show_unverified() -> Response:
    """GET /norms/unverified: rows whose confidence asks that somebody looks again."""
    query = read_filters(UnverifiedQuery)
    with current_database().read() as connection:
        forums = [(one.slug, one.title) for one in list_forums(connection, current_reader())]
        found = [
            one
            for one in _list_unverified(connection)
            if query["kind"] in (None, one.kind) and query["forum"] in (None, one.forum)
        ]
    listing = listing_of("unverified", query)
    if is_export():
        return export(listing, found, _key, Unverified.document)
    rows, following = listing.split(listing.cut(found, _key), _key)
    return norms_page(
        "unverified.html",
        rows=rows,
        next=following,
        forums=forums,
        kinds=_LISTED,
        our_forum=current_signed().forum_slug,
    )


@blueprint.route("/confirmations/new", methods=["GET", "POST"], endpoint="confirm")
@door(Permission.PERSON)
def confirm() -> Response:
    """GET or POST /norms/confirmations/new: the person has compared a row with its source."""
    check_secretariat()
    if request.method == "GET":
        return _form_page(empty_form(kind=asked("kind"), key=asked("key")))
    form, status = read_form(ConfirmForm), 400
    if not form.errors:
        try:
            with current_database().write() as connection:
                person = find_person_behind(connection, current_reader().actor)
                if person is None:
                    raise Forbidden("auth.role-needed", "only a person confirms a row")
                confirm_as_secretariat(
                    connection,
                    current_reader(),
                    document_of(form),
                    person=person.email,
                    now_us=current_instant_us(),
                )
        except ComityError as refused:
            status = blame(form, refused, frozenset(ConfirmForm().fields))
        else:
            flash(_("It is confirmed, in your name."))
            return see_other(url_for("register.unverified", forum=current_signed().forum_slug))
    return _form_page(form, status=status)


def _form_page(form: Any, *, status: int = 200) -> Response:  # noqa: ANN401 - a filled form
    return norms_page("confirm.html", status=status, form=form, nouns=sorted(NOUNS))


def _list_unverified(connection: Connection) -> list[Unverified]:
    reader, day = current_reader(), day_of(current_instant_us())
    instruments = list_instruments(connection, reader, day=day)
    homes = {one.id: one.forum for one in instruments}
    rows = [
        *(
            Unverified("forum", one.slug, one.title, one.slug, one.provenance)
            for one in list_forums(connection, reader)
        ),
        *(
            Unverified("instrument", one.id, one.title, one.forum, one.provenance)
            for one in instruments
        ),
        *(
            Unverified(
                "provision", one.id, one.short, homes.get(one.instrument, ""), one.provenance
            )
            for one in list_provisions(connection, reader)
        ),
        *(
            Unverified("session", one.key, one.title, one.forum, one.provenance)
            for one in list_sessions(connection, reader)
        ),
        *(
            Unverified(
                "event",
                one.id,
                f"{one.kind} {one.party or ''} {one.date}",
                homes.get(one.instrument, ""),
                one.provenance,
            )
            for one in list_events(connection, reader)
            if one.corrected_by is None
        ),
    ]
    return [one for one in rows if not one.provenance.is_verified]


def _key(found: Unverified) -> tuple[Any, ...]:
    return (found.forum, _LISTED.index(found.kind), found.key)
