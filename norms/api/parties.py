"""`/api/v1/norms/parties`: parties, one party's profile, two of them side by side."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import Response
from flask_smorest import Blueprint
from marshmallow import fields

from auth.doors import Permission, current_database, current_reader, door
from norms.api.entering import NORMS, SOURCED, Sourced, as_of, expect, listing_of, named, read_day
from norms.documents import party_document
from norms.queries.parties import Party, find_party, list_belonging, list_parties, list_treaties_of
from norms.queries.status import StatusRow, list_commitments_of
from norms.rules.dates import format_day
from norms.rules.words import NO_STATEMENT, PARTY_KINDS
from web.listing import Key, ListQuery, answer_json, asks, listed
from web.shapes import Query, Shape, flag, text, text_filter, word, word_filter

blueprint = Blueprint(
    "norms-parties", __name__, url_prefix=NORMS, description="Who can be party to what was agreed"
)


class PartySchema(Sourced):
    """A State, a regional organization, or another that can be party."""

    EXAMPLE: ClassVar = {"code": "XAA", "name": "Xanadu", "kind": "state", **SOURCED}
    code = text()
    name = text()
    kind = word(*PARTY_KINDS)


class PartyQuery(ListQuery):
    """Which parties to list."""

    kind = word_filter(*PARTY_KINDS)
    code = text_filter()


class CommitmentSchema(Shape):
    """A party's commitment to one provision in one forum, as of a day."""

    EXAMPLE: ClassVar = {
        "forum": "harbour",
        "member": "XAA",
        "provision": "xx:1",
        "basis": "consensus-adoption",
        "status": "in-effect",
        "since": "2018-05",
        "source": "HD/1",
        "source_class": "secretariat-recorded",
        "confidence": "checked",
        "verified": True,
        "reserved": False,
        "contested": False,
        "event": "5f2d7c0a-9e4b-4d1c-8a3f-6e2b9d4e1107",
    }
    forum = text()
    member = text("The party's code.")
    provision = text()
    basis = text("How it came to be committed; null where it has made no statement.", nullable=True)
    status = text("`in-effect`, `qualified`, ... `no-statement`: never a grade.")
    since = text("A year, a month or a day, as it was given.", nullable=True)
    source = text(nullable=True)
    source_class = text(nullable=True)
    confidence = text(nullable=True)
    verified = fields.Boolean(required=True, allow_none=True)
    reserved = flag("A reservation that concerns this provision.")
    contested = flag("The State says that this was recorded wrongly.")
    event = text("The event that it follows from.", nullable=True)


class BelongsSchema(Shape):
    """A forum that the party belongs to."""

    EXAMPLE: ClassVar = {
        "forum": "harbour",
        "title": "Harbour",
        "label": "participating State",
        "standing": "member",
        "since": None,
    }
    forum = text()
    title = text()
    label = text()
    standing = text()
    since = text(nullable=True)


class TreatySchema(Shape):
    """A treaty and what the party is to it."""

    EXAMPLE: ClassVar = {"instrument": "xx", "status": "party", "since": "2020-05-01"}
    instrument = text()
    status = text()
    since = text()


class ProfileSchema(PartySchema):
    """A party with its forums and treaties as of a day."""

    EXAMPLE: ClassVar = {
        **PartySchema.EXAMPLE,
        "as_of": "2026-11-27",
        "forums": [BelongsSchema.EXAMPLE],
        "treaties": [TreatySchema.EXAMPLE],
    }
    as_of = text()
    forums = fields.List(fields.Nested(BelongsSchema), required=True)
    treaties = fields.List(fields.Nested(TreatySchema), required=True)


class AsOfQuery(Query):
    """The day that is asked about."""

    as_of = as_of()


class CommitmentQuery(ListQuery):
    """Which commitments to list, as of when."""

    as_of = as_of()
    forum = text_filter()
    provision = text_filter()


class SideSchema(Shape):
    """One provision in one forum, and what each of two parties has said to it."""

    EXAMPLE: ClassVar = {
        "forum": "harbour",
        "provision": "xx:1",
        "left": "in-effect",
        "left_since": "2018-05",
        "right": "no-statement",
        "right_since": None,
    }
    forum = text()
    provision = text()
    left = text()
    left_since = text(nullable=True)
    right = text()
    right_since = text(nullable=True)


class SideQuery(ListQuery):
    """Which two parties, as of when."""

    left = fields.String(required=True, validate=text_filter().validators)
    right = fields.String(required=True, validate=text_filter().validators)
    as_of = as_of()


@blueprint.route("/parties", methods=["GET"])
@door(Permission.API_READ)
@listed(blueprint, PartyQuery, PartySchema)
def show_parties(query: dict[str, Any]) -> Response:
    """Parties by code."""
    with current_database().read() as connection:
        found = list_parties(connection, current_reader(), kind=query["kind"], code=query["code"])
    listing = listing_of("parties", query)
    return listing.answer(listing.cut(found, _code), _code, party_document, PartySchema)


@blueprint.route("/parties/<code>", methods=["GET"])
@door(Permission.API_READ)
@asks(blueprint, AsOfQuery)
@blueprint.response(200, ProfileSchema, example=ProfileSchema.EXAMPLE)
def show_party(query: dict[str, Any], code: str) -> Response:
    """A party's profile: where it belongs and what it is party to, as of a day."""
    reader, day = current_reader(), read_day(query["as_of"])
    with current_database().read() as connection:
        found = expect(find_party(connection, reader, named(code, "party")), "party")
        forums = list_belonging(connection, reader, code, day=day)
        treaties = list_treaties_of(connection, reader, code, day=day)
    return answer_json(
        {
            **party_document(found),
            "as_of": format_day(day),
            "forums": [
                {
                    "forum": one.forum,
                    "title": one.title,
                    "label": one.label,
                    "standing": one.standing,
                    "since": one.since,
                }
                for one in forums
            ],
            "treaties": [
                {"instrument": one.instrument, "status": one.status, "since": one.since}
                for one in treaties
            ],
        }
    )


@blueprint.route("/parties/<code>/commitments", methods=["GET"])
@door(Permission.API_READ)
@listed(blueprint, CommitmentQuery, CommitmentSchema)
def show_commitments(query: dict[str, Any], code: str) -> Response:
    """A party's commitments as of a day, by forum and provision."""
    reader, day = current_reader(), read_day(query["as_of"])
    with current_database().read() as connection:
        expect(find_party(connection, reader, named(code, "party")), "party")
        found = [
            (forum, row)
            for forum, row in list_commitments_of(connection, reader, code, day=day)
            if query["forum"] in (None, forum) and query["provision"] in (None, row.provision)
        ]
    listing = listing_of("commitments", query, about=code)
    return listing.answer(
        listing.cut(found, _commitment_key), _commitment_key, commitment, CommitmentSchema
    )


@blueprint.route("/comparison", methods=["GET"])
@door(Permission.API_READ)
@blueprint.alt_response(404, "NOT_FOUND")
@listed(blueprint, SideQuery, SideSchema)
def compare_parties(query: dict[str, Any]) -> Response:
    """Two parties side by side: what each has said to every provision that either has."""
    reader, day = current_reader(), read_day(query["as_of"])
    with current_database().read() as connection:
        sides = []
        for name in (query["left"], query["right"]):
            expect(find_party(connection, reader, name), "party")
            sides.append(
                {
                    (forum, row.provision): row
                    for forum, row in list_commitments_of(connection, reader, name, day=day)
                }
            )
    left, right = sides
    rows = [
        (place, left.get(place), right.get(place)) for place in sorted(left.keys() | right.keys())
    ]
    listing = listing_of("comparison", query)
    return listing.answer(listing.cut(rows, _side_key), _side_key, _side, SideSchema)


def commitment(found: tuple[str, StatusRow]) -> dict[str, Any]:
    """A commitment as JSON."""
    forum, row = found
    return {"forum": forum, **row.document()}


def _code(found: Party) -> Key:
    return (found.code,)


def _commitment_key(found: tuple[str, StatusRow]) -> Key:
    return (found[0], found[1].provision)


_Side = tuple[tuple[str, str], StatusRow | None, StatusRow | None]


def _side_key(found: _Side) -> Key:
    return found[0]


def _side(found: _Side) -> dict[str, Any]:
    (forum, provision), left, right = found
    return {
        "forum": forum,
        "provision": provision,
        "left": left.status if left else NO_STATEMENT,
        "left_since": left.since if left else None,
        "right": right.status if right else NO_STATEMENT,
        "right_since": right.since if right else None,
    }
