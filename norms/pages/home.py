"""`/norms`: our forums, what we are committed to, what is due, what waits for us."""

from __future__ import annotations

from typing import Final

from flask import Response
from flask_babel import gettext as _

from auth.doors import Permission, current_reader, door
from norms.atom import AHEAD_DAYS, due_entries
from norms.calendar import calendar_of
from norms.documents import due_document, due_key
from norms.pages.entering import asked, blueprint, feed_page, listing_of, norms_page
from norms.pages.writing import export
from norms.queries.due import KINDS, list_due
from norms.queries.parties import list_belonging, list_treaties_of
from norms.queries.recordings import list_recordings
from norms.queries.states_own import list_drafts
from norms.queries.status import list_commitments_of
from norms.rules.dates import day_of, format_day, parse_day
from norms.rules.four_eyes import WAITING
from norms.rules.words import IN_EFFECT
from web.installation import current_database, current_instant_us, public_base
from web.listing import ListQuery, format_field, is_export, read_filters
from web.shapes import text_filter, word_filter

_CALENDAR: Final = "text/calendar"
_AHEAD_DAYS: Final = 180
_LONG_AHEAD_DAYS: Final = 2 * 366
_BACK_DAYS: Final = 31
_NEXT: Final = 10


class DueQuery(ListQuery):
    """What is due when, for whom."""

    from_day = text_filter()
    to_day = text_filter()
    forum = text_filter()
    party = text_filter()
    kind = word_filter(*KINDS)
    format = format_field("atom")


@blueprint.get("", endpoint="home")
@door(Permission.PERSON)
def show_home() -> Response:
    """GET /norms: what a diplomat begins the day with."""
    reader, now_us = current_reader(), current_instant_us()
    code, today = reader.member_code, day_of(now_us)
    with current_database().read() as connection:
        forums = list_belonging(connection, reader, code, day=today) if code else []
        treaties = list_treaties_of(connection, reader, code, day=today) if code else []
        commitments = list(list_commitments_of(connection, reader, code, day=today)) if code else []
        due = list_due(
            connection, reader, from_day=today, to_day=today + _LONG_AHEAD_DAYS, now_us=now_us
        )
        drafts = list_drafts(connection, reader)
        is_ours = reader.secretariat_of is not None
        waiting = list_recordings(connection, reader, state=WAITING) if is_ours else []
    counts: dict[str, int] = {}
    for forum, row in commitments:
        if row.status in IN_EFFECT:
            counts[forum] = counts.get(forum, 0) + 1
    return norms_page(
        "home.html",
        forums=forums,
        treaties=treaties,
        counts=counts,
        due=[one for one in due if one.day <= today + _AHEAD_DAYS][:_NEXT],
        silences=[one for one in due if one.kind == "silence-deadline"],
        drafts=drafts,
        waiting=waiting,
        format_day=format_day,
    )


@blueprint.get("/due", endpoint="due")
@door(Permission.PERSON)
def show_due() -> Response:
    """GET /norms/due: sessions, windows that close, entries into force, deadlines; by day.

    As a feed, what is due within a month.
    """
    reader, now_us, query = current_reader(), current_instant_us(), read_filters(DueQuery)
    is_feed = query["format"] == "atom"
    today, ahead = day_of(now_us), AHEAD_DAYS if is_feed else _LONG_AHEAD_DAYS
    first, last = query["from_day"], query["to_day"]
    with current_database().read() as connection:
        found = list_due(
            connection,
            reader,
            from_day=parse_day(first) if first else today,
            to_day=parse_day(last) if last else today + ahead,
            now_us=now_us,
            forum_slug=query["forum"],
            party=query["party"],
            kind=query["kind"],
        )
    if is_feed:
        return feed_page("due", _("What is due"), due_entries(found, public_base()))
    listing = listing_of("due", query)
    if is_export():
        return export(listing, found, due_key, due_document)
    rows, following = listing.split(listing.cut(found, due_key), due_key)
    return norms_page("due.html", due=rows, next=following, kinds=KINDS, format_day=format_day)


@blueprint.get("/calendar.ics", endpoint="calendar")
@door(Permission.PERSON)
def show_calendar() -> Response:
    """GET /norms/calendar.ics: the same as iCalendar, from a month ago to two years on."""
    reader, now_us = current_reader(), current_instant_us()
    today = day_of(now_us)
    with current_database().read() as connection:
        found = list_due(
            connection,
            reader,
            from_day=today - _BACK_DAYS,
            to_day=today + _LONG_AHEAD_DAYS,
            now_us=now_us,
            forum_slug=asked("forum"),
            party=asked("party"),
        )
    answer = Response(calendar_of(found, now_us), content_type=f"{_CALENDAR}; charset=utf-8")
    answer.headers["Content-Disposition"] = 'attachment; filename="comity.ics"'
    return answer
