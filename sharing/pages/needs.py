"""What waits for a liaison or an officer: held versions, recalls, a policy that is missing."""

from __future__ import annotations

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import Connection

from auth.doors import current_reader
from auth.queries import list_seated
from auth.reader import Reader, Seated
from sharing.pages.entering import CONTRIBUTOR, OFFICER, has_role
from sharing.queries.collections import READING_ROLES
from sharing.queries.feed_lists import list_troubled
from sharing.queries.policies import has_chosen_policy
from sharing.queries.recalls import list_received_recalls
from sharing.services.confirm import APPROVER, list_held
from sharing.services.feeds.steering import may_steer
from sharing.services.settling import settled_read
from web.inbox import Need
from web.installation import current_database, current_instant_us, current_signer


def find_needs() -> list[Need]:
    """By forum, what a person with the reader's roles can do something about."""
    reader, now_us = current_reader(), current_instant_us()
    if reader.member_id is None:
        return []
    with settled_read(current_database(), now_us=now_us) as connection:
        found = [
            need
            for seated in list_seated(connection, reader)
            for need in list_needs_in(connection, seated, now_us=now_us)
        ]
        return found + _list_needs_of_feeds(connection, reader)


def _list_needs_of_feeds(connection: Connection, reader: Reader) -> list[Need]:
    """Feeds in trouble, for those who steer them."""
    troubled = list_troubled(connection, reader) if may_steer(reader) else []
    if not troubled:
        return []
    text = ngettext(
        "%(num)s partner feed fails again and again",
        "%(num)s partner feeds fail again and again",
        len(troubled),
    )
    return [Need(text, url_for("exchange.feeds", state="active", in_trouble="yes"))]


def list_needs_in(connection: Connection, seated: Seated, *, now_us: int) -> list[Need]:
    """What a member's person can do something about in one forum."""
    member_id, forum, where = seated.member_id, seated.forum_slug, seated.forum_title
    needs: list[Need] = []
    if member_id is None:
        return needs
    if has_role(seated, *READING_ROLES, OFFICER):
        received = list_received_recalls(connection, seated)
        waiting = sum(one.acknowledged_us is None for one in received)
        if waiting:
            text = ngettext(
                "%(num)s recall waits to be taken note of",
                "%(num)s recalls wait to be taken note of",
                waiting,
            )
            needs.append(Need(text, url_for("exchange.recalls", forum=forum), where))
    if has_role(seated, APPROVER):
        held = list_held(connection, current_signer(), seated.forum_id, member_id, now_us=now_us)
        if held:
            text = ngettext(
                "%(num)s version is held until it is confirmed",
                "%(num)s versions are held until they are confirmed",
                len(held),
            )
            needs.append(Need(text, url_for("exchange.held", forum=forum), where))
    if has_role(seated, OFFICER, CONTRIBUTOR) and not has_chosen_policy(
        connection, seated.forum_id, member_id
    ):
        text = _("Your member has no policy here yet, so nothing that it contributes is shared.")
        needs.append(Need(text, url_for("exchange.policy", forum=forum), where))
    return needs
