"""What the forms of the register share: roles, what a service refused, audiences, files.

What does not live here: what may be written (`norms.services`), which asks again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, cast

from flask import Response
from flask_babel import gettext as _
from marshmallow import fields, validate
from sqlalchemy import Connection

from auth.doors import current_reader
from kernel.errors import BadInput, ComityError, Forbidden
from norms.pages.entering import has_role
from norms.queries.parties import list_parties
from norms.queries.provisions import list_provisions
from norms.services.own_rows import AUDIENCES
from web.forms import Filled, FormSchema
from web.listing import Key, Listing
from web.shapes import Shape

LONG: Final = 20_000
SHORT: Final = 300
STATES: Final = ("draft", "released", "withdrawn")


def line(*, required: bool = False, most: int = SHORT) -> fields.String:
    """One line, or a few, of a form."""
    return fields.String(required=required, validate=validate.Length(1 if required else 0, most))


def several() -> fields.List[Any]:
    """What is chosen of many."""
    return fields.List(fields.String(validate=validate.Length(1, SHORT)), metadata={"several": 1})


class ReleaseForm(FormSchema):
    """Who is to see it."""

    audience = fields.String(required=True, validate=validate.OneOf(AUDIENCES))
    parties = several()


def event_labels() -> dict[str, str]:
    """What the fields of an event are called, in a form and where it is read again."""
    return {
        "kind": _("Event"),
        "instrument": _("Instrument"),
        "date": _("Date"),
        "forum": _("Forum"),
        "party": _("Party"),
        "provisions": _("Provisions"),
        "parties": _("Parties bound by name"),
        "basis": _("Basis"),
        "symbol": _("Symbol"),
        "refers_to": _("Refers to the event (id)"),
        "corrects": _("Corrects the event (id)"),
        "body": _("Words"),
        "notified": _("Notified on"),
        "territory": _("Territory"),
        "authority": _("Authority"),
        "language": _("Language"),
        "on_behalf_of": _("On behalf of"),
        "source": _("Source"),
        "confidence": _("Confidence"),
        "note": _("Note"),
    }


def check_role(*roles: str) -> None:
    """Raise Forbidden unless the person acts for a member in one of these roles."""
    if not has_role(*roles):
        raise Forbidden(
            "auth.role-needed", f"only a person with one of the roles {', '.join(roles)} does this"
        )


def check_secretariat() -> None:
    """Raise Forbidden unless the person is of a forum's secretariat."""
    if current_reader().secretariat_of is None:
        raise Forbidden("norms.not-its-secretariat", "only a forum's secretariat does this")


def is_ours(party: str) -> bool:
    """Whether a row is of the State that the person acts for."""
    return party == current_reader().member_code


def document_of(form: Filled) -> dict[str, Any]:
    """What was filled in, as the services take it: empty fields are left out."""
    return {name: value for name, value in form.values.items() if value not in ("", [], None)}


def blame(form: Filled, refused: ComityError, names: Collection[str]) -> int:
    """Say what a service refused, beside the field that it names; the status of the answer."""
    if refused.status >= 500:
        raise refused
    place, _, why = refused.message.partition(": ")
    field = place.rpartition(".")[2]
    if isinstance(refused, BadInput) and field in names:
        form.blame(field, why)
    else:
        form.blame("", refused.message)
    return refused.status


def provision_choices(connection: Connection) -> list[tuple[str, str]]:
    """Every provision, to be chosen from."""
    return [
        (one.id, f"{one.symbol} {one.path} {one.short}"[:120])
        for one in list_provisions(connection, current_reader())
    ]


def party_choices(connection: Connection) -> list[tuple[str, str]]:
    """Every party, to be chosen from."""
    return [
        (one.code, f"{one.code} {one.name}") for one in list_parties(connection, current_reader())
    ]


def export(
    listing: Listing,
    rows: Sequence[Any],
    key_of: Callable[[Any], Key],
    document: Callable[[Any], Mapping[str, Any]],
) -> Response:
    """A page's list as a file, in the columns of its rows."""
    names = document(rows[0]) if rows else {"id": None}
    row = cast("type[Shape]", Shape.from_dict({name: fields.Raw() for name in names}, name="Row"))
    return listing.answer(listing.cut(rows, key_of), key_of, document, row)
