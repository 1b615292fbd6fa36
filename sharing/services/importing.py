"""Import: contribute a file's objects as a member, slice by slice.

Each slice is one transaction, committed before the next is begun; repeating an import that
broke off contributes the rest and changes nothing else. What does not live here: files
(sources) and what becomes of one object (contribute).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

from sqlalchemy import Connection

from auth.reader import Seated
from auth.services import OPERATOR, record_audit, seat_for_operator
from kernel.db import Database
from kernel.errors import Forbidden, NotFound
from sharing.gate.verdicts import RawObject
from sharing.queries.answered import Answered
from sharing.queries.collections import Collection, find_collection
from sharing.services.admission import Outcome
from sharing.services.contribute import Receipt, contribute
from sharing.services.reconsider import Progress, no_progress
from sharing.services.sources import Source, in_slices

KNOWN = "sharing.known"
_NAMED_IDS = 1000

Enter = Callable[[Connection], tuple[Seated, Collection]]
"""Finds out who contributes, and into what: as it is then. Raises where nobody may any more."""

Also = Callable[[list[RawObject], Connection, Receipt], None]
"""What is committed with a slice, or not at all."""


@dataclass(frozen=True, slots=True)
class Importer:
    """For whom and into what: a member by code, a forum by slug, a collection by UUID."""

    member_code: str
    forum_slug: str
    collection_uuid: str


@dataclass(frozen=True, slots=True)
class Failure:
    """An object, or a whole file, that was not contributed; `place` is `line 3` or `index 2`.

    `number` counts lines from 1, places in a list from 0; None is the file as a whole.
    """

    file: str
    place: str | None
    number: int | None
    stix_id: str | None
    version: str | None
    code: str
    reason: str


@dataclass(slots=True)
class Note:
    """What the originator should know about objects that were contributed.

    `ids` names the first thousand of `count`.
    """

    count: int = 0
    ids: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Report:
    """What became of everything so far; `known` had been contributed before."""

    contributed: int = 0
    known: int = 0
    failures: list[Failure] = field(default_factory=list)
    notes: dict[str, Note] = field(default_factory=dict)

    def take(self, file: str, source: Source, objects: list[RawObject], receipt: Receipt) -> None:
        """Count what became of one slice."""
        for outcome in receipt.outcomes:
            if not outcome.is_success:
                raw = objects[outcome.index]
                self.failures.append(
                    failure_of(file, raw, outcome, counts_lines=source.counts_lines)
                )
            elif outcome.code == KNOWN:
                self.known += 1
            else:
                self._take_contributed(outcome)

    def _take_contributed(self, outcome: Outcome) -> None:
        self.contributed += 1
        if outcome.message:
            note = self.notes.setdefault(outcome.message, Note())
            note.count += 1
            if len(note.ids) < _NAMED_IDS:
                note.ids.append(outcome.stix_id)


def import_source(
    database: Database,
    importer: Importer,
    file: str,
    source: Source,
    report: Report,
    *,
    clock: Callable[[], int],
    progress: Progress = no_progress,
    answers: Answered | None = None,
) -> None:
    """Contribute everything in `source`, adding to `report` what became of it.

    Raises NotFound as soon as the member has no seat there any more, Forbidden when it may
    not write, Unavailable or StorageFull when a slice cannot be recorded. What earlier slices
    contributed stays.
    """
    _begin(database, importer, file, clock())
    done = 0
    entering = partial(_enter, importer=importer)
    for objects, receipt in contribute_slices(
        database, entering, source, clock=clock, answers=answers
    ):
        report.take(file, source, objects, receipt)
        done += len(objects)
        progress(done, source.total)


def contribute_slices(
    database: Database,
    enter: Enter,
    source: Source,
    *,
    clock: Callable[[], int],
    skip: int = 0,
    also: Also | None = None,
    answers: Answered | None = None,
) -> Iterator[tuple[list[RawObject], Receipt]]:
    """Contribute what is in `source` after its first `skip` objects, and what became of it.

    Each slice is committed before it is handed out. Raises what `enter` and `contribute` raise.
    """
    for objects in in_slices(islice(source, skip, None)):
        with database.read() as connection:
            seated, place = enter(connection)
        receipt = contribute(
            database,
            seated,
            place,
            objects,
            now_us=clock(),
            also=None if also is None else partial(also, objects),
            answers=answers,
        )
        yield objects, receipt


def _begin(database: Database, importer: Importer, file: str, now_us: int) -> None:
    """Refuse who may not write here; leave a trace of who does before anything is done."""
    with database.write() as connection:
        seated, place = _enter(connection, importer)
        if not place.may_be_written_by(seated):
            raise Forbidden(
                "sharing.read-only",
                f"{importer.member_code} may read this collection but not write to it",
            )
        record_audit(
            connection,
            OPERATOR,
            "import",
            f"collection:{place.uuid}",
            member_id=seated.member_id,
            detail={"file": file},
            now_us=now_us,
        )


def _enter(connection: Connection, importer: Importer) -> tuple[Seated, Collection]:
    seated = seat_for_operator(connection, importer.member_code, importer.forum_slug)
    place = find_collection(connection, seated, importer.collection_uuid)
    if place is None:
        raise NotFound(
            "sharing.unknown-collection",
            f"{importer.member_code} has no collection {importer.collection_uuid} there",
        )
    return seated, place


def failure_of(file: str, raw: RawObject, outcome: Outcome, *, counts_lines: bool) -> Failure:
    """An object that was not contributed, with its place in the file."""
    return Failure(
        file=file,
        place="line" if counts_lines else "index",
        number=raw.index + 1 if counts_lines else raw.index,
        # A slice's own count says nothing to whoever reads a file.
        stix_id=None if outcome.stix_id.startswith("objects[") else outcome.stix_id,
        version=outcome.version,
        code=outcome.code,
        reason=outcome.message,
    )
