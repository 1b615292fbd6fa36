"""`/api/v1/norms/due`: what is due, as a list, as a calendar (RFC 5545), as a feed (RFC 4287)."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from flask import Response
from flask_smorest import Blueprint
from sqlalchemy import Connection

from auth.doors import Permission, current_database, door
from norms.api.entering import NORMS, day_filter, listing_of, reader_and_now
from norms.atom import AHEAD_DAYS, due_entries
from norms.calendar import calendar_of
from norms.documents import due_document, due_key
from norms.queries.due import KINDS, Due, list_due
from norms.rules.dates import day_of, parse_day
from web.atom import ATOM, EXAMPLE, answer_feed, feed_here
from web.installation import public_base
from web.listing import ListQuery, asks, listed
from web.shapes import Query, Shape, instant, text, text_filter, word, word_filter

blueprint = Blueprint("norms-due", __name__, url_prefix=NORMS, description="What is due")
CALENDAR: Final = "text/calendar"
_BACK_DAYS: Final = 30
_AHEAD_DAYS: Final = 730


class DueSchema(Shape):
    """Something with a date. Nothing is published or closed by its passing."""

    EXAMPLE: ClassVar = {
        "kind": "silence-deadline",
        "id": "2a1c6f0e-5d3b-4e7a-9f00-6b8d1c2e3f40",
        "day": "2027-01-15",
        "last_day": "2027-01-15",
        "at": "2027-01-15T11:00:00.000000Z",
        "title": "HD/DRAFT/2: silence ends",
        "forum": "harbour",
        "party": None,
    }
    kind = word(*KINDS)
    id = text()
    day = text()
    last_day = text("The last day that it may be, where its date is partial.")
    at = instant(nullable=True)
    title = text()
    forum = text(nullable=True)
    party = text(nullable=True)


class DueQuery(ListQuery):
    """What is due when, for whom."""

    from_day = day_filter("From this day on; today unless said.")
    to_day = day_filter("Until this day; two years on unless said.")
    forum = text_filter()
    party = text_filter()
    kind = word_filter(*KINDS)


class FeedQuery(Query):
    """What of it is told."""

    forum = text_filter()
    party = text_filter()
    kind = word_filter(*KINDS)


class CalendarQuery(Query):
    """Whose calendar."""

    forum = text_filter()
    party = text_filter()


@blueprint.route("/due", methods=["GET"])
@door(Permission.API_READ)
@listed(blueprint, DueQuery, DueSchema)
def show_due(query: dict[str, Any]) -> Response:
    """What is due, by day: sessions, windows that close, entries into force, deadlines."""
    with current_database().read() as connection:
        found = _due(connection, query, back_days=0)
    listing = listing_of("due", query)
    return listing.answer(listing.cut(found, due_key), due_key, due_document, DueSchema)


@blueprint.route("/calendar.ics", methods=["GET"])
@door(Permission.API_READ)
@asks(blueprint, CalendarQuery)
@blueprint.response(
    200,
    {"type": "string"},
    content_type=CALENDAR,
    example="BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Comity//EN\r\nEND:VCALENDAR\r\n",
)
def show_calendar(query: dict[str, Any]) -> Response:
    """The same as iCalendar, from a month ago to two years on; ids stay from poll to poll."""
    _, now_us = reader_and_now()
    with current_database().read() as connection:
        found = _due(connection, query, back_days=_BACK_DAYS)
    return Response(calendar_of(found, now_us), content_type=f"{CALENDAR}; charset=utf-8")


@blueprint.route("/due.atom", methods=["GET"])
@door(Permission.API_READ)
@asks(blueprint, FeedQuery)
@blueprint.response(200, {"type": "string"}, content_type=ATOM, example=EXAMPLE)
def show_feed(query: dict[str, Any]) -> Response:
    """What is due within a month, as an Atom feed (RFC 4287); ids stay from poll to poll."""
    reader, now_us = reader_and_now()
    today = day_of(now_us)
    with current_database().read() as connection:
        found = list_due(
            connection,
            reader,
            from_day=today,
            to_day=today + AHEAD_DAYS,
            now_us=now_us,
            forum_slug=query["forum"],
            party=query["party"],
            kind=query["kind"],
        )
    return answer_feed(feed_here("What is due", "/norms/due"), due_entries(found, public_base()))


def _due(connection: Connection, query: dict[str, Any], *, back_days: int) -> list[Due]:
    reader, now_us = reader_and_now()
    today = day_of(now_us)
    first, last = query.get("from_day"), query.get("to_day")
    return list_due(
        connection,
        reader,
        from_day=parse_day(first) if first else today - back_days,
        to_day=parse_day(last) if last else today + _AHEAD_DAYS,
        now_us=now_us,
        forum_slug=query["forum"],
        party=query["party"],
        kind=query.get("kind"),
    )
