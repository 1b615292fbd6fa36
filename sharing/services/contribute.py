"""Contribute: objects of one envelope into one collection, each standing or falling alone.

One transaction: what is admitted, its releases, its ledger entries and the status resource
are committed together or not at all. An answer is given only after the commit.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import orjson
from sqlalchemy import Connection, delete, insert, select, update

from auth.reader import Seated
from kernel.clock import format_instant
from kernel.db import Database
from kernel.errors import Forbidden
from kernel.rows import take_ids
from kernel.strictjson import DEFAULT_LIMITS, Limits
from sharing.gate.envelopes import read_envelope
from sharing.gate.objects import check_object
from sharing.gate.verdicts import Checked, RawObject, Refused
from sharing.queries.answered import Answered, is_answerable, unknown_answered
from sharing.queries.collections import Collection
from sharing.queries.contributions import Stored
from sharing.queries.guards import find_guards
from sharing.rules.telling import tell_each_blocker
from sharing.services.admission import Admission, Admitted, Door, Outcome, accepted_now, admit
from sharing.services.arriving import Arriving, write_derived
from sharing.services.decisions import Decisions
from sharing.services.forgetting import forget_statuses
from sharing.services.graph import Graph
from sharing.services.held import Before, hold_downgrades
from sharing.services.lock import LockedForum
from sharing.services.mentioning import keep_forms
from sharing.services.releasing import Releasing
from sharing.services.replacing import destroy_replaced, replace_versions
from sharing.services.second_hand import FeedDoor
from sharing.services.settling import hold_forum
from sharing.tables import (
    body,
    contribution,
    forum_head,
    status,
)

Seen = TypeVar("Seen")

_HELD = (
    "held: it is marked looser than the version before it and may reach more; a "
    "release-approver of your member confirms it, until then only your member sees it"
)
_NO_GRANT = "contributed; no share rule of your policy grants it, so only your member sees it"
_EMBARGOED = (
    "contributed; the share rules of your policy that grant it do not hold yet, so until one "
    "does only your member sees it"
)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of an envelope, in the order of its objects."""

    status_id: str
    requested_us: int
    outcomes: tuple[Outcome, ...]

    @property
    def successes(self) -> tuple[Outcome, ...]:
        """The objects that were contributed, or had been already."""
        return tuple(outcome for outcome in self.outcomes if outcome.is_success)

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """The objects that were refused."""
        return tuple(outcome for outcome in self.outcomes if not outcome.is_success)

    def document(self) -> dict[str, Any]:
        """The receipt as a TAXII status resource (TAXII 2.1 §4.3)."""
        document: dict[str, Any] = {
            "id": self.status_id,
            "status": "complete",
            "request_timestamp": format_instant(self.requested_us),
            "total_count": len(self.outcomes),
            "success_count": len(self.successes),
            "failure_count": len(self.failures),
            "pending_count": 0,
        }
        if self.successes:
            document["successes"] = [_detail(outcome) for outcome in self.successes]
        if self.failures:
            document["failures"] = [_detail(outcome) for outcome in self.failures]
        return document


Also = Callable[[Connection, Receipt], None]
"""Writes more in the transaction of a contribution, knowing what became of each object."""


def contribute(
    database: Database,
    seated: Seated,
    place: Collection,
    objects: bytes | Iterable[RawObject],
    *,
    now_us: int,
    limits: Limits = DEFAULT_LIMITS,
    answers: Answered | None = None,
    also: Also | None = None,
) -> Receipt:
    """Contribute a TAXII envelope, a bundle, or objects already taken apart, as one member.

    With `answers` (`find_answered`) everything is bound to that contribution: exactly those
    who see it are granted this, whatever the member's rules say (sharing policy §4, step 9).
    `also` is done in the same transaction, when all else is: what it raises undoes everything.

    Raises Forbidden when the reader may not write here, NotFound when it no longer sees what it
    answers, BadInput when the body as a whole cannot be read, TooLarge past the limits,
    Unavailable when nothing could be recorded.
    """
    door, checked = _check(seated, place, objects, now_us=now_us, limits=limits, answers=answers)
    with database.write() as connection:
        receipt = _Contributing(connection, door, seated, now_us).contribute(checked)
        if also is not None:
            also(connection, receipt)
        return receipt


def contribute_second_hand(
    database: Database,
    place: Collection,
    objects: Iterable[RawObject],
    feed: FeedDoor,
    also: Also,
    *,
    now_us: int,
) -> Receipt:
    """Contribute what a feed brings as its owner (sharing policy §5): what the same feed delivered
    before is replaced, what was deleted stays deleted.

    `also` writes what must be committed together with it: the feed's position. Raises as
    `contribute`.
    """
    door, checked = _check(
        feed.seated, place, objects, now_us=now_us, limits=DEFAULT_LIMITS, answers=None
    )
    with database.write() as connection:
        contributing = _Contributing(connection, replace(door, feed=feed), feed.seated, now_us)
        receipt = contributing.contribute(checked)
        also(connection, receipt)
        return receipt


def rehearse(
    database: Database,
    seated: Seated,
    place: Collection,
    objects: bytes | Iterable[RawObject],
    look: Callable[[Connection, Receipt], Seen],
    *,
    now_us: int,
    limits: Limits = DEFAULT_LIMITS,
    answers: Answered | None = None,
) -> Seen:
    """What `look` sees of the world in which this had been contributed; then nothing of it was.

    Raises as `contribute`.
    """
    door, checked = _check(seated, place, objects, now_us=now_us, limits=limits, answers=answers)
    seen: list[Seen] = []
    with suppress(_NothingWasDoneError), database.write() as connection:
        receipt = _Contributing(connection, door, seated, now_us).contribute(checked)
        seen.append(look(connection, receipt))
        # Leaving by an error is what undoes a transaction.
        raise _NothingWasDoneError
    return seen[0]


def _check(
    seated: Seated,
    place: Collection,
    objects: bytes | Iterable[RawObject],
    *,
    now_us: int,
    limits: Limits,
    answers: Answered | None,
) -> tuple[Door, list[Checked | Refused]]:
    if not seated.may_contribute_as(place.write_roles) or seated.member_id is None:
        raise Forbidden("sharing.read-only", "you may read this collection but not write to it")
    raws = read_envelope(objects, limits=limits) if isinstance(objects, bytes) else objects
    checked = [check_object(raw, now_us=now_us) for raw in raws]
    return Door(place.forum_id, place.id, seated.member_id, place.unmarked_as, answers), checked


class _NothingWasDoneError(Exception):
    """Ends a rehearsal."""


class _Contributing:
    def __init__(self, connection: Connection, door: Door, seated: Seated, now_us: int) -> None:
        self._connection = connection
        self._door = door
        self._seated = seated
        self._now_us = now_us

    def contribute(self, checked: Sequence[Checked | Refused]) -> Receipt:
        seq = self._connection.execute(
            select(forum_head.c.seq).where(forum_head.c.forum_id == self._door.forum_id)
        ).scalar()
        admission = admit(self._connection, self._door, checked)
        # Bytes go in before the lock is taken, so that it is held for as short as can be.
        bodies = _insert_bodies(self._connection, admission.admitted)
        lock = hold_forum(self._connection, self._door.forum_id, now_us=self._now_us)
        answers = self._door.answers
        if answers is not None and not is_answerable(self._connection, self._seated, answers):
            raise unknown_answered(answers.named)
        if lock.seq != seq:
            admission, bodies = self._admit_again(checked, bodies)
        outcomes = [*admission.settled, *self._write(lock, admission, bodies)]
        receipt = Receipt(
            str(uuid.uuid4()), self._now_us, tuple(sorted(outcomes, key=lambda o: o.index))
        )
        if self._door.feed is None:
            self._keep_status(receipt)
        lock.save()
        return receipt

    def _admit_again(
        self, checked: Sequence[Checked | Refused], bodies: dict[int, int]
    ) -> tuple[Admission, dict[int, int]]:
        """Somebody wrote between our look and our lock: look once more, now alone."""
        admission = admit(self._connection, self._door, checked)
        wanted = {admitted.index for admitted in admission.admitted}
        spare = [body_id for index, body_id in bodies.items() if index not in wanted]
        if spare:
            self._connection.execute(delete(body).where(body.c.id.in_(spare)))
        missing = [entry for entry in admission.admitted if entry.index not in bodies]
        return admission, bodies | _insert_bodies(self._connection, missing)

    def _write(
        self, lock: LockedForum, admission: Admission, bodies: dict[int, int]
    ) -> list[Outcome]:
        if not admission.admitted:
            return []
        cause = lock.append(
            "contribute", f"collection:{self._door.collection_id}", self._seated.reader.actor
        )
        fresh = sum(admitted.is_fresh for admitted in admission.admitted)
        ids = iter(take_ids(self._connection, contribution, fresh))
        contributed = [
            (admitted, self._stored(lock, admitted, bodies[admitted.index], ids))
            for admitted in sorted(admission.admitted, key=lambda entry: entry.index)
        ]
        decisions = Decisions(self._connection, self._door.forum_id, lock.now_us)
        added = [stored for admitted, stored in contributed if admitted.revives is None]
        guards = find_guards(self._connection, self._seated, added)
        before = Before(
            Graph(self._connection, lock.forum_id, decisions),
            Graph(self._connection, lock.forum_id, decisions, Arriving({}, guards)),
        )
        contributed = hold_downgrades(before, decisions, admission.copies, contributed)
        arriving = self._arriving(lock, contributed, guards)
        stored = [stored for _, stored in contributed]
        revived = {copy.id for copy in stored}
        replaced = [a.replaces for a in admission.admitted if a.replaces is not None]
        releasing = Releasing(lock, decisions, cause, replaced=replaced, arriving=arriving)
        earlier = [copy for copy in admission.copies if copy.id not in revived]
        known = {copy.stix_id for copy in admission.copies}
        releasing.release_copies(
            [*earlier, *stored],
            frozenset(
                (copy.collection_id, copy.stix_id)
                for copy in stored
                if copy.stix_id not in known and not copy.facts.is_statement
            ),
        )
        releasing.finish()
        destroy_replaced(self._connection, replaced)
        # Who meets reciprocity is not the member's to know.
        told = decisions
        if decisions.has_reciprocity(self._door.originator_id):
            told = Decisions(
                self._connection, self._door.forum_id, lock.now_us, assume_reciprocity=True
            )
        return [
            accepted_now(admitted, _message(told, copy))
            for (admitted, _), copy in zip(contributed, stored, strict=True)
        ]

    def _stored(
        self, lock: LockedForum, admitted: Admitted, body_id: int, ids: Iterator[int]
    ) -> Stored:
        """The contribution as it will be kept; a new one takes the next of the `ids`."""
        subject = f"{admitted.checked.stix_id} {admitted.checked.version_us}"
        if admitted.revives is not None:
            lock.append("revive", subject, self._seated.reader.actor)
            state = "held" if admitted.revives.is_held else "standing"
            return replace(
                admitted.revives,
                state=state,
                body_id=body_id,
                seen_since_us=lock.now_us,
                contributed_by=self._seated.reader.actor,
            )
        feed_id = self._door.feed.feed_id if self._door.feed else None
        if admitted.replaces is not None:
            lock.append("replace", subject, self._seated.reader.actor)
            # What nobody has confirmed goes on waiting, whatever takes its place.
            is_held = admitted.replaces.is_held
            return replace(
                admitted.replaces,
                version_us=admitted.checked.version_us,
                digest=admitted.checked.digest,
                tlp=admitted.tlp,
                facts=admitted.facts,
                body_id=body_id,
                state="held" if is_held else "standing",
                is_held=is_held,
                contributed_by=self._seated.reader.actor,
            )
        return Stored(
            id=next(ids),
            collection_id=self._door.collection_id,
            originator_id=self._door.originator_id,
            stix_id=admitted.checked.stix_id,
            stix_type=admitted.checked.stix_type,
            version_us=admitted.checked.version_us,
            digest=admitted.checked.digest,
            tlp=admitted.tlp,
            facts=admitted.facts,
            body_id=body_id,
            state="standing",
            seq=lock.append("version", subject, self._seated.reader.actor),
            contributed_us=lock.now_us,
            bound_id=self._door.answers.contribution_id if self._door.answers else None,
            contributed_by=self._seated.reader.actor,
            feed_id=feed_id,
        )

    def _arriving(
        self,
        lock: LockedForum,
        contributed: list[tuple[Admitted, Stored]],
        guards: list[dict[str, Any]],
    ) -> Arriving:
        """Write what is stored already anew; what is not yet arrives once it has been decided."""
        for admitted, stored in contributed:
            if admitted.revives is not None:
                self._revive(stored)
        renewed = [stored for admitted, stored in contributed if admitted.replaces is not None]
        replace_versions(self._connection, renewed)
        fresh = {stored.id: stored for admitted, stored in contributed if admitted.is_fresh}
        kept = [row for row in guards if row["contribution_id"] not in fresh]
        write_derived(lock, renewed, kept)
        return Arriving(fresh, [row for row in guards if row["contribution_id"] in fresh])

    def _revive(self, stored: Stored) -> None:
        self._connection.execute(
            update(contribution)
            .where(contribution.c.id == stored.id)
            .values(
                state=stored.state,
                is_held=stored.is_held,
                body_id=stored.body_id,
                seen_since_us=stored.seen_since_us,
                contributed_by=stored.contributed_by,
            )
        )

    def _keep_status(self, receipt: Receipt) -> None:
        forget_statuses(self._connection, now_us=self._now_us)
        self._connection.execute(
            insert(status).values(
                id=receipt.status_id,
                forum_id=self._door.forum_id,
                collection_id=self._door.collection_id,
                member_id=self._door.originator_id,
                requested_us=receipt.requested_us,
                document=orjson.dumps(receipt.document()),
            )
        )


def _insert_bodies(connection: Connection, admitted: list[Admitted]) -> dict[int, int]:
    checked = [entry.checked for entry in admitted]
    ids = keep_forms(connection, [each.raw for each in checked], (each.value for each in checked))
    return dict(zip((entry.index for entry in admitted), ids, strict=True))


def _message(decisions: Decisions, stored: Stored) -> str:
    """What the originator should know about who will see a contribution of its own."""
    if stored.facts.is_statement:
        return ""
    if stored.facts.blockers:
        reasons = tell_each_blocker(stored.facts.blockers)
        return f"contributed; only your member sees it: {reasons}"
    if stored.is_held:
        return _HELD
    if stored.bound_id is not None:
        # Who else sees what it answers is not the member's to know.
        return ""
    facts = decisions.facts_of(stored)
    own = decisions.own_of(stored.originator_id)
    granted, opened = decisions.grants_of(stored, facts)
    if granted.visible & ~own:
        return ""
    return _EMBARGOED if opened.visible & ~own else _NO_GRANT


def _detail(outcome: Outcome) -> dict[str, str]:
    detail = {"id": outcome.stix_id, "version": outcome.version}
    if outcome.message:
        detail["message"] = outcome.message
    return detail
