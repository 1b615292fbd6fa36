"""Events over a door: who records what about whom, and as what it is marked.

A State's own person puts its acts on record, self-reported; a secretariat what happened in its
forums, secretariat-recorded, on behalf of a State where it says so; a State may contest that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from auth.reader import Reader
from kernel.errors import Forbidden
from norms.rules import words
from norms.services.documents import Row, bad
from norms.services.provenance import Scribe
from norms.services.recording import Recorded, record_events
from norms.services.recordings import asks_second_person, wait_for_second
from norms.services.rights import CLEARANCE, OWN_ACTS, check_writes_for
from norms.services.secretariats import SOURCE_CLASS, find_named_event, record_as_secretariat

NAMES: Final = frozenset(
    {
        "key",
        "kind",
        "date",
        "instrument",
        "forum",
        "party",
        "provisions",
        "parties",
        "basis",
        "symbol",
        "refers_to",
        "corrects",
        "body",
        "notified",
        "territory",
        "authority",
        "articles",
        "language",
        "pins",
        "on_behalf_of",
        "source",
        "confidence",
        "note",
    }
)
MOST_EVENTS: Final = 1000


@dataclass(frozen=True, slots=True)
class Declared:
    """What has become of a document: the events that are on record, or what waits (its id)."""

    events: tuple[str, ...]
    waits: str | None = None


def declare(
    connection: Connection, reader: Reader, document: Mapping[str, Any], *, now_us: int
) -> Declared:
    """Record the events of a document as the reader may. All of them, or none.

    Where a secretariat asks for a second person, they wait for one. Raises BadInput with the place
    of a fault, Forbidden for what is not the reader's to record.
    """
    code = "" if reader.secretariat_of is not None else check_writes_for(reader, CLEARANCE)
    whole = Row(document, "")
    whole.check_names(frozenset({"events"}))
    rows = list(whole.rows("events"))
    if not 0 < len(rows) <= MOST_EVENTS:
        raise bad("events", f"write 1 to {MOST_EVENTS} events")
    for row in rows:
        row.check_names(NAMES)
    if reader.secretariat_of is not None:
        if asks_second_person(connection, reader):
            return Declared((), wait_for_second(connection, reader, rows, now_us=now_us))
        scribe = Scribe(reader.actor, now_us, SOURCE_CLASS)
        return _declared(record_as_secretariat(connection, reader, rows, scribe))
    own = [_as_own(connection, row, code) for row in rows]
    return _declared(record_events(connection, Scribe(reader.actor, now_us, "self-reported"), own))


def _declared(recorded: Sequence[Recorded]) -> Declared:
    return Declared(tuple(one.uuid for one in recorded))


def _as_own(connection: Connection, row: Row, code: str) -> Row:
    """The same as the State's own act; what it says of itself is certain to be said."""
    kind = row.text("kind")
    if kind not in OWN_ACTS:
        raise Forbidden(
            "norms.not-its-own-act", f"{row.place}: a {kind} is the secretariat's to record"
        )
    if row.find_text("party") not in (None, code) or row.find_text("on_behalf_of") is not None:
        raise Forbidden("norms.not-its-own-act", f"{row.place}: a State records its own acts alone")
    if row.find_text("basis") not in (None, "unilateral-declaration"):
        raise Forbidden(
            "norms.not-its-own-act",
            f"{row.place}: a State commits itself by unilateral-declaration",
        )
    _check_corrects_own(connection, row, code)
    if kind == words.CONTEST:
        _check_contests_what_concerns_it(connection, row, code)
    return Row({**row.value, "party": code, "confidence": "certain"}, row.place)


def _check_corrects_own(connection: Connection, row: Row, code: str) -> None:
    """A State corrects what it recorded of itself, and contests the rest."""
    said = row.find_text("corrects")
    if said is None:
        if row.text("kind") == words.ANNULMENT:
            raise bad(f"{row.place}.corrects", "name the event that is annulled")
        return
    event = find_named_event(connection, said)
    if event is None or event.party_code != code or event.source_class != "self-reported":
        raise Forbidden(
            "norms.not-its-own-act",
            f"{row.place}.corrects: a State corrects what it recorded itself; contest the rest",
        )


def _check_contests_what_concerns_it(connection: Connection, row: Row, code: str) -> None:
    event = find_named_event(connection, row.text("refers_to"))
    about = event is not None and event.party_code in (None, code)
    if not about:
        raise Forbidden(
            "norms.not-its-own-act",
            f"{row.place}.refers_to: a State contests what was recorded of itself",
        )
