"""Export: a member's view of a collection as one STIX bundle in a file or a stream.

It appears whole or not at all, a file readable by its owner alone, and what it holds is on
record before it appears. What is marked TLP:RED never leaves so (sharing policy §2).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final, Protocol, cast

from sqlalchemy import Connection

from auth.reader import Seated
from auth.services import record_audit
from kernel.db import Database
from kernel.errors import BadInput, Forbidden
from sharing.queries.collections import Collection
from sharing.queries.delivered import CARRIED, may_leave_without
from sharing.queries.exporting import ViewedRow, count_viewed, list_viewed, list_viewed_at
from sharing.queries.releases import find_head
from sharing.services.deliver import Served, record_delivery
from sharing.services.reconsider import Progress, no_progress
from sharing.services.settling import settled_read
from sharing.services.variants import Variants

_PAGE = 500
_PAGE_BYTES = 1 << 20
FORMAT: Final = {"format": "stix", "tlp_at_most": "amber+strict"}
"""What the log of deliveries says of everything that leaves in a file."""


@dataclass(slots=True)
class Exported:
    """What a file holds: objects by type, and how many versions marked TLP:RED stayed out.

    `carried` are the markings that are in it for what carries them alone; `head` is the ledger
    position of the view.
    """

    types: Counter[str] = field(default_factory=Counter)
    carried: list[str] = field(default_factory=list)
    left_out: int = 0
    first_us: int = 0
    last_us: int = 0
    head: int = 0

    @property
    def count(self) -> int:
        """How many versions of objects the file holds."""
        return self.types.total()

    def take(self, row: ViewedRow) -> None:
        """Count one that goes in."""
        self.types[row.stix_type] += 1
        self.first_us = min(self.first_us or row.date_added_us, row.date_added_us)
        self.last_us = max(self.last_us, row.date_added_us)


class Viewing(Protocol):
    """What is asked of a view while what may leave of it is sorted out."""

    def list_at(self, date_added_us: int) -> list[ViewedRow]:
        """The release with that place in the view."""

    def list_carried(self, row: ViewedRow) -> tuple[str, ...]:
        """The statement markings that an object carries in the form in which it is viewed."""


def export_view(
    database: Database,
    seated: Seated,
    place: Collection,
    out: Path | BinaryIO,
    *,
    bundle_id: str,
    now_us: int,
    progress: Progress = no_progress,
) -> Exported:
    """Write everything the reader sees in the collection, every version, to a file or a stream.

    Raises Forbidden when it may not read there, BadInput when `out` cannot be written,
    Unavailable when the delivery cannot be recorded; then there is no file, and nothing in
    the stream. A stream whose reader has gone away raises BrokenPipeError.
    """
    if not place.may_be_read_by(seated):
        raise Forbidden("sharing.write-only", "you may write to this collection but not read it")
    exported = Exported()
    with _appearing(out) if isinstance(out, Path) else _flowing(out) as content:
        with settled_read(database, now_us=now_us) as connection:
            exported.head = find_head(connection, seated, place.id).seq
            total = count_viewed(connection, seated, place.id)
            view = _View(connection, seated, place.id)
            leaving = list_leaving(_counted(view.list_all(), total, progress), exported, view)
            write_bundle(content, bundle_id, leaving)
        _record(database, seated, place, exported, now_us)
    return exported


@dataclass(frozen=True, slots=True)
class _View:
    """What a reader sees of one collection, of which memory holds a page or one object."""

    connection: Connection
    seated: Seated
    collection_id: int

    def list_all(self) -> Iterator[ViewedRow]:
        """Every release, in order."""
        after_us = None
        while rows := list_viewed(
            *(self.connection, self.seated, self.collection_id),
            after_us=after_us,
            limit=_PAGE,
            most_bytes=_PAGE_BYTES,
        ):
            after_us = rows[-1].date_added_us
            yield from rows
            # Else it would be there while the next is fetched.
            del rows

    def list_at(self, date_added_us: int) -> list[ViewedRow]:
        """The release with that place in the view."""
        return list_viewed_at(self.connection, self.seated, self.collection_id, date_added_us)

    def list_carried(self, row: ViewedRow) -> tuple[str, ...]:
        """The statement markings that an object carries in the form in which it is viewed."""
        if row.omitted is None:
            return row.facts.markings
        return Variants(self.connection).carried_by(row.contribution_id, row.omitted)


def _counted(rows: Iterable[ViewedRow], total: int, progress: Progress) -> Iterator[ViewedRow]:
    for done, row in enumerate(rows, start=1):
        yield row
        if done % _PAGE == 0 or done == total:
            progress(done, total)


def list_leaving(
    rows: Iterable[ViewedRow], exported: Exported, view: Viewing
) -> Iterator[ViewedRow]:
    """What may stand in a file; a statement marking goes wherever what carries it goes."""
    carried: set[tuple[int, str]] = set()
    waiting: list[tuple[tuple[int, str], int]] = []
    for row in rows:
        if may_leave_without(row.facts, row.omitted, row.tlp):
            carried.update((row.originator_id, marking) for marking in view.list_carried(row))
            exported.take(row)
            yield row
        elif row.facts.is_statement:
            waiting.append(((row.originator_id, row.stix_id), row.date_added_us))
        else:
            exported.left_out += 1
    for key, date_added_us in waiting:
        if key not in carried:
            exported.left_out += 1
            continue
        for row in view.list_at(date_added_us):
            exported.take(row)
            exported.carried.append(row.stix_id)
            yield row


def write_bundle(content: BinaryIO, bundle_id: str, rows: Iterable[ViewedRow]) -> None:
    """The bundle, an object a line, each with its bytes as served (STIX 2.1 §8)."""
    content.write(b'{"type":"bundle","id":"%s"' % bundle_id.encode())
    opening = b',"objects":[\n'
    for row in rows:
        content.write(opening + row.content)
        opening = b",\n"
    # An empty list is no list in STIX: a bundle without objects has none.
    content.write(b"\n]}\n" if opening == b",\n" else b"}\n")


def _record(
    database: Database,
    seated: Seated,
    place: Collection,
    exported: Exported,
    now_us: int,
) -> None:
    """Write down what is about to appear, and who asked for it."""
    if exported.count:
        served = Served(
            collection_id=place.id,
            door="export",
            filters={**FORMAT, "version": ["all"], CARRIED: sorted(exported.carried)},
            first_us=exported.first_us,
            last_us=exported.last_us,
            head=exported.head,
            count=exported.count,
        )
        record_delivery(database, seated, served, now_us=now_us)
    with database.write() as connection:
        record_audit(
            connection,
            seated.reader.actor,
            "export",
            f"collection:{place.uuid}",
            member_id=seated.member_id,
            detail={"count": exported.count, "format": "stix"},
            now_us=now_us,
        )


@contextmanager
def _appearing(file: Path) -> Iterator[BinaryIO]:
    """A file beside `file` to write to; it takes its name once the block has ended well."""
    target = file.resolve()
    if target.exists() and not target.is_file():
        raise BadInput("sharing.unwritable-file", f"{file} is not a file; name another")
    try:
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as fault:
        raise _unwritable(file, fault) from None
    beside = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as content:
            yield content
            content.flush()
            os.fsync(descriptor)
        beside.replace(target)
    except OSError as fault:
        raise _unwritable(file, fault) from None
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def _flowing(stream: BinaryIO) -> Iterator[BinaryIO]:
    """A file without a name to write to; it flows into `stream` once the block has ended well."""
    try:
        with tempfile.TemporaryFile() as content:
            yield cast("BinaryIO", content)
            content.seek(0)
            shutil.copyfileobj(content, stream)
            stream.flush()
    except BrokenPipeError:
        raise
    except OSError as fault:
        raise _unwritable("the bundle cannot be written", fault) from None


def _unwritable(file: Path | str, fault: OSError) -> BadInput:
    return BadInput("sharing.unwritable-file", f"{file}: {fault.strerror or fault}")
