"""What waits for a diplomat: drafts to be released, silence that runs, what is due of our own."""

from __future__ import annotations

from typing import Final

from flask import url_for
from flask_babel import gettext as _

from auth.doors import current_reader, current_signed
from auth.reader import Reader
from kernel.clock import DAY_US
from norms.pages.entering import CLEARANCE
from norms.queries.due import list_due
from norms.queries.recordings import list_recordings
from norms.queries.silences import list_silences
from norms.queries.states_own import list_actions, list_drafts
from norms.rules.dates import day_of
from norms.rules.four_eyes import WAITING
from norms.rules.silence import RUNNING
from web.inbox import Need
from web.installation import current_database, current_instant_us

_SOON_DAYS: Final = 30


def find_needs() -> list[Need]:
    """For people of a member with a party of its code in the register, and of a secretariat."""
    reader, now_us = current_reader(), current_instant_us()
    code, today = reader.member_code, day_of(now_us)
    if code is None:
        return _of_secretariat(reader)
    needs: list[Need] = []
    with current_database().read() as connection:
        actions = list_actions(connection, reader, day=today, party=code)
        if reader.has_role(CLEARANCE):
            drafts = list_drafts(connection, reader)
            needs += [
                Need(
                    _("The position “%(title)s” waits to be released.", title=one.title),
                    url_for("register.position", position=one.id),
                )
                for one in drafts
            ]
            needs += [
                Need(
                    _("An action waits to be released."),
                    url_for("register.action", action=one.id),
                )
                for one in actions
                if one.state == "draft"
            ]
            needs += [
                Need(
                    _("Silence runs on “%(title)s”.", title=one.title),
                    url_for("register.silence", procedure=one.id),
                    one.forum,
                    one.state.deadline_us,
                )
                for one in list_silences(connection, reader, now_us=now_us)
                if one.state.status == RUNNING and one.is_of_member
            ]
        due = list_due(
            connection,
            reader,
            from_day=today,
            to_day=today + _SOON_DAYS,
            now_us=now_us,
            party=code,
            actions=actions,
        )
        needs += [
            Need(
                one.title,
                url_for("register.due", party=code),
                one.forum or "",
                one.at_us if one.at_us is not None else now_us + (one.day - today) * DAY_US,
            )
            for one in due
        ]
    return needs


def _of_secretariat(reader: Reader) -> list[Need]:
    """What another person of it recorded, which waits for a second."""
    if reader.secretariat_of is None:
        return []
    signed = current_signed()
    with current_database().read() as connection:
        found = list_recordings(connection, reader, state=WAITING)
    return [
        Need(
            _("%(person)s recorded what waits for a second person.", person=one.recorded_by),
            url_for("register.recording", recording=one.id),
            signed.forum_title or "",
        )
        for one in found
        if one.recorded_by != signed.email
    ]
