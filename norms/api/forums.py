"""`/api/v1/norms/forums`: forums, who belongs to them, their sessions, who is committed there."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import Response
from flask_smorest import Blueprint
from marshmallow import fields

from auth.doors import Permission, current_database, current_reader, door
from norms.api.entering import (
    NORMS,
    SOURCED,
    Sourced,
    as_of,
    day_filter,
    expect,
    listing_of,
    read_day,
)
from norms.api.parties import CommitmentSchema, commitment
from norms.documents import forum_document, provenance_document
from norms.queries.forums import (
    ForumProfile,
    Membership,
    Session,
    find_profile,
    list_co_chairs,
    list_forums,
    list_memberships,
    list_programme_items,
    list_sessions,
)
from norms.queries.status import StatusRow, list_status
from norms.queries.status_pages import list_status_page
from norms.rules.dates import parse_day
from norms.rules.words import STANDINGS
from web.listing import Key, ListQuery, answer_json, listed
from web.shapes import count, text, text_filter, word_filter, words

blueprint = Blueprint(
    "norms-forums", __name__, url_prefix=NORMS, description="Where States meet and agree"
)


class RegisteredForumSchema(Sourced):
    """A forum as a public fact; nothing here says that it is open for sharing."""

    EXAMPLE: ClassVar = {
        "slug": "harbour",
        "title": "Harbour",
        "kind": "regional",
        "parent": None,
        "members_of": None,
        "decision_rule": "consensus",
        "languages": ["en"],
        "member_label": "participating State",
        "begun": None,
        "ended": None,
        "basis": None,
        "rules": None,
        "cycle_years": None,
        **SOURCED,
    }
    slug = text()
    title = text()
    kind = text()
    parent = text(nullable=True)
    members_of = text("The forum whose members are its members too.", nullable=True)
    decision_rule = text(nullable=True)
    languages = words()
    member_label = text("What a member is called here.")
    begun = text(nullable=True)
    ended = text(nullable=True)
    basis = text(nullable=True)
    rules = text(nullable=True)
    cycle_years = fields.Integer(required=True, allow_none=True, strict=True)


class CoChairSchema(Sourced):
    """One co-chair in one cycle."""

    EXAMPLE: ClassVar = {"party": "XAA", "cycle": "2024-2027", **SOURCED}
    party = text()
    cycle = text()


class ProgrammeItemSchema(Sourced):
    """An objective, goal or activity."""

    EXAMPLE: ClassVar = {
        "programme": "harbour-ways",
        "programme_title": "Ways",
        "party": None,
        "id": "ends",
        "parent": None,
        "kind": "objective",
        "title": "Ends",
        "due": None,
        **SOURCED,
    }
    programme = text()
    programme_title = text()
    party = text(nullable=True)
    id = text()
    parent = text(nullable=True)
    kind = text()
    title = text()
    due = text(nullable=True)


class WholeForumSchema(RegisteredForumSchema):
    """A forum with its sub-bodies, co-chairs and programmes."""

    EXAMPLE: ClassVar = {
        **RegisteredForumSchema.EXAMPLE,
        "sub_bodies": ["harbour-experts"],
        "co_chairs": [CoChairSchema.EXAMPLE],
        "programme_items": [ProgrammeItemSchema.EXAMPLE],
    }
    sub_bodies = words()
    co_chairs = fields.List(fields.Nested(CoChairSchema), required=True)
    programme_items = fields.List(fields.Nested(ProgrammeItemSchema), required=True)


class RegisteredForumQuery(ListQuery):
    """Which forums to list."""

    kind = text_filter()
    parent = text_filter()


class MembershipSchema(Sourced):
    """One party's belonging to a forum."""

    EXAMPLE: ClassVar = {
        "party": "XAA",
        "name": "Xanadu",
        "label": "participating State",
        "standing": "member",
        "from": None,
        "to": None,
        **SOURCED,
    }
    party = text()
    name = text()
    label = text()
    standing = text()
    to = text(nullable=True)


MembershipSchema._declared_fields["from"] = text(nullable=True)  # noqa: SLF001 - a keyword's name


class MembershipQuery(ListQuery):
    """Whose belonging, as of when."""

    as_of = as_of()
    standing = word_filter(*STANDINGS)


class SessionSchema(Sourced):
    """A session of a forum."""

    EXAMPLE: ClassVar = {
        "id": "harbour:plenary:2026-07-20",
        "forum": "harbour",
        "kind": "plenary",
        "title": "plenary",
        "place": None,
        "starts": "2026-07-20",
        "ends": "2026-07-24",
        **SOURCED,
    }
    id = text()
    forum = text()
    kind = text()
    title = text()
    place = text(nullable=True)
    starts = text()
    ends = text()


class SessionQuery(ListQuery):
    """Which sessions to list."""

    forum = text_filter()
    from_day = day_filter("Sessions that end on this day or later.")
    to_day = day_filter("Sessions that begin on this day or earlier.")


class AdherenceSchema(CommitmentSchema):
    """One member and one provision as of a day; `evidence` counts what it released itself."""

    EXAMPLE: ClassVar = {**CommitmentSchema.EXAMPLE, "evidence": 0}
    evidence = count("Public evidence of its own actions on this provision.")


class AdherenceQuery(ListQuery):
    """Whose status, to what, as of when."""

    as_of = as_of()
    member = text_filter()
    provision = text_filter()
    status = text_filter()


@blueprint.route("/forums", methods=["GET"])
@door(Permission.API_READ)
@listed(blueprint, RegisteredForumQuery, RegisteredForumSchema)
def show_forums(query: dict[str, Any]) -> Response:
    """The forums of the register, by slug."""
    with current_database().read() as connection:
        found = list_forums(connection, current_reader(), kind=query["kind"])
    wanted = [one for one in found if query["parent"] in (None, one.parent)]
    listing = listing_of("forums", query)
    return listing.answer(listing.cut(wanted, _slug), _slug, forum_document, RegisteredForumSchema)


@blueprint.route("/forums/<slug>", methods=["GET"])
@door(Permission.API_READ)
@blueprint.response(200, WholeForumSchema, example=WholeForumSchema.EXAMPLE)
def show_forum(slug: str) -> Response:
    """A forum with its sub-bodies, co-chairs and programmes."""
    reader = current_reader()
    with current_database().read() as connection:
        found = expect(find_profile(connection, reader, slug), "forum")
        below = [one.slug for one in list_forums(connection, reader) if one.parent == slug]
        chairs = list_co_chairs(connection, reader, slug)
        items = list_programme_items(connection, reader, slug)
    return answer_json(
        {
            **forum_document(found),
            "sub_bodies": below,
            "co_chairs": [
                {"party": one.party, "cycle": one.cycle, **provenance_document(one.provenance)}
                for one in chairs
            ],
            "programme_items": [
                {
                    "programme": one.programme,
                    "programme_title": one.programme_title,
                    "party": one.party,
                    "id": one.id,
                    "parent": one.parent,
                    "kind": one.kind,
                    "title": one.title,
                    "due": one.due,
                    **provenance_document(one.provenance),
                }
                for one in items
            ],
        }
    )


@blueprint.route("/forums/<slug>/members", methods=["GET"])
@door(Permission.API_READ)
@listed(blueprint, MembershipQuery, MembershipSchema)
def show_members(query: dict[str, Any], slug: str) -> Response:
    """Who belongs to a forum as of a day, by code."""
    reader, day = current_reader(), read_day(query["as_of"])
    with current_database().read() as connection:
        expect(find_profile(connection, reader, slug), "forum")
        found = list_memberships(connection, reader, slug, day=day, standing=query["standing"])
    listing = listing_of("members", query, about=slug)
    return listing.answer(
        listing.cut(found, _membership_key), _membership_key, _membership, MembershipSchema
    )


@blueprint.route("/sessions", methods=["GET"])
@door(Permission.API_READ)
@listed(blueprint, SessionQuery, SessionSchema)
def show_sessions(query: dict[str, Any]) -> Response:
    """Sessions of forums, by their first day."""
    first, last = query["from_day"], query["to_day"]
    with current_database().read() as connection:
        found = list_sessions(
            connection,
            current_reader(),
            slug=query["forum"],
            from_day=parse_day(first) if first else None,
            to_day=parse_day(last) if last else None,
        )
    listing = listing_of("sessions", query)
    return listing.answer(listing.cut(found, _session_key), _session_key, _session, SessionSchema)


@blueprint.route("/forums/<slug>/status", methods=["GET"])
@door(Permission.API_READ)
@listed(blueprint, AdherenceQuery, AdherenceSchema)
def show_status(query: dict[str, Any], slug: str) -> Response:
    """Who of the forum's members is committed to which of its provisions, as of a day.

    Words and sources, by code and place: no score and no order of merit. Who has said nothing
    has made no statement.
    """
    reader, day = current_reader(), read_day(query["as_of"])
    listing = listing_of("status", query, about=slug)
    with current_database().read() as connection:
        found = expect(find_profile(connection, reader, slug), "forum")
        asked: dict[str, Any] = {
            "day": day,
            "provision_id": query["provision"],
            "party": query["member"],
        }
        if query["status"] is None:
            rows = list_status_page(
                connection,
                reader,
                found.id,
                slug,
                **asked,
                behind=listing.after,
                limit=listing.limit,
            )
        else:
            every = list_status(connection, reader, found.id, slug, **asked)
            rows = listing.cut((row for row in every if row.status == query["status"]), _status_key)
    return listing.answer(
        rows,
        _status_key,
        lambda row: {**commitment((slug, row)), "evidence": row.evidence},
        AdherenceSchema,
    )


def _slug(found: ForumProfile) -> Key:
    return (found.slug,)


def _membership_key(found: Membership) -> Key:
    return (found.party, found.from_date or "", found.standing)


def _membership(found: Membership) -> dict[str, Any]:
    return {
        "party": found.party,
        "name": found.name,
        "label": found.label,
        "standing": found.standing,
        "from": found.from_date,
        "to": found.to_date,
        **provenance_document(found.provenance),
    }


def _session_key(found: Session) -> Key:
    return (found.first_day, found.key)


def _session(found: Session) -> dict[str, Any]:
    return {
        "id": found.key,
        "forum": found.forum,
        "kind": found.kind,
        "title": found.title,
        "place": found.place,
        "starts": found.starts,
        "ends": found.ends,
        **provenance_document(found.provenance),
    }


def _status_key(row: StatusRow) -> Key:
    return (row.member, *row.place, row.provision)
