"""Long work as whoever asked for it finds it: how far it is, what came of it, its files.

Nobody else finds it. What does not live here: asking for it (services.jobs), doing it
(services.working).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson
from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, or_, select

from auth.reader import Reader, Seated
from auth.tables import forum
from kernel.clock import format_instant
from kernel.db import BINARY_ROWS, Database
from sharing.tables import audience_member, collection, job, job_part, job_refusal, release
from sharing.visibility import asked_by, visible_to

KINDS: Final = ("import", "simulation", "export", "policy")
STATES: Final = ("waiting", "running", "done", "failed", "cancelled")
UNENDED: Final = ("waiting", "running")
MOST_READY: Final = 20
_MOST_RECENT: Final = 100

_UNTOLD: Final = frozenset({"head", "fetched"})

Side = Literal["in", "out"]
"""Of a file: it came in for a job, or it was made by one."""
Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of long work. `total` is None until it is known; instants are in µs."""

    id: str
    kind: str
    forum_slug: str
    forum_title: str
    collection: str | None
    collection_id: int | None
    collection_title: str | None
    name: str
    state: str
    done: int
    total: int | None
    result: dict[str, Any]
    simulation_id: str | None
    code: str | None
    reason: str | None
    asked_us: int
    begun_us: int | None
    ended_us: int | None

    @property
    def key(self) -> Key:
        """Its place in the list of them."""
        return (self.asked_us, self.id)

    @property
    def is_ended(self) -> bool:
        """Whether nothing more will become of it."""
        return self.state not in UNENDED


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which long work."""

    kind: str | None = None
    state: str | None = None
    forum: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """An object of a file that was not taken; `place` is `line 3` or `index 2`."""

    number: int
    place: str
    stix_id: str | None
    version: str | None
    code: str
    reason: str


def list_jobs(
    connection: Connection, reader: Reader, wanted: JobFilter, *, before: Key | None, limit: int
) -> list[Job]:
    """What the reader has asked for, the newest first."""
    statement = _jobs(reader)
    for column, value in (
        (job.c.kind, wanted.kind),
        (job.c.state, wanted.state),
        (forum.c.slug, wanted.forum),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if before is not None:
        asked_us, job_id = before
        statement = statement.where(
            or_(job.c.asked_us < asked_us, and_(job.c.asked_us == asked_us, job.c.id < job_id))
        )
    ordered = statement.order_by(job.c.asked_us.desc(), job.c.id.desc()).limit(limit)
    return [_job(row) for row in connection.execute(ordered)]


def list_recent_jobs(connection: Connection, reader: Reader, *, since_us: int) -> list[Job]:
    """What the reader has asked for that goes on, or ended since then: the newest."""
    recent = or_(job.c.ended_us.is_(None), job.c.ended_us > since_us)
    ordered = _jobs(reader).where(recent).order_by(job.c.asked_us.desc(), job.c.id.desc())
    return [_job(row) for row in connection.execute(ordered.limit(_MOST_RECENT))]


def find_job(connection: Connection, reader: Reader, job_id: str) -> Job | None:
    """The work with this id, if the reader has asked for it."""
    row = connection.execute(_jobs(reader).where(job.c.id == job_id)).one_or_none()
    return None if row is None else _job(row)


def count_unended(connection: Connection, reader: Reader) -> int:
    """How much of what the reader has asked for is still to be done, what arrives included."""
    statement = select(func.count()).where(asked_by(reader), job.c.ended_us.is_(None))
    return connection.execute(statement).scalar_one()


def list_refusals(
    connection: Connection,
    reader: Reader,
    job_id: str,
    *,
    after: int,
    limit: int,
    code: str | None = None,
) -> list[Refusal]:
    """What an import did not take, for this reason or any, in the order it was come upon."""
    statement = (
        select(job_refusal)
        .join(job, job.c.id == job_refusal.c.job_id)
        .where(asked_by(reader), job.c.id == job_id, job_refusal.c.number > after)
        .order_by(job_refusal.c.number)
        .limit(limit)
    )
    if code is not None:
        statement = statement.where(job_refusal.c.code == code)
    return [
        Refusal(row.number, row.place, row.stix_id, row.version, row.code, row.reason)
        for row in connection.execute(statement)
    ]


def find_tried(connection: Connection, seated: Seated, simulation_id: str) -> bytes | None:
    """The document of a policy that long work has tried out for the reader's member."""
    if "\0" in simulation_id:
        return None
    statement = (
        select(job_part.c.content)
        .join(job, job.c.id == job_part.c.job_id)
        .where(
            job.c.simulation_id == simulation_id,
            job.c.kind == "simulation",
            job.c.member_id == seated.member_id,
            job.c.forum_id == seated.forum_id,
            job_part.c.side == "in",
        )
        .order_by(job_part.c.number)
    )
    parts = connection.execute(statement).scalars().all()
    return b"".join(parts) if parts else None


def list_ready(connection: Connection) -> list[str]:
    """The ids of what is to be done: each asker's oldest first, then their second, and so on."""
    turn = func.row_number().over(partition_by=job.c.asked_by, order_by=(job.c.asked_us, job.c.id))
    statement = (
        select(job.c.id)
        .where(job.c.ended_us.is_(None), job.c.state != "arriving")
        .order_by(turn, job.c.asked_us)
        .limit(MOST_READY)
    )
    return list(connection.execute(statement).scalars())


def read_parts(database: Database, job_id: str, side: Side) -> Iterator[bytes]:
    """A file of a job, piece by piece, each in a look of its own: a reader may be slow."""
    number = 0
    while True:
        statement = (
            select(job_part.c.content)
            .where(
                job_part.c.job_id == job_id,
                job_part.c.side == side,
                job_part.c.number == number,
            )
            .execution_options(**BINARY_ROWS)
        )
        with database.ask() as connection:
            content = connection.execute(statement).scalar_one_or_none()
        if content is None:
            return
        yield content
        number += 1


def has_left_view(connection: Connection, seated: Seated, collection_id: int, head: int) -> bool:
    """Whether something that the reader saw there at a ledger position is not seen so any more.

    A form of an object that is seen through another release now is seen still.
    """
    now = visible_to(seated, collection_id, release.c.body_id).subquery()
    joined = release.join(
        audience_member,
        and_(
            audience_member.c.audience_id == release.c.audience_id,
            audience_member.c.element == seated.element,
            audience_member.c.forum_id == seated.forum_id,
        ),
    ).outerjoin(now, now.c.body_id == release.c.body_id)
    statement = (
        select(release.c.id)
        .select_from(joined)
        .where(
            release.c.collection_id == collection_id,
            release.c.forum_id == seated.forum_id,
            release.c.opened <= head,
            release.c.closed > head,
            now.c.body_id.is_(None),
        )
        .limit(1)
    )
    return connection.execute(statement).first() is not None


def job_document(job: Job) -> dict[str, Any]:
    """The work as a row of a list, in JSON."""
    return {
        "id": job.id,
        "kind": job.kind,
        "forum": job.forum_slug,
        "collection": job.collection,
        "name": job.name,
        "state": job.state,
        "done": job.done,
        "total": job.total or 0,
        "code": job.code,
        "reason": job.reason,
        "asked": format_instant(job.asked_us),
        "ended": None if job.ended_us is None else format_instant(job.ended_us),
    }


def outcome_document(job: Job) -> dict[str, Any]:
    """The same with what came of it; no position of the ledger is told."""
    outcome = {name: value for name, value in job.result.items() if name not in _UNTOLD}
    return job_document(job) | {"simulation": job.simulation_id or None, "outcome": outcome}


def refusal_document(one: Refusal) -> dict[str, Any]:
    """The refusal in JSON."""
    return {
        "place": one.place,
        "id": one.stix_id,
        "version": one.version,
        "code": one.code,
        "reason": one.reason,
    }


def _jobs(reader: Reader) -> Select[Any]:
    is_whole: ColumnElement[bool] = job.c.state != "arriving"
    return (
        select(
            job,
            forum.c.slug,
            forum.c.title,
            collection.c.uuid,
            collection.c.title.label("collection_title"),
        )
        .join(forum, forum.c.id == job.c.forum_id)
        .outerjoin(collection, collection.c.id == job.c.collection_id)
        .where(asked_by(reader), is_whole)
    )


def _job(row: Row[Any]) -> Job:
    return Job(
        id=row.id,
        kind=row.kind,
        forum_slug=row.slug,
        forum_title=row.title,
        collection=row.uuid,
        collection_id=row.collection_id,
        collection_title=row.collection_title,
        name=row.name,
        state=row.state,
        done=row.done,
        total=row.total,
        result=orjson.loads(row.result),
        simulation_id=row.simulation_id,
        code=row.code,
        reason=row.reason,
        asked_us=row.asked_us,
        begun_us=row.begun_us,
        ended_us=row.ended_us,
    )
