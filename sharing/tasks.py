"""The sharing room's due work: what has fallen due in a forum, long work that people have asked
for, notices, statuses and old work to forget."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kernel.clock import SECOND_US, format_instant
from kernel.db import Database
from kernel.tasks import Details, ListReady, Task
from sharing.feeds.running import Runner
from sharing.queries.feeds import list_due
from sharing.queries.jobs import list_ready
from sharing.services.forgetting import forget_statuses, has_old_statuses
from sharing.services.jobs import forget_jobs, has_old_jobs
from sharing.services.notices import gather_notices, list_gathering
from sharing.services.settling import list_overdue, settle_forum
from sharing.services.working import run_job

_ALL = "all"


def _list_overdue_forums(database: Database, *, now_us: int) -> list[str]:
    with database.read() as connection:
        return [str(forum_id) for forum_id in list_overdue(connection, now_us=now_us)]


def _settle(database: Database, key: str, *, now_us: int) -> Details:
    """What a reading door would do, before any reader comes."""
    since_us = settle_forum(database, int(key), now_us=now_us)
    if since_us is None:
        return {"since": None}
    return {
        "since": format_instant(since_us, digits=3),
        "late_s": round((now_us - since_us) / SECOND_US, 3),
    }


def _list_old_statuses(database: Database, *, now_us: int) -> Sequence[str]:
    with database.read() as connection:
        return [_ALL] if has_old_statuses(connection, now_us=now_us) else []


def _forget_statuses(database: Database, _key: str, *, now_us: int) -> Details:
    with database.write() as connection:
        return {"forgotten": forget_statuses(connection, now_us=now_us)}


def _list_forums_that_recall(database: Database, *, now_us: int) -> list[str]:  # noqa: ARG001
    with database.read() as connection:
        return [str(forum_id) for forum_id in list_gathering(connection)]


def _gather_notices(database: Database, key: str, *, now_us: int) -> Details:
    """What a list of recalls would do, before anybody asks for one."""
    gather_notices(database, int(key), now_us=now_us)
    return {}


def _list_jobs(database: Database, *, now_us: int) -> list[str]:  # noqa: ARG001
    with database.read() as connection:
        return list_ready(connection)


def _list_old_jobs(database: Database, *, now_us: int) -> Sequence[str]:
    with database.read() as connection:
        return [_ALL] if has_old_jobs(connection, now_us=now_us) else []


def _forget_jobs(database: Database, _key: str, *, now_us: int) -> Details:
    return {"forgotten": forget_jobs(database, now_us=now_us)}


def feed_tasks(open_runner: Callable[[Database], Runner]) -> tuple[Task, ...]:
    """Feeds that are due. Those whose last run failed are looked for by themselves, so that a
    partner that is sick, or many that are, leave the others their turns."""

    def look(are_failing: bool) -> ListReady:  # noqa: FBT001 - told apart by name below
        def list_ready(database: Database, *, now_us: int) -> list[str]:
            with database.read() as connection:
                due = list_due(connection, are_failing=are_failing, now_us=now_us)
            return [str(feed_id) for feed_id in due]

        return list_ready

    def run(database: Database, key: str, *, now_us: int) -> Details:  # noqa: ARG001 - it takes long
        ending = open_runner(database).run(int(key))
        if ending is None:
            return {"state": "paused"}
        return {"state": ending.state, "step": ending.step, "reason": ending.reason}

    return (
        Task("feeds", look(are_failing=False), run, every_seconds=1.0, most=4),
        Task("failing-feeds", look(are_failing=True), run, every_seconds=1.0, most=2),
    )


TASKS = (
    Task("settle", _list_overdue_forums, _settle),
    Task(
        "gather-notices",
        _list_forums_that_recall,
        _gather_notices,
        every_seconds=600,
        is_tidying=True,
    ),
    Task(
        "forget-statuses", _list_old_statuses, _forget_statuses, every_seconds=600, is_tidying=True
    ),
    # One place of a worker is left to what is due.
    Task("job", _list_jobs, run_job, most=2),
    Task("forget-jobs", _list_old_jobs, _forget_jobs, every_seconds=60, is_tidying=True),
)
