"""`/norms/parties`: a State's profile, and two States side by side."""

from __future__ import annotations

from typing import Any

from flask import Response

from auth.doors import Permission, current_reader, door
from norms.documents import party_document
from norms.pages.entering import (
    asked,
    asked_day,
    blueprint,
    expect,
    listing_of,
    named,
    norms_page,
    shown_day,
)
from norms.pages.writing import export
from norms.queries.events import list_events
from norms.queries.parties import (
    Party,
    find_party,
    list_belonging,
    list_parties,
    list_treaties_of,
)
from norms.queries.states_own import list_actions, list_positions
from norms.queries.status import StatusRow, list_commitments_of
from web.installation import current_database
from web.listing import ListQuery, is_export, read_filters
from web.shapes import text_filter

Place = tuple[str, str]


class PartiesQuery(ListQuery):
    """Which parties to list."""

    kind = text_filter()
    code = text_filter()


@blueprint.get("/parties", endpoint="parties")
@door(Permission.PERSON)
def show_parties() -> Response:
    """GET /norms/parties: the parties of the register, by code."""
    query = read_filters(PartiesQuery)
    with current_database().read() as connection:
        known = list_parties(connection, current_reader())
    found = [
        one
        for one in known
        if query["kind"] in (None, one.kind) and query["code"] in (None, one.code)
    ]
    listing = listing_of("parties", query)
    if is_export():
        return export(listing, found, _code, party_document)
    rows, following = listing.split(listing.cut(found, _code), _code)
    return norms_page(
        "parties.html", parties=rows, next=following, kinds=sorted({one.kind for one in known})
    )


@blueprint.get("/parties/<code>", endpoint="party")
@door(Permission.PERSON)
def show_party(code: str) -> Response:
    """GET /norms/parties/CODE: where it belongs, what it committed to, what it says and does."""
    reader, day, name = current_reader(), asked_day(), named(code, "party")
    with current_database().read() as connection:
        found = expect(find_party(connection, reader, name), "party")
        return norms_page(
            "party.html",
            party=found,
            as_of=shown_day(day),
            forums=list_belonging(connection, reader, name, day=day),
            treaties=list_treaties_of(connection, reader, name, day=day),
            commitments=list(list_commitments_of(connection, reader, name, day=day)),
            positions=list_positions(connection, reader, party=name),
            actions=list_actions(connection, reader, day=day, party=name),
            events=list_events(connection, reader, party=name),
        )


@blueprint.get("/compare/parties", endpoint="comparison")
@door(Permission.PERSON)
def compare_parties() -> Response:
    """GET /norms/compare/parties: what each has said to every provision that either has."""
    reader, day = current_reader(), asked_day()
    left, right = asked("left"), asked("right")
    rows: list[tuple[Place, StatusRow | None, StatusRow | None]] = []
    shared: list[str] = []
    with current_database().read() as connection:
        known = list_parties(connection, reader)
        if left and right:
            sides = []
            places = []
            for name in (left, right):
                expect(find_party(connection, reader, name), "party")
                sides.append(
                    {
                        (forum, row.provision): row
                        for forum, row in list_commitments_of(connection, reader, name, day=day)
                    }
                )
                places.append(
                    {one.title for one in list_belonging(connection, reader, name, day=day)}
                )
            one, two = sides
            rows = [(place, one.get(place), two.get(place)) for place in sorted(one.keys() | two)]
            shared = sorted(places[0] & places[1])
    return norms_page(
        "comparison.html",
        left=left,
        right=right,
        rows=rows,
        shared=shared,
        parties=known,
        as_of=shown_day(day),
    )


def _code(found: Party) -> tuple[Any, ...]:
    return (found.code,)
