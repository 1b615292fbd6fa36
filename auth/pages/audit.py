"""`/members/audit`: what was done in a member's name and to its records, for its auditors."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from flask import Blueprint, Response

from auth.doors import Permission, door
from auth.pages.roles import current_reader_with
from auth.queries.audit import AuditFilters, find_place, list_audit
from auth.schemas.audit import AuditEntrySchema, AuditQuery, entry_row
from kernel.clock import SECOND_US
from web.installation import current_database
from web.listing import is_export, make_listing, read_filters
from web.pages import page

blueprint = Blueprint(
    "member-audit", __name__, url_prefix="/members/audit", template_folder="templates"
)


@blueprint.get("", endpoint="show")
@door(Permission.MEMBER)
def show_audit() -> Response:
    """GET /members/audit: the member's entries, the latest first; JSON and CSV too."""
    reader = current_reader_with("auditor")
    query = read_filters(AuditQuery)
    listing = make_listing("audit", f"page {reader.member_id}", query)
    after = listing.after
    filters = AuditFilters(
        actor=query["actor"],
        action=query["action"],
        subject=query["subject"],
        since_us=_start_us(query["since"]),
        until_us=_start_us(query["until"], days=1),
    )
    with current_database().read() as connection:
        found = list_audit(
            connection,
            reader,
            filters,
            before=None if after is None else after[0],
            limit=listing.limit,
        )
        more = len(found) == listing.limit
        place = (find_place(connection, reader, found[-2]),) if more else ()
    if is_export():
        return listing.answer(found, lambda _last: place, entry_row, AuditEntrySchema)
    rows, following = listing.split(found, lambda _last: place)
    return page("auth/audit.html", rows=rows, next=following)


def _start_us(day: date | None, *, days: int = 0) -> int | None:
    """The first instant of a day, or of one `days` later."""
    if day is None:
        return None
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return (round(start.timestamp()) + round(timedelta(days=days).total_seconds())) * SECOND_US
