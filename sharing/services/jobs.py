"""Ask for long work, cancel it, forget it; what is done with it is in `working`.

A file that comes in is kept in pieces before the work is there to be done, so that a worker on
any machine finds all of it. Files are gone when the work is forgotten, or when it needs them no
longer.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from itertools import islice
from pathlib import PurePath
from typing import IO, Any, Final

import orjson
from sqlalchemy import ColumnElement, Connection, and_, delete, insert, or_, select, update

from auth.reader import Reader, Seated
from auth.services import record_audit
from kernel.clock import DAY_US, HOUR_US
from kernel.db import Database
from kernel.errors import Conflict, Forbidden, NotFound
from sharing.queries.collections import Collection
from sharing.queries.jobs import UNENDED, Job, Side, count_unended, find_job
from sharing.tables import job, job_part, job_refusal
from sharing.visibility import asked_by

JOB_KEPT_US: Final = 7 * DAY_US
"""How long work that has ended can be looked at."""
FILE_KEPT_US: Final = DAY_US
"""How long a file that was made can be fetched: what it holds may be taken back meanwhile."""
ARRIVING_US: Final = HOUR_US
"""How long a file may take to be kept; what broke off is forgotten after that."""
MOST_UNENDED: Final = 10
"""Pieces of work that one person may have waiting or running at once."""
PART_BYTES: Final = 1024 * 1024
PARTS_AT_ONCE: Final = 8
_NAME_CHARACTERS: Final = 200


def ask_import(
    database: Database,
    seated: Seated,
    place: Collection,
    file: IO[bytes],
    name: str,
    *,
    most_object_bytes: int,
    now_us: int,
) -> str:
    """Keep a file of STIX and have it contributed; the id of the work.

    Raises Forbidden where the reader may not write, Conflict where it has too much to be done,
    StorageFull and Unavailable where the file cannot be kept; then there is nothing of it.
    """
    if not place.may_be_written_by(seated):
        raise Forbidden("sharing.read-only", "you may read this collection but not write to it")
    row = _row(seated, "import", place, _plain(name), now_us) | {
        "state": "arriving",
        "most_object_bytes": most_object_bytes,
    }
    _ask(database, seated, row)
    try:
        for numbered in in_batches(_pieces(file)):
            with database.write() as connection:
                keep_parts(connection, row["id"], "in", numbered)
        with database.write() as connection:
            connection.execute(update(job).where(job.c.id == row["id"]).values(state="waiting"))
            record_audit(
                connection,
                seated.reader.actor,
                "import",
                f"collection:{place.uuid}",
                member_id=seated.member_id,
                detail={"file": row["name"], "job": row["id"]},
                now_us=now_us,
            )
    except BaseException:
        # If this cannot be done either, a worker forgets it.
        _forget_one(database, row["id"])
        raise
    return str(row["id"])


def ask_simulation(database: Database, seated: Seated, document: bytes, *, now_us: int) -> str:
    """Have a policy of the reader's member tried out; the id of the work. Raises Conflict."""
    row = _row(seated, "simulation", None, "", now_us)
    _ask(database, seated, row, document)
    return str(row["id"])


def ask_policy(
    database: Database, seated: Seated, document: bytes, simulation_id: str, *, now_us: int
) -> str:
    """Have the member's policy set, to exactly what was simulated if `simulation_id` says so.

    The id of the work. Raises Conflict, and NotFound for what no simulation is called.
    """
    if "\0" in simulation_id:
        raise NotFound("sharing.unknown-simulation", "no such simulation of this; simulate again")
    row = _row(seated, "policy", None, "", now_us) | {"simulation_id": simulation_id}
    _ask(database, seated, row, document)
    return str(row["id"])


def ask_export(database: Database, seated: Seated, place: Collection, *, now_us: int) -> str:
    """Have the reader's view of a collection made into a file; the id of the work.

    Raises Forbidden where the reader may not read, Conflict where it has too much to be done.
    """
    if not place.may_be_read_by(seated):
        raise Forbidden("sharing.write-only", "you may write to this collection but not read it")
    name = f"{seated.forum_slug}-{place.uuid}.json"
    row = _row(seated, "export", place, name, now_us)
    _ask(database, seated, row)
    return str(row["id"])


def cancel_job(database: Database, reader: Reader, job_id: str, *, now_us: int) -> None:
    """End work that is not done; what an import had contributed stays.

    Whoever is at it finds out before anything more of it is committed. Raises NotFound for work
    that the reader has not asked for, Conflict for work that has ended.
    """
    with database.write() as connection:
        ended = connection.execute(
            update(job)
            .where(job.c.id == job_id, asked_by(reader), job.c.state.in_(UNENDED))
            .values(state="cancelled", ended_us=now_us)
        ).rowcount
        if ended:
            return
        if find_job(connection, reader, job_id) is None:
            raise unknown_job()
    raise Conflict("sharing.job-ended", "this has ended already, so it cannot be cancelled")


def note_fetched(connection: Connection, found: Job) -> None:
    """Put down that the file of this work was fetched: it waits for nobody any more."""
    told = orjson.dumps(found.result | {"fetched": True}).decode()
    connection.execute(update(job).where(job.c.id == found.id).values(result=told))


def unknown_job() -> NotFound:
    """No such work, or somebody else's."""
    return NotFound("sharing.unknown-job", "you have asked for no such work, or it is forgotten")


def has_old_jobs(connection: Connection, *, now_us: int) -> bool:
    """Whether there is work to forget, or a file that nobody needs any more."""
    old = select(job.c.id).where(_is_old(now_us)).limit(1)
    spent = select(job_part.c.job_id).join(job, job.c.id == job_part.c.job_id)
    return any(
        connection.execute(statement).first() is not None
        for statement in (old, spent.where(_is_spent(now_us)).limit(1))
    )


def forget_jobs(database: Database, *, now_us: int) -> int:
    """Forget work that ended longer ago than it is kept, and files that are needed no longer.

    A few pieces at a time, so that nobody waits behind them; how much work there was.
    """
    with database.read() as connection:
        spent = connection.execute(
            select(job_part.c.job_id, job_part.c.side)
            .join(job, job.c.id == job_part.c.job_id)
            .where(_is_spent(now_us))
            .distinct()
        ).all()
        old = connection.execute(select(job.c.id).where(_is_old(now_us))).scalars().all()
    for job_id, side in spent:
        forget_parts(database, job_id, side)
    for job_id in old:
        _forget_one(database, job_id)
    return len(old)


def keep_parts(
    connection: Connection, job_id: str, side: Side, numbered: list[tuple[int, bytes]]
) -> None:
    """Keep the next pieces of a file."""
    connection.execute(
        insert(job_part),
        [
            {"job_id": job_id, "side": side, "number": number, "content": content}
            for number, content in numbered
        ],
    )


def forget_parts(database: Database, job_id: str, side: Side) -> None:
    """Take a file away, a few pieces at a time."""
    mine = (job_part.c.job_id == job_id, job_part.c.side == side)
    while True:
        with database.write() as connection:
            numbers = (
                connection.execute(select(job_part.c.number).where(*mine).limit(PARTS_AT_ONCE))
                .scalars()
                .all()
            )
            if not numbers:
                return
            connection.execute(delete(job_part).where(*mine, job_part.c.number.in_(numbers)))


def in_batches(pieces: Iterator[bytes]) -> Iterator[list[tuple[int, bytes]]]:
    """Pieces with their numbers, as many as one transaction takes."""
    numbered = enumerate(pieces)
    while batch := list(islice(numbered, PARTS_AT_ONCE)):
        yield batch


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(PART_BYTES):
        yield piece


def _plain(name: str) -> str:
    """The name of a file without folders, as far as it can be shown."""
    shown = "".join(one for one in PurePath(name.replace("\\", "/")).name if one.isprintable())
    return shown[-_NAME_CHARACTERS:] or "file.json"


def _row(
    seated: Seated, kind: str, place: Collection | None, name: str, now_us: int
) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "kind": kind,
        "forum_id": seated.forum_id,
        "member_id": seated.member_id,
        "asked_by": seated.reader.actor,
        "collection_id": None if place is None else place.id,
        "name": name,
        "most_object_bytes": 0,
        "state": "waiting",
        "done": 0,
        "attempt": 0,
        "stalled": 0,
        "result": "{}",
        "asked_us": now_us,
    }


def _ask(
    database: Database, seated: Seated, row: dict[str, Any], document: bytes | None = None
) -> None:
    with database.write() as connection:
        if count_unended(connection, seated.reader) >= MOST_UNENDED:
            raise Conflict(
                "sharing.too-many-jobs",
                f"{MOST_UNENDED} pieces of your long work are not done yet; wait for one, or "
                "cancel it",
            )
        connection.execute(insert(job).values(row))
        if document is not None:
            keep_parts(connection, row["id"], "in", [(0, document)])


def _is_old(now_us: int) -> ColumnElement[bool]:
    return or_(
        job.c.ended_us < now_us - JOB_KEPT_US,
        and_(
            job.c.ended_us.is_(None),
            job.c.state == "arriving",
            job.c.asked_us < now_us - ARRIVING_US,
        ),
    )


def _is_spent(now_us: int) -> ColumnElement[bool]:
    """What a policy's trial is applied by is needed as long as the trial can be looked at."""
    is_left = or_(job.c.state != "done", job.c.ended_us < now_us - FILE_KEPT_US)
    return and_(
        job.c.ended_us.is_not(None),
        or_(
            and_(job_part.c.side == "in", job.c.kind.in_(("import", "policy"))),
            and_(job_part.c.side == "out", is_left),
        ),
    )


def _forget_one(database: Database, job_id: str) -> None:
    forget_parts(database, job_id, "in")
    forget_parts(database, job_id, "out")
    with database.write() as connection:
        connection.execute(delete(job_refusal).where(job_refusal.c.job_id == job_id))
        connection.execute(delete(job).where(job.c.id == job_id))
