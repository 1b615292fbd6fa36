"""Recalls: the notices that a recipient finds, and those that an originator has sent.

A recipient learns that what it received is recalled and why, and nothing of who recalled it
or who else was told. What does not live here: who had been served (delivered).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, select

from auth.queries import list_roster
from auth.reader import Seated
from kernel.clock import format_instant, format_version
from sharing.facts import load_facts
from sharing.queries.delivered import ServedVersion, units_lacked
from sharing.tables import collection, contribution, guard, recall, recall_notice, recall_receipt

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class ReceivedRecall:
    """A recall as a recipient meets it; `collection` is a UUID, `versions` those it was served.

    `at_us` is when it was told, `acknowledged_us` when it took note (None: not of all of it
    yet), `waiting` the elements that have not. `recall_id` is ours and never leaves.
    """

    recall_id: int
    uuid: str
    collection: str
    stix_id: str
    versions: tuple[int, ...]
    reason: str
    at_us: int
    acknowledged_us: int | None
    waiting: tuple[int, ...]

    @property
    def key(self) -> Key:
        """Its place in the list."""
        return (self.at_us, self.uuid)

    def document(self) -> dict[str, Any]:
        """The same in JSON, as the recipient may know it."""
        return {
            "id": self.uuid,
            "collection": self.collection,
            "object_id": self.stix_id,
            "versions": [format_version(version_us) for version_us in self.versions],
            "reason": self.reason,
            "told": format_instant(self.at_us),
            "acknowledged": _instant(self.acknowledged_us),
        }


@dataclass(frozen=True, slots=True)
class SentRecall:
    """A recall as its originator sees it; `versions` are all that it names."""

    recall_id: int
    uuid: str
    collection: str
    stix_id: str
    versions: tuple[int, ...]
    reason: str
    never_return: bool
    keep: bool
    at_us: int

    @property
    def key(self) -> Key:
        """Its place in the list."""
        return (self.at_us, self.uuid)

    def document(self, told: Iterable[Told]) -> dict[str, Any]:
        """The same in JSON with how many recipients were told, and how many took note."""
        notes = {one.recipient: one.acknowledged_us for one in told}
        return {
            "id": self.uuid,
            "collection": self.collection,
            "object_id": self.stix_id,
            "versions": [format_version(version_us) for version_us in self.versions],
            "reason": self.reason,
            "never_return": self.never_return,
            "keep": self.keep,
            "recalled": format_instant(self.at_us),
            "told": len(notes),
            "acknowledged": sum(note is not None for note in notes.values()),
        }


@dataclass(frozen=True, slots=True)
class Told:
    """What one recipient was served of one version, as the version's originator may know it.

    `recipient` is a member's code or `partner:NAME`. `less` are the properties that it never
    got; those that what others hide may have taken are not among them. `acknowledged_us` is
    None where no receipt is asked for, or none has come.
    """

    recipient: str
    version_us: int
    has_content: bool
    less: tuple[str, ...]
    served_us: int
    acknowledged_us: int | None = None

    @property
    def key(self) -> Key:
        """Its place in the list."""
        return (self.recipient, self.version_us)

    def document(self) -> dict[str, Any]:
        """The same in JSON."""
        return {
            "recipient": self.recipient,
            "version": format_version(self.version_us),
            "content": self.has_content,
            "less": list(self.less),
            "served": format_instant(self.served_us),
            "acknowledged": _instant(self.acknowledged_us),
        }


def elements_of(seated: Seated) -> tuple[int, ...]:
    """Whose notices the caller meets: a person those of feeds too, a feed never a person's."""
    machine = 2 * seated.bit
    return (machine, machine + 1) if seated.reader.kind == "individual" else (machine,)


def list_received_recalls(connection: Connection, seated: Seated) -> list[ReceivedRecall]:
    """The recalls of which the caller has a notice in the forum, in the order of being told."""
    rows: Sequence[Any] = connection.execute(
        select(
            recall.c.id,
            recall.c.uuid,
            recall.c.stix_id,
            recall.c.reason,
            collection.c.uuid.label("collection"),
            recall_notice.c.element,
            recall_notice.c.version_us,
            recall_notice.c.at_us,
        )
        .join(recall, recall.c.id == recall_notice.c.recall_id)
        .join(collection, collection.c.id == recall.c.collection_id)
        .where(
            recall_notice.c.forum_id == seated.forum_id,
            recall_notice.c.element.in_(elements_of(seated)),
        )
    ).all()
    by_recall: defaultdict[int, list[Any]] = defaultdict(list)
    for row in rows:
        by_recall[row.id].append(row)
    receipts = _receipts_of(connection, by_recall)
    found = [_received(group, receipts[recall_id]) for recall_id, group in by_recall.items()]
    return sorted(found, key=lambda one: one.key)


def find_received(connection: Connection, seated: Seated, uuid: str) -> ReceivedRecall | None:
    """The one of the caller's recalls that is called so."""
    found = list_received_recalls(connection, seated)
    return next((one for one in found if one.uuid == uuid), None)


def list_sent_recalls(connection: Connection, seated: Seated) -> list[SentRecall]:
    """The recalls that the caller's member has sent in the forum, oldest first."""
    rows = connection.execute(
        select(recall, collection.c.uuid.label("place"))
        .join(collection, collection.c.id == recall.c.collection_id)
        .where(
            recall.c.originator_id == seated.member_id,
            recall.c.forum_id == seated.forum_id,
        )
        .order_by(recall.c.at_us, recall.c.uuid)
    )
    return [
        SentRecall(
            recall_id=row.id,
            uuid=row.uuid,
            collection=row.place,
            stix_id=row.stix_id,
            versions=tuple(version_us for _, version_us in orjson.loads(row.versions)),
            reason=row.reason,
            never_return=row.never_return,
            keep=row.keep,
            at_us=row.at_us,
        )
        for row in rows
    ]


def find_sent(connection: Connection, seated: Seated, uuid: str) -> SentRecall | None:
    """The one of the recalls that the caller's member has sent that is called so."""
    found = list_sent_recalls(connection, seated)
    return next((one for one in found if one.uuid == uuid), None)


def list_told(connection: Connection, seated: Seated, sent: SentRecall) -> list[Told]:
    """Whom a recall of the caller's member has told, of which version, and who took note."""
    rows = connection.execute(
        select(recall_notice)
        .join(recall, recall.c.id == recall_notice.c.recall_id)
        .where(
            recall_notice.c.recall_id == sent.recall_id,
            recall.c.originator_id == seated.member_id,
        )
    ).all()
    receipts = _receipts_of(connection, [sent.recall_id])[sent.recall_id]
    pending = defaultdict(list)
    for row in rows:
        pending[row.element // 2].append(row)
    acknowledged = {bit: _acknowledged(group, receipts) for bit, group in pending.items()}
    served = [
        ServedVersion(
            row.contribution_id,
            row.element,
            frozenset(orjson.loads(row.forms)),
            row.served_us,
            row.served_us,
        )
        for row in rows
    ]
    return list_as_told(connection, seated.forum_id, served, acknowledged)


def list_as_told(
    connection: Connection,
    forum_id: int,
    served: Iterable[ServedVersion],
    acknowledged: Mapping[int, int | None],
) -> list[Told]:
    """What was served, by recipient and version, as its originator may know it.

    `acknowledged` is by the recipient's bit.
    """
    names = {
        row.bit: f"partner:{row.name}" if row.is_partner else row.name
        for row in list_roster(connection, forum_id)
    }
    groups: defaultdict[tuple[int, int], list[ServedVersion]] = defaultdict(list)
    for one in served:
        groups[(one.element // 2, one.contribution_id)].append(one)
    versions = _versions_of(connection, {contribution_id for _, contribution_id in groups})
    secret = _secret_units(connection, versions)
    found = []
    for (bit, contribution_id), group in groups.items():
        forms = [form for one in group for form in one.forms]
        lacked = [units_lacked(form) - secret[contribution_id] for form in forms]
        found.append(
            Told(
                recipient=names[bit],
                version_us=versions[contribution_id].version_us,
                has_content=bool(forms),
                less=tuple(sorted(frozenset.intersection(*lacked))) if lacked else (),
                served_us=max(one.last_us for one in group),
                acknowledged_us=acknowledged.get(bit),
            )
        )
    return sorted(found, key=lambda one: one.key)


def _instant(at_us: int | None) -> str | None:
    return None if at_us is None else format_instant(at_us)


def _received(group: list[Any], receipts: Mapping[int, list[int]]) -> ReceivedRecall:
    (first, *_) = group
    by_element: defaultdict[int, list[Any]] = defaultdict(list)
    for row in group:
        by_element[row.element].append(row)
    waiting = [
        element for element, rows in by_element.items() if _acknowledged(rows, receipts) is None
    ]
    return ReceivedRecall(
        recall_id=first.id,
        uuid=first.uuid,
        collection=first.collection,
        stix_id=first.stix_id,
        versions=tuple(sorted({row.version_us for row in group})),
        reason=first.reason,
        at_us=max(row.at_us for row in group),
        acknowledged_us=_acknowledged(group, receipts),
        waiting=tuple(sorted(waiting)),
    )


def _acknowledged(notices: list[Any], receipts: Mapping[int, list[int]]) -> int | None:
    """When all of these notices of one recipient had been acknowledged; None while not."""
    instants = []
    for element in {row.element for row in notices}:
        told_us = max(row.at_us for row in notices if row.element == element)
        covering = [at_us for at_us in receipts.get(element, ()) if at_us >= told_us]
        if not covering:
            return None
        instants.append(min(covering))
    return max(instants)


def _receipts_of(
    connection: Connection, recall_ids: Iterable[int]
) -> defaultdict[int, dict[int, list[int]]]:
    """The instants of the receipts of each recall, by element."""
    found: defaultdict[int, dict[int, list[int]]] = defaultdict(dict)
    for row in connection.execute(
        select(recall_receipt).where(recall_receipt.c.recall_id.in_(list(recall_ids)))
    ):
        found[row.recall_id].setdefault(row.element, []).append(row.at_us)
    return found


def _versions_of(connection: Connection, contribution_ids: Iterable[int]) -> dict[int, Any]:
    rows: Sequence[Any] = connection.execute(
        select(contribution.c.id, contribution.c.version_us, contribution.c.facts).where(
            contribution.c.id.in_(list(contribution_ids))
        )
    ).all()
    return {row.id: row for row in rows}


def _secret_units(connection: Connection, versions: Mapping[int, Any]) -> dict[int, frozenset[str]]:
    """The units that name another member's objects: whether those are hidden is not told."""
    units: dict[int, set[str]] = {contribution_id: set() for contribution_id in versions}
    for row in connection.execute(
        select(guard.c.contribution_id, guard.c.stix_id).where(
            guard.c.contribution_id.in_(list(versions))
        )
    ):
        references = load_facts(versions[row.contribution_id].facts).references
        units[row.contribution_id].update(references.get(row.stix_id, ()))
    return {contribution_id: frozenset(names) for contribution_id, names in units.items()}
