"""Do long work: contribute a file, try a policy out or set it, write a view to a file.

In the name of whoever asked for it, with the rights that it has at the moment of acting. Each
step is committed with how far it is, under the number of this attempt: a worker that was slower
than its lease, or whose work was cancelled, commits nothing more. What is begun anew goes on
where it was left. What does not live here: who does it when (kernel.worker).
"""

from __future__ import annotations

import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson
from sqlalchemy import Connection, func, insert, select, update

from auth.queries import find_forum_by_id
from auth.tables import forum
from kernel.clock import SECOND_US
from kernel.db import Database
from kernel.errors import BadInput, ComityError, StorageFull
from kernel.tasks import Details
from sharing.gate.verdicts import RawObject
from sharing.queries.jobs import UNENDED, read_parts
from sharing.services.attempts import LostError, Work, rights_lost
from sharing.services.contribute import Receipt
from sharing.services.exporting import export_view
from sharing.services.importing import KNOWN, contribute_slices, failure_of
from sharing.services.jobs import PART_BYTES, forget_parts, in_batches, keep_parts
from sharing.services.policies import Saved, Setter, set_policy, without_counts
from sharing.services.simulations import (
    Trial,
    apply_policy,
    foresee_applying,
    trial_of_policy,
    try_out,
)
from sharing.services.sources import Source, open_source
from sharing.tables import collection, job, job_refusal

MOST_REFUSALS: Final = 10_000
"""Objects of one file of which it is told why they were not taken; the others are counted."""
MOST_STARTS: Final = 5
"""How often work is begun without getting any further."""


def run_job(
    database: Database,
    job_id: str,
    *,
    now_us: int,
    monotonic: Callable[[], float] = time.monotonic,
) -> Details:
    """Do a piece of work to its end, unless somebody else ended it, or begins it anew.

    `monotonic` tells the seconds that pass meanwhile. Raises Unavailable and StorageFull: it is
    tried again later.
    """
    begun_at = monotonic()

    def clock() -> int:
        return now_us + round((monotonic() - begun_at) * SECOND_US)

    work = _begin(database, job_id, clock)
    if work is None:
        return {"state": "ended"}
    try:
        _WORK[work.kind](work)
    except LostError:
        return {"kind": work.kind, "state": "left"}
    except ComityError as refused:
        if refused.status >= 500:
            raise
        return _end_badly(work, refused)
    return {"kind": work.kind, "state": "done", "attempt": work.attempt}


def _begin(database: Database, job_id: str, clock: Callable[[], int]) -> Work | None:
    now_us = clock()
    with database.write() as connection:
        row = connection.execute(
            update(job)
            .where(job.c.id == job_id, job.c.state.in_(UNENDED))
            .values(
                state="running",
                attempt=job.c.attempt + 1,
                stalled=job.c.stalled + 1,
                begun_us=func.coalesce(job.c.begun_us, now_us),
            )
            .returning(job)
        ).one_or_none()
        if row is None:
            return None
        slug = connection.execute(select(forum.c.slug).where(forum.c.id == row.forum_id)).scalar()
        ref = select(collection.c.uuid).where(collection.c.id == row.collection_id)
        work = Work(
            database=database,
            clock=clock,
            id=row.id,
            attempt=row.attempt,
            kind=row.kind,
            asked_by=row.asked_by,
            forum_id=row.forum_id,
            forum_slug=str(slug),
            collection=connection.execute(ref).scalar(),
            name=row.name,
            most_object_bytes=row.most_object_bytes,
            simulation_id=row.simulation_id,
            done=row.done,
            result=orjson.loads(row.result),
        )
        is_hopeless = row.stalled > MOST_STARTS
    if not is_hopeless:
        return work
    reason = f"this was begun {MOST_STARTS} times and broke off each time; tell the operator"
    _end_badly(work, ComityError("sharing.job-broke-off", reason))
    return None


def _end_badly(work: Work, refused: ComityError) -> Details:
    try:
        work.fail(refused)
    except LostError:
        return {"kind": work.kind, "state": "left"}
    return {"kind": work.kind, "state": "failed", "code": refused.code}


def _import(work: Work) -> None:
    """Contribute the file; each slice is committed with its verdicts and its end in the file."""
    with _spooled(work) as file:
        source = open_source(work.name, file, max_object_bytes=work.most_object_bytes)
        nothing: dict[str, Any] = {"contributed": 0, "known": 0, "refused": 0, "notes": {}}
        result = nothing | work.result
        done = work.done
        with work.database.write() as connection:
            work.enter_collection(connection)
            work.hold(connection, total=source.total)

        def also(objects: list[RawObject], connection: Connection, receipt: Receipt) -> None:
            nonlocal done
            work.enter_collection(connection)
            refused = _count(result, receipt)
            _keep_refusals(connection, work, source, objects, receipt, result["refused"] - refused)
            done += len(objects)
            work.hold(connection, done=done, stalled=0, result=orjson.dumps(result).decode())

        slices = contribute_slices(
            work.database,
            work.enter_collection,
            source,
            clock=work.clock,
            skip=work.done,
            also=also,
        )
        for _ in slices:
            pass
    with work.database.write() as connection:
        work.end(connection, result=orjson.dumps(result).decode())
    forget_parts(work.database, work.id, "in")


def _count(result: dict[str, Any], receipt: Receipt) -> int:
    """Add what became of one slice; how many of it were refused."""
    for outcome in receipt.successes:
        if outcome.code == KNOWN:
            result["known"] += 1
            continue
        result["contributed"] += 1
        if outcome.message:
            notes = result["notes"]
            notes[outcome.message] = notes.get(outcome.message, 0) + 1
    result["refused"] += len(receipt.failures)
    return len(receipt.failures)


def _keep_refusals(
    connection: Connection,
    work: Work,
    source: Source,
    objects: list[RawObject],
    receipt: Receipt,
    before: int,
) -> None:
    rows = []
    for number, outcome in enumerate(receipt.failures, start=before + 1):
        if number > MOST_REFUSALS:
            break
        told = failure_of(
            work.name, objects[outcome.index], outcome, counts_lines=source.counts_lines
        )
        rows.append(
            {
                "job_id": work.id,
                "number": number,
                "place": f"{told.place} {told.number}",
                "stix_id": _storable(told.stix_id),
                "version": _storable(told.version),
                "code": told.code,
                "reason": _storable(told.reason),
            }
        )
    if rows:
        connection.execute(insert(job_refusal), rows)


def _storable(said: str | None) -> str | None:
    """No text of PostgreSQL's holds a NUL; files of others may."""
    return None if said is None else said.replace("\0", "\ufffd")


def _simulate(work: Work) -> None:
    """Try the policy out; the trial is kept as every other is."""
    trial, _ = _trial_of(work)
    made = try_out(work.database, work.asked_by, trial, now_us=work.clock(), progress=work.tell)
    with work.database.write() as connection:
        work.enter(connection)
        work.end(connection, simulation_id=made.id)


def _set_policy(work: Work) -> None:
    """Set the policy, if it does what its trial said: with the end of the work, or not at all.

    How far it is can be told while it is looked at beforehand, when nobody waits for it: what
    holds the forum's lock tells nothing until it has ended.
    """
    trial, member_id = _trial_of(work)
    said = work.simulation_id
    if said:
        foresee_applying(work.database, trial, said, now_us=work.clock(), progress=work.tell)

    def also(connection: Connection, saved: Saved) -> None:
        work.enter(connection)
        told = {"version": saved.version}
        work.end(connection, result=orjson.dumps(told).decode())

    setter = Setter(work.asked_by, member_id, also)
    if said:
        apply_policy(work.database, setter, trial, said, now_us=work.clock())
    else:
        set_policy(
            *(work.database, setter, work.forum_id, member_id, trial.document),
            now_us=work.clock(),
            confirm=without_counts,
        )
    forget_parts(work.database, work.id, "in")


def _trial_of(work: Work) -> tuple[Trial, int]:
    """The document that came in, as a policy of the asker's member; and the member's number."""
    document = b"".join(read_parts(work.database, work.id, "in"))
    with work.database.read() as connection:
        seated, _ = work.enter(connection)
        place = find_forum_by_id(connection, work.forum_id)
    if place is None or seated.member_id is None:
        raise rights_lost("the forum is not there any more")
    return trial_of_policy(place, seated.member_id, document), seated.member_id


def _export(work: Work) -> None:
    """Write the view to a file, which is fetched later; it is on record before it is there."""
    with _room_needed(), tempfile.TemporaryDirectory(prefix="comity-") as folder:
        file = Path(folder) / "view.json"
        with work.database.read() as connection:
            seated, place = work.enter_collection(connection)
        exported = export_view(
            work.database,
            seated,
            place,
            file,
            bundle_id=f"bundle--{uuid.uuid4()}",
            now_us=work.clock(),
            progress=work.tell,
        )
        _keep_file(work, file)
        size = file.stat().st_size
    result = {
        "count": exported.count,
        "left_out": exported.left_out,
        "head": exported.head,
        "bytes": size,
    }
    with work.database.write() as connection:
        work.enter_collection(connection)
        total = exported.count + exported.left_out
        told = orjson.dumps(result).decode()
        work.end(connection, done=total, total=total, result=told)


def _keep_file(work: Work, file: Path) -> None:
    with work.database.write() as connection:
        work.hold(connection)
    # What an earlier attempt had kept.
    forget_parts(work.database, work.id, "out")
    with file.open("rb") as content:
        for numbered in in_batches(iter(lambda: content.read(PART_BYTES), b"")):
            with work.database.write() as connection:
                work.hold(connection)
                keep_parts(connection, work.id, "out", numbered)


@contextmanager
def _spooled(work: Work) -> Iterator[BinaryIO]:
    """The file that came in, to be read as often as needed."""
    with _room_needed(), tempfile.TemporaryFile() as file:
        for piece in read_parts(work.database, work.id, "in"):
            file.write(piece)
        file.flush()
        yield file


@contextmanager
def _room_needed() -> Iterator[None]:
    """What cannot be written here is tried again later, and not told with names of this host."""
    try:
        yield
    except (OSError, BadInput) as fault:
        if isinstance(fault, BadInput) and fault.code != "sharing.unwritable-file":
            raise
        raise StorageFull(
            "kernel.storage-full", "there is no room for the file on the worker's host"
        ) from fault


_WORK: Final[dict[str, Callable[[Work], None]]] = {
    "import": _import,
    "simulation": _simulate,
    "export": _export,
    "policy": _set_policy,
}
