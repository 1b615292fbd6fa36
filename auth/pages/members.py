"""`/members`: the people of a member, for those who administer it.

Nobody changes their own roles, and what is done is on record for the member's auditors.
"""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, flash, request, url_for
from flask_babel import gettext as _
from marshmallow import fields, validate
from sqlalchemy import Connection

from auth.doors import Permission, current_reader, door
from auth.pages.roles import current_reader_with
from auth.queries.persons import Person, list_persons
from auth.rules import MEMBER_PERSON_ROLES
from auth.schemas.persons import (
    STATUSES,
    PersonQuery,
    PersonSchema,
    is_wanted_person,
    key_of_person,
    person_row,
)
from auth.services.links import make_link
from auth.services.once import make_once, spend_once
from auth.services.persons import (
    PersonsBody,
    add_person,
    change_roles,
    check_may_administer,
    disable_person,
)
from auth.services.sessions import end_sessions
from kernel.errors import BadInput, Conflict
from web.forms import Filled, FormSchema, empty_form, read_form
from web.installation import current_database, current_instant_us, current_signer, public_base
from web.listing import is_export, make_listing, read_filters
from web.pages import page, see_other

_NAME_BYTES: Final = 12

blueprint = Blueprint("members", __name__, url_prefix="/members", template_folder="templates")


class RolesForm(FormSchema):
    """Which roles a person has."""

    roles = fields.List(
        fields.String(validate=validate.OneOf(MEMBER_PERSON_ROLES)),
        required=True,
        validate=validate.Length(1, error="Choose one or more."),
        metadata={"several": True},
    )


class NewPersonForm(RolesForm):
    """Whom to add."""

    email = fields.String(required=True, validate=validate.Length(1, 254))


@blueprint.get("", endpoint="show")
@door(Permission.MEMBER)
def show_people() -> Response:
    """GET /members: the member's people, by address; JSON and CSV too."""
    return _people_page(empty_form(roles=[]))


@blueprint.post("", endpoint="add")
@door(Permission.MEMBER)
def add_to_member() -> Response:
    """POST /members: one more person of the member."""
    reader, form = current_reader_with("member-admin"), read_form(NewPersonForm)
    if form.errors:
        return _people_page(form, status=400)
    try:
        with current_database().write() as connection:
            add_person(
                connection,
                PersonsBody(member_code=reader.member_code),
                form.values["email"],
                form.values["roles"],
                actor=reader.actor,
                now_us=current_instant_us(),
            )
    except BadInput:
        form.blame("email", _("This is no e-mail address."))
        return _people_page(form, status=400)
    except Conflict:
        form.blame("email", _("This address cannot be added."))
        return _people_page(form, status=409)
    flash(_("Added. Make a link for the first sign-in below, and send it to them."))
    added = form.values["email"].strip().lower()
    return see_other(url_for("members.show-person", person=name_of_person(added)))


@blueprint.get("/<person>", endpoint="show-person")
@door(Permission.MEMBER)
def show_person(person: str) -> Response:
    """GET /members/ID: one person, and what its administrator can do."""
    current_reader_with("member-admin")
    with current_database().read() as connection:
        found = _expect(connection, person)
    return _person_page(found, empty_form(roles=sorted(found.roles)))


@blueprint.post("/<person>/roles", endpoint="change-roles")
@door(Permission.MEMBER)
def change_persons_roles(person: str) -> Response:
    """POST /members/ID/roles: these roles and no others, from the next request on."""
    reader, form = current_reader_with("member-admin"), read_form(RolesForm)
    with current_database().write() as connection:
        found = _expect(connection, person)
        if form.errors:
            return _person_page(found, form, status=400)
        change_roles(
            connection,
            found,
            form.values["roles"],
            actor=reader.actor,
            now_us=current_instant_us(),
        )
    flash(_("The roles are changed, from the next request on."))
    return see_other(url_for("members.show-person", person=person))


@blueprint.post("/<person>/disable", endpoint="disable")
@door(Permission.MEMBER)
def disable_for_good(person: str) -> Response:
    """POST /members/ID/disable: no session, link or credential of the person opens anything."""
    reader, now_us = current_reader_with("member-admin"), current_instant_us()
    with current_database().write() as connection:
        found = _expect(connection, person)
        disable_person(connection, found.email, actor=reader.actor, now_us=now_us)
        end_sessions(connection, found.id, now_us=now_us)
    flash(_("That person is disabled, and signed out everywhere."))
    return see_other(url_for("members.show-person", person=person))


@blueprint.post("/<person>/link", endpoint="make-link")
@door(Permission.MEMBER)
def make_persons_link(person: str) -> Response:
    """POST /members/ID/link: a link that signs the person in once; shown once."""
    reader, now_us = current_reader_with("member-admin"), current_instant_us()
    with current_database().write() as connection:
        found = _expect(connection, person)
        spend_once(connection, current_signer(), request.form.get("once", ""), now_us=now_us)
        token = make_link(connection, current_signer(), found, actor=reader.actor, now_us=now_us)
    address = f"{public_base()}{url_for('sign-in.link', token=token)}"
    return page("auth/new-link.html", found=found, name=person, address=address)


def name_of_person(email: str) -> str:
    """What addresses call a person. No number of ours: it would count the people of others."""
    return current_signer().hash("person-name", email)[:_NAME_BYTES].hex()


def _expect(connection: Connection, name: str) -> Person:
    """The person, who is of the reader's member and not the reader. Raises as the service."""
    reader = current_reader()
    ours = [] if reader.member_id is None else list_persons(connection, reader.member_id)
    found = next((one for one in ours if name_of_person(one.email) == name), None)
    return check_may_administer(reader, found)


def _people_page(form: Filled, *, status: int = 200) -> Response:
    reader = current_reader_with("member-admin")
    query = read_filters(PersonQuery)
    listing = make_listing("people", f"page {reader.member_id}", query)
    with current_database().read() as connection:
        people = list_persons(connection, reader.member_id)
    found = listing.cut([one for one in people if is_wanted_person(one, query)], key_of_person)
    if is_export():
        return listing.answer(found, key_of_person, person_row, PersonSchema)
    rows, following = listing.split(found, key_of_person)
    return page(
        "auth/members.html",
        status=status,
        form=form,
        rows=rows,
        me=reader.actor.removeprefix("person:"),
        next=following,
        roles=MEMBER_PERSON_ROLES,
        statuses=STATUSES,
        name_of=name_of_person,
    )


def _person_page(found: Person, form: Filled, *, status: int = 200) -> Response:
    return page(
        "auth/person.html",
        status=status,
        found=found,
        name=name_of_person(found.email),
        form=form,
        once=make_once(current_signer(), now_us=current_instant_us()),
        roles=MEMBER_PERSON_ROLES,
    )
