"""`/operator`: whether this installation is well, for those who keep it running; no content.

An operator reads nothing that members share and no policy: names, numbers and what to mend.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from flask import Blueprint, Flask, Response, current_app

from auth.doors import Permission, door
from auth.queries.installation import FORUM, MEMBER, OPERATOR, list_taking_part
from kernel.checkup import Finding, check_database, check_folder, check_secrets, check_settings
from kernel.db import Database
from kernel.leases import list_held
from kernel.settings import Settings
from kernel.tasks import Tasks
from web.installation import current_database, current_instant_us, current_settings
from web.pages import page

blueprint = Blueprint("operator", __name__, url_prefix="/operator", template_folder="templates")

Revisions = Mapping[str, tuple[str | None, str]]
"""By schema: the revision that the database is at, and this release's."""

_WATCHED: Final = "comity.watched"


@dataclass(frozen=True, slots=True)
class WatchedFeed:
    """A partner feed as the operator sees to it: where it leads, how it fails; nothing it moves.

    `state` is `active`, `paused` or `troubled`; `step` and `code` are those of a last run that
    failed.
    """

    name: str
    member: str
    direction: str
    peer: str
    state: str
    failures: int
    step: str | None
    code: str | None
    success_us: int | None
    next_us: int | None


@dataclass(frozen=True, slots=True)
class _Watched:
    find_revisions: Callable[[Database], Revisions]
    tasks: Tasks
    list_feeds: Callable[[Database], Sequence[WatchedFeed]]


@dataclass(frozen=True, slots=True)
class Due:
    """A kind of due work: how much of it is ready (None: nobody waits for it), and being done."""

    name: str
    ready: int | None
    held: int


def watch_installation(
    app: Flask,
    find_revisions: Callable[[Database], Revisions],
    tasks: Tasks,
    list_feeds: Callable[[Database], Sequence[WatchedFeed]],
) -> None:
    """Say how the page learns what no room knows alone."""
    app.extensions[_WATCHED] = _Watched(find_revisions, tasks, list_feeds)


@blueprint.get("", endpoint="home")
@door(Permission.OPERATOR)
def show_installation() -> Response:
    """GET /operator: what to mend, the schemas, due work, and who takes part."""
    database, now_us = current_database(), current_instant_us()
    watched: _Watched = current_app.extensions[_WATCHED]
    with database.read() as connection:
        taking_part = list_taking_part(connection)
        held = list_held(connection, now_us=now_us)
    due = [
        Due(
            task.name,
            None if task.is_tidying else len(task.list_ready(database, now_us=now_us)),
            sum(one.name.startswith(f"{task.name}/") for one in held),
        )
        for task in watched.tasks()
    ]
    return page(
        "auth/operator.html",
        findings=_examine(current_settings(), database),
        revisions=watched.find_revisions(database),
        engine=database.content.dialect.name,
        due=due,
        feeds=watched.list_feeds(database),
        holders=sorted({one.holder for one in held}),
        members=[one for one in taking_part if one.kind == MEMBER],
        forums=[one for one in taking_part if one.kind == FORUM],
        operators=[one for one in taking_part if one.kind == OPERATOR],
        settings=current_settings(),
    )


def _examine(settings: Settings, database: Database) -> list[Finding]:
    """What `comity doctor` finds in the surroundings; it knows more, of the records."""
    return [
        *check_settings(settings),
        *check_folder(settings),
        *check_secrets(settings),
        *check_database(database),
    ]
