"""One attempt at a piece of long work: whose it is, how far it is, and whether it is still ours.

Everything that is committed of it carries the number of the attempt (decision 19). What does not
live here: what is done (working).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, update

from auth.queries import find_seated
from auth.reader import Seated
from auth.rules import POLICY_OFFICER
from auth.services import reader_of_person
from kernel.db import Database
from kernel.errors import ComityError, Forbidden
from sharing.queries.collections import READING_ROLES, Collection, find_collection
from sharing.tables import job

_TELL_SECONDS: Final = 0.5


class LostError(Exception):
    """The work was cancelled, or another worker is at it: this one leaves it alone."""


@dataclass(slots=True)
class Work:
    """One attempt at a piece of work; `clock` gives the instant in µs."""

    database: Database
    clock: Callable[[], int]
    id: str
    attempt: int
    kind: str
    asked_by: str
    forum_id: int
    forum_slug: str
    collection: str | None
    name: str
    most_object_bytes: int
    simulation_id: str | None
    done: int
    result: dict[str, Any]
    told_at: float = field(default_factory=time.monotonic)

    def hold(self, connection: Connection, **told: Any) -> None:  # noqa: ANN401 - values of columns
        """Write down how far it is; what is in the same transaction goes with it, or not at all."""
        mine = (job.c.id == self.id, job.c.attempt == self.attempt, job.c.state == "running")
        # With nothing to tell it is still asked whether the work is this worker's.
        values = told or {"attempt": self.attempt}
        if not connection.execute(update(job).where(*mine).values(values)).rowcount:
            raise LostError

    def tell(self, done: int, total: int) -> None:
        """How far it is, now and then."""
        if time.monotonic() - self.told_at < _TELL_SECONDS:
            return
        self.told_at = time.monotonic()
        with self.database.write() as connection:
            self.hold(connection, done=done, total=total)

    def end(self, connection: Connection, **told: Any) -> None:  # noqa: ANN401 - values of columns
        """It is done."""
        self.hold(connection, state="done", ended_us=self.clock(), **told)

    def fail(self, refused: ComityError) -> None:
        """It cannot be done."""
        with self.database.write() as connection:
            self.hold(
                connection,
                state="failed",
                code=refused.code,
                reason=refused.message.replace("\0", "\ufffd"),
                ended_us=self.clock(),
            )

    def enter(self, connection: Connection) -> tuple[Seated, Collection | None]:
        """Who acts, and where, as it is now. Raises Forbidden where that may not be any more."""
        reader = reader_of_person(connection, self.asked_by)
        seated = find_seated(connection, reader, self.forum_slug)
        if seated is None:
            raise rights_lost("your member has no seat in this forum any more")
        if self.collection is None:
            if not reader.has_role(POLICY_OFFICER):
                raise rights_lost(f"you are no {POLICY_OFFICER} any more")
            return seated, None
        place = find_collection(connection, seated, self.collection)
        if place is None:
            raise rights_lost("the collection does not exist for you any more")
        return seated, place

    def enter_collection(self, connection: Connection) -> tuple[Seated, Collection]:
        """The same for work that has to do with a collection, to read it or to write to it."""
        seated, place = self.enter(connection)
        if place is None:
            raise TypeError("this work is about no collection")
        if self.kind == "import" and not place.may_be_written_by(seated):
            raise rights_lost("you may not write to this collection any more")
        if self.kind == "export" and not place.may_be_read_by(seated):
            raise rights_lost(f"this takes one of the roles {', '.join(READING_ROLES)}")
        return seated, place


def rights_lost(why: str) -> Forbidden:
    """The refusal that ends work whose asker may not do it any more."""
    return Forbidden("sharing.rights-lost", f"this was not done (any further): {why}")
