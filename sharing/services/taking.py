"""Take a list as a file: the objects on one page of it, as one STIX bundle for a person.

By the rules of every export: what is marked TLP:RED never leaves in a file (sharing policy §2),
and what leaves is on record, and in the audit, before its first byte.
What does not live here: a whole view in a file (exporting).
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from auth.reader import Seated
from auth.services import record_audit
from kernel.db import Database
from sharing.queries.delivered import CARRIED
from sharing.queries.exporting import ViewedRow
from sharing.services.deliver import Served, record_deliveries
from sharing.services.exporting import FORMAT, Exported, list_leaving, write_bundle
from sharing.services.variants import Variants


@dataclass(frozen=True, slots=True)
class Taken:
    """A bundle, what it holds of each collection, and how many rows of the page stayed out."""

    content: bytes
    served: Sequence[Served]
    left_out: int

    @property
    def count(self) -> int:
        """How many objects the bundle holds."""
        return sum(one.count for one in self.served)


@dataclass(frozen=True, slots=True)
class _Page:
    """The rows of one collection on the page."""

    rows: Sequence[ViewedRow]
    variants: Variants

    def list_at(self, date_added_us: int) -> list[ViewedRow]:
        """The release with that place in the view."""
        return [row for row in self.rows if row.date_added_us == date_added_us]

    def list_carried(self, row: ViewedRow) -> tuple[str, ...]:
        """The statement markings that an object carries in the form in which it is viewed."""
        if row.omitted is None:
            return row.facts.markings
        return self.variants.carried_by(row.contribution_id, row.omitted)


def take_page(
    connection: Connection,
    rows: Sequence[ViewedRow],
    *,
    bundle_id: str,
    head: int,
    filters: Mapping[str, Sequence[str]],
) -> Taken:
    """What of these rows, the last versions that `filters` let through, may stand in a file.

    `head` is the forum's ledger position at which they were read.
    """
    variants = Variants(connection)
    variants.read(row.contribution_id for row in rows if row.omitted is not None)
    left_out, served = 0, list[Served]()
    leaving: list[ViewedRow] = []
    for collection_id in dict.fromkeys(row.collection_id for row in rows):
        exported = Exported()
        page = _Page([row for row in rows if row.collection_id == collection_id], variants)
        leaving += list_leaving(page.rows, exported, page)
        left_out += exported.left_out
        if exported.count:
            said = {**FORMAT, **filters, "version": ["last"], CARRIED: sorted(exported.carried)}
            served.append(
                Served(
                    collection_id,
                    "export",
                    said,
                    exported.first_us,
                    exported.last_us,
                    head,
                    exported.count,
                )
            )
    content = io.BytesIO()
    write_bundle(content, bundle_id, leaving)
    return Taken(content.getvalue(), served, left_out)


def record_taken(database: Database, seated: Seated, taken: Taken, *, now_us: int) -> None:
    """Write down what is about to leave, and who asked for it. Raises Unavailable."""
    record_deliveries(database, seated, taken.served, now_us=now_us)
    with database.write() as connection:
        record_audit(
            connection,
            seated.reader.actor,
            "export",
            f"forum:{seated.forum_slug}",
            member_id=seated.member_id,
            detail={"count": taken.count, "format": "stix"},
            now_us=now_us,
        )
