"""Events over a door: who records what about whom, and as what it is marked.

A State's own person puts its acts on record, self-reported; a secretariat what happened in its
forums, secretariat-recorded, on behalf of a State where it says so; a State may contest that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, select

from auth.reader import Reader
from auth.tables import forum
from kernel.errors import Forbidden
from norms.rules import words
from norms.services.documents import Row, bad
from norms.services.provenance import Scribe
from norms.services.recording import Recorded, record_events
from norms.services.rights import CLEARANCE, OWN_ACTS, check_secretariat_of, check_writes_for
from norms.tables import instrument, norm_event

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


def declare(
    connection: Connection, reader: Reader, document: Mapping[str, Any], *, now_us: int
) -> Sequence[Recorded]:
    """Record the events of a document as the reader may. All of them, or none.

    Raises BadInput with the place of a fault, Forbidden for what is not the reader's to record.
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
        for row in rows:
            _check_secretariats(connection, reader, row)
        scribe = Scribe(reader.actor, now_us, "secretariat-recorded")
        return record_events(connection, scribe, rows)
    own = [_as_own(connection, row, code) for row in rows]
    return record_events(connection, Scribe(reader.actor, now_us, "self-reported"), own)


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
    event = _find(connection, said)
    if event is None or event.party_code != code or event.source_class != "self-reported":
        raise Forbidden(
            "norms.not-its-own-act",
            f"{row.place}.corrects: a State corrects what it recorded itself; contest the rest",
        )


def _check_contests_what_concerns_it(connection: Connection, row: Row, code: str) -> None:
    event = _find(connection, row.text("refers_to"))
    about = event is not None and event.party_code in (None, code)
    if not about:
        raise Forbidden(
            "norms.not-its-own-act",
            f"{row.place}.refers_to: a State contests what was recorded of itself",
        )


def _check_secretariats(connection: Connection, reader: Reader, row: Row) -> None:
    kind = row.text("kind")
    if kind in (words.CONTEST, words.CONTEST_WITHDRAWAL):
        raise Forbidden("norms.not-its-own-act", f"{row.place}: only the State itself contests")
    for name in ("corrects", "refers_to"):
        said = row.find_text(name)
        event = _find(connection, said) if said is not None else None
        if event is not None:
            _check_instrument(connection, reader, event.instrument_id, row)
    named = row.find_text("instrument")
    if named is not None:
        _check_instrument(connection, reader, named, row)
    slug = row.find_text("forum")
    if slug is not None:
        found = connection.execute(select(forum.c.id).where(forum.c.slug == slug)).scalar()
        if found is not None:
            check_secretariat_of(connection, reader, found)


def _check_instrument(connection: Connection, reader: Reader, name: str, row: Row) -> None:
    """Its forum's secretariat records about an instrument; so does one whose forum adopts it."""
    forum_id = connection.execute(
        select(instrument.c.forum_id).where(instrument.c.id == name)
    ).scalar()
    adopts = row.find_text("forum") is not None and row.text("kind") == words.ADOPTION
    if forum_id is not None and not adopts:
        check_secretariat_of(connection, reader, forum_id)


def _find(connection: Connection, said: str) -> Any:  # noqa: ANN401 - a row of any shape
    return connection.execute(
        select(norm_event).where((norm_event.c.uuid == said) | (norm_event.c.key == said))
    ).first()
