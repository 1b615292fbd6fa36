"""Contributions on their way into a forum: decided first, then written, each row once.

What is decided about them is in the row from the start. Until they are written no query finds
them: what the graph asks the database about copies and guards, it asks here as well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from kernel.rows import insert_rows
from sharing.queries.contributions import Stored, mask_bytes
from sharing.queries.references import CopyKey
from sharing.services.lock import LockedForum
from sharing.services.seen import Seen
from sharing.tables import contribution, guard, marking_use, reference


@dataclass(frozen=True)
class Arriving:
    """Contributions by their ids, and the rows of `guard` that say what they name."""

    stored: Mapping[int, Stored]
    guards: Sequence[dict[str, Any]]

    @cached_property
    def copies(self) -> Mapping[str, Iterable[CopyKey]]:
        """The copies that arrive, by id."""
        found: defaultdict[str, dict[CopyKey, None]] = defaultdict(dict)
        for stored in self.stored.values():
            key = (stored.collection_id, stored.originator_id, stored.stix_id)
            found[stored.stix_id][key] = None
        return found

    @cached_property
    def guarding(self) -> dict[int, dict[str, list[CopyKey]]]:
        """The copies that guard what they name, as `sharing.queries.references.list_guards`."""
        found: dict[int, dict[str, list[CopyKey]]] = {}
        for row in self.guards:
            by_id = found.setdefault(row["contribution_id"], {})
            key = (row["collection_id"], row["originator_id"], row["stix_id"])
            by_id.setdefault(row["stix_id"], []).append(key)
        return found

    def write(self, lock: LockedForum, decided: Iterable[Seen]) -> None:
        """Insert them with what has been decided; what is undecided yet is so marked."""
        seen = {one.stored.id: one for one in decided}
        rows = [_row(lock, stored, seen.get(stored.id)) for stored in self.stored.values()]
        insert_rows(lock.connection, contribution, rows)
        write_derived(lock, self.stored.values(), self.guards)


NOTHING_ARRIVES = Arriving({}, ())


def write_derived(
    lock: LockedForum, added: Iterable[Stored], guards: Sequence[dict[str, Any]]
) -> None:
    """Insert what contributions carry and name, for queries to find them by."""
    added = list(added)
    uses = [
        {"contribution_id": stored.id, "marking_id": marking_id}
        for stored in added
        for marking_id in stored.facts.markings
    ]
    named = [
        {"contribution_id": stored.id, "stix_id": stix_id}
        for stored in added
        for stix_id in stored.facts.references
    ]
    insert_rows(lock.connection, marking_use, uses)
    insert_rows(lock.connection, reference, named)
    insert_rows(lock.connection, guard, guards)


def _row(lock: LockedForum, stored: Stored, seen: Seen | None) -> dict[str, Any]:
    return {
        "id": stored.id,
        "forum_id": lock.forum_id,
        "collection_id": stored.collection_id,
        "originator_id": stored.originator_id,
        "stix_id": stored.stix_id,
        "stix_type": stored.stix_type,
        "version_us": stored.version_us,
        "digest": stored.digest,
        "tlp": int(stored.tlp),
        "facts": stored.facts.dump(),
        "body_id": stored.body_id,
        "state": stored.state,
        "seq": stored.seq,
        "contributed_us": stored.contributed_us,
        "is_held": stored.is_held,
        "bound_id": stored.bound_id,
        "seen": None if seen is None else mask_bytes(seen.mask),
        "seen_since_us": None if seen is None else lock.now_us,
        "due_us": None if seen is None else seen.due_us,
        "contributed_by": stored.contributed_by,
        "feed_id": stored.feed_id,
    }
