"""Push: a recipient's view to a partner's collection, in order, and back what it sees no more.

What does not live here: what is in the view (queries.pushing) and what is recorded of it
(services.feeds.pushing).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from kernel.clock import format_version, parse_instant
from kernel.db import Database
from kernel.errors import BadInput
from kernel.outbound.errors import BudgetSpent, StatusRefused
from kernel.strictjson import content_digest, loads, read_element
from sharing.feeds.remote.place import Place
from sharing.feeds.remote.values import RemoteStatus
from sharing.queries.pushing import Outstanding, Sendable
from sharing.rules.walking import Position
from sharing.services.feeds.pushing import (
    UNENDING,
    Batch,
    Pushing,
    Refusals,
    TakenBack,
    list_to_withdraw,
    narrowed_batch,
    next_batch,
    record_sent,
    record_withdrawn,
)
from sharing.services.feeds.runs import Tally

BATCH: Final = 200
_MOST_LOOKED_FOR: Final = 100
"""Of the objects of one envelope that a partner calls failed."""
_UNSAID: Final = "the partner did not take it and did not say why"
_HAS_NEITHER: Final = (
    "the partner deleted the whole version and does not take the part that is still seen, so it "
    "has neither"
)
_NOT_DELETED: Final = frozenset({400, 403, 404, 405, 409, 410, 422, 501})


@dataclass(slots=True)
class Push:
    """One run of a push: withdraws, then sends until nothing is left or the budget is spent."""

    database: Database
    pushing: Pushing
    place: Place
    most_bytes: int
    tally: Tally
    now_us: Callable[[], int]
    goes_on: Callable[[], bool]

    def run(self, position: Position) -> bool:
        """Send what comes after `position`; whether the end was reached.

        Raises OutboundError and ComityError for what ends a run. Repeating what was sent does no
        harm: equal content is nothing new to a TAXII server.
        """
        try:
            self._withdraw(position)
            while self.goes_on():
                batch = next_batch(
                    self.database,
                    self.pushing,
                    position,
                    most=BATCH,
                    most_bytes=self.most_bytes,
                    now_us=self.now_us(),
                )
                if batch is None:
                    return True
                refused = self._send(batch) if batch.rows else {}
                self.tally = record_sent(
                    self.database,
                    self.pushing,
                    batch,
                    refused,
                    position,
                    self.tally,
                    now_us=self.now_us(),
                )
                position = batch.after
        except BudgetSpent:
            pass
        return False

    def _send(self, batch: Batch) -> Refusals:
        """The objects that the partner did not take, with its reasons.

        A body that it refuses as a whole is sent object by object, so that one does not keep back
        the others.
        """
        try:
            return self._lacking(batch, _refused(batch, self.place.post(batch.envelope())))
        except StatusRefused as fault:
            if fault.answered not in (400, 413, 422):
                raise
            if len(batch.rows) == 1:
                return {(batch.rows[0].stix_id, batch.rows[0].version_us): fault.message}
        refused: dict[tuple[str, int | None], str] = {}
        for row in batch.rows:
            refused |= self._send(Batch([row], batch.after))
        return refused

    def _lacking(self, batch: Batch, refused: Refusals) -> Refusals:
        """Of what the partner calls failed, what it does not have: some call so what is there
        already (medallion), after a reply that was lost."""
        rows = {(row.stix_id, row.version_us): row for row in batch.rows}
        looked = [key for key in list(refused)[:_MOST_LOOKED_FOR] if key in rows]
        has = {key for key in looked if self._has(rows[key])}
        return {key: why for key, why in refused.items() if key not in has}

    def _has(self, row: Sendable) -> bool:
        """Whether the partner shows that very content under that version."""
        if not self.place.info.can_read:
            return False
        own = content_digest(loads(row.content))
        return any(
            each.fault is None and content_digest(each.value) == own
            for each in map(read_element, self._shown(row.stix_id, row.version_us))
        )

    def _shown(self, stix_id: str, version_us: int | None) -> Sequence[bytes]:
        version = format_version(version_us) if version_us else None
        return self.place.find(stix_id, version)

    def _withdraw(self, position: Position) -> None:
        while self.goes_on():
            outstanding = list_to_withdraw(
                self.database, self.pushing, most=BATCH, now_us=self.now_us()
            )
            if not outstanding:
                return
            for one in outstanding:
                self._take_back(position, one)

    def _take_back(self, position: Position, one: Outstanding) -> None:
        """Have the partner delete a version, and send what the recipient still sees of it.

        What the partner keeps is recorded as recalled. Recorded at once, when all is done: what is
        cut off is done again.
        """
        version = format_version(one.version_us) if one.version_us else None
        reason = "the recipient sees less of it than was sent" if one.is_narrowed else ""
        try:
            is_gone = self.place.delete(one.stix_id, version)
        except StatusRefused as fault:
            if fault.answered not in _NOT_DELETED:
                raise
            is_gone, reason = False, f"the partner does not delete it (HTTP {fault.answered})"
        else:
            # What it does not know it does not keep.
            reason = reason or ("" if is_gone else "the partner had it no more")
            is_gone = not (is_gone and self.place.info.can_read and self._shown(*_named(one)))
            if not is_gone:
                reason = "the partner says that it deleted it, and still shows it"
        rest: Sequence[Sendable] = ()
        refused: Refusals = {}
        if is_gone and one.is_narrowed:
            batch = narrowed_batch(self.database, self.pushing, position, one, now_us=self.now_us())
            rest, refused = batch.rows, self._send(batch) if batch.rows else {}
            refused = {
                key: why if why == UNENDING else f"{_HAS_NEITHER}: {why}"
                for key, why in refused.items()
            }
        self.tally = record_withdrawn(
            self.database,
            self.pushing,
            TakenBack(one, is_gone, reason, rest, refused),
            self.tally,
            now_us=self.now_us(),
        )


def _named(one: Outstanding) -> tuple[str, int | None]:
    return one.stix_id, one.version_us


def _refused(batch: Batch, status: RemoteStatus) -> Refusals:
    """What the partner's status names as failed; where it names nothing, everything."""
    ids = {row.stix_id for row in batch.rows}
    sent = {(row.stix_id, row.version_us) for row in batch.rows}
    told: dict[tuple[str, int | None], str] = {}
    for one in status.failures:
        named = (one.id, _version_us(one.version))
        if one.id in ids:
            # Some write a version in another way: then it is whichever was sent.
            told[named if named in sent else (one.id, None)] = one.message or _UNSAID
    if told:
        return told
    if not status.is_complete:
        return {(row.stix_id, row.version_us): UNENDING for row in batch.rows}
    if status.failure_count:
        return {(row.stix_id, row.version_us): _UNSAID for row in batch.rows}
    return {}


def _version_us(text: str) -> int | None:
    try:
        return parse_instant(text)
    except BadInput:
        return None
