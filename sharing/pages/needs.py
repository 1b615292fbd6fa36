"""What waits for a liaison or an officer: held versions, recalls, a policy that is missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import Connection

from auth.doors import current_reader
from auth.queries import list_seated
from auth.reader import Seated
from auth.rules import POLICY_OFFICER
from sharing.pages.entering import CONTRIBUTOR, has_role
from sharing.queries.collections import READING_ROLES
from sharing.queries.feed_lists import list_troubled
from sharing.queries.jobs import Job, list_recent_jobs
from sharing.queries.waiting import Waiting, list_waiting
from sharing.services.confirm import APPROVER
from sharing.services.feeds.steering import may_steer
from sharing.services.jobs import FILE_KEPT_US
from sharing.services.settling import settled_read
from web.inbox import Need
from web.installation import current_database, current_instant_us


def find_needs() -> list[Need]:
    """By forum, what a person with the reader's roles can do something about."""
    reader, now_us = current_reader(), current_instant_us()
    if reader.member_id is None:
        return []
    with settled_read(current_database(), now_us=now_us) as connection:
        seats = list_seated(connection, reader)
        waits = list_waiting(connection, seats)
        jobs = list_recent_jobs(connection, reader, since_us=now_us - FILE_KEPT_US)
        # Asked for with the rest where there is a seat.
        troubled = (
            max(one.troubled_feeds for one in waits.values())
            if waits
            else len(list_troubled(connection, reader))
        )
    needs = [need for found in needs_of(seats, waits).values() for need in found]
    if troubled and may_steer(reader):
        text = ngettext(
            "%(num)s partner feed fails again and again",
            "%(num)s partner feeds fail again and again",
            troubled,
        )
        address = url_for("exchange.feeds", state="active", in_trouble="yes")
        needs.append(Need(text, address))
    return needs + needs_of_jobs(jobs)


def list_needs_of(connection: Connection, seats: Sequence[Seated]) -> dict[int, list[Need]]:
    """What a member's person can do something about in each of these forums, by its number."""
    return needs_of(seats, list_waiting(connection, seats))


def needs_of_jobs(jobs: Iterable[Job]) -> list[Need]:
    """What long work of the person's own, the newest first, came to: a failure, a file that nobody
    fetched, a policy that was tried out. For a day, and not once the same was asked for again."""
    needs, later = [], set()
    for one in jobs:
        subject = "policy" if one.kind == "simulation" else one.kind
        same = (subject, one.forum_slug, one.collection, one.name)
        text = _text_of(one)
        if text is not None and same not in later and one.ended_us is not None:
            address = url_for("exchange.job", job_id=one.id)
            needs.append(Need(text, address, one.forum_title, one.ended_us + FILE_KEPT_US))
        later.add(same)
    return needs


def _text_of(one: Job) -> str | None:
    """Why it waits for its person; None where it does not."""
    text: str | None = None
    if one.state == "failed":
        text = {
            "import": _("A file was not contributed to its end: %(name)s", name=one.name),
            "simulation": _("A policy could not be tried out."),
            "policy": _("A policy was not applied."),
            "export": _("A collection was not made into a file."),
        }[one.kind]
    elif one.state == "done" and one.kind == "simulation":
        text = _("A policy has been tried out: look at what it would change.")
    elif one.state == "done" and one.kind == "export" and "fetched" not in one.result:
        text = _("A collection is ready as a file.")
    return text


def needs_of(seats: Sequence[Seated], waits: Mapping[int, Waiting]) -> dict[int, list[Need]]:
    """The same by what waits in each."""
    needs: dict[int, list[Need]] = {seated.forum_id: [] for seated in seats}
    for seated in seats:
        waiting = waits.get(seated.forum_id)
        if waiting is None:
            continue
        forum, where, here = seated.forum_slug, seated.forum_title, needs[seated.forum_id]
        if waiting.recalls and has_role(seated, *READING_ROLES, POLICY_OFFICER):
            text = ngettext(
                "%(num)s recall waits to be taken note of",
                "%(num)s recalls wait to be taken note of",
                waiting.recalls,
            )
            here.append(Need(text, url_for("exchange.recalls", forum=forum), where))
        if waiting.held and has_role(seated, APPROVER):
            text = ngettext(
                "%(num)s version is held until it is confirmed",
                "%(num)s versions are held until they are confirmed",
                waiting.held,
            )
            here.append(Need(text, url_for("exchange.held", forum=forum), where))
        if not waiting.has_chosen_policy and has_role(seated, POLICY_OFFICER, CONTRIBUTOR):
            text = _(
                "Your member has no policy here yet, so nothing that it contributes is shared."
            )
            here.append(Need(text, url_for("exchange.policy", forum=forum), where))
    return needs
