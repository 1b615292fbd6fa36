"""`/norms/parties`: a State's profile, and two States side by side."""

from __future__ import annotations

from flask import Response

from auth.doors import Permission, current_reader, door
from norms.pages.entering import (
    asked,
    asked_day,
    blueprint,
    expect,
    named,
    norms_page,
    shown_day,
)
from norms.queries.events import list_events
from norms.queries.parties import find_party, list_belonging, list_parties, list_treaties_of
from norms.queries.states_own import list_actions, list_positions
from norms.queries.status import StatusRow, list_commitments_of
from web.installation import current_database

Place = tuple[str, str]


@blueprint.get("/parties", endpoint="parties")
@door(Permission.PERSON)
def show_parties() -> Response:
    """GET /norms/parties: every party of the register, by code."""
    with current_database().read() as connection:
        found = list_parties(connection, current_reader(), kind=asked("kind"), code=asked("code"))
    return norms_page("parties.html", parties=found, kinds=sorted({one.kind for one in found}))


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
