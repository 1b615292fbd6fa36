"""`/norms/forums`: where States meet, who belongs, and who is committed to what, as of a day."""

from __future__ import annotations

from typing import Any, Final

from flask import Response
from marshmallow import fields, validate

from auth.doors import Permission, current_reader, door
from norms.documents import forum_document
from norms.pages.entering import (
    asked,
    asked_day,
    blueprint,
    expect,
    listing_of,
    norms_page,
    shown_day,
)
from norms.pages.writing import export
from norms.queries.forums import (
    ForumProfile,
    find_named_forum,
    list_co_chairs,
    list_forums,
    list_memberships,
    list_programme_items,
    list_sessions,
)
from norms.queries.provisions import list_instruments
from norms.queries.silences import list_silences
from norms.queries.status import StatusRow
from norms.queries.status_pages import list_status_page
from norms.queries.status_table import Size, find_status_table
from web.installation import current_database, current_instant_us
from web.listing import ListQuery, is_export, read_filters
from web.shapes import Shape, flag, text, text_filter

_SIZE: Final = Size(members=40, columns=60, cells=900)
"""Of one page of the status view."""


class ForumsQuery(ListQuery):
    """Which forums to list."""

    kind = text_filter()
    parent = text_filter()


class StatusQuery(ListQuery):
    """Whose status to what, as of when; `limit` counts rows of an export."""

    limit = fields.Integer(load_default=1000, validate=validate.Range(1, 1000))
    as_of = fields.String()
    member = fields.String()
    provision = fields.String()
    after = fields.String()


class CellSchema(Shape):
    """One member and one provision, as JSON and CSV."""

    member = text()
    provision = text()
    basis = text(nullable=True)
    status = text()
    since = text(nullable=True)
    source = text(nullable=True)
    source_class = text(nullable=True)
    confidence = text(nullable=True)
    verified = flag()
    reserved = flag()
    contested = flag()
    event = text(nullable=True)


@blueprint.get("/forums", endpoint="forums")
@door(Permission.PERSON)
def show_forums() -> Response:
    """GET /norms/forums: the forums of the register, by name in addresses."""
    query = read_filters(ForumsQuery)
    with current_database().read() as connection:
        known = list_forums(connection, current_reader())
    found = [
        one
        for one in known
        if query["kind"] in (None, one.kind) and query["parent"] in (None, one.parent)
    ]
    listing = listing_of("forums", query)
    if is_export():
        return export(listing, found, _slug, forum_document)
    rows, following = listing.split(listing.cut(found, _slug), _slug)
    return norms_page(
        "forums.html",
        forums=rows,
        next=following,
        kinds=sorted({one.kind for one in known}),
        parents=sorted({one.parent for one in known if one.parent}),
    )


@blueprint.get("/forums/<slug>", endpoint="forum")
@door(Permission.PERSON)
def show_forum(slug: str) -> Response:
    """GET /norms/forums/SLUG: members as of a day, instruments, sessions, what is going on."""
    reader, day, now_us = current_reader(), asked_day(), current_instant_us()
    with current_database().read() as connection:
        known = list_forums(connection, reader)
        found = expect(next((one for one in known if one.slug == slug), None), "forum")
        return norms_page(
            "forum.html",
            forum=found,
            as_of=shown_day(day),
            below=[one for one in known if one.parent == slug],
            members=list_memberships(connection, reader, slug, day=day, known=known),
            instruments=list_instruments(connection, reader, day=day, forum_slug=slug),
            sessions=list_sessions(connection, reader, slug=slug, from_day=None, to_day=None),
            chairs=list_co_chairs(connection, reader, slug),
            items=list_programme_items(connection, reader, slug),
            silences=list_silences(connection, reader, now_us=now_us, forum_slug=slug),
        )


@blueprint.get("/forums/<slug>/status", endpoint="status")
@door(Permission.PERSON)
def show_status(slug: str) -> Response:
    """GET /norms/forums/SLUG/status: members and provisions as of a day: words and sources.

    By code and place; no score, and no order of merit. Who has said nothing has made no
    statement.
    """
    reader, day, query = current_reader(), asked_day(), read_filters(StatusQuery)
    listing = listing_of("status", query, about=slug)
    member, provision = asked("member"), asked("provision")
    with current_database().read() as connection:
        found = expect(find_named_forum(connection, reader, slug), "forum")
        if is_export():
            rows = list_status_page(
                connection,
                reader,
                found.id,
                slug,
                day=day,
                provision_id=provision,
                party=member,
                behind=listing.after,
                limit=listing.limit,
            )
            return listing.answer(rows, _status_key, StatusRow.document, CellSchema)
        table = find_status_table(
            connection,
            reader,
            found.id,
            slug,
            day=day,
            provision_id=provision,
            party=member,
            after=asked("after"),
            size=_SIZE,
        )
    return norms_page("status.html", forum=found, as_of=shown_day(day), table=table)


def _slug(found: ForumProfile) -> tuple[Any, ...]:
    return (found.slug,)


def _status_key(row: StatusRow) -> tuple[Any, ...]:
    return (row.member, *row.place, row.provision)
