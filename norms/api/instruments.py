"""`/api/v1/norms/instruments` and `/provisions`: what was agreed, and how it hangs together."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import Response
from flask_smorest import Blueprint
from marshmallow import fields

from auth.doors import Permission, current_database, current_reader, door
from norms.api.entering import NORMS, SOURCED, Sourced, as_of, expect, listing_of, named, read_day
from norms.api.parties import AsOfQuery
from norms.documents import (
    instrument_document,
    provision_document,
    whole_provision_document,
)
from norms.queries.participants import Participant, find_force_of, list_participants
from norms.queries.provisions import (
    Instrument,
    Link,
    Provision,
    find_instrument,
    find_provision,
    list_instruments,
    list_links,
    list_links_of,
    list_pins,
    list_provisions,
)
from norms.rules.words import LINK_KINDS, POLARITIES, TEXT_STANDINGS
from web.listing import Key, ListQuery, answer_json, asks, listed
from web.shapes import Shape, count, flag, text, text_filter, word, word_filter

blueprint = Blueprint(
    "norms-instruments", __name__, url_prefix=NORMS, description="What was agreed"
)


class InstrumentSchema(Sourced):
    """An agreed text with its symbol; dates as given, the status as of the day asked about."""

    EXAMPLE: ClassVar = {
        "id": "xx",
        "symbol": "HD/1",
        "title": "Harbour decision",
        "kind": "decision",
        "legal_character": "voluntary-non-binding",
        "forum": "harbour",
        "adopted": "2018-05",
        "opens_for_signature": None,
        "closes_for_signature": None,
        "in_force": None,
        "entry_into_force_rule": None,
        "welcomed_by": None,
        "supersedes": None,
        "binds_later_members": False,
        "lapses_on_leaving": False,
        "status": "adopted",
        "status_since": "2018-05",
        **SOURCED,
    }
    id = text()
    symbol = text()
    title = text()
    kind = text()
    legal_character = text()
    forum = text()
    adopted = text(nullable=True)
    opens_for_signature = text(nullable=True)
    closes_for_signature = text(nullable=True)
    in_force = text("As the depositary says.", nullable=True)
    entry_into_force_rule = fields.Dict(required=True, allow_none=True)
    welcomed_by = text(nullable=True)
    supersedes = text(nullable=True)
    binds_later_members = flag("Whether who joins the forum later takes it over.")
    lapses_on_leaving = flag("Whether leaving the forum ends the commitment.")
    status = text(nullable=True)
    status_since = text(nullable=True)


class ForceSchema(Shape):
    """How far from entry into force: `counted` of `threshold` instruments, and the day itself."""

    EXAMPLE: ClassVar = {"threshold": 40, "counted": 3, "entry": None}
    threshold = fields.Integer(required=True, allow_none=True, strict=True)
    counted = fields.Integer(required=True, allow_none=True, strict=True)
    entry = text(nullable=True)


class WholeInstrumentSchema(InstrumentSchema):
    """An instrument with how far it is from its entry into force."""

    EXAMPLE: ClassVar = {
        **InstrumentSchema.EXAMPLE,
        "entry_into_force": ForceSchema.EXAMPLE,
    }
    entry_into_force = fields.Nested(ForceSchema, required=True)


class InstrumentQuery(ListQuery):
    """Which instruments to list, as of when."""

    as_of = as_of()
    forum = text_filter()
    kind = text_filter()
    status = text_filter()


class ParticipantSchema(Shape):
    """A participant in the columns of the UN Treaty Collection; consents with their letters."""

    EXAMPLE: ClassVar = {
        "party": "XAA",
        "name": "Xanadu",
        "signature": "2019-01-01",
        "consent": "2020-05-01 A",
        "status": "party",
        "since": "2020-07-30",
        "reservations": 1,
        "declarations": 0,
        "objections": 0,
    }
    party = text()
    name = text()
    signature = text(nullable=True)
    consent = text(
        "Ratification without a letter, A acceptance, AA approval, a accession, d succession, "
        "c formal confirmation, s definitive signature.",
        nullable=True,
    )
    status = text()
    since = text()
    reservations = count()
    declarations = count()
    objections = count("That it has raised.")


class ParticipantQuery(ListQuery):
    """Which participants, as of when."""

    as_of = as_of()
    status = text_filter()


class ProvisionSchema(Sourced):
    """The smallest unit that can be cited, in our own words."""

    EXAMPLE: ClassVar = {
        "id": "xx:1",
        "instrument": "xx",
        "symbol": "HD/1",
        "path": "1",
        "short": "Answer requests",
        "paraphrase": "Answer fitting requests for help.",
        "polarity": "positive-duty",
        "introduced_by": None,
        "from": "2018-05-31",
        **SOURCED,
    }
    id = text()
    instrument = text()
    symbol = text()
    path = text()
    short = text()
    paraphrase = text("Ours; never the instrument's words.")
    polarity = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": f"One of {', '.join(POLARITIES)}; null where it is neither."},
    )
    introduced_by = text(nullable=True)


class LinkSchema(Sourced):
    """How a provision relates to another, or to paragraphs of an instrument."""

    EXAMPLE: ClassVar = {
        "kind": "elaborates",
        "to": None,
        "to_instrument": "yy",
        "to_paragraphs": "19-21",
        "back": False,
        **SOURCED,
    }
    kind = word(*LINK_KINDS)
    to = text(nullable=True)
    to_instrument = text(nullable=True)
    to_paragraphs = text(nullable=True)
    back = flag("The other provision makes this link.")


class PinSchema(Sourced):
    """Where the words are in one language; never the words."""

    EXAMPLE: ClassVar = {
        "language": "en",
        "version": 1,
        "standing": "official",
        "symbol": "HD/1 para 1",
        "link": None,
        "digest": None,
        **SOURCED,
    }
    language = text()
    version = count()
    standing = word(*TEXT_STANDINGS)
    symbol = text()
    link = text(nullable=True)
    digest = text("SHA-256 of the words, if somebody took it.", nullable=True)


class WholeProvisionSchema(ProvisionSchema):
    """A provision with its links and text pins."""

    EXAMPLE: ClassVar = {
        **ProvisionSchema.EXAMPLE,
        "links": [LinkSchema.EXAMPLE],
        "pins": [PinSchema.EXAMPLE],
    }
    links = fields.List(fields.Nested(LinkSchema), required=True)
    pins = fields.List(fields.Nested(PinSchema), required=True)


for _shape in (ProvisionSchema, WholeProvisionSchema):
    # A keyword cannot be declared in a class's body.
    _shape._declared_fields["from"] = text("The day from which it exists.", nullable=True)  # noqa: SLF001


class ProvisionQuery(ListQuery):
    """Which provisions to list."""

    instrument = text_filter()
    forum = text_filter()
    polarity = word_filter(*POLARITIES)


class ParallelSchema(Shape):
    """A provision beside what it is linked with in another instrument."""

    EXAMPLE: ClassVar = {
        "provision": "xx:1",
        "short": "Answer requests",
        "paraphrase": "Answer fitting requests for help.",
        "kind": "elaborates",
        "other": None,
        "other_paragraphs": "19-21",
        "other_short": None,
        "other_paraphrase": None,
        "verified": False,
    }
    provision = text()
    short = text()
    paraphrase = text()
    kind = text("How they relate; null where nothing there is linked with it.", nullable=True)
    other = text(nullable=True)
    other_paragraphs = text(nullable=True)
    other_short = text(nullable=True)
    other_paraphrase = text(nullable=True)
    verified = flag("Whether the link may be relied on.")


class ParallelQuery(ListQuery):
    """Which instrument beside which."""

    beside = fields.String(required=True, validate=text_filter().validators)


@blueprint.route("/instruments", methods=["GET"])
@door(Permission.API_READ)
@listed(blueprint, InstrumentQuery, InstrumentSchema)
def show_instruments(query: dict[str, Any]) -> Response:
    """Instruments by id, each with its status as of a day."""
    with current_database().read() as connection:
        found = list_instruments(
            connection,
            current_reader(),
            day=read_day(query["as_of"]),
            forum_slug=query["forum"],
            kind=query["kind"],
        )
    wanted = [one for one in found if query["status"] in (None, one.status)]
    listing = listing_of("instruments", query)
    return listing.answer(
        listing.cut(wanted, _instrument_key), _instrument_key, instrument_document, InstrumentSchema
    )


@blueprint.route("/instruments/<instrument>", methods=["GET"])
@door(Permission.API_READ)
@asks(blueprint, AsOfQuery)
@blueprint.response(200, WholeInstrumentSchema, example=WholeInstrumentSchema.EXAMPLE)
def show_instrument(query: dict[str, Any], instrument: str) -> Response:
    """An instrument with its status, and how far it is from its entry into force."""
    reader, day, name = current_reader(), read_day(query["as_of"]), named(instrument, "instrument")
    with current_database().read() as connection:
        found = expect(find_instrument(connection, reader, name, day=day), "instrument")
        force = expect(find_force_of(connection, reader, name, day=day), "instrument")
    entry = {"threshold": force.threshold, "counted": force.counted, "entry": force.entry}
    return answer_json({**instrument_document(found), "entry_into_force": entry})


@blueprint.route("/instruments/<instrument>/participants", methods=["GET"])
@door(Permission.API_READ)
@listed(blueprint, ParticipantQuery, ParticipantSchema)
def show_participants(query: dict[str, Any], instrument: str) -> Response:
    """A treaty's participants as of a day, in the columns of the UN Treaty Collection."""
    reader, day, name = current_reader(), read_day(query["as_of"]), named(instrument, "instrument")
    with current_database().read() as connection:
        expect(find_instrument(connection, reader, name, day=day), "instrument")
        found = list_participants(connection, reader, name, day=day)
    wanted = [one for one in found if query["status"] in (None, one.status)]
    listing = listing_of("participants", query, about=name)
    return listing.answer(
        listing.cut(wanted, _participant_key), _participant_key, _participant, ParticipantSchema
    )


@blueprint.route("/instruments/<instrument>/parallels", methods=["GET"])
@door(Permission.API_READ)
@listed(blueprint, ParallelQuery, ParallelSchema)
def show_parallels(query: dict[str, Any], instrument: str) -> Response:
    """An instrument beside another, provision by provision, by the links on record."""
    reader, name, beside = current_reader(), named(instrument, "instrument"), query["beside"]
    with current_database().read() as connection:
        for one in (name, beside):
            expect(find_instrument(connection, reader, one, day=read_day(None)), "instrument")
        others = {one.id: one for one in list_provisions(connection, reader, instrument_id=beside)}
        rows: list[_Parallel] = []
        here = list_provisions(connection, reader, instrument_id=name)
        linked = list_links_of(connection, reader, [one.id for one in here])
        for provision in here:
            links = [
                link
                for link in linked[provision.id]
                if link.to in others or (link.to_instrument == beside and not link.is_back)
            ]
            rows += [(provision, link, others.get(link.to or "")) for link in links]
            if not links:
                rows.append((provision, None, None))
    listing = listing_of("parallels", query, about=name)
    return listing.answer(
        listing.cut(rows, _parallel_key), _parallel_key, _parallel, ParallelSchema
    )


@blueprint.route("/provisions", methods=["GET"])
@door(Permission.API_READ)
@listed(blueprint, ProvisionQuery, ProvisionSchema)
def show_provisions(query: dict[str, Any]) -> Response:
    """Provisions by instrument and place."""
    with current_database().read() as connection:
        found = list_provisions(
            connection,
            current_reader(),
            instrument_id=query["instrument"],
            forum_slug=query["forum"],
            polarity=query["polarity"],
        )
    listing = listing_of("provisions", query)
    return listing.answer(
        listing.cut(found, _provision_key), _provision_key, provision_document, ProvisionSchema
    )


@blueprint.route("/provisions/<provision>", methods=["GET"])
@door(Permission.API_READ)
@blueprint.response(200, WholeProvisionSchema, example=WholeProvisionSchema.EXAMPLE)
def show_provision(provision: str) -> Response:
    """A provision with its links, and where its words are."""
    reader, name = current_reader(), named(provision, "provision")
    with current_database().read() as connection:
        found = expect(find_provision(connection, reader, name), "provision")
        links = list_links(connection, reader, name)
        pins = list_pins(connection, reader, name)
    return answer_json(whole_provision_document(found, links, pins))


_Parallel = tuple[Provision, Link | None, Provision | None]


def _parallel_key(found: _Parallel) -> Key:
    provision, link, _ = found
    if link is None:
        return (provision.position, provision.id, "", "", "")
    return (
        provision.position,
        provision.id,
        link.kind,
        link.to or "",
        link.to_paragraphs or "",
    )


def _parallel(found: _Parallel) -> dict[str, Any]:
    provision, link, other = found
    return {
        "provision": provision.id,
        "short": provision.short,
        "paraphrase": provision.paraphrase,
        "kind": link.kind if link else None,
        "other": link.to if link else None,
        "other_paragraphs": link.to_paragraphs if link else None,
        "other_short": other.short if other else None,
        "other_paraphrase": other.paraphrase if other else None,
        "verified": link.provenance.is_verified if link else True,
    }


def _instrument_key(found: Instrument) -> Key:
    return (found.id,)


def _participant_key(found: Participant) -> Key:
    return (found.party,)


def _provision_key(found: Provision) -> Key:
    return (found.instrument, found.position, found.id)


def _participant(found: Participant) -> dict[str, Any]:
    return {
        "party": found.party,
        "name": found.name,
        "signature": found.signature,
        "consent": found.consent,
        "status": found.status,
        "since": found.since,
        "reservations": found.reservations,
        "declarations": found.declarations,
        "objections": found.objections,
    }
