"""`/inbox`: what needs the person who is signed in, from every room; and its credentials' ends."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, url_for
from flask_babel import gettext as _

from auth.doors import Permission, current_signed, door
from auth.queries import list_credentials
from kernel.clock import DAY_US
from web.inbox import Need, list_needs
from web.installation import current_database, current_instant_us
from web.pages import page

blueprint = Blueprint("inbox", __name__, template_folder="templates")

_SOON_US: Final = 30 * DAY_US


@blueprint.get("/inbox", endpoint="show")
@door(Permission.PERSON)
def show_inbox() -> Response:
    """GET /inbox: what waits for a decision of ours."""
    return page("auth/inbox.html", needs=list_needs())


def find_needs() -> list[Need]:
    """Credentials of the member that end within a month, for those who may replace them."""
    reader, now_us = current_signed().reader, current_instant_us()
    if reader.member_id is None or not reader.has_role("member-admin"):
        return []
    with current_database().read() as connection:
        found = list_credentials(connection, member_id=reader.member_id)
    return [
        Need(
            _("The credential %(name)s ends.", name=one.name),
            url_for("own-credentials.show"),
            until_us=one.expires_us,
        )
        for one in found
        if one.revoked_us is None
        and one.expires_us is not None
        and now_us < one.expires_us <= now_us + _SOON_US
    ]
