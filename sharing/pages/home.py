"""`/sharing`: what is new to us, what waits for us; and the search box of every page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import Response, request

from auth.doors import Permission, current_reader, door
from auth.queries import list_seated
from auth.reader import Seated
from kernel.errors import BadInput
from sharing.pages.entering import blueprint, has_role
from sharing.pages.needs import list_needs_in
from sharing.pages.showing import Row, row_of, served_of
from sharing.queries.collections import READING_ROLES, Collection, list_collections
from sharing.queries.mentions import list_mentioning
from sharing.queries.newest import NewestFilter, find_seq, list_contents_of, list_newest
from sharing.rules.mentions import spell
from sharing.services.deliver import Served, record_deliveries
from sharing.services.settling import settled_read
from web.inbox import Need
from web.installation import current_database, current_instant_us
from web.pages import page

_NEWEST: Final = 8
_MOST_LINES: Final = 200
_MOST_SHOWN: Final = 20
"""Objects that one line is answered with: what is not shown has not been served."""
_MOST_CHARACTERS: Final = 20_000


@dataclass(frozen=True, slots=True)
class Desk:
    """One forum as it waits for a person: what came last, and what needs a decision."""

    seated: Seated
    places: list[Collection]
    rows: list[Row]
    needs: list[Need]


@dataclass(frozen=True, slots=True)
class Answer:
    """One line of a lookup, and where it was found; none where it is not known to us."""

    asked: str
    spelt: str
    found: list[tuple[Seated, Row]]


@blueprint.get("", endpoint="home")
@door(Permission.MEMBER)
def show_home() -> Response:
    """GET /sharing: each forum's newest, and what needs a decision."""
    reader, now_us = current_reader(), current_instant_us()
    desks = []
    told: list[tuple[Seated, list[Served]]] = []
    with settled_read(current_database(), now_us=now_us) as connection:
        for seated in list_seated(connection, reader):
            places = list_collections(connection, seated)
            rows = [
                row_of(seen)
                for seen in list_newest(connection, seated, places, NewestFilter(), limit=_NEWEST)
            ]
            needs = list_needs_in(connection, seated, now_us=now_us)
            desks.append(Desk(seated, places, rows, needs))
            told.append((seated, served_of(rows, places, find_seq(connection, seated))))
    _record(told, now_us)
    return page("sharing/home.html", desks=desks)


@blueprint.route("/search", methods=["GET", "POST"], endpoint="search")
@door(Permission.MEMBER)
def search() -> Response:
    """GET or POST /sharing/search: is this known to us? One question, or many lines at once."""
    asked = (request.form if request.method == "POST" else request.args).get("q", "")
    lines = _lines_of(asked)
    reader, now_us = current_reader(), current_instant_us()
    found: dict[str, list[tuple[Seated, Row]]] = {line: [] for line in lines}
    told: list[tuple[Seated, list[Served]]] = []
    with settled_read(current_database(), now_us=now_us) as connection:
        for seated in list_seated(connection, reader):
            if not has_role(seated, *READING_ROLES):
                continue
            places = list_collections(connection, seated)
            rows: dict[tuple[str, str, int], Row] = {}
            for line in lines:
                hits = list_mentioning(connection, seated, places, line)
                # A single word may be the beginning of a name.
                if not hits and len(lines) == 1 and len(spell(line)) > 2:
                    hits = list_mentioning(connection, seated, places, line, whole=False)
                for seen in list_contents_of(connection, seated, places, hits):
                    if len(found[line]) == _MOST_SHOWN:
                        break
                    row = row_of(seen)
                    rows[row.collection, row.stix_id, row.added_us] = row
                    found[line].append((seated, row))
            head = find_seq(connection, seated)
            told.append((seated, served_of(rows.values(), places, head)))
    _record(told, now_us)
    answers = [Answer(line, spell(line), found[line]) for line in lines]
    return page("sharing/search.html", asked=asked, answers=answers, most=_MOST_LINES)


def _record(told: list[tuple[Seated, list[Served]]], now_us: int) -> None:
    if request.method == "HEAD":
        return
    for seated, served in told:
        record_deliveries(current_database(), seated, served, now_us=now_us)


def _lines_of(asked: str) -> list[str]:
    """The questions, one a line, each once. Raises BadInput for more than a page answers."""
    lines = list(dict.fromkeys(line.strip() for line in asked.splitlines() if line.strip()))
    if len(asked) > _MOST_CHARACTERS or len(lines) > _MOST_LINES:
        raise BadInput(
            "sharing.too-many-questions",
            f"ask for at most {_MOST_LINES} lines at once; send the rest afterwards",
        )
    return lines
