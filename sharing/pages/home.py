"""`/sharing`: what is new to us, what waits for us; and the search box of every page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import Response, request

from auth.doors import Permission, current_reader, door
from auth.queries import list_seated
from auth.reader import Seated
from kernel.clock import DAY_US
from kernel.errors import BadInput
from sharing.pages.charts import days_of, show_date
from sharing.pages.entering import blueprint, has_role
from sharing.pages.needs import list_needs_of
from sharing.pages.showing import Row, row_of, served_of
from sharing.queries.arriving import count_arrivals
from sharing.queries.collections import READING_ROLES, Collection, list_views
from sharing.queries.mentions import list_beginning, list_mentioning
from sharing.queries.newest import (
    MOST_COUNTED,
    list_contents_of,
    list_newest_of,
    list_seqs,
)
from sharing.queries.ranges import NewestFilter
from sharing.rules.mentions import spell
from sharing.services.deliver import Served, record_all
from sharing.services.settling import settled_read
from web.inbox import Need
from web.installation import current_database, current_instant_us
from web.pages import page

_NEWEST: Final = 8
_DAYS: Final = 30
_MOST_LINES: Final = 200
_MOST_SHOWN: Final = 20
"""Objects that one line is answered with: what is not shown has not been served."""
_MOST_CHARACTERS: Final = 20_000
_SHORT: Final = 2
"""The beginning of a name that is looked for is longer."""


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
    with settled_read(current_database(), now_us=now_us) as connection:
        seats = list_seated(connection, reader)
        views = list_views(connection, seats)
        newest = list_newest_of(connection, views, NewestFilter(), limit=_NEWEST)
        needs = list_needs_of(connection, seats)
        arrivals = count_arrivals(connection, views, since_us=_first_day_us(now_us))
        heads = list_seqs(connection, seats)
    desks = [
        Desk(
            seated,
            places,
            [row_of(seen) for seen in newest[seated.forum_id]],
            needs[seated.forum_id],
        )
        for seated, places in views
    ]
    told = [
        (desk.seated, served_of(desk.rows, desk.places, heads[desk.seated.forum_id]))
        for desk in desks
    ]
    _record(told, now_us)
    return page(
        "sharing/home.html",
        desks=desks,
        arrivals=days_of(arrivals.days),
        first_day=show_date(_first_day_us(now_us)),
        last_day=show_date(now_us),
        is_all=arrivals.is_all,
        most=MOST_COUNTED,
    )


@blueprint.route("/search", methods=["GET", "POST"], endpoint="search")
@door(Permission.MEMBER)
def search() -> Response:
    """GET or POST /sharing/search: is this known to us? One question, or many lines at once."""
    asked = (request.form if request.method == "POST" else request.args).get("q", "")
    lines = _lines_of(asked)
    reader, now_us = current_reader(), current_instant_us()
    with settled_read(current_database(), now_us=now_us) as connection:
        seats = [one for one in list_seated(connection, reader) if has_role(one, *READING_ROLES)]
        views = list_views(connection, seats)
        hits = list_mentioning(connection, views, lines, limit=_MOST_SHOWN)
        # A single word may be the beginning of a name.
        if not any(hits.values()) and len(lines) == 1 and len(spell(lines[0])) > _SHORT:
            hits[spell(lines[0])] = list_beginning(connection, views, lines[0], limit=_MOST_SHOWN)
        chosen = {spelt: standing[:_MOST_SHOWN] for spelt, standing in hits.items()}
        every = {one for standing in chosen.values() for one in standing}
        rows = {
            standing: row_of(seen)
            for standing, seen in list_contents_of(connection, views, every).items()
        }
        heads = list_seqs(connection, seats)
    _record(
        [
            (seated, served_of(rows.values(), places, heads[seated.forum_id]))
            for seated, places in views
        ],
        now_us,
    )
    seat_of = {place.uuid: seated for seated, places in views for place in places}
    answers = [
        Answer(
            line,
            spell(line),
            [
                (seat_of[one.collection], rows[one])
                for one in chosen.get(spell(line), ())
                if one in rows
            ],
        )
        for line in lines
    ]
    return page("sharing/search.html", asked=asked, answers=answers, most=_MOST_LINES)


def _first_day_us(now_us: int) -> int:
    """The beginning of the first of the days that are counted, of which today is the last."""
    return now_us - now_us % DAY_US - (_DAYS - 1) * DAY_US


def _record(told: list[tuple[Seated, list[Served]]], now_us: int) -> None:
    if request.method != "HEAD":
        record_all(current_database(), told, now_us=now_us)


def _lines_of(asked: str) -> list[str]:
    """The questions, one a line, each once. Raises BadInput for more than a page answers."""
    lines = list(dict.fromkeys(line.strip() for line in asked.splitlines() if line.strip()))
    if len(asked) > _MOST_CHARACTERS or len(lines) > _MOST_LINES:
        raise BadInput(
            "sharing.too-many-questions",
            f"ask for at most {_MOST_LINES} lines at once; send the rest afterwards",
        )
    return lines
